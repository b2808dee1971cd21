/* oxlint-disable max-lines -- the data of a campaign in one place, types only */
// A campaign as data: places, plans, ledger events and results of stages. Types only, because workflows
// import this file. docs/store.md has the formats.

/** SHA-256, 64 lower-case hex digits. */
export type Digest = string;

/** Input of the campaign workflow. The spec itself is the blob `specDigest`. */
export interface CampaignInput {
  campaignId: string;
  specDigest: Digest;
  /** `dir:/path` or `s3://bucket/prefix`. A worker with another store refuses the campaign. */
  storeName: string;
}

/** Input of a firing's workflow: the campaign that a schedule starts. */
export interface ScheduledCampaign {
  /** Id of the schedule. */
  schedule: string;
  storeName: string;
  specDigest: Digest;
  /** The spec's name. */
  name: string;
  /** Template of the campaign's id, `nightly-{{date}}`, and the time zone of its date. */
  id: string;
  timeZone: string;
  /** What the spec read from the hub. */
  sources?: HubSource[];
}

/** Input of one run of the campaign workflow. */
export interface RunInput extends CampaignInput {
  /**
   * Epoch of the run that continued as this one. This run opens the campaign only if that epoch is still the
   * newest. Absent if `start` began this run.
   */
  continues?: number;
}

/** One take of an iteration (0 = bootstrap), or a named baseline. */
export type Place = { iteration: number; take: number } | { baseline: string; take: number };

/**
 * Stages in recipe order; `sft` and `reward` run in the bootstrap only. A policy is measured by `answer`,
 * `score`, `reference` and `judge`, and `evaluate` makes metrics of their results.
 */
export type StageName =
  | "sft"
  | "reward"
  | "generate"
  | "score"
  | "label"
  | "audit"
  | "refit"
  | "pair"
  | "train"
  | "answer"
  | "reference"
  | "judge"
  | "evaluate"
  | "promote";

export type Split = "validation" | "test";

/**
 * Answers that measure a policy: to the prompts of a split. `opponent`: the reference answers, a second
 * sample of π_0 on the test split.
 */
export type AnswerSet = Split | "opponent";

/** Who decides a comparison of two answers: the true reward, the judge, or the proxy. */
export type JudgedBy = "gold" | "judge" | "reward";

/** Input of every stage activity. */
export interface StageInput {
  campaign: CampaignInput;
  /** Epoch of the workflow run that scheduled the activity; never part of an address. */
  epoch: number;
  place: Place;
}

/** Input of a place's workflow. */
export interface PlaceInput extends StageInput {
  plan: PlacePlan;
  /** Progress of the run that continued as this one. */
  reached?: Reached;
}

/** Progress of a place, in digests. Its size does not depend on the number of shards. */
export interface Reached {
  /** Finished stages by name (`generate/iteration`, `train`, `answer/test`). */
  stages: Record<string, FinishedStage>;
  /** Stages that have begun and not finished, by name. */
  begun: Record<string, BegunStage>;
}

export interface BegunStage {
  /** Number of finished shards from the first on, without a gap. */
  shards: number;
  startedAtMs: number;
}

/** The part of a finished stage that later stages need. */
export interface FinishedStage {
  digest: Digest;
  policy?: Digest;
  decision?: Decision;
}

/** Consecutive pieces, `from` inclusive, `to` exclusive. Shard sizes may change at any time, pieces never. */
export interface Shard {
  index: number;
  from: number;
  to: number;
}

// ---------------------------------------------------------------- the plan: the workflow's part of the spec

/** Counts and switches from the spec. Workflows see nothing else of it. */
export interface Plan extends PlacePlan {
  baselines: BaselinePlan[];
}

