import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { descendantsOf, eventually, folder, isRunning, rows, runner } from "./runner.test.support.ts";

const NO_PROC = !existsSync("/proc/self/task") && "needs /proc";

it("a reward module answers batches one after the other in one process", async () => {
  const reward = await runner(
    "reward",
    "let calls = 0; export default (rows) => rows.map((row) => row.answer.text.length + 10 * calls++);",
  );
  assert.deepEqual(await Promise.all([reward.call(rows), reward.call(rows)]), [
    [1, 12],
    [21, 32],
  ]);
});

it("an exception of the module is an error with its message, and the next call is answered", async () => {
  const reward = await runner(
    "reward",
    "export default (rows) => { if (rows.length > 1) throw new Error('no words for this'); return [1]; };",
  );
  await assert.rejects(reward.call(rows), {
    kind: "scoring",
    code: "module_threw",
    retryable: false,
    message: /no words for this/,
  });
  assert.deepEqual(await reward.call(rows.slice(1)), [1]);
});

it("whatever a module throws is its error, also what cannot be read and what is very long", async () => {
  const reward = await runner(
    "reward",
    `const fail = () => { throw new Error("again"); };
     const values = [
       { get message() { return fail(); } }, { message: { toString: fail } }, new Proxy({}, { get: fail }),
       Object.create(null), Symbol("s"), 1n, null, undefined, { message: Symbol("t") },
       new Error("x".repeat(1e8)), { message: "y", stack: "z".repeat(1e8) },
     ];
     export default (rows) => { throw values[Number(rows[0].prompt.id)]; };`,
  );
  for (let index = 0; index < 11; index++) {
    const row = { ...rows[0]!, prompt: { id: String(index), prompt: "say" } };
    await assert.rejects(
      reward.call([row]),
      (error: { code: string; retryable: boolean; message: string }) =>
        error.code === "module_threw" && !error.retryable && error.message.length < 21_000,
      `value ${index}`,
    );
  }
});

it("a module may mark its error as retryable", async () => {
  const judge = await runner(
    "reward",
    "export default () => { throw Object.assign(new Error('429'), { retryable: true }); };",
  );
  await assert.rejects(judge.call(rows), { code: "module_threw", retryable: true });
});

for (const [what, source, told] of [
  ["NaN", "(rows) => rows.map((_, i) => (i === 1 ? NaN : 0))", /NaN for row 1/],
  ["an infinite reward", "(rows) => rows.map(() => Infinity)", /Infinity for row 0/],
  ["text for a number", "(rows) => rows.map(() => '3')", /"3" for row 0/],
  ["too few rewards", "() => [1]", /answered 1 entries in place of 2/],
  ["no list", "() => ({})", /which is not a list/],
] as const) {
  it(`${what} is refused with the row or the count`, async () => {
    const reward = await runner("reward", `export default ${source};`);
    await assert.rejects(reward.call(rows), { code: "module_bad_result", message: told });
  });
}

it("a judge must answer probabilities", async () => {
  const judge = await runner("judge", "export default (rows) => rows.map(() => 1.5);");
  const row = {
    prompt: { id: "a", prompt: "say" },
    first: { text: "x", finish: "eos" as const },
    second: { text: "y", finish: "eos" as const },
    seed: "0",
  };
  await assert.rejects(judge.call([row]), {
    code: "module_bad_result",
    message: /1\.5 for row 0, which is not a probability/,
  });
});

it("true rewards keep their parts; a part that is not a number is refused", async () => {
  const gold = await runner(
    "gold",
    `export default (rows) =>
      rows.map((row) => ({ total: 1, parts: { day: row.answer.text === 'bb' ? NaN : 1 } }));`,
  );
  assert.deepEqual(await gold.call(rows.slice(0, 1)), [{ total: 1, parts: { day: 1 } }]);
  await assert.rejects(gold.call(rows), {
    code: "module_bad_result",
    message: /NaN at parts\.day for row 1, which is not a finite number/,
  });
});

