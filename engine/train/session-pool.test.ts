// Trainings that share a pool reuse its sessions, and have the same bits as trainings with a pool of their
// own.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";
import { initAdapter, initCheckpoint, rewardModelFrom } from "../model/index.ts";
import type { ModelConfig } from "../model/index.ts";
import {
  digestsOf,
  optimizer,
  poolFor,
  rowsFor,
  shapes,
  tasks,
  trainingOf,
} from "./small-training.test.support.ts";
import type { Kind } from "./small-training.test.support.ts";
import { train } from "./index.ts";
import type { SessionPool, TrainOptions } from "./index.ts";
import { isCached } from "./session-pool.ts";

/** Two workers, several micro-batches per worker, and several batches of the reference. */
const training = (kind: Kind, change: Partial<TrainOptions> = {}): TrainOptions => ({
  ...trainingOf(kind, "odd", 2),
  rows: rowsFor(kind, shapes.odd, 90),
  optimizer: { ...optimizer, epochs: 1, batch: 30, microBatch: kind === "kto" ? undefined : 8 },
  ...change,
});

/** The digests of a training, and the number of sessions that it opened. */
async function run(pool: SessionPool, options: TrainOptions): Promise<{ digests: object; opened: number }> {
  const before = pool.opened;
  const digests = digestsOf(await train({ ...options, pool }));
  return { digests, opened: pool.opened - before };
}

/** In this thread, then in the second worker, then the norm of gradients. KTO has one micro-batch. */
const OPENED = {
  sft: ["gradients", "added gradients", "gradients", "norm"],
  reward: ["gradients", "added gradients", "gradients", "norm"],
  dpo: ["gradients", "added gradients", "reference", "gradients", "reference", "norm"],
  kto: ["gradients", "reference", "reference", "norm"],
};

for (const kind of ["sft", "reward", "dpo", "kto"] as const) {
  it(`a second ${kind} training on other rows and weights opens no session and has its bits`, async (t) => {
    const pool = poolFor(t);
    assert.equal((await run(pool, training(kind))).opened, OPENED[kind].length);
    const other = initCheckpoint(shapes.odd, "00000000000000aa");
    const next = training(kind, {
      start: kind === "reward" ? rewardModelFrom(other, optimizer.seed) : other,
      rows: rowsFor(kind, shapes.odd, 100).slice(10),
      optimizer: { ...training(kind).optimizer, learningRate: 1e-4, seed: "00000000000000bb" },
    });
    const alone = digestsOf(await train(next));
    assert.deepEqual(await run(pool, next), { digests: alone, opened: 0 });
  });
}

const step = { ...optimizer, epochs: 1, batch: 22 };
/** On one worker. */
const oneStep = (kind: Kind): TrainOptions =>
  training(kind, { threads: 1, rows: rowsFor(kind, shapes.odd), optimizer: step });

it("another loss, setting, adapter, model or number of threads opens another session", async (t) => {
  const pool = poolFor(t);
  const one = oneStep("dpo");
  const { reference: _, ...alone } = one;
  const adapter = (rank: number) =>
    initAdapter(shapes.odd, { rank, alpha: 6, targets: ["q_proj"] }, optimizer.seed);
  const wide = trainingOf("dpo", "wide");
  const others: TrainOptions[] = [
    { ...one, task: { kind: "dpo", beta: 0.2 } },
    { ...one, task: { kind: "dpo", beta: 0.2, losses: [{ type: "ipo", weight: 1 }] } },
    { ...one, task: tasks.kto, rows: rowsFor("kto", shapes.odd) },
    { ...alone, adapter: adapter(2) },
    { ...alone, adapter: adapter(3) },
    { ...one, ...wide, optimizer: step },
    { ...one, threads: 3 },
  ];
  for (const options of [one, ...others]) {
    const whole = digestsOf(await train(options));
    const { digests, opened } = await run(pool, options);
    assert.deepEqual(digests, whole);
    assert.ok(opened > 0);
  }
});

