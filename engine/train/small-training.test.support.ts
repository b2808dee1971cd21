// A small training for the engine's tests: models, rows drawn from a seed, and digests of the result.
// As a program it resumes the training saved in a folder and prints the digests:
//   node dist/engine/train/small-training.test.support.js KIND SHAPE STATE_DIR
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import { initCheckpoint, rewardModelFrom } from "../model/index.ts";
import type { Checkpoint, ModelConfig, Sequence } from "../model/index.ts";
import type { OptimizerSettings } from "../optim/index.ts";
import { Random } from "../random.ts";
import { readTrainerState, SessionPool, train } from "./index.ts";
import type { TrainOptions, TrainResult, TrainRow, TrainTask } from "./index.ts";

export type Kind = TrainTask["kind"];

const seed = "00000000000c0ffe";

function model(sizes: Partial<ModelConfig>): ModelConfig {
  return {
    architecture: "LlamaForCausalLM",
    vocabSize: 75,
    hiddenSize: 128,
    intermediateSize: 336,
    layers: 2,
    heads: 4,
    kvHeads: 4,
    headSize: 32,
    maxPositions: 64,
    ropeTheta: 10000,
    rmsEpsilon: 1e-5,
    tiedEmbeddings: true,
    eosIds: [3],
    ...sizes,
  };
}

export const shapes = {
  /** The demo's widths. */
  shop: model({}),
  /** Grouped queries, an untied head, hiddenSize ≠ heads · headSize, and no width that is a power of two. */
  odd: model({
    vocabSize: 29,
    hiddenSize: 40,
    intermediateSize: 52,
    layers: 1,
    heads: 6,
    kvHeads: 2,
    headSize: 10,
    tiedEmbeddings: false,
  }),
  /** Products with more rows than columns, and products with more columns than rows. */
  wide: model({
    vocabSize: 300,
    hiddenSize: 192,
    intermediateSize: 96,
    layers: 1,
    heads: 3,
    kvHeads: 1,
    headSize: 64,
  }),
};

export type Shape = keyof typeof shapes;

export const tasks: Record<Kind, TrainTask> = {
  sft: { kind: "sft", promptMask: true },
  reward: { kind: "reward" },
  dpo: { kind: "dpo", beta: 0.1 },
  kto: { kind: "kto", beta: 0.1, desirableWeight: 1, undesirableWeight: 1.5 },
};

/** Twenty-two rows with prompts of 3 to 8 tokens and answers of 2 to 30. */
export function rowsFor(kind: Kind, config: ModelConfig, count = 22): TrainRow[] {
  const random = new Random(seed, 7);
  let drawn = 0;
  const below = (limit: number): number => Math.floor(random.uniform(drawn++) * limit);
  const sequence = (promptLength: number): Sequence => ({
    ids: Array.from({ length: promptLength + 2 + below(29) }, () => below(config.vocabSize)),
    promptLength,
  });
  return Array.from({ length: count }, () => {
    const promptLength = 3 + below(6);
    if (kind === "sft") return sequence(promptLength);
    if (kind === "kto") return { ...sequence(promptLength), desirable: below(2) === 0 };
    return { chosen: sequence(promptLength), rejected: sequence(promptLength) };
  });
}

export const optimizer: OptimizerSettings = {
  learningRate: 3e-3,
  betas: [0.9, 0.95],
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
  schedule: "cosine",
  warmup: 0.1,
  epochs: 2,
  batch: 5,
  seed,
  maxLength: 64,
};

export function trainingOf(kind: Kind, shape: Shape, threads = 1): TrainOptions & { start: Checkpoint } {
  const policy = initCheckpoint(shapes[shape], seed);
  return {
    task: tasks[kind],
    start: kind === "reward" ? rewardModelFrom(policy, seed) : policy,
    reference: kind === "dpo" || kind === "kto" ? policy : undefined,
    rows: rowsFor(kind, shapes[shape]),
    optimizer,
    threads,
  };
}

/**
 * One epoch of three steps, the last one on a batch of two rows: enough where a test compares the bits or
 * values of one training.
 */
export function shortened<T extends TrainOptions>(options: T): T {
  return { ...options, rows: options.rows.slice(0, 12), optimizer: { ...options.optimizer, epochs: 1 } };
}

/**
 * A pool that is closed after the tests of `t`. To open the sessions of a small training takes ten times as
 * long as the training.
 */
export function poolFor(t: { after: (end: () => Promise<void>) => void }): SessionPool {
  const pool = new SessionPool();
  t.after(() => pool.close());
  return pool;
}

/** SHA-256 digests of all weights and of the curve. */
export function digestsOf({ checkpoint, curve }: Pick<TrainResult, "checkpoint" | "curve">): {
  weights: string;
  curve: string;
} {
  const hash = createHash("sha256");
  for (const [name, { data }] of [...checkpoint.weights].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(name).update(data);
  return {
    weights: hash.digest("hex"),
    curve: createHash("sha256").update(JSON.stringify(curve)).digest("hex"),
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [kind, shape, dir] = process.argv.slice(2) as [Kind, Shape, string];
  console.log(
    JSON.stringify(
      digestsOf(await train({ ...trainingOf(kind, shape), resume: await readTrainerState(dir) })),
    ),
  );
}