it("a prompts module is called with split and count, and must return that many", async () => {
  const prompts = await runner(
    "prompts",
    `export default ({ split, count }) =>
      Array.from({ length: split === 'test' ? 1 : count }, (_, i) => ({ id: split + i, prompt: 'p' + i }));`,
  );
  assert.equal((await prompts.call({ seed: "s", split: "online", count: 3 })).length, 3);
  await assert.rejects(prompts.call({ seed: "s", split: "test", count: 3 }), { code: "module_bad_result" });
});

it("a module that loops or waits forever is killed at its time limit", async () => {
  for (const body of ["{ for (;;); }", "new Promise(() => {})"]) {
    const reward = await runner(
      "reward",
      `export default (rows) => rows.length > 1 ? (() => ${body})() : [7];`,
      { timeoutMs: 1500 },
    );
    await assert.rejects(reward.call(rows), { code: "module_timeout", message: /2 rows within 1.5 s/ });
    assert.deepEqual(await reward.call(rows.slice(1)), [7], "a fresh process answers the next call");
  }
});

it("a module whose import never ends is killed at its time limit", async () => {
  for (const body of ["for (;;);", "await new Promise(() => {});"]) {
    const reward = await runner("reward", `${body} export default (rows) => rows.map(() => 1);`, {
      timeoutMs: 1000,
    });
    await assert.rejects(reward.call(rows), { code: "module_timeout", message: /2 rows within 1 s/ });
  }
});

it("the second timeout in a row is final; an answer or a final failure restarts the count", async () => {
  const reward = await runner(
    "reward",
    "export default (rows) => rows.length > 1 ? new Promise(() => {}) : [7];",
    { timeoutMs: 1000 },
  );
  const timeout = (retryable: boolean, message: RegExp) =>
    assert.rejects(reward.call(rows), { code: "module_timeout", retryable, message });
  await timeout(true, /module did not answer/);
  await reward.call(rows.slice(1));
  await timeout(true, /module did not answer/);
  await timeout(false, /module again did not answer 2 rows/);
  await timeout(true, /module did not answer/);
});

it("the third death in a row is final", async () => {
  const reward = await runner("reward", "export default () => process.exit(3);");
  for (const retryable of [true, true, false, true])
    await assert.rejects(reward.call(rows), { code: "module_died", retryable });
});

it("the death of a module's process is an error with exit code and last output", async () => {
  const reward = await runner(
    "reward",
    "export default () => { console.error('giving up'); process.exit(3); };",
  );
  await assert.rejects(reward.call(rows), {
    code: "module_died",
    message: /exit code 3; its last output: giving up/,
  });
});

it("a module that cannot be loaded is an error with the reason", async () => {
  const broken = await runner("reward", "import 'no-such-package'; export default () => [];");
  await assert.rejects(broken.call(rows), { code: "module_threw" });
  const noFunction = await runner("reward", "export default 3;");
  await assert.rejects(noFunction.call(rows), {
    code: "module_threw",
    message: /default export is not a function/,
  });
});

it("a module reads no other file, starts no process and sees only the spec's environment", async () => {
  const secret = join(folder, "gold.mjs");
  await writeFile(secret, "export default 1;");
  const source = `
    import { readFileSync, writeFileSync } from "node:fs";
    import { execSync } from "node:child_process";
    const denied = async (act) => {
      const codes = ["ERR_ACCESS_DENIED", "ERR_MODULE_NOT_FOUND"];
      try { await act(); return 0; } catch (error) { return codes.includes(error.code) ? 1 : 0; }
    };
    export default async () => [
      await denied(() => readFileSync(${JSON.stringify(secret)})),
      await denied(() => import(${JSON.stringify(secret)})),
      await denied(() => execSync("true")),
      await denied(() => writeFileSync("here", "x")),
      process.env.GIVEN === "yes" && process.env.PATH === undefined && process.env.HOME === undefined ? 1 : 0,
    ];`;
  const gold = await runner("reward", source, { env: { GIVEN: "yes" } });
  const five = Array.from({ length: 5 }, () => rows[0]!);
  assert.deepEqual(await gold.call(five), [1, 1, 1, 1, 1]);
});

