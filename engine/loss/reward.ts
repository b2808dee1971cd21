// The Bradley-Terry loss of a reward model: mean of −ln σ(r_chosen − r_rejected) (Bradley and Terry, 1952; arXiv 2405.07863 §2.1).
import { divide, dimAt } from "../graph/value.ts";
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import type { Loss } from "./types.ts";
import { shareAbove } from "./pairs.ts";

/** rewards: [2B], those of the chosen answers first. */
export function rewardLoss(t: Tape, rewards: Value): Loss {
  const [chosen_B, rejected_B] = t.halves(rewards, divide(dimAt(rewards, 0), 2));
  const margin_B = t.sub(chosen_B, rejected_B);
  return {
    // −ln σ(m) = softplus(−m)
    loss: t.meanAll(t.softplus(t.neg(margin_B))),
    metrics: {
      accuracy: shareAbove(t, chosen_B, rejected_B),
      margin: t.meanAll(margin_B),
      mean_reward: t.meanAll(rewards),
    },
  };
}
