// What activities take and give: digests, counts and scalars, never a prompt, a path or a tensor. Types only; workflows import this.
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
  /** Run id of the workflow run that opens; makes the row idempotent. */
  runId: string;
  /** Epoch of the run that it goes on from. Where another has taken the campaign over since, it is not taken back. */
  continues?: number;
}

export interface Opened {
  epoch: number;
  /** Tree digest of the policy that the author gave: π_0, or what SFT starts from. */
  policy: Digest;
  plan: Plan;
  record: Standing;
  /** Whether our search attributes exist on this server; upserting unknown ones would block the workflow. */
  searchAttributes: boolean;
}

export interface AppendInput {
  campaign: CampaignInput;
  epoch: number;
  /** Event id: the same id is appended once. */
  id: string;
  event: LedgerEvent;
  by: string;
}

/** Which prompts a generate stage answers. `opponent` = the test split, with the sample indices behind the evaluation's own. */
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
  /** Generate result whose answers the test split is compared with. */
  opponent?: Digest;
  rewardModel?: Digest;
}

/** Where pairs come from: scored groups, a rater's labels on sampled answers, the author's file, or the bootstrap's pairs again. */
export type PairSource = "scores" | "rater" | "file" | "preferences";

export interface PairInput extends StageInput {
  stage: "pair";
  from: PairSource;
  /** Result digest: score for `scores`, generate for `rater`, pair for `preferences`; absent for `file`. */
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
  /** Pieces that were finished before this attempt. */
  adopted: number;
}

/** A sealed or finished stage: one digest, few scalars. */
export interface StageDone {
  digest: Digest;
  /** Scalars worth showing on the progress card. */
  values: Record<string, number>;
}

export interface Trained extends StageDone {
  /** Tree digest of the new checkpoint. */
  policy: Digest;
}

export interface Promoted extends StageDone {
  decision: Decision;
}

/** Queue `ratchet-control`, with slots of its own, so that a pause never waits behind `train`. */
export interface ControlActivities {
  open(input: OpenInput): Promise<Opened>;
  append(input: AppendInput): Promise<void>;
  seal(input: FanOutInput): Promise<StageDone>;
}

/** Stage queues. */
export interface StageActivities {
  generate(input: GenerateInput, shard: Shard): Promise<ShardDone>;
  score(input: ScoreInput, shard: Shard): Promise<ShardDone>;
  evaluate(input: EvaluateInput, shard: Shard): Promise<ShardDone>;
  pair(input: PairInput): Promise<StageDone>;
  train(input: TrainInput): Promise<Trained>;
  promote(input: PromoteInput): Promise<Promoted>;
}
