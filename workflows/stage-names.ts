// Names and queues of the stages that a place runs.
import type {
  EvaluateInput,
  FanOutInput,
  PairInput,
  PromoteInput,
  TrainInput,
} from "../activities/contract.ts";
import type { AuditInput, LabelInput } from "../activities/label-contract.ts";
import type { PlacePlan } from "../campaign/types.ts";

/** Input of any stage. */
export type AnyInput =
  FanOutInput | LabelInput | AuditInput | PairInput | TrainInput | EvaluateInput | PromoteInput;

/** Unique in a place, where a stage may run for several sets of answers. */
export function nameOf(input: AnyInput): string {
  switch (input.stage) {
    case "generate":
      return `generate/${input.source}`;
    case "answer":
    case "reference":
      return `${input.stage}/${input.of}`;
    case "score":
      return input.by ? `score/${input.of}/${input.by}` : `score/${input.of}`;
    case "judge":
      return `judge/${input.of}/${input.by}/${input.theirs.slice(0, 8)}`;
    case "pair":
      return input.from === "replay" ? "pair/replay" : "pair";
    case "evaluate":
      return `evaluate/${input.split}`;
    default:
      return input.stage;
  }
}

/** The queue without `ratchet-`. The proxy's comparisons run where the proxy scores. */
export const queueOf = ({ queues }: PlacePlan, input: AnyInput): string =>
  input.stage === "judge" && input.by === "reward" ? queues.score : queues[input.stage];
