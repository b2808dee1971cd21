// The stages that the recipe runs, as an interface. The bodies of bootstrap.ts, iteration.ts and baseline.ts
// are written against it: a workflow gives them Temporal's activities (stages.ts), bench/safety gives them
// plain calls in one process.
import type {
  EvaluateInput,
  FanOutInput,
  PairInput,
  Promoted,
  PromoteInput,
  StageDone,
  Trained,
  TrainInput,
} from "../activities/contract.ts";
import type { AuditInput, LabelInput } from "../activities/label-contract.ts";
import type { StageInput } from "../campaign/types.ts";

/** A stage's own input, without the campaign, epoch and place that every stage has. */
export type Own<I extends StageInput> = I extends StageInput ? Omit<I, keyof StageInput> : never;

/** A finished stage, without the values that are only shown. */
export type Finished<D extends StageDone> = Omit<D, "values">;

export interface Recipe {
  /** generate, answer, score, reference or judge over `pieces` pieces. */
  fanOut(own: Own<FanOutInput>, pieces: number): Promise<Finished<StageDone>>;
  /** Waits for people, or asks the module that labels. The digest is that of the seal. */
  label(own: Own<LabelInput>): Promise<Finished<StageDone>>;
  audit(own: Own<AuditInput>): Promise<Finished<StageDone>>;
  pair(own: Own<PairInput>): Promise<Finished<StageDone>>;
  /** sft, reward or train. */
  train(own: Own<TrainInput>): Promise<Finished<Trained>>;
  evaluate(own: Own<EvaluateInput>): Promise<Finished<StageDone>>;
  promote(own: Own<PromoteInput>): Promise<Finished<Promoted>>;
}
