// Stubbed runtimes: answers, rewards and weights are hashes of the requests. Activities, store and Temporal
// are real, so that ten thousand shards take minutes.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Deps } from "../../activities/deps.ts";
import type { CompiledSpec, Optimizer, Rows, Sampling } from "../../campaign/spec/compiled.ts";
import type { CampaignInput, LedgerEvent } from "../../campaign/types.ts";
import type { Completion, SampleRequest, TrainRequest } from "../../runtimes/types.ts";
import type { Store } from "../../store/types.ts";

const hash = (...parts: unknown[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");
/** A hash as a number in [0, 1). */
const fraction = (...parts: unknown[]): number => parseInt(hash(...parts).slice(0, 8), 16) / 2 ** 32;

export function stubbedDeps(store: Store, scratchDir: string): Deps {
  const rewards = (rows: { prompt: { id: string } }[]): number[] =>
    rows.map((row) => fraction("reward", row));
  return {
    store,
    cache: {
      tree: (digest) => Promise.resolve(join(scratchDir, digest)),
      copyOf: (digest) => Promise.resolve(digest),
    },
    generator: {
      deterministic: true,
      generate: async (policy, requests) => requests.map((request) => answer(policy.digest, request)),
    },
    scorer: {
      rewards: async (_model, rows) => rewards(rows),
      logps: async (model, rows) => rows.map(({ text }) => -fraction("logp", model.digest, text)),
      choices: async (_model, rows) => rows.map(({ choices }) => choices.map(() => -1)),
    },
    trainer: { train },
    modules: {
      call: async <Row, Answer>(role: string, _blob: unknown, rows: Row[]) =>
        rows.map((row) => fraction(role, row)) as Answer[],
    },
    apiLabelers: new Map(),
    generators: new Map(),
    server: "stubbed",
    namespace: "stubbed",
    searchAttributes: false,
    draining: new AbortController().signal,
    facts: { host: "stubbed", cpu: "stubbed", node: process.version, ratchet: "stubbed" },
    graceMs: 1_000,
    scratchDir,
  };
}

function answer(policy: string, { prompt, index, temperature, seed }: SampleRequest): Completion {
  const text = hash(policy, prompt.id, seed).slice(0, 16);
  return {
    promptId: prompt.id,
    index,
    text,
    ids: [index, 1, 2, 3],
    logps: [-0.5, -0.5, -0.5, -0.5],
    finish: "eos",
    temperature,
    seed,
  };
}

async function train({ start, reference, rowsPath, optimizer, outDir }: TrainRequest) {
  await mkdir(outDir, { recursive: true });
  const rows = hash((await readFile(rowsPath)).toString("hex"));
  await writeFile(
    join(outDir, "model.safetensors"),
    hash(start.digest, reference?.digest, rows, optimizer.seed),
  );
  return {
    steps: 1,
    dropped: {},
    cut: 0,
    merged: 0,
    metrics: { loss: fraction(rows) },
    curve: [{ step: 1, loss: fraction(rows) }],
  };
}

export interface StubbedSize {
  iterations: number;
  /** Prompts per iteration; each prompt is a piece, and each piece a shard. */
  perIteration: number;
  wave: number;
  baseline: boolean;
}

const OPTIMIZER: Optimizer = {
  learningRate: 1,
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0,
  clip: 1,
  schedule: "constant",
  warmup: 0,
  epochs: 1,
  batch: 1,
  microBatch: 1,
  maxLength: 16,
};
const SAMPLING: Sampling = {
  samples: [{ temperature: 1, count: 2 }],
  maxTokens: 4,
  topK: 0,
  topP: 1,
  minP: 0,
  stop: [],
};

/** Writes a campaign as `start` does: its spec and the first row of its ledger. */
export async function createStubbed(
  store: Store,
  campaignId: string,
  { iterations, perIteration, wave, baseline }: StubbedSize,
): Promise<CampaignInput> {
  const prompts = async (name: string, count: number): Promise<Rows> => {
    const rows = Array.from(
      { length: count },
      (_, n) => `${JSON.stringify({ id: `${name}-${n}`, prompt: `${name} ${n}?` })}\n`,
    );
    return { rows: await store.putBlob(rows.join("")), count };
  };
  const spec: CompiledSpec = {
    schema: "ratchet.spec/1",
    name: "stubbed",
    seed: 1,
    policy: { tree: hash("given") },
    prompts: {
      iterations: await prompts("online", iterations * perIteration),
      perIteration,
      validation: await prompts("validation", 1),
      test: await prompts("test", 1),
      overlaps: {},
    },
    bootstrap: {},
    baselines: baseline
      ? [{ name: "offline", pairs: "initial-policy", count: iterations * perIteration, learningRate: 1 }]
      : [],
    iterations,
    generate: SAMPLING,
    pieces: { prompts: 1, perShard: 1, wave },
    score: { by: "module" },
    pair: {
      strategy: "max-min",
      lengthPenalty: { per: "token", weight: 0 },
      dropTruncated: true,
      missingEosPenalty: 0,
      limit: 0,
    },
    train: { loss: "sigmoid", beta: 0.1, reference: "initial", optimizer: OPTIMIZER },
    checkpoint: { everySteps: 100, everySeconds: 100 },
    evaluate: { samples: 1, temperature: 1, resamples: 100 },
    promote: { threshold: 0.5 },
    modules: { reward: { digest: hash("reward"), timeoutMs: 1000, env: {} } },
    queues: { generate: "cpu", score: "cpu", train: "cpu", evaluate: "cpu" },
  };
  const specDigest = await store.putJson(spec);
  await store.ledger(campaignId).append<LedgerEvent>({
    id: "created",
    epoch: 0,
    event: { type: "created", specDigest, name: "stubbed" },
    by: "test",
  });
  return { campaignId, specDigest, storeName: store.name };
}
