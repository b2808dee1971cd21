// The addresses of all stages of a small campaign, from their own activities: each stage runs until it reads
// its key from the store. Nothing is computed before that, so a call of a runtime fails the test.
import { canonicalDigest } from "../../store/index.ts";
import type { CompiledSpec, LabelSettings } from "../../campaign/spec/compiled.ts";
import type { Digest, Place } from "../../campaign/types.ts";
import type {
  EvaluateInput,
  FanOutInput,
  PairInput,
  PromoteInput,
  TrainInput,
} from "../../activities/contract.ts";
import type { AuditInput, LabelInput } from "../../activities/label-contract.ts";
import { audit } from "../../activities/stages/audit.ts";
import { evaluate } from "../../activities/stages/evaluate.ts";
import { countLabels } from "../../activities/stages/label.ts";
import { pair } from "../../activities/stages/pair.ts";
import { runShard, sealStage } from "../../activities/pieces.ts";
import { promote } from "../../activities/stages/promote.ts";
import type { Own } from "../../activities/attempt/stage-context.test.support.ts";
import {
  blob,
  committedAnswers,
  completion,
  fakeDeps,
  memoryStore,
  OPTIMIZER,
  smallSpec,
  stageContext,
} from "../../activities/attempt/stage-context.test.support.ts";
import { train } from "../../activities/stages/train.ts";
import type { Store } from "../../store/types.ts";
import { PIECE_STAGES } from "./direct-recipe.ts";

class Asked {
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
}

type Stage = (spec: CompiledSpec, store: Store) => Promise<unknown>;

const ITERATION: Place = { iteration: 2, take: 1 };
const BOOTSTRAP: Place = { iteration: 0, take: 1 };
const BASELINE: Place = { baseline: "matched", take: 1 };

/**
 * A store that throws the first key that a stage reads, or that a seal commits. This comes before the stage
 * computes anything.
 */
function asking(store: Store, sealing = false): Store {
  const piece = { piece: 0, rows: "", prompts: 2, counts: { completions: 2, tokens: 4, kl: 0 } };
  return {
    ...store,
    readManifest: async (key: string) => {
      if (!sealing) throw new Asked(key);
      const row = {
        ...completion("t1", 0, "x"),
        score: 1,
        tokens: 1,
        against: [{ index: 2, tokens: 1, wins: 1 }],
      };
      const rows = await store.putBlob(`${JSON.stringify(row)}\n`);
      return { digest: canonicalDigest({ key }), manifest: { result: { ...piece, rows } } } as never;
    },
    commitManifest: (key: string) => Promise.reject(new Asked(key)),
  };
}

function fanOut(own: Own<FanOutInput>, place: Place = ITERATION, { sealing = false } = {}): Stage {
  return async (spec, store) => {
    const context = stageContext<FanOutInput>({
      spec,
      deps: fakeDeps({ store: asking(store, sealing) }),
      input: { ...own, place } as never,
    });
    const stage = await PIECE_STAGES[own.stage](context as never);
    return sealing ? sealStage(context, stage) : runShard(context, stage, { index: 0, from: 0, to: 1 });
  };
}

const single =
  <I extends AuditInput | LabelInput | PairInput | TrainInput | EvaluateInput | PromoteInput>(
    run: (context: never) => Promise<unknown>,
    own: Omit<I, "campaign" | "epoch" | "place">,
    place: Place = ITERATION,
  ): Stage =>
  (spec, store) =>
    run(
      stageContext<I>({
        spec,
        deps: fakeDeps({ store: asking(store) }),
        input: { ...own, place } as never,
      }) as never,
    );

/** Records that stages read before they know their key. */
async function contents(
  store: Store,
  spec: CompiledSpec,
): Promise<Record<"generated" | "scored" | "seal" | "pairs" | "ours" | "theirs", Digest>> {
  const generated = await committedAnswers(
    store,
    [completion("o3", 0, "yes"), completion("o3", 1, "no")],
    spec.prompts.iterations.rows,
  );
  return {
    generated,
    scored: await store.putJson({ stage: "score", completions: generated, pieces: [] }),
    seal: await store.putJson({
      questionnaire: await store.putJson({ asked: { comparisons: 4, audit: 1 }, comparisons: "" }),
    }),
    pairs: await store.putJson({
      stage: "pair",
      pairs: await store.putBlob('{"prompt_id":"o3","prompt":"say o3","chosen":"yes","rejected":"no"}\n'),
    }),
    ours: await committedAnswers(store, [completion("t1", 0, "no")], spec.prompts.test.rows),
    theirs: await committedAnswers(store, [completion("t1", 2, "yes")], spec.prompts.test.rows),
  };
}

