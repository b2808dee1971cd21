// The Bradley-Terry loss of a reward model: mean of −ln σ(r_chosen − r_rejected) (Bradley and Terry, 1952;
// arXiv 2405.07863 §2.1).
//   margin m: −ln σ(r_chosen − r_rejected − m) (arXiv 2307.09288 eq. 2)
//   centering c: adds c (r_chosen + r_rejected)², which keeps rewards around 0 (arXiv 2312.09244 eq. 2)
import { divide, dimAt } from "../graph/value.ts";
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import { negLogSigmoid, scaled, shareAbove } from "./pairs.ts";
import type { Loss, LossProperties } from "./types.ts";

export const REWARD_PROPERTIES: LossProperties = { reference: false, wholeBatch: false, tokenPart: false };

export interface RewardSettings {
  /** m of each pair, [B]. */
  margin?: Value | undefined;
  /** c; 0 = off. */
  centering?: number | undefined;
}

/** `rewards`: those of all chosen answers, then those of all rejected ones, [2B]. */
export function rewardLoss(t: Tape, rewards: Value, { margin, centering = 0 }: RewardSettings = {}): Loss {
  const [chosen_B, rejected_B] = t.halves(rewards, divide(dimAt(rewards, 0), 2));
  const difference_B = t.sub(chosen_B, rejected_B);
  const sum_B = t.add(chosen_B, rejected_B);
  const ranking = t.meanAll(negLogSigmoid(t, margin ? t.sub(difference_B, margin) : difference_B));
  return {
    loss: centering === 0 ? ranking : t.add(ranking, scaled(t, t.meanAll(t.mul(sum_B, sum_B)), centering)),
    metrics: {
      accuracy: shareAbove(t, chosen_B, rejected_B),
      margin: t.meanAll(difference_B),
      min_reward: t.neg(t.maxAll(t.neg(rewards))),
      mean_reward: t.meanAll(rewards),
      max_reward: t.maxAll(rewards),
    },
  };
}
