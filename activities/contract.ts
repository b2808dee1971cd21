// Inputs and results of activities: digests, counts and scalars, never a prompt, a path or a tensor. Types
// only; workflows import them.
import type {
  AnswerSet,
  Decision,
  Digest,
  EarlierComparison,
  EvaluateResult,
  JudgedBy,
  Shard,
  Split,
  StageInput,
} from "../campaign/types.ts";
import type { FiringBegun, FiringInput } from "./firing-contract.ts";
import type { AuditInput, LabelInput, LabelsCounted } from "./label-contract.ts";
import type {
  Amended,
  AmendInput,
  AppendInput,
  Opened,
  OpenInput,
  RollbackInput,
  RolledBack,
} from "./ledger-contract.ts";

/** Prompts whose answers are trained on. */
export type PromptSource = "iteration" | "baseline" | "bootstrap";

export interface GenerateInput extends StageInput {
  stage: "generate";
  source: PromptSource;
  policy: Digest;
}

export interface AnswerInput extends StageInput {
  stage: "answer";
  of: AnswerSet;
  policy: Digest;
}

export interface ScoreInput extends StageInput {
  stage: "score";
  /** `audit`: only the answers that the audit part of a questionnaire compares. */
  of: PromptSource | AnswerSet | "audit";
  /** `refitted`: by the reward model that this iteration made, beside the one that it began with. */
  by?: "refitted";
  /** Result digest of generate or answer. */
  completions: Digest;
  /** Result digest of the questionnaire's seal, for `audit`. */
  seal?: Digest;
  rewardModel?: Digest;
}

export interface ReferenceInput extends StageInput {
  stage: "reference";
  of: Split;
  answers: Digest;
  /** π_0: KL is measured to it. */
  model: Digest;
}

export interface JudgeInput extends StageInput {
  stage: "judge";
  of: Split;
  by: JudgedBy;
  /** Results of answer. On the test split, theirs are the reference answers. */
  ours: Digest;
  theirs: Digest;
  /** Results of score, if rewards decide. */
  scores?: { ours: Digest; theirs: Digest };
  /** The preference model, if it decides. */
  rewardModel?: Digest;
}

type Measured =
  "split" | "policy" | "answers" | "scores" | "refittedScores" | "reference" | "verdicts" | "preferences";

export interface EvaluateInput extends StageInput, Pick<EvaluateResult, Measured> {
  stage: "evaluate";
}

/** Source of pairs: scored groups, a closed questionnaire, the author's file, or that file's pairs again. */
export type PairSource = "scores" | "labels" | "replay" | "file" | "preferences";

export interface PairInput extends StageInput {
  stage: "pair";
  from: PairSource;
  /** Result of score for `scores`, label for `labels`, pair for `preferences`; absent for `file`. */
  source?: Digest;
  /** Of `replay`, whose source is the seal: result of the pairs that old ones are drawn from. */
  replay?: Digest;
}

export interface TrainInput extends StageInput {
  stage: "sft" | "reward" | "refit" | "train";
  start: Digest;
  reference?: Digest;
  /** Result digest of the pair stage; absent for sft. */
  pairs?: Digest;
}

export interface PromoteInput extends StageInput {
  stage: "promote";
  candidate: Digest;
  incumbent: Digest;
  /** Result of judge; absent without a judge. */
  verdicts?: Digest;
  /** Results of judge against policies that were promoted earlier. */
  also?: Pick<EarlierComparison, "iteration" | "policy" | "verdicts">[];
}

export type FanOutInput = GenerateInput | AnswerInput | ScoreInput | ReferenceInput | JudgeInput;

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
  /** Appends the row of a rollback, which it makes from the rows before. */
  rollback(input: RollbackInput): Promise<RolledBack>;
  /** Creates the campaign of a schedule's firing. */
  beginFiring(input: FiringInput): Promise<FiringBegun>;
  /** Appends the row of an amendment, once it has checked it. */
  amend(input: AmendInput): Promise<Amended>;
  seal(input: FanOutInput): Promise<StageDone>;
  countLabels(input: LabelInput): Promise<LabelsCounted>;
  sealLabels(input: LabelInput): Promise<StageDone>;
}

/** On the queues of the stages. */
export interface StageActivities {
  generate(input: GenerateInput, shard: Shard): Promise<ShardDone>;
  answer(input: AnswerInput, shard: Shard): Promise<ShardDone>;
  score(input: ScoreInput, shard: Shard): Promise<ShardDone>;
  reference(input: ReferenceInput, shard: Shard): Promise<ShardDone>;
  judge(input: JudgeInput, shard: Shard): Promise<ShardDone>;
  label(input: LabelInput): Promise<StageDone>;
  audit(input: AuditInput): Promise<StageDone>;
  pair(input: PairInput): Promise<StageDone>;
  train(input: TrainInput): Promise<Trained>;
  evaluate(input: EvaluateInput): Promise<StageDone>;
  promote(input: PromoteInput): Promise<Promoted>;
}
