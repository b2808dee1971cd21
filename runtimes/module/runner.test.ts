import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { ModuleRole } from "../../campaign/spec/modules.ts";
import { createModuleRunner } from "./runner.ts";
import type { ModuleRunner, ModuleRunnerOptions } from "./runner.ts";

const folder = await mkdtemp(join(tmpdir(), "ratchet-runner-test-"));
const runners: ModuleRunner<ModuleRole>[] = [];
after(async () => {
  await Promise.all(runners.map((runner) => runner.close()));
  await rm(folder, { recursive: true, force: true });
});

let files = 0;
async function runner<R extends ModuleRole>(
  role: R,
  source: string,
  options: Partial<ModuleRunnerOptions<R>> = {},
): Promise<ModuleRunner<R>> {
  const blobPath = join(folder, `blob-${files++}`);
  await writeFile(blobPath, source);
  const made = createModuleRunner({ role, blobPath, timeoutMs: 20_000, ...options });
  runners.push(made as unknown as ModuleRunner<ModuleRole>);
  return made;
}

const rows = ["a", "bb"].map((text) => ({
  prompt: { id: text, prompt: "say" },
  answer: { text, finish: "eos" as const },
}));

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
  await assert.rejects(gold.call(rows), { code: "module_bad_result", message: /row 1, which has `parts`/ });
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
      try { await act(); return 0; } catch (error) { return error.code === "ERR_ACCESS_DENIED" ? 1 : 0; }
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

it("a signal to the whole process group does not interrupt a call", async () => {
  const source = `export default async (rows) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.kill(process.pid, signal);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return rows.map(() => 1);
    };`;
  const reward = await runner("reward", source);
  assert.deepEqual(await reward.call(rows), [1, 1]);
});

it("the child ends when its parent has ended", async () => {
  const parent = `
    import { writeFileSync } from "node:fs";
    import { createModuleRunner } from ${JSON.stringify(new URL("./runner.js", import.meta.url).href)};
    const options = { role: "reward", blobPath: process.argv[1], timeoutMs: 20000 };
    const [pid] = await createModuleRunner(options).call([0]);
    writeFileSync(1, String(pid));
    process.kill(process.pid, "SIGKILL");`;
  const blob = join(folder, "pid.mjs");
  await writeFile(blob, "export default () => [process.pid];");
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", parent, blob], {
    encoding: "utf8",
  });
  const alive = () => {
    try {
      return process.kill(Number(stdout), 0);
    } catch {
      return false;
    }
  };
  assert.ok(Number(stdout) > 0, "the child answered its process id");
  for (let wait = 0; wait < 50 && alive(); wait++) await setTimeout(100);
  assert.ok(!alive());
});

it(
  "a module in an endless loop ends with a worker killed by SIGKILL; the next worker removes its folder",
  { skip: !existsSync("/usr/bin/setpriv") && "needs setpriv" },
  async () => {
    const blobPath = join(folder, "endless");
    await writeFile(blobPath, "export default () => { for (;;); };");
    const options = JSON.stringify({ role: "reward", blobPath, timeoutMs: 600_000 });
    const runnerModule = JSON.stringify(new URL("./runner.js", import.meta.url).href);
    const source = `
      import { createModuleRunner } from ${runnerModule};
      await createModuleRunner(${options}).call(${JSON.stringify(rows)});`;
    const worker = spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: "ignore" });
    const [child] = await eventually(
      async () => childrenOf(worker.pid!),
      (children) => children.length > 0,
    );
    const folders = async () =>
      (await readdir(tmpdir())).filter((name) => name.startsWith(`ratchet-module-${worker.pid}-`));
    assert.equal((await folders()).length, 1);
    const dead = once(worker, "exit");
    worker.kill("SIGKILL");
    await dead;
    await eventually(
      async () => isRunning(child!),
      (running) => !running,
    );
    await (await runner("reward", "export default (rows) => rows.map(() => 1);")).call(rows);
    assert.deepEqual(await folders(), []);
  },
);

async function eventually<T>(read: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await setTimeout(50)) {
    const value = await read();
    if (wanted(value)) return value;
  }
  throw new Error("waited 30 s in vain");
}

const childrenOf = async (pid: number): Promise<number[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ").filter(Boolean).map(Number);

async function isRunning(pid: number): Promise<boolean> {
  // A zombie no longer runs.
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return status !== "" && !/\) [ZX] /.test(status);
}