/** The plan of one place. */
export interface PlacePlan {
  iterations: number;
  /** True: SFT makes π_0. False: the given policy is π_0. */
  sft: boolean;
  /** True: the bootstrap trains a reward or preference model. False: a module or a given model scores. */
  reward: boolean;
  /** Preference pairs of the bootstrap: made of labels on answers of π_0, or from a file. */
  preferences: "labels" | "file" | "none";
  /** Reference model of the loss: π_0, or the policy that the iteration starts from. */
  reference: "initial" | "previous";
  /** Whether the proxy gives an answer a reward, or only compares two answers. `none`: nothing scores. */
  proxy: "rewards" | "preferences" | "none";
  /** Labels on answers of π_0. */
  bootstrapLabels?: LabelsPlan;
  /** Labels that each iteration trains on. `refit`: the reward model too. */
  labels?: LabelsPlan & { refit?: "labels" | "scores" };
  /** Who compares a policy's test answers with the reference answers. */
  judgedBy: JudgedBy;
  /** True: the judge compares the newest policy with the promoted one. False: the newest is promoted. */
  judge: boolean;
  /** Number of policies promoted earlier that the judge compares with too; it decides nothing. */
  alsoAgainst: number;
  /** Pieces per fan-out. */
  pieces: Record<"bootstrap" | "audit" | "iteration" | "baseline" | Split, number>;
  /** Pieces per shard. */
  shardPieces: number;
  maxConcurrentShards: number;
  /** Task queue of each stage's activities, without `ratchet-`. */
  queues: Record<StageName, string>;
}

export interface LabelsPlan {
  by: LabeledBy;
  /** Whether scores are compared with labels that nothing is trained on. */
  audit: boolean;
}

/** `people`: the campaign waits for them. */
export type LabeledBy = "module" | "api" | "people";

export interface BaselinePlan {
  name: string;
  /**
   * `labels`: pairs of the bootstrap's labels. `preferences`: pairs of its file. `initial-policy`: pairs of
   * answers of π_0 to the prompts of all iterations.
   */
  pairs: "labels" | "preferences" | "initial-policy";
}

// ---------------------------------------------------------------- the ledger: decisions of the campaign

/** Results of the bootstrap that later stages start from. */
export interface Bootstrap {
  /** Tree digest of π_0. */
  policy: Digest;
  /** Tree digest of the reward model; absent if a module scores. */
  rewardModel?: Digest;
  /** Result digest of the seal of the labels on answers of π_0. */
  labels?: Digest;
  /** Result digest of the preference pairs, made of labels or from a file. */
  preferences?: Digest;
  /** Result digest of the reference answers: a second sample of π_0, which win rates compare with. */
  opponent: Digest;
  /** Result digest of their rewards; only if the proxy's rewards decide win rates. */
  opponentScores?: Digest;
}

/** `promoted`: the iteration is the promoted one now. `kept`: the earlier one stays promoted. */
export type Decision = "promoted" | "kept";

/**
 * What the judge's verdicts show about the candidate: `better` than the promoted policy by the spec's
 * threshold, `worse`, or neither.
 */
export type PromotionEvidence = "better" | "undecided" | "worse";

/**
 * Result digests of the stages of one place. `answer`: the answers to the validation split, which the judge
 * compares. `validation`, `test`: the metrics, whose results name the stages that they are made of.
 */
export type StageDigests = Partial<Record<StageName | "validation" | "test" | "replay" | "rescore", Digest>>;

/** What ends a pause for too few labels: a later deadline, or the labels that there are. */
export type LabelsDecision = { extendMs: number } | { accept: true };

/** Where a part of the spec came from. Nothing depends on it: the spec holds the content's digests. */
export interface HubSource {
  use: "policy" | "preferenceModel" | "prompts" | "sft" | "preferences";
  /** `org/name` */
  hub: string;
  /** As in the campaign file, and the commit that it was when the campaign was created. */
  revision: string;
  commit: string;
  config?: string;
  split?: string;
  /** Columns with other names in the data set: `prompt: instruction`. */
  columns?: string[];
}

