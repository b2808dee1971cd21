// Reads the golden files of make.py, computes the same values with the engine, and compares the two.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  Decoder,
  mergeAdapter,
  parseConfig,
  readCheckpoint,
  SequenceScorer,
  train,
} from "../../../engine/index.ts";
import { RotaryFeeds } from "../../../engine/score/rotary-feeds.ts";
import { loadWeights, toFeeds } from "../../../engine/score/weights.ts";
import type {
  Adapter,
  Checkpoint,
  LoraSettings,
  ModelConfig,
  Sequence,
  WeightTensor,
} from "../../../engine/index.ts";
import { Graph, Session } from "../../../engine/graph/index.ts";
import { sftLoss } from "../../../engine/loss/index.ts";
import {
  adapterParameters,
  declareTrainable,
  declareParameters,
  declareSelection,
  declareSequences,
  encodeForLogps,
  encodeForRewards,
  logits,
  packWeights,
  parametersOf,
  rewardModelFrom,
  unpackWeights,
  weightShapes,
} from "../../../engine/model/index.ts";
import type { Encoded } from "../../../engine/model/index.ts";
import { differentiate } from "../../../engine/ops/differentiate.ts";
import { Tape } from "../../../engine/ops/tape.ts";
import { seededWeight, sketch } from "./seeded.ts";

export interface Golden {
  config: Record<string, unknown>;
  rows: { ids: number[]; promptLength: number; lastLogits: number[]; logps: number[]; reward: number }[];
  gradients: Record<string, { norm: number; projections: number[] }>;
  decoded: { promptIds: number[]; ids: number[] }[];
  losses: number[];
}

export const variants = [
  "llama",
  "llama-biases",
  "llama-linear-rope",
  "llama-llama3-rope",
  "mistral",
  "qwen2",
  "qwen3",
  "qwen3-biases",
] as const;
/** Checkpoints that transformers saved. */
export const saved = ["qwen2-bfloat16-shards", "llama-float16"] as const;
export type Variant = (typeof variants)[number] | (typeof saved)[number];

/** Adapters on seeded models. */
export const adapters = ["lora-llama", "lora-qwen2", "lora-qwen3"] as const;

export interface GoldenAdapter extends Pick<Golden, "gradients" | "losses"> {
  base: Variant;
  settings: LoraSettings;
  rows: { ids: number[]; promptLength: number; lastLogits: number[] }[];
}

/** A path relative to the sources of this folder. */
export const at = (path: string): string =>
  fileURLToPath(new URL(`../../../../test/golden/models/${path}`, import.meta.url));
export const readGolden = async <T = Golden>(name: string): Promise<T> =>
  JSON.parse(await readFile(at(`${name}.json`), "utf8")) as T;

const options = { threads: 1, spinning: false };

export function seededCheckpoint(config: ModelConfig): Checkpoint {
  return {
    config,
    weights: new Map([...weightShapes(config)].map(([name, shape]) => [name, seededWeight(name, shape)])),
  };
}

export async function checkpointOf(name: Variant, golden: Golden): Promise<Checkpoint> {
  return (saved as readonly string[]).includes(name)
    ? readCheckpoint(at(name))
    : seededCheckpoint(parseConfig(golden.config, `${name}.json`));
}

export async function adapterOf(golden: GoldenAdapter): Promise<{ base: Checkpoint; adapter: Adapter }> {
  const base = await checkpointOf(golden.base, await readGolden(golden.base));
  const shapes = adapterParameters(base.config, golden.settings).flatMap(({ parts }) => parts);
  return {
    base,
    adapter: {
      settings: golden.settings,
      weights: new Map(shapes.map(({ name, shape }) => [name, seededWeight(name, shape)])),
    },
  };
}

/** The reward of each row. */
export async function rewardsOf(checkpoint: Checkpoint, rows: readonly Sequence[]): Promise<number[]> {
  const scorer = await SequenceScorer.create(checkpoint.config, options);
  const values = await scorer.rewards(loadWeights(checkpoint), rows);
  await scorer.close();
  return values;
}

