// Direct preference optimization, sigmoid loss (Rafailov et al., arXiv 2305.18290): with l = ln π(y|x) − ln π_ref(y|x) of a whole answer,
// the mean of −ln σ(β (l_chosen − l_rejected)).
import { divide, dimAt } from "../graph/value.ts";
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import { shareAbove } from "./pairs.ts";
import type { Loss } from "./types.ts";

/** logps, reference: [2B], summed over the tokens of each answer, those of the chosen answers first. */
export function dpoLoss(t: Tape, logps: Value, reference: Value, beta: number): Loss {
  const half = divide(dimAt(logps, 0), 2);
  const rewards = t.mul(t.sub(logps, reference), t.number(beta, logps));
  const [chosen_B, rejected_B] = t.halves(rewards, half);
  const [chosenLogps_B, rejectedLogps_B] = t.halves(logps, half);
  const margin_B = t.sub(chosen_B, rejected_B);
  return {
    // −ln σ(m) = softplus(−m)
    loss: t.meanAll(t.softplus(t.neg(margin_B))),
    metrics: {
      "rewards/chosen": t.meanAll(chosen_B),
      "rewards/rejected": t.meanAll(rejected_B),
      "rewards/margins": t.meanAll(margin_B),
      "rewards/accuracies": shareAbove(t, chosen_B, rejected_B),
      "logps/chosen": t.meanAll(chosenLogps_B),
      "logps/rejected": t.meanAll(rejectedLogps_B),
    },
  };
}
