import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { Fresh, Served } from "./runner.ts";
import type { Command } from "./runner.ts";
import type { Work } from "./work.ts";

const dir = await mkdtemp(join(tmpdir(), "ratchet-bench-"));
after(() => rm(dir, { recursive: true, force: true }));

const work: Work = { kind: "score", model: "m", rows: "", checkRows: 0, trialRows: 0 };

async function script(name: string, source: string): Promise<Command> {
  const path = join(dir, `${name}.mjs`);
  await writeFile(path, source);
  return { command: process.execPath, args: [path], env: process.env, log: join(dir, "logs", name) };
}

/** Answers a start with its number of requests, fails on the variant "bad" and exits on "die". */
const serving = `
import { createInterface } from "node:readline";
let count = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { call, work, variant } = JSON.parse(line);
  count++;
  if (variant === "die") { console.error("no memory left"); process.exit(3); }
  const started = { facts: [count], variants: work ? [work.model] : [] };
  const result = call === "start" ? started : { seconds: 1, amount: count };
  console.log(JSON.stringify(variant === "bad" ? { error: "bad variant" } : { result }));
}`;

it("a served runner is one process for all works, and its failures quote the end of its log", async () => {
  const runner = new Served("peer", await script("serving", serving));
  assert.deepEqual(await runner.start(work), { facts: [1], variants: ["m"] });
  assert.deepEqual(await runner.sample("m"), { seconds: 1, amount: 2 });
  await assert.rejects(runner.sample("bad"), /peer: bad variant/);
  await assert.rejects(runner.sample("die"), /peer ended \(exit code 3\): no memory left/);
  assert.deepEqual(await runner.start(work), { facts: [1], variants: ["m"] }, "a new process after a death");
  runner.close();
});

it("a fresh runner starts a process for every sample and reports the time of the process", async () => {
  const command = await script(
    "fresh",
    `console.log(JSON.stringify({ facts: [Number(process.argv[2])], pid: process.pid }));`,
  );
  const written: Work[] = [];
  const runner = new Fresh(
    "script",
    ["5", "6"],
    async (given) => void written.push(given),
    (variant) => ({ ...command, args: [...command.args, variant] }),
  );
  assert.deepEqual(await runner.start(work), { facts: [5], variants: ["5", "6"] });
  assert.deepEqual(written, [work]);
  const samples = [
    await runner.sample("5"),
    await runner.sample("6"),
    await runner.sample("5"),
    await runner.sample("5"),
  ];
  assert.equal(new Set(samples.map((sample) => sample["pid"])).size, 4);
  assert.ok(samples.every(({ seconds, amount }) => seconds > 0 && amount === 1));
});

it("reports a command that does not exist", async () => {
  const runner = new Served("peer", {
    command: join(dir, "absent"),
    args: [],
    env: process.env,
    log: join(dir, "logs", "absent"),
  });
  await assert.rejects(runner.start(work), /peer could not be started: .*ENOENT/);
});
