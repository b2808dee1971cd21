// The context of a stage, with a store in memory and runtimes that a test writes itself, to test the logic of
// activities. The real runtimes have tests of their own; test/integration/ tests all of it together.
import type { CompiledSpec, Optimizer } from "../../campaign/spec/compiled.ts";
import { placeName } from "../../campaign/ids.ts";
import type { ModuleRole } from "../../campaign/spec/modules.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { Digest, StageInput, StageName } from "../../campaign/types.ts";
import type { Completion } from "../../runtimes/types.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { storeOn } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import type { StageContext } from "./context.ts";
import type { Heartbeat } from "../../temporal/heartbeat.ts";
import type { Deps } from "../deps.ts";

export const memoryStore = (): Promise<Store> => storeOn(memoryBackend());

export const blob = (digit: string) => ({ digest: digit.repeat(64), timeoutMs: 1000, env: {} });

export const OPTIMIZER: Optimizer = {
  learningRate: 1e-4,
  betas: [0.9, 0.95],
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
  schedule: "cosine",
  warmup: 0.03,
  epochs: 2,
  batch: 4,
  microBatch: 2,
  maxLength: 64,
};

/** A campaign of four online prompts, two validation and two test prompts. */
export async function smallSpec(store: Store, change: Partial<CompiledSpec> = {}): Promise<CompiledSpec> {
  const rows = async (...ids: string[]) => ({
    rows: await store.putBlob(formatRows(ids.map((id) => ({ id, prompt: `say ${id}` })))),
    count: ids.length,
  });
  return {
    schema: "ratchet.spec/1",
    name: "small",
    seed: 7,
    policy: { tree: "given" },
    prompts: {
      iterations: await rows("o1", "o2", "o3", "o4"),
      perIteration: 2,
      validation: await rows("v1", "v2"),
      test: await rows("t1", "t2"),
      overlaps: {},
    },
    bootstrap: {},
    baselines: [],
    iterations: 2,
    generate: { samples: [{ temperature: 1, count: 2 }], maxTokens: 8, topK: 0, topP: 1, minP: 0, stop: [] },
    pieces: { prompts: 2, perShard: 2, wave: 1 },
    score: { by: "model" },
    pair: {
      strategy: "max-min",
      lengthPenalty: { per: "token", weight: 0 },
      dropTruncated: false,
      missingEosPenalty: 0,
      limit: 0,
    },
    train: { loss: "sigmoid", beta: 0.1, reference: "initial", optimizer: OPTIMIZER },
    checkpoint: { everySteps: 4, everySeconds: 60 },
    evaluate: { samples: 2, temperature: 1, resamples: 200 },
    promote: { threshold: 0.5 },
    modules: {},
    queues: { generate: "cpu", score: "cpu", train: "cpu", evaluate: "cpu" },
    ...change,
  };
}

/** Modules as functions of a row; a call of a missing role fails. */
export type Modules = Partial<Record<ModuleRole, (row: never) => unknown>>;

export interface Fakes {
  store: Store;
  modules?: Modules;
  deps?: Partial<Deps>;
}

export function fakeDeps({ store, modules = {}, deps = {} }: Fakes): Deps {
  const call: Deps["modules"]["call"] = async <Row, Answer>(
    role: ModuleRole,
    _blob: unknown,
    rows: Row[],
  ) => {
    const answer = modules[role] as ((row: Row) => Answer) | undefined;
    if (!answer) throw new Error(`${role} was called`);
    return rows.map(answer);
  };
  return {
    store,
    cache: { tree: async (digest: Digest) => digest, copyOf: async (digest: Digest) => digest },
    modules: { call },
    apiLabelers: new Map(),
    generators: new Map(),
    ...deps,
  } as Deps;
}

/** The members of a stage's input that only this stage has. */
export type Own<I> = I extends unknown ? Omit<I, "campaign" | "epoch" | "place"> : never;

export interface Attempt<I extends StageInput> {
  spec: CompiledSpec;
  deps: Deps;
  input: Own<I> & { place?: StageInput["place"] };
  previous?: Heartbeat;
}

/** One attempt at a stage, of iteration 1 unless the input has another place. */
export function stageContext<I extends StageInput & { stage: StageName }>({
  spec,
  deps,
  input,
  previous,
}: Attempt<I>): StageContext<I> {
  const whole = {
    campaign: { campaignId: "small", specDigest: "spec", storeName: "memory:" },
    epoch: 1,
    place: { iteration: 1, take: 1 },
    ...input,
  } as unknown as I;
  return {
    deps,
    input: whole,
    spec,
    place: placeName(whole.place),
    attempt: previous ? 2 : 1,
    heartbeat: {},
    previous,
    repairs: new Map(),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    modelLoads: () => 0,
    madeProgress: () => undefined,
    flushHeartbeat: () => undefined,
    resetWatchdog: () => undefined,
    allowSilence: () => undefined,
    facts: (more = {}) => ({ attempt: previous ? 2 : 1, ...more }) as ReturnType<StageContext["facts"]>,
  };
}

/** An answer of `tokens` tokens, each with log-probability -1. */
export const completion = (
  promptId: string,
  index: number,
  text: string,
  { tokens = 2, finish = "eos" }: { tokens?: number; finish?: Completion["finish"] } = {},
): Completion => ({
  promptId,
  index,
  text,
  ids: Array.from({ length: tokens }, () => 5),
  logps: Array.from({ length: tokens }, () => -1),
  finish,
  temperature: 1,
  seed: `${promptId}/${index}`,
});

/** A committed generate result with one piece. */
export async function committedAnswers(
  store: Store,
  rows: readonly Completion[],
  prompts: Digest,
): Promise<Digest> {
  const piece = await store.putBlob(formatRows(rows));
  return store.putJson({
    stage: "generate",
    prompts,
    pieces: [{ index: 0, rows: piece, prompts: new Set(rows.map(({ promptId }) => promptId)).size }],
  });
}
