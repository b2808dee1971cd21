// Supervised fine-tuning: the mean over the selected tokens of −ln p(token). Which tokens are selected (answers, or all) is the batch's affair.
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import type { Loss } from "./types.ts";

/** logps: [M], the log-probability of every selected token. */
export function sftLoss(t: Tape, logps: Value): Loss {
  return { loss: t.neg(t.meanAll(logps)), metrics: {} };
}
