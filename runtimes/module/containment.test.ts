import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { containment } from "./containment.ts";
import { isOpen, isOpenInProcess } from "./open-to-modules.ts";
import { descendantsOf, rows, runner } from "./runner.test.support.ts";
import type { Outcome } from "./try-attacks.test.support.ts";

const SCRIPT = fileURLToPath(new URL("./try-attacks.test.support.js", import.meta.url));
const SETPRIV = "/usr/bin/setpriv";
const NOBODY = "65534";
/** Node's loader reads the bundle through them; for any other path they are refused. */
const READERS = ["fs.readFileSync", "fs.realpathSync", "fs/promises.readFile"];

async function attacked(command: string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const [first, ...args] = [...command, process.execPath, SCRIPT];
  const { stdout } = await promisify(execFile)(first!, args, { env: { ...process.env, ...env } });
  const outcome = JSON.parse(stdout) as Outcome;
  assert.deepEqual(outcome.through, []);
  assert.ok(outcome.unharmed, "an attack changed a file");
  assert.ok(outcome.tried > 80, `${outcome.tried} attacks`);
  const unexpected = outcome.open.filter((name) => !isExpected(name));
  assert.deepEqual(unexpected, []);
  assert.ok(outcome.functions > 900, `${outcome.functions} functions of Node looked at`);
  return outcome;
}

function isExpected(name: string): boolean {
  const dot = name.indexOf(".");
  const [builtin, member] = [name.slice(0, dot), name.slice(dot + 1)];
  if (builtin === "process") return isOpenInProcess(member);
  return READERS.includes(name) || isOpen(builtin, member, false);
}

it("no attack gets out of a module's process", async () => {
  const { namespaces } = await attacked([]);
  assert.equal(namespaces, (await containment()).namespaces);
});

it("no attack gets out where the kernel allows no namespaces", async () => {
  assert.equal((await attacked([], { RATCHET_NAMESPACES: "off" })).namespaces, false);
});

const asNobody = async (): Promise<string | false> => {
  if (process.getuid?.() !== 0) return "needs root";
  const usable = await Promise.all([
    access(SETPRIV, constants.X_OK),
    mayRead(SCRIPT),
    mayRead(process.execPath),
  ]).then(
    () => true,
    () => false,
  );
  return !usable && "another user cannot read this checkout, or setpriv is missing";
};
const mayRead = (path: string): Promise<unknown> =>
  promisify(execFile)(SETPRIV, ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "/bin/cat", path], {
    encoding: "buffer",
    maxBuffer: 1e9,
  });

it("no attack of an ordinary user's module gets out", { skip: await asNobody() }, async () => {
  const user = [SETPRIV, "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];
  assert.equal((await attacked(user, { HOME: "/", TMPDIR: "/tmp" })).uid, Number(NOBODY));
});

const NO_NAMESPACES = (await containment()).reason ?? false;

it(
  "a module has namespaces, no privilege and a file system of its own",
  { skip: NO_NAMESPACES },
  async () => {
    const reward = await runner("reward", "export default (rows) => rows.map(() => process.pid);");
    assert.deepEqual(await reward.call(rows), [1, 1]);
    const pid = (await descendantsOf(process.pid)).at(-1)!;
    for (const space of ["user", "pid", "mnt", "net", "ipc"])
      assert.notEqual(
        await readlink(`/proc/${pid}/ns/${space}`),
        await readlink(`/proc/self/ns/${space}`),
        space,
      );
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    assert.match(status, /^CapEff:\s+0+$/m);
    assert.match(status, /^CapBnd:\s+0+$/m);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    const limits = await readFile(`/proc/${pid}/limits`, "utf8");
    assert.match(limits, /^Max file size\s+0\s+0\s/m);
    assert.match(limits, /^Max core file size\s+0\s+0\s/m);
    const seen = await readdir(`/proc/${pid}/root/`);
    for (const hidden of ["home", "run", "var", "srv", "mnt", "sys"])
      assert.ok(!seen.includes(hidden), hidden);
    assert.deepEqual(
      (await readdir(`/proc/${pid}/root/etc`)).filter((name) => /shadow|ssh|ssl/.test(name)),
      [],
    );
  },
);

it("only a module whose spec says `network: true` reaches a server", async () => {
  const server = createServer((_, response) => response.end("7")).listen(0, "127.0.0.1");
  const { port } = await new Promise<AddressInfo>((resolve) =>
    server.once("listening", () => resolve(server.address() as AddressInfo)),
  );
  const source = `export default async (rows) => {
    const answer = await fetch("http://127.0.0.1:${port}").catch((error) => { throw error.cause ?? error; });
    return Array(rows.length).fill(Number(await answer.text()));
  };`;
  try {
    assert.deepEqual(await (await runner("reward", source, { network: true })).call(rows), [7, 7]);
    await assert.rejects((await runner("reward", source)).call(rows), {
      code: "module_threw",
      message: /the network is closed to this module: its section in the spec needs `network: true`/,
    });
  } finally {
    server.close();
  }
});

it("variables of the module reach it and not the process's own environment", async () => {
  const source = `export default (rows) => rows.map(() => Number(process.env.NODE_OPTIONS === "--no-such"));`;
  const env = { NODE_OPTIONS: "--no-such", LD_PRELOAD: "/nowhere.so" };
  assert.deepEqual(await (await runner("reward", source, { env })).call(rows), [1, 1]);
});