it("a training of another kind closes the sessions of the one before it", async (t) => {
  const pool = poolFor(t);
  const { opened } = await run(pool, oneStep("dpo"));
  await run(pool, oneStep("sft"));
  // The session of the gradients' norm stays open: every kind of training uses it.
  assert.equal((await run(pool, oneStep("dpo"))).opened, opened - 1);
});

it("after a failed or stopped training, the next one opens all sessions and has the same bits", async (t) => {
  const pool = poolFor(t);
  const { digests, opened } = await run(pool, training("sft"));
  const infinite = { ...training("sft").optimizer, learningRate: 1e30, clip: 0, warmup: 0 };
  const stop = new AbortController();
  const failing: [TrainOptions, RegExp][] = [
    [training("sft", { optimizer: infinite }), /gave loss/],
    [training("sft", { signal: stop.signal, onStep: () => stop.abort(new Error("drained")) }), /drained/],
    [training("sft", { rows: [] }), /row/],
  ];
  for (const [options, message] of failing) {
    await assert.rejects(train({ ...options, pool }), message);
    assert.deepEqual(await run(pool, training("sft")), { digests, opened });
  }
});

it("a training whose sessions may hold much memory leaves none open", async (t) => {
  const pool = poolFor(t);
  await run(pool, training("sft"));
  const rows = [
    ...rowsFor("sft", shapes.odd, 12),
    { ids: Array.from({ length: 2000 }, () => 1), promptLength: 1990 },
  ];
  const config = { ...shapes.odd, maxPositions: 2048 };
  const large = training("sft", {
    start: initCheckpoint(config, optimizer.seed),
    rows,
    optimizer: { ...optimizer, epochs: 1, batch: 12, microBatch: 6, maxLength: 2048 },
  });
  const { opened } = await run(pool, large);
  assert.equal((await run(pool, large)).opened, opened);
});

it("a pool that is not closed does not keep the process alive", async (t) => {
  const moduleOf = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { train, SessionPool } from ${moduleOf("./index.js")};
    import { trainingOf } from ${moduleOf("./small-training.test.support.js")};
    await train({ ...trainingOf("dpo", "odd", 2), pool: new SessionPool() });
    console.log("trained");`;
  const dir = await mkdtemp(join(tmpdir(), "pool-"));
  t.after(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, "program.mjs"), script);
  const { stdout } = await promisify(execFile)(process.execPath, [join(dir, "program.mjs")], {
    timeout: 300_000,
  });
  assert.equal(stdout, "trained\n");
});

/** A million parameters. */
const small: ModelConfig = {
  ...shapes.shop,
  hiddenSize: 128,
  intermediateSize: 352,
  layers: 5,
  heads: 8,
  kvHeads: 4,
  headSize: 16,
};
/** 135 million parameters. */
const large: ModelConfig = {
  ...shapes.shop,
  vocabSize: 49152,
  hiddenSize: 576,
  intermediateSize: 1536,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headSize: 64,
};

it("sessions of a small model stay open up to a number of rows at once, workers and tokens", () => {
  assert.ok(isCached(small, tasks.dpo, { microBatch: 8, workers: 2, longest: 256 }));
  assert.ok(!isCached(small, tasks.dpo, { microBatch: 16, workers: 2, longest: 256 }));
  assert.ok(!isCached(small, tasks.dpo, { microBatch: 8, workers: 4, longest: 256 }));
  assert.ok(!isCached(small, tasks.dpo, { microBatch: 8, workers: 2, longest: 512 }));
});

it("sessions of a large model never stay open, nor those of a large vocabulary with a reference", () => {
  assert.ok(!isCached(large, tasks.sft, { microBatch: 1, workers: 2, longest: 512 }));
  const few = { microBatch: 1, workers: 1, longest: 16 };
  const wordy: ModelConfig = { ...small, vocabSize: 49152 };
  assert.ok(isCached(wordy, tasks.sft, few));
  assert.ok(!isCached(wordy, tasks.dpo, few));
});
