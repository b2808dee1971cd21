// Trainings that share a workshop: what the next one of the same graphs finds open, and that no bit shows it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { initAdapter, initCheckpoint, rewardModelFrom } from "../model/index.ts";
import { digestsOf, optimizer, rowsFor, shapes, tasks, trainingOf } from "./small-training.test.support.ts";
import type { Kind } from "./small-training.test.support.ts";
import { train, Workshop } from "./index.ts";
import type { TrainOptions } from "./index.ts";

/** In two lanes, with micro-batches that are added to others; a reference of several batches. */
const training = (kind: Kind, change: Partial<TrainOptions> = {}): TrainOptions => ({
  ...trainingOf(kind, "odd", 2),
  rows: rowsFor(kind, shapes.odd, 90),
  optimizer: { ...optimizer, epochs: 1, batch: 30, ...(kind === "kto" ? {} : { microBatch: 8 }) },
  ...change,
});

function workshopFor(t: TestContext): Workshop {
  const workshop = new Workshop();
  t.after(() => workshop.close());
  return workshop;
}

/** The digests of a training, and how many sessions it opened. */
async function run(workshop: Workshop, options: TrainOptions): Promise<{ digests: object; opened: number }> {
  const before = workshop.opened;
  const digests = digestsOf(await train({ ...options, workshop }));
  return { digests, opened: workshop.opened - before };
}

for (const kind of ["sft", "reward", "dpo", "kto"] as const) {
  it(`the second training of kind ${kind} opens no session and has the bits of one alone, on other rows, weights and rates`, async (t) => {
    const workshop = workshopFor(t);
    assert.ok((await run(workshop, training(kind))).opened > 0);
    const other = initCheckpoint(shapes.odd, "00000000000000aa");
    const next = training(kind, {
      start: kind === "reward" ? rewardModelFrom(other, optimizer.seed) : other,
      rows: rowsFor(kind, shapes.odd, 100).slice(10),
      optimizer: { ...training(kind).optimizer, learningRate: 1e-4, seed: "00000000000000bb" },
    });
    const alone = digestsOf(await train(next));
    assert.deepEqual(await run(workshop, next), { digests: alone, opened: 0 });
  });
}

it("a DPO in two lanes opens two sessions for gradients and one for the reference here, the reference's and one for gradients in the lane, and one for the norm of gradients", async (t) => {
  const workshop = workshopFor(t);
  assert.equal((await run(workshop, training("dpo"))).opened, 3 + 2 + 1);
});

it("a session is another one where the loss, its settings, the adapter, the model or the threads are others", async (t) => {
  const workshop = workshopFor(t);
  const step = { ...optimizer, epochs: 1, batch: 22 };
  const one = training("dpo", { threads: 1, rows: rowsFor("dpo", shapes.odd), optimizer: step });
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
    const { digests, opened } = await run(workshop, options);
    assert.deepEqual(digests, whole);
    assert.ok(opened > 0);
  }
});

it("one training of another kind in between closes what the former had open", async (t) => {
  const workshop = workshopFor(t);
  const { opened } = await run(workshop, training("dpo"));
  await run(workshop, training("sft"));
  // The norm's, which knows no kind, stays.
  assert.equal((await run(workshop, training("dpo"))).opened, opened - 1);
});

it("a training that fails or is stopped leaves nothing open, and the next one has the bits of one alone", async (t) => {
  const workshop = workshopFor(t);
  const { digests, opened } = await run(workshop, training("sft"));
  const infinite = { ...training("sft").optimizer, learningRate: 1e30, clip: 0, warmup: 0 };
  const stop = new AbortController();
  const failing: [TrainOptions, RegExp][] = [
    [training("sft", { optimizer: infinite }), /gave loss/],
    [training("sft", { signal: stop.signal, onStep: () => stop.abort(new Error("drained")) }), /drained/],
    [training("sft", { rows: [] }), /row/],
  ];
  for (const [options, message] of failing) {
    await assert.rejects(train({ ...options, workshop }), message);
    assert.deepEqual(await run(workshop, training("sft")), { digests, opened });
  }
});

it("a training whose arenas may be large leaves nothing open", async (t) => {
  const workshop = workshopFor(t);
  await run(workshop, training("sft"));
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
  const { opened } = await run(workshop, large);
  assert.equal((await run(workshop, large)).opened, opened);
});

it("a process ends with a workshop that nobody closed", async (t) => {
  const script = `
    import { train, Workshop } from ${JSON.stringify(new URL("./index.js", import.meta.url).href)};
    import { trainingOf } from ${JSON.stringify(new URL("./small-training.test.support.js", import.meta.url).href)};
    await train({ ...trainingOf("dpo", "odd", 2), workshop: new Workshop() });
    console.log("trained");`;
  const dir = await mkdtemp(join(tmpdir(), "workshop-"));
  t.after(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, "program.mjs"), script);
  const { stdout } = await promisify(execFile)(process.execPath, [join(dir, "program.mjs")], {
    timeout: 30_000,
  });
  assert.equal(stdout, "trained\n");
});