export type StageAddresses = Record<string, string>;

/** One address for each kind of input of each stage. `change` modifies a spec in which everything is set. */
export async function stageAddresses(
  change: (spec: CompiledSpec) => CompiledSpec = (spec) => spec,
): Promise<StageAddresses> {
  const store = await memoryStore();
  const spec = change(await fullSpec(store));
  const { generated, scored, seal, pairs, ours, theirs } = await contents(store, spec);
  const byPreference: CompiledSpec["score"] = {
    by: "preference-model",
    format: { template: "{context} {a} {b}", letters: ["A", "B"] },
  };
  const scoredBy =
    (score: CompiledSpec["score"], stage: Stage): Stage =>
    (spec_, store_) =>
      stage({ ...spec_, score }, store_);
  const judge = { stage: "judge", of: "test", ours, theirs } as const;
  const scores = { ours: scored, theirs: scored };
  const stages: Record<string, Stage> = {
    "generate iteration": fanOut({ stage: "generate", source: "iteration", policy: "policy" }),
    "generate baseline": fanOut({ stage: "generate", source: "baseline", policy: "policy" }, BASELINE),
    "generate bootstrap": fanOut({ stage: "generate", source: "bootstrap", policy: "policy" }, BOOTSTRAP),
    "answer opponent": fanOut({ stage: "answer", of: "opponent", policy: "policy" }, BOOTSTRAP),
    "answer validation": fanOut({ stage: "answer", of: "validation", policy: "policy" }),
    "answer test": fanOut({ stage: "answer", of: "test", policy: "policy" }),
    "score by model": fanOut({
      stage: "score",
      of: "iteration",
      completions: generated,
      rewardModel: "reward-model",
    }),
    "score by module": scoredBy(
      { by: "module" },
      fanOut({ stage: "score", of: "iteration", completions: generated }),
    ),
    "score by preference model": scoredBy(
      byPreference,
      fanOut({ stage: "score", of: "iteration", completions: generated, rewardModel: "preference-model" }),
    ),
    "pair scores": single<PairInput>(pair, { stage: "pair", from: "scores", source: scored }),
    "score audit": fanOut(
      { stage: "score", of: "audit", completions: generated, seal, rewardModel: "reward-model" },
      BOOTSTRAP,
    ),
    label: single<LabelInput>(countLabels, {
      stage: "label",
      by: "module",
      answers: generated,
      scores: scored,
    }),
    "label bootstrap": single<LabelInput>(
      countLabels,
      { stage: "label", by: "module", answers: generated },
      BOOTSTRAP,
    ),
    "pair replay": single<PairInput>(pair, { stage: "pair", from: "replay", source: "seal", replay: pairs }),
    audit: single<AuditInput>(audit, { stage: "audit", seal: "seal", scores: scored }),
    "pair labels": single<PairInput>(pair, { stage: "pair", from: "labels", source: "seal" }),
    "pair labels bootstrap": single<PairInput>(
      pair,
      { stage: "pair", from: "labels", source: "seal" },
      BOOTSTRAP,
    ),
    "pair labels baseline": single<PairInput>(
      pair,
      { stage: "pair", from: "labels", source: "seal" },
      BASELINE,
    ),
    "pair file": (spec_, store_) =>
      single<PairInput>(
        pair,
        { stage: "pair", from: "file" },
        BOOTSTRAP,
      )(
        {
          ...spec_,
          bootstrap: { ...spec_.bootstrap, preferences: { data: { rows: "file", count: 1 }, dropped: {} } },
        },
        store_,
      ),
    "pair preferences": single<PairInput>(
      pair,
      { stage: "pair", from: "preferences", source: pairs },
      BASELINE,
    ),
    "train sft": single<TrainInput>(train, { stage: "sft", start: "given" }, BOOTSTRAP),
    "train reward": single<TrainInput>(train, { stage: "reward", start: "initial", pairs }, BOOTSTRAP),
    "train preference model": scoredBy(byPreference, (spec_, store_) =>
      single<TrainInput>(
        train,
        { stage: "reward", start: "initial", pairs },
        BOOTSTRAP,
      )({ ...spec_, bootstrap: { ...spec_.bootstrap, preferenceModel: { optimizer: OPTIMIZER } } }, store_),
    ),
    "train refit": single<TrainInput>(train, { stage: "refit", start: "reward model", pairs }),
    "train iteration": single<TrainInput>(train, {
      stage: "train",
      start: "latest",
      reference: "initial",
      pairs,
    }),
    "train baseline": single<TrainInput>(
      train,
      { stage: "train", start: "initial", reference: "initial", pairs },
      BASELINE,
    ),
    reference: fanOut({ stage: "reference", of: "test", answers: ours, model: "initial" }),
    "judge by gold": fanOut({ ...judge, by: "gold" }),
    "judge by judge": fanOut({ ...judge, by: "judge" }),
    "judge by reward": fanOut({ ...judge, by: "reward", scores }),
    "judge by preference model": scoredBy(
      byPreference,
      fanOut({ ...judge, by: "reward", rewardModel: "preference-model" }),
    ),
    evaluate: single<EvaluateInput>(evaluate, {
      stage: "evaluate",
      split: "test",
      policy: "policy",
      answers: ours,
      scores: scored,
      reference: "reference",
      verdicts: "verdicts",
    }),
    promote: single<PromoteInput>(promote, {
      stage: "promote",
      candidate: "latest",
      incumbent: "promoted",
      verdicts: "verdicts",
    }),
    "seal generate": fanOut({ stage: "generate", source: "iteration", policy: "policy" }, ITERATION, {
      sealing: true,
    }),
    "seal score": fanOut(
      { stage: "score", of: "iteration", completions: generated, rewardModel: "reward-model" },
      ITERATION,
      {
        sealing: true,
      },
    ),
    "seal judge": fanOut({ ...judge, by: "gold" }, ITERATION, { sealing: true }),
  };
  const found: StageAddresses = {};
  for (const [name, stage] of Object.entries(stages))
    found[name] = await addressAsked(name, stage(spec, store));
  return found;
}

