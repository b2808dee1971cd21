// A small campaign with a record of every type, written without computing: spec, ledger, a result of each
// stage, checkpoint, reference. A test may add members to any of them.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkpointsPrefix, placeName, referenceKey, resultKey } from "../../campaign/ids.ts";
import type { CompiledSpec, Optimizer, Sampling } from "../../campaign/spec/compiled.ts";
import type { Digest, LedgerEvent, Place, StageName } from "../../campaign/types.ts";
import { canonicalDigest } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";

/** Every stage; the type leaves none out. */
const STAGES = Object.keys({
  sft: true,
  reward: true,
  generate: true,
  score: true,
  label: true,
  audit: true,
  refit: true,
  pair: true,
  train: true,
  answer: true,
  reference: true,
  judge: true,
  evaluate: true,
  promote: true,
} satisfies Record<StageName, true>) as StageName[];
export const RECORDS: readonly RecordType[] = ["spec", "ledger", "piece", ...STAGES, "checkpoint", "logps"];
export type RecordType = "spec" | "ledger" | "piece" | StageName | "checkpoint" | "logps";

export const BOOTSTRAP: Place = { iteration: 0, take: 1 };
export const ITERATION: Place = { iteration: 1, take: 1 };

export const rowsOf = (...rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** Rows of the result of `pair`. */
export const PAIRS = rowsOf({ prompt_id: "p2", prompt: "p2?", chosen: "a", rejected: "b" });

export async function putFolder(store: Store, files: Record<string, string>): Promise<Digest> {
  const dir = await mkdtemp(join(tmpdir(), "ratchet-folder-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return store.putTree(dir).finally(() => rm(dir, { recursive: true }));
}

const OPTIMIZER: Optimizer = {
  learningRate: 1e-3,
  betas: [0.9, 0.95],
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
  samples: [{ temperature: 1, count: 1 }],
  maxTokens: 4,
  topK: 0,
  topP: 1,
  minP: 0,
  stop: [],
};

/** Key of the manifest that holds each record, by its type; the spec and the ledger have none. */
export type Keys = Partial<Record<RecordType, string>>;

/** `more`: members to add, by type of record. */
export async function recordWhole(
  store: Store,
  campaignId: string,
  more: Partial<Record<RecordType, object>> = {},
): Promise<Keys> {
  const keys: Keys = {};
  const commit = async (type: RecordType, key: string, result: object): Promise<Digest> => {
    keys[type] = key;
    const manifest = { schema: `ratchet.${type}/1`, result: { ...result, ...more[type] }, facts: {} };
    return (await store.commitManifest(key, manifest)).digest;
  };
  const stage = (type: StageName, place: Place, result: object): Promise<Digest> =>
    commit(type, resultKey(campaignId, place, type, "a"), {
      stage: type,
      place: placeName(place),
      ...result,
    });
  const list = async (...ids: string[]): Promise<{ rows: Digest; count: number }> => ({
    rows: await store.putBlob(rowsOf(...ids.map((id) => ({ id, prompt: `${id}?` })))),
    count: ids.length,
  });

  const given = await putFolder(store, { "model.safetensors": "given" });
  const module = await store.putBlob("export default () => 1;");
  const spec: CompiledSpec = {
    schema: "ratchet.spec/1",
    name: campaignId,
    seed: 1,
    policy: { tree: given },
    prompts: {
      iterations: await list("p1", "p2"),
      perIteration: 2,
      validation: await list("v1"),
      test: await list("t1"),
      overlaps: {},
    },
    bootstrap: {
      sft: { data: await list("s1"), optimizer: OPTIMIZER, promptMask: true },
      preferences: { data: await list("f1"), dropped: {} },
      reward: { optimizer: OPTIMIZER },
    },
    baselines: [],
    iterations: 1,
    generate: SAMPLING,
    pieces: { prompts: 2, perShard: 1, wave: 1 },
    score: { by: "model" },
    pair: {
      strategy: "max-min",
      lengthPenalty: { per: "token", weight: 0 },
      dropTruncated: false,
      missingEosPenalty: 0,
      limit: 0,
    },
    train: { loss: "sigmoid", beta: 0.1, reference: "initial", optimizer: OPTIMIZER },
    checkpoint: { everySteps: 1, everySeconds: 1 },
    evaluate: { samples: 1, temperature: 1, resamples: 100 },
    promote: { threshold: 0.5 },
    modules: { judge: { digest: module, timeoutMs: 1000, env: {} } },
    queues: { generate: "cpu", score: "cpu", train: "cpu", evaluate: "cpu" },
  };
  const specDigest = await store.putJson({ ...spec, ...more.spec });

  const settings = canonicalDigest("settings");
  const trained = async (name: string, data: Digest): Promise<{ policy: Digest; result: object }> => {
    const policy = await putFolder(store, { "model.safetensors": name, "config.json": "{}" });
    const { files } = await store.getJson<{ files: { path: string; digest: Digest }[] }>(policy);
    const weights = files.find(({ path }) => path === "model.safetensors")?.digest;
    const curve = await store.putBlob(rowsOf({ step: 1, of: name }));
    return { policy, result: { start: given, data, settings, policy, weights, curve, metrics: { loss: 1 } } };
  };
  const sftModel = await trained("sft", spec.bootstrap.sft?.data.rows ?? "");
  const sft = await stage("sft", BOOTSTRAP, sftModel.result);
  const rewardModel = await trained("reward", sft);
  const reward = await stage("reward", BOOTSTRAP, rewardModel.result);

  const answers = await store.putBlob(
    rowsOf({ promptId: "p1", index: 0, text: "one" }, { promptId: "p2", index: 0, text: "secret" }),
  );
  const pieceKey = resultKey(campaignId, ITERATION, "generate", "piece-00000-a");
  const piece = {
    stage: "generate",
    place: placeName(ITERATION),
    piece: 0,
    rows: answers,
    prompts: 2,
    counts: {},
  };
  await commit("piece", pieceKey, piece);
  const pieces = [{ index: 0, rows: answers, prompts: 2 }];
  const prompts = spec.prompts.iterations.rows;
  const { policy: initial } = sftModel;
  const sampling = canonicalDigest(SAMPLING);
  const generate = await stage("generate", ITERATION, { policy: initial, prompts, sampling, pieces });
  const score = await stage("score", ITERATION, {
    completions: generate,
    scorer: rewardModel.policy,
    pieces,
  });
  const asked = { comparison: 0, promptId: "p2", prompt: "p2?", first: { index: 0, text: "secret" } };
  const comparisons = await store.putBlob(rowsOf({ ...asked, second: { index: 1, text: "other" } }));
  const questions = { answers: generate, scores: score, seed: "s", comparisons, count: 1 };
  const label = await stage("label", ITERATION, questions);
  const audit = await stage("audit", ITERATION, { seal: label, scores: score });
  const pairs = await store.putBlob(PAIRS);
  const pair = await stage("pair", ITERATION, {
    source: score,
    settings,
    pairs,
    report: { pairs: 1, margin: { mean: 1 } },
  });
  const refitted = await trained("refitted", pair);
  const refit = await stage("refit", ITERATION, refitted.result);
  const { policy, result } = await trained("trained", pair);
  const train = await stage("train", ITERATION, { ...result, reference: initial });
  const answer = await stage("answer", ITERATION, { policy, prompts, sampling, pieces });
  const measured = await stage("reference", ITERATION, { answers: answer, model: initial, pieces });
  const judge = await stage("judge", ITERATION, { ours: answer, theirs: generate, pieces });
  const evaluate = await stage("evaluate", ITERATION, {
    split: "validation",
    policy,
    answers: answer,
    scores: score,
    reference: measured,
    verdicts: judge,
    metrics: {},
  });
  const promote = await stage("promote", ITERATION, {
    candidate: policy,
    incumbent: initial,
    verdicts: judge,
    decision: "promoted",
  });

  const checkpointKey = `${checkpointsPrefix(campaignId, ITERATION, "train", "a")}step-00000001.json`;
  const tree = await putFolder(store, { "model.safetensors": "half trained" });
  await commit("checkpoint", checkpointKey, { step: 1, tree });
  const reference = { reference: initial, rows: pairs, of: canonicalDigest("answers"), logps: [-1.5] };
  await commit("logps", referenceKey(campaignId, "a"), reference);

  const stages = { generate, score, label, audit, pair, refit, train, answer, validation: evaluate, promote };
  const bootstrap = { policy: initial, rewardModel: rewardModel.policy, opponent: generate };
  const finished = {
    type: "iteration-finished",
    ...ITERATION,
    policy,
    rewardModel: refitted.policy,
    stages,
    decision: "promoted",
    ...more.ledger,
  };
  const events: LedgerEvent[] = [
    { type: "created", specDigest, name: campaignId },
    { type: "opened", server: "there", namespace: "default", runId: "r" },
    { type: "bootstrap-finished", bootstrap, stages: { sft, reward } },
    finished as LedgerEvent,
    // Ended, so that it can be repaired and erased from; not completed, so that `prune` keeps its
    // checkpoints.
    { type: "cancelled", by: "ada", why: "enough" },
  ];
  for (const [n, event] of events.entries())
    await store.ledger(campaignId).append({ id: `row-${n}`, epoch: n === 0 ? 0 : 1, event, by: "test" });
  return keys;
}
