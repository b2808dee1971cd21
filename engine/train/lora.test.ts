import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { initAdapter, mergeAdapter } from "../model/index.ts";
import type { Checkpoint, LoraSettings } from "../model/index.ts";
import { readTrainerState, train, writeTrainerState } from "./index.ts";
import {
  digestsOf,
  optimizer,
  poolFor,
  shapes,
  shortened,
  trainingOf,
} from "./small-training.test.support.ts";
import type { Shape } from "./small-training.test.support.ts";
import type { TrainOptions } from "./index.ts";

/** k_proj has no adapter, so one matrix of the graph is adapted in part. */
const settings: LoraSettings = {
  rank: 3,
  alpha: 6,
  targets: ["q_proj", "v_proj", "gate_proj", "up_proj", "down_proj"],
};

function adapted(shape: Shape, threads = 1): TrainOptions & { start: Checkpoint } {
  const { reference: _, ...options } = trainingOf("dpo", shape, threads);
  return { ...options, adapter: initAdapter(shapes[shape], settings, "00000000000000ad") };
}

for (const shape of Object.keys(shapes) as Shape[]) {
  it(`an adapter has the same bits on 1, 2 and 3 threads (${shape})`, async () => {
    const digests = await Promise.all(
      [1, 2, 3].map(async (threads) => digestsOf(await train(shortened(adapted(shape, threads))))),
    );
    assert.deepEqual(digests[1], digests[0]);
    assert.deepEqual(digests[2], digests[0]);
  });
}

it("the reference of an adapter is the model without it", async (t) => {
  const options = {
    ...adapted("odd"),
    pool: poolFor(t),
    optimizer: { ...optimizer, learningRate: 0.03 },
  };
  const alone = await train(options);
  assert.deepEqual(digestsOf(await train({ ...options, reference: options.start })), digestsOf(alone));
  // B begins at zero, so the policy equals its reference. The kernels of scoring and training round
  // differently.
  assert.ok(Math.abs(alone.curve[0]!["loss"]! - Math.LN2) < 1e-6);
  assert.ok(alone.curve.at(-1)!["loss"]! < Math.LN2 - 0.01, `${alone.curve.at(-1)!["loss"]}`);
});

const pool = poolFor({ after });
const options = { ...adapted("odd"), pool };

it("an adapter changes its targets only, and the result is the merged model", async () => {
  const before = structuredClone(options.start.weights);
  const { checkpoint, adapter } = await train(options);
  assert.deepEqual(options.start.weights, before);
  assert.deepEqual(checkpoint, mergeAdapter(options.start, adapter!));
  for (const [name, { data }] of checkpoint.weights) {
    const targeted = settings.targets.some((target) => name.includes(`.${target}.`));
    assert.equal(isDeepStrictEqual(data, before.get(name)!.data), !targeted, name);
  }
});

it("a stopped adapter training resumes with the same bits, from a state with the adapter only", async () => {
  const whole = digestsOf(await train(options));
  const dir = await mkdtemp(join(tmpdir(), "trainer-"));
  try {
    const stop = new AbortController();
    const save = (state: Parameters<typeof writeTrainerState>[1]): Promise<void> =>
      writeTrainerState(join(dir, "state"), state);
    const onStep = ({ step }: { step: number }): void =>
      void (step === 4 && stop.abort(new Error("stopped by the test")));
    await assert.rejects(
      train({
        ...options,
        signal: stop.signal,
        onStep,
        checkpoint: { everySteps: 0, everySeconds: 0, save },
      }),
      /stopped by the test/,
    );
    const resume = await readTrainerState(join(dir, "state"));
    assert.deepEqual([...resume.weights.keys()].sort(), [...options.adapter!.weights.keys()].sort());
    assert.deepEqual(digestsOf(await train({ ...options, resume })), whole);
    const other = { ...options.adapter!, settings: { ...settings, alpha: 12 } };
    await assert.rejects(train({ ...options, adapter: other, resume }), { code: "resume_mismatch" });
  } finally {
    await rm(dir, { recursive: true });
  }
});

it("a reward model with an adapter is refused", async () => {
  const options = trainingOf("reward", "odd");
  await assert.rejects(
    train({ ...options, adapter: initAdapter(options.start.config, settings, "00000000000000ad") }),
    { code: "spec_unsupported" },
  );
});
