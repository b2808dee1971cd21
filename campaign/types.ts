// The words of a campaign as data: places, plans, ledger events and the results that stages leave behind.
// Types only; workflows import this file, so nothing here may run. Formats: docs/store.md.

/** SHA-256, 64 lower-case hex digits. */
export type Digest = string;

/** Input of the campaign workflow. Never the spec itself: the blob `specDigest` holds it. */
export interface CampaignInput {
  campaignId: string;
  specDigest: Digest;
  /** The worker's name of the store, `dir:/path` or `s3://bucket/prefix`; the worker refuses another one. */
  storeName: string;
}

/** Input of one run of the campaign workflow. */
export interface RunInput extends CampaignInput {
  /**
   * Epoch of the run that continued as this one, which opens the campaign only if no other run has opened it since. Absent in the first
   * run.
   */
  continues?: number;
}

/** Where a result belongs: one take of an iteration (0 = bootstrap), or a named baseline. */
export type Place = { iteration: number; take: number } | { baseline: string; take: number };

/** The stages of an iteration in recipe order; `sft` and `reward` exist in the bootstrap only. */
export type StageName = "sft" | "reward" | "generate" | "score" | "pair" | "train" | "evaluate" | "promote";

export type Split = "validation" | "test";

/** What every stage activity is told. */
export interface StageInput {
  campaign: CampaignInput;
  /** Epoch of the workflow run that scheduled the activity; a fact, never part of an address. */
  epoch: number;
  place: Place;
}

/** Input of a place's workflow, besides what its own body reads. */
export interface PlaceInput extends StageInput {
  plan: PlacePlan;
  /** What the run before this one had reached when it continued as new. */
  reached?: Reached;
}

/** How far a place has come, in digests: as small for ten thousand shards as for one. */
export interface Reached {
  /** Finished stages by name (`generate/iteration`, `train`, `evaluate/test`). */
  stages: Record<string, FinishedStage>;
  /** Stages that have begun, by name. */
  begun: Record<string, BegunStage>;
}

export interface BegunStage {
  /** Done without a gap from the first shard on. */
  shards: number;
  startedAtMs: number;
}

/** What later stages need of a finished one. */
export interface FinishedStage {
  digest: Digest;
  policy?: Digest;
  decision?: Decision;
}

/** A run of whole pieces, `from` inclusive, `to` exclusive. Shards may change at any time, pieces never. */
export interface Shard {
  index: number;
  from: number;
  to: number;
}

// ---------------------------------------------------------------- the plan: what the workflow may know of the spec

/** Counts and switches derived from the spec; all that workflows see of it. */
export interface Plan extends PlacePlan {
  baselines: BaselinePlan[];
}

/** What the workflow of one place is given of it. */
export interface PlacePlan {
  iterations: number;
  /** Train SFT first, else the given policy is π_0. */
  sft: boolean;
  /** Train a reward model or a preference model, else a module or a given model scores. */
  reward: boolean;
  /** Preference pairs are sampled from π_0 and labelled by a rater, or come from a file. */
  preferences: "sample" | "file" | "none";
  /** Reference of DPO: π_0, or the policy that the iteration starts from. */
  reference: "initial" | "previous";
  /** Pieces per fan-out. */
  pieces: { preferences: number; iteration: number; baseline: number; validation: number; test: number };
  /** Pieces per shard, shards in flight at once. */
  shardPieces: number;
  maxConcurrentShards: number;
  /** Task queue of each stage's activities: the part after `ratchet-`. */
  queues: Record<StageName, string>;
}

export interface BaselinePlan {
  name: string;
  /** `preferences`: the pairs that trained the reward model. `initial-policy`: max-min of n from π_0 over all iterations' prompts. */
  pairs: "preferences" | "initial-policy";
}

// ---------------------------------------------------------------- the ledger: what the campaign decided

/** Pointers that later stages start from. All are digests of trees (checkpoints) or of stage results. */
export interface Bootstrap {
  /** Tree digest of π_0. */
  policy: Digest;
  /** Tree digest of the reward model, absent when a module scores. */
  rewardModel?: Digest;
  /** Result digest of the preference pairs, absent without a reward model. */
  preferences?: Digest;
  /** Result digest of the opponent's answers: a second sample of π_0 on validation and test. */
  opponent: Digest;
}

