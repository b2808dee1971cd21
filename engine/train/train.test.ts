import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  digestsOf,
  optimizer,
  poolFor,
  rowsFor,
  shapes,
  shortened,
  trainingOf,
} from "./small-training.test.support.ts";
import type { Kind, Shape } from "./small-training.test.support.ts";
import { readTrainerState, train, writeTrainerState } from "./index.ts";
import type { StepRecord, TrainerState, TrainOptions } from "./index.ts";

const kinds: readonly Kind[] = ["sft", "reward", "dpo", "kto"];
/** Of the tests that compare no sessions. */
const shared = poolFor({ after });
const small = (kind: Kind): ReturnType<typeof trainingOf> => ({ ...trainingOf(kind, "odd"), pool: shared });

async function inFolder(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "trainer-"));
  await use(dir).finally(() => rm(dir, { recursive: true }));
}

/** The state after `step` steps. */
async function stateAfter(options: TrainOptions, step: number): Promise<TrainerState> {
  const stop = new AbortController();
  let saved: TrainerState | undefined;
  const onStep = (progress: { step: number }): void =>
    void (progress.step === step && stop.abort(new Error("stopped by the test")));
  await assert.rejects(
    train({
      ...options,
      signal: stop.signal,
      onStep,
      checkpoint: { everySteps: 0, everySeconds: 0, save: (state) => void (saved = state) },
    }),
    /stopped by the test/,
  );
  assert.equal(saved?.step, step);
  return saved;
}

for (const shape of Object.keys(shapes) as Shape[]) {
  it(`weights and curve have the same bits on 1, 2 and 3 threads and over runs (${shape})`, async (t) => {
    const pool = poolFor(t);
    for (const kind of kinds) {
      const digestsOn = async (threads: number) =>
        digestsOf(await train({ ...shortened(trainingOf(kind, shape, threads)), pool }));
      const first = await digestsOn(1);
      for (const threads of [1, 2, 3])
        assert.deepEqual(await digestsOn(threads), first, `${kind} on ${threads} threads`);
    }
  });
}