/** The policy as a reward model, with make.py's seeded head. */
function rewardModel(policy: Checkpoint): Checkpoint {
  const { config, weights } = rewardModelFrom(policy, "0000000000000000");
  return {
    config,
    weights: new Map(weights).set("score.weight", seededWeight("score.weight", [1, config.hiddenSize])),
  };
}

async function run(
  graph: Graph,
  checkpoint: Checkpoint,
  inputs: Encoded,
): Promise<Record<string, Float32Array>> {
  const session = await Session.create(graph, options);
  const outputs = await session.raw({
    ...loadWeights(checkpoint),
    ...new RotaryFeeds(checkpoint.config).upTo(checkpoint.config.maxPositions),
    ...toFeeds(inputs),
  });
  await session.close();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name, tensor.data as Float32Array]),
  );
}

/** Logits after the last token of each row. */
export async function lastLogits(checkpoint: Checkpoint, rows: readonly Sequence[]): Promise<Float32Array> {
  const t = new Tape(new Graph());
  const parameters = declareParameters(t, checkpoint.config);
  const sequences = declareSequences(t, checkpoint.config);
  t.graph.output(
    "logits",
    logits(t, checkpoint.config, parameters, sequences, declareSelection(t, sequences)),
  );
  return (await run(t.graph, checkpoint, encodeForRewards(rows)))["logits"]!;
}

/** ln p of all tokens but the first. */
export async function tokenLogps(checkpoint: Checkpoint, rows: readonly Sequence[]): Promise<Float32Array[]> {
  const scorer = await SequenceScorer.create(checkpoint.config, options);
  const logps = await scorer.tokenLogps(
    loadWeights(checkpoint),
    rows.map(({ ids }) => ({ ids, promptLength: 1 })),
  );
  await scorer.close();
  return logps;
}

export const rewards = (policy: Checkpoint, rows: readonly Sequence[]): Promise<number[]> =>
  rewardsOf(rewardModel(policy), rows);

/** Gradients of the mean of −ln p over all answer tokens, for all trainable weights. */
export async function gradients(
  checkpoint: Checkpoint,
  rows: readonly Sequence[],
  adapter?: Adapter,
): Promise<Map<string, WeightTensor>> {
  const { config } = checkpoint;
  const t = new Tape(new Graph());
  const { parameters, trained: learned } = declareTrainable(t, config, adapter?.settings);
  const sequences = declareSequences(t, config);
  const output = logits(t, config, parameters, sequences, declareSelection(t, sequences));
  const { loss } = sftLoss(t, t.tokenLogps(output, t.graph.input("targets", "int64", ["M"])));
  for (const [index, gradient] of differentiate(t, loss, learned).entries())
    t.graph.output(`d:${learned[index]!.name}`, gradient);
  const { rowOf: _, ...inputs } = encodeForLogps(rows);
  const learning = adapter ? adapterParameters(config, adapter.settings) : parametersOf(config);
  const packed = adapter ? packWeights(learning, adapter.weights) : new Map<string, Float32Array>();
  const feeds = Object.fromEntries(
    learning
      .filter(({ name }) => packed.has(name))
      .map(({ name, shape }) => [name, { dtype: "float32" as const, shape, data: packed.get(name)! }]),
  );
  const outputs = await run(t.graph, checkpoint, { ...inputs, ...feeds });
  return unpackWeights(learning, new Map(learning.map(({ name }) => [name, outputs[`d:${name}`]!])));
}