for (const [when, ms] of [
  ["while its process starts", 0],
  ["while it computes", 3000],
] as const) {
  it(`a call that is aborted ${when} ends with the signal's reason`, async () => {
    const reward = await runner("reward", "export default () => new Promise(() => {});");
    const stop = new AbortController();
    const call = assert.rejects(reward.call(rows, stop.signal), /draining/);
    await setTimeout(ms);
    stop.abort(new Error("draining"));
    await call;
  });
}

it("a signal to the whole process group does not interrupt a call", { skip: NO_PROC }, async () => {
  const source = `export default async (rows) => {
      await new Promise((resolve) => setTimeout(resolve, rows.length > 1 ? 2000 : 0));
      return rows.map(() => 1);
    };`;
  const reward = await runner("reward", source);
  await reward.call(rows.slice(1));
  const call = reward.call(rows);
  await setTimeout(500);
  for (const pid of await descendantsOf(process.pid))
    for (const signal of ["SIGINT", "SIGTERM", "SIGUSR1"] as const) process.kill(pid, signal);
  assert.deepEqual(await call, [1, 1]);
});

/** A worker that calls a module once and prints its own descendants, or serves the call without an end. */
const worker = (source: string, afterwards: string): Promise<ChildProcess> =>
  writeFile(join(folder, "of-worker.mjs"), source).then(() => {
    const options = { role: "reward", blobPath: join(folder, "of-worker.mjs"), timeoutMs: 600_000 };
    const script = `
      import { createModuleRunner } from ${JSON.stringify(new URL("./runner.js", import.meta.url).href)};
      await createModuleRunner(${JSON.stringify(options)}).call(${JSON.stringify(rows)});
      ${afterwards}`;
    return spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", 2] });
  });

it("a module ends when its worker has ended", { skip: NO_PROC }, async () => {
  const parent = await worker(
    "export default (rows) => rows.map(() => 1);",
    "console.log(1); setInterval(() => 0, 1e6);",
  );
  await once(parent.stdout!, "data");
  const below = await descendantsOf(parent.pid!);
  assert.ok(below.length > 0);
  parent.kill("SIGKILL");
  for (const pid of below)
    await eventually(
      () => isRunning(pid),
      (running) => !running,
    );
});

it(
  "a module in an endless loop ends with a worker killed by SIGKILL; the next worker removes its folder",
  { skip: !existsSync("/usr/bin/setpriv") && "needs setpriv" },
  async () => {
    const killed = await worker("export default () => { for (;;); };", "");
    const folders = async () =>
      (await readdir(tmpdir())).filter((name) => name.startsWith(`ratchet-module-${killed.pid}-`));
    await eventually(folders, (found) => found.length === 1);
    const below = await eventually(
      () => descendantsOf(killed.pid!),
      (found) => found.length > 0,
    );
    await setTimeout(500);
    const dead = once(killed, "exit");
    killed.kill("SIGKILL");
    await dead;
    for (const pid of below)
      await eventually(
        () => isRunning(pid),
        (running) => !running,
      );
    await (await runner("reward", "export default (rows) => rows.map(() => 1);")).call(rows);
    assert.deepEqual(await folders(), []);
  },
);

it("a folder that another user or a mistake left in the temporary folder stops no module", async () => {
  const others = ["ratchet-module-999999999-x", "ratchet-module-x"].map((name) => join(tmpdir(), name));
  try {
    for (const path of others) {
      await mkdir(join(path, "full"), { recursive: true });
      await chmod(path, 0o500);
      if (process.getuid?.() === 0) await chown(path, 65534, 65534);
    }
    const reward = await runner("reward", "export default (rows) => rows.map(() => 1);");
    assert.deepEqual(await reward.call(rows), [1, 1]);
    if (process.getuid?.() === 0) for (const path of others) assert.ok(existsSync(path), "it was not ours");
  } finally {
    for (const path of others) {
      await chmod(path, 0o700).catch(() => undefined);
      await rm(path, { recursive: true, force: true });
    }
  }
});