for (const kind of kinds) {
  it(`${kind} stopped at a step and resumed in another process ends with the same bits`, async () => {
    await inFolder(async (dir) => {
      const whole = digestsOf(await train(small(kind)));
      await writeTrainerState(join(dir, "state"), await stateAfter(small(kind), 4));
      const program = fileURLToPath(new URL("./small-training.test.support.js", import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, [
        program,
        kind,
        "odd",
        join(dir, "state"),
      ]);
      assert.deepEqual(JSON.parse(stdout), whole);
    });
  });
}

it("a reference that is the start is loaded once, and a resumed run loads none", async () => {
  const options = small("dpo");
  let resume: TrainerState | undefined;
  const save = (state: TrainerState): void => void (resume = structuredClone(state));
  const checkpoint = { everySteps: 6, everySeconds: 0, save };
  const whole = digestsOf(await train({ ...options, checkpoint }));
  const read: string[] = [];
  const reading = (what: string) => async () => {
    read.push(what);
    return options.start;
  };
  const start = reading("start");
  assert.deepEqual(digestsOf(await train({ ...options, start, reference: start })), whole);
  assert.deepEqual(read.splice(0), ["start"]);
  assert.equal(resume?.step, 6);
  assert.deepEqual(
    digestsOf(
      await train({ ...options, start, reference: reading("reference"), resume: async () => resume! }),
    ),
    whole,
  );
  assert.deepEqual(read, ["start"]);
});

it("DPO from its reference begins with loss ln 2 and rewards 0, and raises the margin", async () => {
  const { curve } = await train(small("dpo"));
  const [first, last] = [curve[0] as StepRecord, curve.at(-1) as StepRecord];
  // The reference is computed in other batches, whose products may round differently.
  assert.ok(Math.abs(first["loss"]! - Math.LN2) < 1e-5);
  assert.ok(Math.abs(first["rewards/margins"]!) < 1e-5);
  assert.ok(last["rewards/margins"]! > 0.1 && last["loss"]! < Math.LN2);
});

it("a reward model learns its pairs", async () => {
  const { metrics } = await train({
    ...small("reward"),
    optimizer: { ...optimizer, epochs: 20, learningRate: 1e-2 },
  });
  assert.ok(metrics["accuracy"]! > 0.9, `accuracy ${metrics["accuracy"]}`);
});

it("a checkpoint is saved every `everySteps` steps, and none after the last", async () => {
  const steps: number[] = [];
  const { steps: total } = await train({
    ...small("sft"),
    checkpoint: { everySteps: 5, everySeconds: 0, save: ({ step }) => void steps.push(step) },
  });
  assert.equal(total, 10);
  assert.deepEqual(steps, [5]);
});

it("slow saves happen less often than `everySteps` says", async () => {
  const saved: number[] = [];
  let savingMs = 0;
  const startedAt = performance.now();
  const save = async ({ step }: { step: number }): Promise<void> => {
    saved.push(step);
    const from = performance.now();
    await delay(30);
    savingMs += performance.now() - from;
  };
  const { steps: total } = await train({
    ...small("sft"),
    checkpoint: { everySteps: 1, everySeconds: 0, costMax: 0.02, save },
  });
  assert.ok(saved.length > 0 && saved.length < total, `${saved.length} saves in ${total} steps`);
  // The cost of the first save is not known before it.
  assert.ok(savingMs - savingMs / saved.length <= 0.02 * (performance.now() - startedAt) + 1);
});

let savedState: Promise<TrainerState> | undefined;
/** Of an SFT training after its first step. */
const sftState = (): Promise<TrainerState> => (savedState ??= stateAfter(small("sft"), 1));

it("a state of other rows or settings is refused", async () => {
  const options = small("sft");
  const resume = await sftState();
  await assert.rejects(train({ ...options, resume, optimizer: { ...optimizer, learningRate: 1 } }), {
    kind: "spec",
    code: "resume_mismatch",
  });
  await assert.rejects(train({ ...options, resume, rows: options.rows.slice(1) }), {
    kind: "spec",
    code: "resume_mismatch",
  });
});

it("a state folder with one changed byte is refused", async () => {
  await inFolder(async (dir) => {
    const state = await sftState();
    await writeTrainerState(join(dir, "a"), state);
    assert.deepEqual(await readTrainerState(join(dir, "a")), state);
    const file = join(dir, "a", "moments.safetensors");
    const bytes = await readFile(file);
    bytes[bytes.length - 5]! ^= 1;
    await writeFile(file, bytes);
    await assert.rejects(readTrainerState(join(dir, "a")), { kind: "artifact", code: "artifact_corrupt" });
  });
});

it("a state folder that lost a file or its index is refused", async () => {
  await inFolder(async (dir) => {
    const state = await sftState();
    for (const [name, file] of [
      ["b", "index.json"],
      ["c", "weights.safetensors"],
    ] as const) {
      await writeTrainerState(join(dir, name), state);
      await rm(join(dir, name, file));
      await assert.rejects(readTrainerState(join(dir, name)), { kind: "artifact", code: "artifact_missing" });
    }
    await writeTrainerState(join(dir, "d"), state);
    await appendFile(join(dir, "d", "index.json"), "x");
    await assert.rejects(readTrainerState(join(dir, "d")), { kind: "artifact", code: "artifact_corrupt" });
  });
});

it("SFT with a masked prompt learns the answers, and not the prompts", async () => {
  const long = { ...optimizer, epochs: 30, learningRate: 1e-2 };
  const { metrics } = await train({ ...small("sft"), optimizer: long });
  assert.ok(metrics["loss"]! < 0.5, `loss ${metrics["loss"]}`);
  const masked = await train({ ...small("sft"), optimizer: { ...long, epochs: 1 } });
  const whole = await train({
    ...small("sft"),
    task: { kind: "sft", promptMask: false },
    optimizer: { ...long, epochs: 1 },
  });
  assert.notEqual(whole.curve[0]!["loss"], masked.curve[0]!["loss"]);
});

it("a loss that is not finite stops training and names the step and its rows", async () => {
  const failed = train({
    ...small("sft"),
    optimizer: { ...optimizer, learningRate: 1e30, clip: 0, warmup: 0 },
  });
  await assert.rejects(failed, (error: { kind: string; code: string; message: string }) => {
    assert.equal(error.kind, "training");
    assert.equal(error.code, "loss_not_finite");
    assert.match(error.message, /step \d+ gave loss .* on rows \d+/);
    return true;
  });
});

it("rows that are too long or without an answer are left out and counted, never cut", async () => {
  const rows = [
    ...rowsFor("sft", shapes.odd, 6),
    { ids: Array.from({ length: 65 }, () => 1), promptLength: 3 },
    { ids: [1, 2], promptLength: 2 },
    { ids: [1, 2], promptLength: 0 },
  ];
  const { dropped, steps } = await train({
    ...small("sft"),
    rows,
    optimizer: { ...optimizer, epochs: 1 },
  });
  assert.deepEqual(dropped, { too_long: 1, empty_answer: 1, empty_prompt: 1 });
  assert.equal(steps, 2);
});

it("having no usable row and starting from a model of the wrong kind are refused", async () => {
  await assert.rejects(train({ ...small("sft"), rows: [] }), {
    kind: "spec",
    code: "rows_empty",
  });
  await assert.rejects(train({ ...trainingOf("reward", "odd"), start: small("sft").start }), {
    kind: "spec",
    code: "spec_unsupported",
  });
});