async function addressAsked(name: string, running: Promise<unknown>): Promise<string> {
  const error: unknown = await running.then(
    () => new Error("it ended"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Asked)) throw new Error(`${name} did not ask for its key`, { cause: error });
  return /([0-9a-f]{64})\.json$/.exec(error.key)?.[1] ?? error.key;
}

/** A spec in which all optional parts are set. */
async function fullSpec(store: Store): Promise<CompiledSpec> {
  const small = await smallSpec(store);
  const sampling = { ...small.generate, stop: ["."] };
  const labels: LabelSettings = {
    comparisons: 4,
    choose: "random",
    audit: 1,
    perComparison: 2,
    deadlineMs: 1000,
    minimum: 2,
  };
  return {
    ...small,
    prompts: { ...small.prompts, bootstrap: small.prompts.validation },
    bootstrap: {
      sft: {
        data: { rows: "sft rows", count: 1 },
        optimizer: OPTIMIZER,
        promptMask: true,
        assistantOnly: true,
      },
      labels: { ...labels, sample: sampling },
      reward: { optimizer: OPTIMIZER, margin: true, centering: 0.1 },
    },
    baselines: [{ name: "matched", pairs: "initial-policy", count: 8, learningRate: 2e-4 }],
    generate: sampling,
    pair: { ...small.pair, lengthPenalty: { per: "token", weight: 0.1 }, missingEosPenalty: 1, limit: 4 },
    train: {
      loss: [
        { type: "sigmoid", weight: 1 },
        { type: "sft", weight: 0.1 },
      ],
      beta: 0.1,
      ldAlpha: 0.5,
      reference: "initial",
      lora: { rank: 4, alpha: 8, targets: ["q_proj"] },
      optimizer: OPTIMIZER,
    },
    labels: { ...labels, refit: { optimizer: OPTIMIZER, replay: 1, pairs: "labels" } },
    modules: { reward: blob("2"), judge: blob("3"), gold: blob("4") },
  };
}
