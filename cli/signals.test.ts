// A signal at each moment of the start of `run` and `dev`, and of a verb that starts nothing.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isRunning, processStart } from "../host/lock.mjs";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ratchet-signals-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let places = 0;

/** Ends when its stdin does, which is never: the command is at the moment that the file marks. */
const HANG = 'require("fs").writeFileSync(process.env.AT, String(process.pid)); setInterval(() => {}, 1e6);';

/** A Temporal CLI that hangs, or of which a server never answers. */
function fakeTemporal(place: string, hangs: "version" | "server"): string {
  const path = join(place, "temporal");
  const version = hangs === "version" ? HANG : 'console.log("temporal version 1 (Server 1.31.0)");';
  const script = `if (process.argv[2] === "--version") { ${version} } else { ${HANG} }`;
  writeFileSync(path, `#!${process.execPath}\n${script}\n`, { mode: 0o755 });
  return path;
}

const SPEC = "campaign.mjs";
const HANGING_SPEC = `import { writeFileSync } from "node:fs";
writeFileSync(process.env.AT, String(process.pid));
await new Promise((resolve) => setInterval(resolve, 1e9));
export default {};
`;

interface Moment {
  args: string[];
  prepare(place: string): NodeJS.ProcessEnv;
}

const MOMENTS: Record<string, Moment> = {
  "`validate` reads the campaign file": {
    args: ["validate", SPEC],
    prepare: (place) => (writeFileSync(join(place, SPEC), HANGING_SPEC), {}),
  },
  "`run` reads the campaign file": {
    args: ["run", SPEC],
    prepare: (place) => (writeFileSync(join(place, SPEC), HANGING_SPEC), {}),
  },
  "`dev` asks Temporal's CLI for its version": {
    args: ["dev"],
    prepare: (place) => ({ RATCHET_TEMPORAL: fakeTemporal(place, "version") }),
  },
  "`dev` waits for the server": {
    args: ["dev"],
    prepare: (place) => ({ RATCHET_TEMPORAL: fakeTemporal(place, "server") }),
  },
  "`dev` waits for the children of an earlier tree": {
    args: ["dev"],
    prepare(place) {
      const lock = join(place, ".ratchet", "parent-watch.lock");
      mkdirSync(lock, { recursive: true });
      const owner = { pid: process.pid, processStart: processStart(process.pid) };
      writeFileSync(join(lock, "owner.json"), JSON.stringify({ ...owner, host: "elsewhere", since: "" }));
      return { AT_FOLDER: join(place, ".ratchet", "dev.lock") };
    },
  },
};

/** Resolves when the command has come to the moment. */
async function reached(env: NodeJS.ProcessEnv, child: ChildProcess): Promise<number | undefined> {
  const [file, lock] = [env["AT"] as string, env["AT_FOLDER"]];
  while (child.exitCode === null && child.signalCode === null) {
    if (lock !== undefined && existsSync(lock)) return undefined;
    const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
    if (pid > 0) return pid;
    await sleep(20);
  }
  return undefined;
}

for (const [moment, { args, prepare }] of Object.entries(MOMENTS))
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    it(`${signal} while ${moment} gives 130 and leaves no child, lock or stack`, async () => {
      const place = join(folder, String(places++));
      mkdirSync(place);
      const own = Object.entries(process.env).filter(
        ([name]) => !/^(TEMPORAL|RATCHET|NODE_TEST)_/.test(name),
      );
      const base = { ...Object.fromEntries(own), HOME: place, XDG_CONFIG_HOME: place, AT: join(place, "at") };
      const env = { ...base, ...prepare(place) };
      const child = spawn(process.execPath, [MAIN, ...args], {
        cwd: place,
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let printed = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
      const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
        child.once("close", (code, by) => resolve([code, by])),
      );
      const inner = await reached(env, child);
      child.kill(signal);
      assert.deepEqual(await ended, [130, null], printed);
      assert.doesNotMatch(printed, /^\s+at /m);
      assert.ok(!existsSync(join(place, ".ratchet", "dev.lock")), "the folder is free");
      if (inner !== undefined) await until(() => !isRunning(inner));
    });

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20);
}