export type LedgerEvent =
  /** `sources`: what was read from the hub; absent if nothing was. */
  | { type: "created"; specDigest: Digest; name: string; sources?: HubSource[] }
  | { type: "opened"; server: string; namespace: string; runId: string }
  | { type: "bootstrap-finished"; bootstrap: Bootstrap; stages: StageDigests }
  /** Result and decision are one row, so that no crash can separate them. */
  | {
      type: "iteration-finished";
      iteration: number;
      take: number;
      policy: Digest;
      /** Of an iteration that trained the reward model on. */
      rewardModel?: Digest;
      replay?: Digest;
      stages: StageDigests;
      decision: Decision;
    }
  | { type: "baseline-finished"; name: string; policy: Digest; stages: StageDigests }
  /**
   * `short`: the place whose questionnaire had too few labels at its deadline. `at`: what ends first; absent:
   * nothing. `after`: of `iteration`, the one that runs; the campaign is paused when it has finished.
   */
  | {
      type: "paused";
      by: string;
      why: string;
      short?: string;
      at?: Exclude<PauseAt, "now">;
      after?: number;
    }
  | { type: "resumed"; by: string; why: string; labels?: LabelsDecision & { place: string } }
  | { type: "cancelled"; by: string; why: string }
  /** Another spec holds from a place on. `changes`: what differs from the spec before. */
  | {
      type: "amended";
      specDigest: Digest;
      holdsFrom: Standing["next"];
      changes: SpecChange[];
      by: string;
      why: string;
    }
  /** An earlier iteration is the newest again; those after it are superseded. */
  | { type: "rolled-back"; restored: Restored; by: string; why: string }
  | { type: "reopened"; by: string; why: string }
  | { type: "failed"; code: string; message: string }
  /** These manifests are damaged, or name damaged blobs. Their successors have the next repair number. */
  | { type: "repaired"; manifests: string[]; by: string; why: string }
  /** No seal that is made later lists these labels. */
  | { type: "labels-withdrawn"; labeler: string; labels: WithdrawnLabels[]; by: string; why: string }
  /** The last row of a campaign that another store continues. */
  | { type: "moved"; to: string; by: string; why: string }
  /** `prompt`: SHA-256 of the prompt's id, because the id may name a person. `blobs`: the erased ones. */
  | { type: "erased"; prompt: Digest; blobs: Digest[]; by: string; why: string }
  | { type: "completed"; latest: Digest; promoted: Digest };

/** What a pause lets end: nothing, running shards and activities, or the iteration that runs. */
export type PauseAt = "now" | "shard" | "iteration";

/** A setting of the compiled spec. An absent side has no such setting. */
export interface SpecChange {
  /** `train.optimizer.learningRate` */
  path: string;
  from?: SpecValue;
  to?: SpecValue;
}

type SpecValue = string | number | boolean | null | object;

/** A spec that the ledger names. Without `holdsFrom`: the first, which bootstrap and baselines keep. */
export interface SpecInForce {
  specDigest: Digest;
  holdsFrom?: Standing["next"];
}

/** An amendment that an operator asks for. */
export interface AmendmentRequest {
  specDigest: Digest;
  /** The newest spec that the operator saw: two operators do not undo each other's amendments unseen. */
  base: Digest;
}

/** An iteration to go back to. Without a take, the one that counts. */
export interface RollbackTarget {
  iteration: number;
  take?: number;
}

/** Of a campaign's state, what a rollback puts back. */
export interface Restored extends Pick<Standing, "earlier" | "next"> {
  latest: Pointer;
  promoted: Pointer;
}

/** Labels of one questionnaire. */
export interface WithdrawnLabels {
  place: string;
  questionnaire: Digest;
  /** Below the folder of the questionnaire's labels: `000012/0.1.json`. */
  names: string[];
}

/** One ledger row as stored: `ledger/<n, 12 digits>.json`. */
export interface LedgerRow {
  schema: "ratchet.ledger/1";
  n: number;
  epoch: number;
  /** A second append with this id does nothing. */
  id: string;
  event: LedgerEvent;
  /** SHA-256 of the bytes of row n-1; null for row 0. */
  previous: Digest | null;
  /** ISO time and writer, for people. No rule reads them. */
  at: string;
  by: string;
}