/** Whether an iteration became the promoted one, or the old pointer stayed. */
export type Decision = "promoted" | "kept";

/** Result digests of the stages of one place. */
export type StageDigests = Partial<Record<StageName | "validation" | "test", Digest>>;

export type LedgerEvent =
  | { type: "created"; specDigest: Digest; name: string }
  | { type: "opened"; server: string; namespace: string; runId: string }
  | { type: "bootstrap-finished"; bootstrap: Bootstrap; stages: StageDigests }
  /** Finishing and deciding is one row, so no crash can come between them. */
  | {
      type: "iteration-finished";
      iteration: number;
      take: number;
      policy: Digest;
      stages: StageDigests;
      decision: Decision;
    }
  | { type: "baseline-finished"; name: string; policy: Digest; stages: StageDigests }
  | { type: "paused"; by: string; why: string }
  | { type: "resumed"; by: string; why: string }
  | { type: "cancelled"; by: string; why: string }
  | { type: "reopened"; by: string; why: string }
  | { type: "failed"; code: string; message: string }
  /** These manifests are damaged, or name what is: they are set aside, and their successors lie at the next repair number. */
  | { type: "repaired"; manifests: string[]; by: string; why: string }
  /** The last row of a campaign that goes on in another store. */
  | { type: "moved"; to: string; by: string; why: string }
  /** `prompt`: SHA-256 of its id, which may itself be a person's. `blobs`: what was erased; docs/store.md. */
  | { type: "erased"; prompt: Digest; blobs: Digest[]; by: string; why: string }
  | { type: "completed"; latest: Digest; promoted: Digest };

/** One ledger row as stored: `ledger/<n, 12 digits>.json`. */
export interface LedgerRow {
  schema: "ratchet.ledger/1";
  n: number;
  epoch: number;
  /** Appends are idempotent by this id. */
  id: string;
  event: LedgerEvent;
  /** SHA-256 of the bytes of row n-1; null for row 0. */
  previous: Digest | null;
  /** ISO time and writer: facts for the reader, never read by rules. */
  at: string;
  by: string;
}

export type CampaignStatus =
  "created" | "running" | "paused" | "completed" | "failed" | "cancelled" | "moved";

/** Where a campaign stands: all that a run goes on from, as small after a thousand iterations as after one. */
export interface Standing {
  campaignId: string;
  status: CampaignStatus;
  epoch: number;
  server?: string;
  namespace?: string;
  bootstrap?: Bootstrap;
  /** Next iteration to run (1 when only the bootstrap is done) and its take. */
  next: { iteration: number; take: number };
  latest?: Pointer;
  promoted?: Pointer;
  /** The finished ones. */
  baselines: Record<string, { policy: Digest }>;
  failure?: { code: string; message: string };
}

/** The fold of a ledger: where the campaign stands and how it came there, for readers. Made by `foldLedger` in rules.ts. */
export interface CampaignRecord extends Standing {
  name: string;
  specDigest: Digest;
  baselines: Record<string, { policy: Digest; stages: StageDigests }>;
  iterations: IterationRecord[];
  rows: number;
}

export interface Pointer {
  iteration: number;
  take: number;
  policy: Digest;
  /** Result digest of the validation answers, which the judge compares. */
  validation: Digest;
}

export interface IterationRecord {
  iteration: number;
  take: number;
  policy: Digest;
  stages: StageDigests;
  decision: Decision;
}

// ---------------------------------------------------------------- results: the deterministic half of a manifest

/** `{schema, result, facts}` as stored. Only SHA-256 of RFC 8785 JSON of `result` enters other addresses. */
export interface Manifest<R = unknown> {
  schema: string;
  result: R;
  facts: Facts;
}

/** What happened while the result was made; never enters an address. */
export interface Facts {
  startedAt: string;
  finishedAt: string;
  attempt: number;
  epoch: number;
  host: string;
  cpu: string;
  node: string;
  onnxruntime?: string;
  /** Version of the package, the build that told it apart from others (worker/build.ts), its git commit and whether that was changed, and the
   * SHA-256 of its package-lock.json. */
  ratchet: string;
  build?: string;
  commit?: string;
  dirty?: boolean;
  lock?: string;
  device?: string;
  /** Pieces or steps computed by this attempt, and those found finished. */
  computed?: number;
  adopted?: number;
  /** Training only: step this attempt resumed from. */
  resumedFrom?: number;
  [more: string]: unknown;
}

