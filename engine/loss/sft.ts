// Supervised fine-tuning: the mean over the selected tokens of −ln p(token). Which tokens are selected (answers, or all) is the batch's affair.
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import type { LogitValues } from "./tokens.ts";
import type { Loss } from "./types.ts";

/** Of every selected token, each [M]: its log-probability, and what else is reported. */
export function sftLoss(t: Tape, logps: Value, values?: Pick<LogitValues, "entropy" | "top1">): Loss {
  return {
    loss: t.neg(t.meanAll(logps)),
    metrics: values
      ? { entropy: t.meanAll(values.entropy), mean_token_accuracy: t.meanAll(values.top1) }
      : {},
  };
}