export type CampaignStatus =
  "created" | "running" | "paused" | "completed" | "failed" | "cancelled" | "moved";

/** State of a campaign, enough to resume it. Its size does not depend on the number of iterations. */
export interface Standing {
  campaignId: string;
  status: CampaignStatus;
  epoch: number;
  server?: string;
  namespace?: string;
  bootstrap?: Bootstrap;
  /** Next iteration (1 after the bootstrap) and its take, which each rollback raises by one. */
  next: { iteration: number; take: number };
  latest?: Pointer;
  promoted?: Pointer;
  /** Promoted before `promoted`, newest first; at most 4. */
  earlier: Pointer[];
  /** Finished baselines. */
  baselines: Record<string, { policy: Digest }>;
  /** It will be paused when this iteration has finished. */
  pausing?: { after: number };
  /** The pause let running shards end. */
  pausedAt?: "shard";
  /** Paused because the questionnaire of this place has too few labels. */
  short?: string;
  failure?: { code: string; message: string };
}

/** State and history of a campaign, for readers. `foldLedger` (rules.ts) makes it from the ledger. */
export interface CampaignRecord extends Standing {
  name: string;
  /** Of the newest spec. */
  specDigest: Digest;
  /** All specs, in the order of the ledger. */
  specs: SpecInForce[];
  baselines: Record<string, { policy: Digest; stages: StageDigests }>;
  iterations: IterationRecord[];
  rows: number;
}

export interface Pointer {
  iteration: number;
  take: number;
  policy: Digest;
  /** Result digest of the answers on the validation split; the judge compares them. */
  answers: Digest;
  /** The newest reward model; absent if the bootstrap's is the only one. */
  rewardModel?: Digest;
  /** Result digest of the pairs that it was trained on; they name the earlier ones. */
  replay?: Digest;
}

/** What an iteration starts from. */
export interface IterationStart {
  bootstrap: Bootstrap;
  /** The newest finished iteration: always the warm start. */
  latest: Pointer;
  promoted: Pointer;
  /** Promoted before it, newest first. */
  earlier: Pointer[];
}

export interface IterationRecord {
  iteration: number;
  take: number;
  policy: Digest;
  rewardModel?: Digest;
  replay?: Digest;
  stages: StageDigests;
  decision: Decision;
  /** A rollback to an earlier iteration has left it behind. */
  superseded?: true;
}

// ---------------------------------------------------------------- results: the deterministic half of a
// manifest

/** As stored. Only the SHA-256 of the RFC 8785 JSON of `result` is part of other addresses. */
export interface Manifest<R = unknown> {
  schema: string;
  result: R;
  facts: Facts;
}

/** Circumstances of the computation; never part of an address. */
export interface Facts {
  startedAt: string;
  finishedAt: string;
  attempt: number;
  epoch: number;
  host: string;
  cpu: string;
  node: string;
  onnxruntime?: string;
  /** Version of the package. */
  ratchet: string;
  /** Build id (worker/build.ts). */
  build?: string;
  commit?: string;
  /** True if the working tree had changes. */
  dirty?: boolean;
  /** SHA-256 of package-lock.json. */
  lock?: string;
  device?: string;
  /** Pieces or steps that this attempt computed, and those that it found finished. */
  computed?: number;
  adopted?: number;
  /** Training only: the step of the checkpoint that this attempt resumed from. */
  resumedFrom?: number;
  /** A piece only: models that the runtime had to load for it. */
  modelLoads?: number;
  [more: string]: unknown;
}

/** A folder, for example a checkpoint. It is stored as a blob of its canonical JSON. */
export interface Tree {
  schema: "ratchet.tree/1";
  files: { path: string; digest: Digest; sizeBytes: number }[];
}

