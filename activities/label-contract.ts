// Inputs and results of the activities that ask for labels and audit scores by them, as in contract.ts.
import type { Digest, LabeledBy, StageInput } from "../campaign/types.ts";

export interface LabelInput extends StageInput {
  stage: "label";
  by: LabeledBy;
  /** Result digests of generate and score; nothing scores the bootstrap's answers before they are labeled. */
  answers: Digest;
  scores?: Digest;
}

export interface LabelsCounted {
  /** Labels that would count now, of those that are asked. */
  labels: number;
  slots: number;
  /** `short`: the deadline has passed, and there are too few labels to train on. */
  state: "open" | "closed" | "short";
  /** Until the deadline; absent without one. */
  leftMs?: number;
  /** `extendedMs`: by how much the operator has extended the deadline so far. */
  missing?: { trained: number; minimum: number; extendedMs: number };
}

export interface AuditInput extends StageInput {
  stage: "audit";
  /** Result digests of the seal of the labels, and of score. */
  seal: Digest;
  scores: Digest;
}
