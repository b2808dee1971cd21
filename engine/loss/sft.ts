// Supervised fine-tuning: the mean over the selected tokens of −ln p(token). The batch decides which tokens
// are selected (answers, or all).
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import type { LogitValues } from "./tokens.ts";
import type { Loss, LossProperties } from "./types.ts";

/**
 * It is one mean over tokens: a micro-batch's share is its share of the tokens, and there is no second part.
 */
export const SFT_PROPERTIES: LossProperties = { reference: false, wholeBatch: false, tokenPart: false };

/** `logps` and `values` have one number per selected token, [M]; `values` are for metrics only. */
export function sftLoss(t: Tape, logps: Value, values?: Pick<LogitValues, "entropy" | "top1">): Loss {
  return {
    loss: t.neg(t.meanAll(logps)),
    metrics: values
      ? { entropy: t.meanAll(values.entropy), mean_token_accuracy: t.meanAll(values.top1) }
      : {},
  };
}