export interface PieceRef {
  index: number;
  /** Blob of JSON Lines. */
  rows: Digest;
  prompts: number;
}

/** What a piece's manifest holds; the stage's own result then lists its pieces. */
export interface PieceResult {
  stage: StageName;
  version: number;
  place: string;
  piece: number;
  /** Blob of JSON Lines. */
  rows: Digest;
  prompts: number;
  counts: Record<string, number>;
  /** Present if the piece was given up; it has no rows then. */
  dropped?: Dropped;
}

/** Prompts that were dropped because computing them crashed the process each time. */
export interface Dropped {
  /** Ids. */
  prompts: string[];
  cause: string;
}

export interface GenerateResult {
  stage: "generate" | "answer";
  version: number;
  place: string;
  policy: Digest;
  prompts: Digest;
  sampling: Digest;
  /** What generated the answers; absent: the worker's own engine. */
  runtime?: string;
  pieces: PieceRef[];
  counts: { prompts: number; completions: number; tokens: number; truncated: number };
  /** Pieces without rows (`generate.poison: drop`). */
  dropped?: ({ piece: number } & Dropped)[];
}

export interface ScoreResult {
  stage: "score";
  version: number;
  place: string;
  completions: Digest;
  /** Tree digest of the reward model or preference model, or blob digest of the bundled module. */
  scorer: Digest;
  pieces: PieceRef[];
  stats: { count: number; mean: number; std: number; bestMean: number };
}

export interface PairResult {
  stage: "pair";
  version: number;
  place: string;
  source: Digest;
  settings: Digest;
  /** Blob of JSON Lines in TRL's columns. */
  pairs: Digest;
  /** Of pairs to refit on: the result of the earlier pairs; the old ones are drawn from all of these. */
  replay?: Digest;
  report: PairReport;
}

export interface PairReport {
  pairs: number;
  groups: number;
  dropped: Record<string, number>;
  /** Answers excluded before the pair is chosen; their group may still give a pair. */
  answers?: { truncated: number; identical: number };
  /** Gap of the penalized scores; 0 for labelled pairs. */
  margin: { mean: number; min: number; max: number };
  /** Mean of chosen minus rejected length, tokens. */
  lengthDifference: number;
  /** Labels of the comparisons that were read until the last pair was found, ties included. */
  labels?: number;
}

/** How often scores agree with labels. */
export interface Agreement {
  /** Share of the decided labels that the scores agree with; the mean over prompts. Absent without any. */
  rate?: Interval;
  /** Labels that prefer an answer; ties and `both_bad` are not among them. */
  decided: number;
  undecided: number;
}

/** The scores of a place beside the labels of its audit part, which nothing is trained on. */
export interface AuditResult {
  stage: "audit";
  version: number;
  place: string;
  /** Result digests of the labels' seal and of score. */
  seal: Digest;
  scores: Digest;
  agreement: Agreement;
}

export interface TrainResult {
  stage: "sft" | "reward" | "refit" | "train";
  version: number;
  place: string;
  start: Digest;
  reference?: Digest;
  data: Digest;
  settings: Digest;
  steps: number;
  /** Rows that training left out, by reason. */
  dropped: Record<string, number>;
  /** Rows cut at `maxLength`. */
  cut: number;
  /** Rows where one token would contain the end of the prompt and the beginning of the answer. */
  merged: number;
  /** Tree digest of the checkpoint. */
  policy: Digest;
  /** SHA-256 of model.safetensors. */
  weights: Digest;
  metrics: Record<string, number>;
  /** Blob of JSON Lines: one row per step, with TRL's metric names. */
  curve: Digest;
}

/** A value with a two-sided interval, of 95 % unless its owner says otherwise. */
export interface Interval {
  value: number;
  low: number;
  high: number;
}

/** Log-probabilities of a policy's answers under π_0. */
export interface ReferenceResult {
  stage: "reference";
  version: number;
  place: string;
  answers: Digest;
  /** Tree digest of π_0. */
  model: Digest;
  pieces: PieceRef[];
  /** See EvaluateMetrics. */
  kl: number;
}