/** A folder as data: what a checkpoint is. Its digest is the SHA-256 of its canonical JSON, which is stored as a blob. */
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

/** What was left out because it ended its process each time it was computed. */
export interface Dropped {
  /** Ids. */
  prompts: string[];
  cause: string;
}

export interface GenerateResult {
  stage: "generate";
  version: number;
  place: string;
  policy: Digest;
  prompts: Digest;
  sampling: Digest;
  pieces: PieceRef[];
  counts: { prompts: number; completions: number; tokens: number; truncated: number };
  /** Pieces without rows, under `generate.poison: drop`. */
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
  report: PairReport;
}

export interface PairReport {
  pairs: number;
  groups: number;
  dropped: Record<string, number>;
  /** Answers set aside before the choice; a group may have given a pair all the same. */
  answers?: { truncated: number; identical: number };
  /** Score units, length penalty included; 0 where a rater labelled. */
  margin: { mean: number; min: number; max: number };
  /** Mean of chosen minus rejected length, tokens. */
  lengthDifference: number;
  /** Labels asked from a rater, when a rater labelled. */
  labels?: number;
}

export interface TrainResult {
  stage: "sft" | "reward" | "train";
  version: number;
  place: string;
  start: Digest;
  reference?: Digest;
  data: Digest;
  settings: Digest;
  steps: number;
  /** Rows that did not fit, by reason. */
  dropped: Record<string, number>;
  /** Rows that lost their end to `maxLength`. */
  cut: number;
  /** Rows of which a token would have held characters of both prompt and answer. */
  merged: number;
  /** Tree digest of the checkpoint. */
  policy: Digest;
  /** SHA-256 of model.safetensors. */
  weights: Digest;
  metrics: Record<string, number>;
  /** Blob of JSON Lines: one row per step (metric names are TRL's). */
  curve: Digest;
}

/** A value with a two-sided 95 % interval. */
export interface Interval {
  value: number;
  low: number;
  high: number;
}

export interface EvaluateResult {
  stage: "evaluate";
  version: number;
  place: string;
  split: Split;
  policy: Digest;
  opponent?: Digest;
  pieces: PieceRef[];
  metrics: EvaluateMetrics;
}

export interface EvaluateMetrics {
  prompts: number;
  completions: number;
  /** Against the fixed opponent; test split only. Who decided each comparison is named by `judgedBy`. */
  winRate?: Interval;
  judgedBy?: "gold" | "judge" | "reward";
  /**
   * Mean reward of the scorer that training used. Of a preference model, which knows no rewards: mean probability that it prefers an
   * answer to one of the opponent's; test split only.
   */
  proxy?: number;
  /** Mean hidden gold and its parts; test split of worlds that have one. */
  gold?: number;
  goldParts?: Record<string, number>;
  /** Mean tokens per answer. */
  length: number;
  /** Share of answers that did not end. */
  truncated: number;
  /** nats per answer, k1 estimator: mean over answers of Σ_t log π(a_t) − log π_0(a_t), answers drawn from π. */
  kl: number;
}

export interface PromoteResult {
  stage: "promote";
  version: number;
  place: string;
  candidate: Digest;
  incumbent: Digest;
  /** Share of validation comparisons that the candidate wins; absent without a judge. */
  winRate?: Interval;
  labels: number;
  decision: Decision;
  reason: string;
}

// ---------------------------------------------------------------- work in progress: makes a restart cheaper, decides nothing

/** A checkpoint of a training that has not finished. */
export interface CheckpointResult {
  step: number;
  tree: Digest;
}

/** Log-probabilities of answers under a reference. */
export interface ReferenceResult {
  /** Tree of the reference, and the rows that hold the answers. */
  reference: Digest;
  rows: Digest;
  /** The engine's digest of the answers; names no blob. */
  of: string;
  /** One an answer, in the order of the rows. */
  logps: number[];
}
