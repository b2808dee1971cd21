// With the real engine: results of generate and score depend neither on the shards that compute their pieces
// nor on the number of engine children.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { formatRows } from "../campaign/recipe/rows.ts";
import { rewardModelFrom } from "../engine/model/index.ts";
import { tinyCheckpoint, WORDS, writeTinyModel } from "../engine/tiny-model.test.support.ts";
import { createOnnxRuntime } from "../runtimes/onnx/index.ts";
import type { OnnxRuntime } from "../runtimes/onnx/index.ts";
import type { FanOutInput, GenerateInput, ScoreInput } from "./contract.ts";
import type { StageContext } from "./attempt/context.ts";
import { generateStage } from "./stages/generate.ts";
import type { PieceStage } from "./pieces.ts";
import { runShard, sealStage } from "./pieces.ts";
import { scoreStage } from "./stages/score.ts";
import { fakeDeps, memoryStore, smallSpec, stageContext } from "./attempt/stage-context.test.support.ts";

const words = WORDS.slice(4);
/** One to four words each. A piece of nine prompts with eight answers each exceeds one decoding batch. */
const prompts = Array.from({ length: 31 }, (_, i) => ({
  id: `p${i}`,
  prompt: Array.from({ length: 1 + (i % 4) }, (__, t) => words[(i + 3 * t) % words.length]).join(" "),
}));
const PIECES = { prompts: 9, perShard: 2, wave: 1 };

let dir = "";
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "ratchet-shards-"));
  for (const name of ["policy", "reward"]) await mkdir(join(dir, name));
  await writeTinyModel(join(dir, "policy"));
  await writeTinyModel(join(dir, "reward"), rewardModelFrom(tinyCheckpoint(), "0000000000000005"));
});
after(() => rm(dir, { recursive: true, force: true }));

/** Digest of a stage whose shards of `perShard` pieces run last first, `concurrent` of them together. */
async function staged(
  context: StageContext<FanOutInput>,
  stage: PieceStage,
  perShard: number,
  concurrent: number,
): Promise<string> {
  const shards = Array.from({ length: Math.ceil(stage.pieces / perShard) }, (_, index) => ({
    index,
    from: index * perShard,
    to: Math.min(stage.pieces, (index + 1) * perShard),
  })).reverse();
  for (let from = 0; from < shards.length; from += concurrent)
    await Promise.all(shards.slice(from, from + concurrent).map((shard) => runShard(context, stage, shard)));
  return (await sealStage(context, stage)).digest;
}

/** Digests of generate and of score in an empty store. */
async function campaign(runtime: OnnxRuntime, perShard: number, concurrent: number): Promise<string[]> {
  const store = await memoryStore();
  const given = { rows: await store.putBlob(formatRows(prompts)), count: prompts.length };
  const small = await smallSpec(store);
  const spec = {
    ...small,
    prompts: { ...small.prompts, iterations: given, perIteration: prompts.length },
    pieces: PIECES,
    generate: { ...small.generate, samples: [{ temperature: 1, count: 8 }], maxTokens: 20 },
  };
  const deps = fakeDeps({
    store,
    deps: {
      cache: { tree: async (name) => join(dir, name), copyOf: async (name) => name },
      generator: runtime.generator,
      scorer: runtime.scorer,
    },
  });
  const generate = stageContext<GenerateInput>({
    spec,
    deps,
    input: { stage: "generate", source: "iteration", policy: "policy" },
  });
  const completions = await staged(generate, await generateStage(generate), perShard, concurrent);
  const score = stageContext<ScoreInput>({
    spec,
    deps,
    input: { stage: "score", of: "iteration", completions, rewardModel: "reward" },
  });
  return [completions, await staged(score, await scoreStage(score), perShard, concurrent)];
}

it("gives the same digests with one child or two, in one shard or in several, in any order", async (t) => {
  const runtimeOf = (children: number): OnnxRuntime => {
    const runtime = createOnnxRuntime({ threads: 2, children });
    t.after(() => runtime.close());
    return runtime;
  };
  const [oneChild, twoChildren] = [runtimeOf(1), runtimeOf(2)];
  const one = await campaign(oneChild, 4, 1);
  assert.deepEqual(await campaign(twoChildren, 4, 1), one);
  assert.deepEqual(await campaign(twoChildren, 1, 4), one);
  assert.deepEqual(await campaign(oneChild, 3, 2), one);
});