/** Ten steps of SFT on all rows at once, with make.py's settings. */
export async function losses(
  start: Checkpoint,
  rows: readonly Sequence[],
  adapter?: Adapter,
): Promise<number[]> {
  const optimizer = {
    learningRate: 3e-3,
    betas: [0.9, 0.999] as [number, number],
    epsilon: 1e-8,
    weightDecay: 0.01,
    clip: 1,
    schedule: "constant" as const,
    warmup: 0,
    epochs: 10,
    batch: rows.length,
    seed: "0000000000000001",
    maxLength: 64,
  };
  const { curve } = await train({
    task: { kind: "sft", promptMask: true },
    start,
    adapter,
    rows: [...rows],
    optimizer,
    threads: 1,
  });
  return curve.map((step) => step["loss"]!);
}

/** Decodes the likeliest token at each step, with the key-value cache. */
export async function decoded(
  checkpoint: Checkpoint,
  prompts: readonly (readonly number[])[],
  maxTokens: number,
): Promise<number[][]> {
  const decoder = await Decoder.create(checkpoint.config, loadWeights(checkpoint), options);
  const rows = prompts.map((promptIds) => ({ promptIds, temperature: 0, seed: "0000000000000000" }));
  const results = await decoder.generate(rows, { maxTokens, topK: 0, topP: 1, minP: 0 });
  await decoder.close();
  return results.map(({ ids }) => ids);
}

const largest = (values: Iterable<number>): number => Math.max(...values);

function farthest(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  assert.equal(ours.length, theirs.length);
  return largest(Array.from(ours, (value, index) => Math.abs(value - theirs[index]!)));
}

/** ‖a − b‖ / ‖b‖, estimated from projections on random signs: their mean square is the squared norm. */
function relative(ours: ReturnType<typeof sketch>, theirs: ReturnType<typeof sketch>): number {
  const squares = ours.projections.map((value, k) => (value - theirs.projections[k]!) ** 2);
  return (
    largest([
      Math.sqrt(squares.reduce((a, b) => a + b) / squares.length),
      Math.abs(ours.norm - theirs.norm),
    ]) / theirs.norm
  );
}

/** The largest relative difference of a parameter's gradient. Both sides must have the same parameters. */
export function gradientDifference(
  ours: ReadonlyMap<string, WeightTensor>,
  theirs: Golden["gradients"],
): number {
  assert.deepEqual([...ours.keys()].sort(), Object.keys(theirs).sort());
  return largest([...ours].map(([name, { data }]) => relative(sketch(name, data), theirs[name]!)));
}

export interface Differences {
  logits: number;
  logps: number;
  rewards: number;
  /** Relative; the others are absolute. */
  gradients: number;
  losses: number;
}

export const limits: Differences = {
  logits: 1e-4,
  logps: 1e-4,
  rewards: 1e-4,
  gradients: 1e-3,
  losses: 1e-3,
};

/** The largest differences between the engine and transformers. */
export async function differences(checkpoint: Checkpoint, golden: Golden): Promise<Differences> {
  const { rows } = golden;
  const logps = await tokenLogps(checkpoint, rows);
  return {
    logits: farthest(
      await lastLogits(checkpoint, rows),
      rows.flatMap((row) => row.lastLogits),
    ),
    logps: largest(rows.map((row, index) => farthest(logps[index]!, row.logps))),
    rewards: farthest(
      await rewards(checkpoint, rows),
      rows.map((row) => row.reward),
    ),
    gradients: gradientDifference(await gradients(checkpoint, rows), golden.gradients),
    losses: farthest(await losses(checkpoint, rows), golden.losses),
  };
}

/** The same for an adapter against PEFT; the logits are the merged model's. */
export async function adapterDifferences(
  golden: GoldenAdapter,
): Promise<Pick<Differences, "logits" | "gradients" | "losses">> {
  const { base, adapter } = await adapterOf(golden);
  return {
    logits: farthest(
      await lastLogits(mergeAdapter(base, adapter), golden.rows),
      golden.rows.flatMap((row) => row.lastLogits),
    ),
    gradients: gradientDifference(await gradients(base, golden.rows, adapter), golden.gradients),
    losses: farthest(await losses(base, golden.rows, adapter), golden.losses),
  };
}
