// Inputs and results of activities: digests, counts and scalars, never a prompt, a path or a tensor. Types
// only; workflows import them.
import type {
  CampaignInput,
  Decision,
  Digest,
  LedgerEvent,
  Plan,
  Shard,
  Split,
  StageInput,
  Standing,
} from "../campaign/types.ts";

export interface OpenInput {
  campaign: CampaignInput;
  /** Run id of the workflow run that opens the campaign; makes the row idempotent. */
  runId: string;
  /** After continue-as-new: epoch of the run before. `open` fails if another run has taken over since. */
  continues?: number;
}

export interface Opened {
  epoch: number;
  /** Tree digest of the author's policy: π_0, or the start of SFT. */
  policy: Digest;
  plan: Plan;
  record: Standing;
  /** Whether the server has our search attributes: upserting a missing one would block the workflow. */
  searchAttributes: boolean;
}

export interface AppendInput {
  campaign: CampaignInput;
  epoch: number;
  /** Event id: an id is appended once. */
  id: string;
  event: LedgerEvent;
  by: string;
}

/**
 * Prompts that a generate stage answers. `opponent`: the test split, for the reference answers; their sample
 * indices follow the evaluation's.
 */
export type PromptSource = "iteration" | "baseline" | "preferences" | "opponent";

export interface GenerateInput extends StageInput {
  stage: "generate";
  source: PromptSource;
  policy: Digest;
}

export interface ScoreInput extends StageInput {
  stage: "score";
  /** Result digest of the generate stage. */
  completions: Digest;
  rewardModel?: Digest;
}

export interface EvaluateInput extends StageInput {
  stage: "evaluate";
  split: Split;
  policy: Digest;
  /** π_0: KL is measured to it. */
  initial: Digest;
  /** Generate result that holds the reference answers; test split only. */
  opponent?: Digest;
  rewardModel?: Digest;
}

/** Source of pairs: scored groups, a labeler's labels, the author's file, or the bootstrap's pairs. */
export type PairSource = "scores" | "rater" | "file" | "preferences";

export interface PairInput extends StageInput {
  stage: "pair";
  from: PairSource;
  /** Result of score for `scores`, generate for `rater`, pair for `preferences`; absent for `file`. */
  source?: Digest;
}

export interface TrainInput extends StageInput {
  stage: "sft" | "reward" | "train";
  start: Digest;
  reference?: Digest;
  /** Result digest of the pair stage; absent for sft. */
  pairs?: Digest;
}

export interface PromoteInput extends StageInput {
  stage: "promote";
  candidate: Digest;
  /** Validation results of both. */
  candidateAnswers: Digest;
  incumbent: Digest;
  incumbentAnswers: Digest;
}

export type FanOutInput = GenerateInput | ScoreInput | EvaluateInput;

export interface ShardDone {
  pieces: number;
  /** Pieces that earlier attempts had committed. */
  adopted: number;
}

/** A sealed or finished stage: one digest and a few scalars. */
export interface StageDone {
  digest: Digest;
  /** Scalars for the progress card. */
  values: Record<string, number>;
}

export interface Trained extends StageDone {
  /** Tree digest of the new checkpoint. */
  policy: Digest;
}

export interface Promoted extends StageDone {
  decision: Decision;
}

/** On the queue `ratchet-control`, which has slots of its own, so that a pause never waits for `train`. */
export interface ControlActivities {
  open(input: OpenInput): Promise<Opened>;
  append(input: AppendInput): Promise<void>;
  seal(input: FanOutInput): Promise<StageDone>;
}

/** On the queues of the stages. */
export interface StageActivities {
  generate(input: GenerateInput, shard: Shard): Promise<ShardDone>;
  score(input: ScoreInput, shard: Shard): Promise<ShardDone>;
  evaluate(input: EvaluateInput, shard: Shard): Promise<ShardDone>;
  pair(input: PairInput): Promise<StageDone>;
  train(input: TrainInput): Promise<Trained>;
  promote(input: PromoteInput): Promise<Promoted>;
}