/** Comparisons of two sets of answers to the same prompts. */
export interface JudgeResult {
  stage: "judge";
  version: number;
  place: string;
  split: Split;
  by: JudgedBy;
  /** Result digests of the answers. */
  ours: Digest;
  theirs: Digest;
  pieces: PieceRef[];
  comparisons: number;
  /** Of ours; the mean over prompts. */
  winRate: Interval;
  /** The win rate that answers as long as theirs would have (docs/promotion.md). */
  lengthControlled: Interval;
  /** Mean true reward of ours and its parts, if the true reward decides. */
  gold?: number;
  goldParts?: Record<string, number>;
}

export interface EvaluateResult {
  stage: "evaluate";
  version: number;
  place: string;
  split: Split;
  policy: Digest;
  /** Result digests of the stages that the metrics were computed from. */
  answers: Digest;
  scores?: Digest;
  /** By the reward model that the iteration made. */
  refittedScores?: Digest;
  reference?: Digest;
  verdicts?: Digest;
  /** Comparisons by the preference model, if it is the proxy and somebody else decides win rates. */
  preferences?: Digest;
  metrics: EvaluateMetrics;
}

export interface EvaluateMetrics {
  prompts: number;
  completions: number;
  /** Against the reference answers, decided by `judgedBy`; test split only. */
  winRate?: Interval;
  /** The win rate that answers as long as the reference answers would have (docs/promotion.md). */
  lengthControlled?: Interval;
  judgedBy?: JudgedBy;
  /**
   * Mean reward of the scorer that training used. A preference model has no rewards: mean probability that it
   * prefers the policy's answer to a reference answer; test split only.
   */
  proxy?: number;
  /**
   * Mean reward by the reward model that this iteration made. Each iteration has another one, so `proxy`
   * compares policies and this does not.
   */
  refittedProxy?: number;
  /** Mean true reward and its parts; test split of simulated tasks. */
  gold?: number;
  goldParts?: Record<string, number>;
  /** Mean tokens per answer. */
  length: number;
  /** Share of answers that were cut off at the token limit. */
  truncated: number;
  /**
   * KL(π ‖ π_0) in nats per answer, k1 estimator: mean of Σ_t log π(a_t) − log π_0(a_t) over answers of π.
   * 0 for π_0 itself, by definition.
   */
  kl: number;
}

/** The candidate's win rates against a policy that was promoted earlier. They decide nothing. */
export interface EarlierComparison {
  iteration: number;
  policy: Digest;
  verdicts: Digest;
  winRate: Interval;
  lengthControlled: Interval;
}

export interface PromoteResult {
  stage: "promote";
  version: number;
  place: string;
  candidate: Digest;
  incumbent: Digest;
  /** Result digest of the judge's comparisons of their validation answers; absent without a judge module. */
  verdicts?: Digest;
  /**
   * Share of validation comparisons that the candidate wins, as they are and at equal length. Each bound
   * holds with `promote.confidence`; if that is 0, the intervals have 95 %. Absent without a judge module.
   */
  winRate?: Interval;
  lengthControlled?: Interval;
  /** Absent without a judge module. */
  evidence?: PromotionEvidence;
  /** Comparisons with policies that were promoted earlier, newest first, with 95 % intervals. */
  also?: EarlierComparison[];
  labels: number;
  decision: Decision;
  reason: string;
}

// ---------------------------------------------------------------- work in progress: makes a restart cheaper,
// decides nothing

/** A checkpoint of a training that has not finished. */
export interface CheckpointResult {
  step: number;
  tree: Digest;
}

/** Log-probabilities of answers under a reference. */
export interface StoredLogps {
  /** Tree of the reference, and the rows that hold the answers. */
  reference: Digest;
  rows: Digest;
  /** The engine's digest of the answers; names no blob. */
  of: string;
  /** One an answer, in the order of the rows. */
  logps: number[];
}
