// Kahneman-Tversky optimization on answers that are each labelled desirable or not (Ethayarajh et al., arXiv 2402.01306 eq. 7), as TRL's
// KTOTrainer has it. With l = ln π(y|x) − ln π_ref(y|x) and the batch's z = max(0, mean l of answers behind another row's prompt), a constant:
//   desirable w_d (1 − σ(β (l − z)))      undesirable w_u (1 − σ(β (z − l)))
import { divide, dimAt } from "../graph/value.ts";
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import { scaled } from "./pairs.ts";
import { mean } from "./tokens.ts";
import type { LogitValues } from "./tokens.ts";
import type { Loss } from "./types.ts";

export interface KtoSums {
  /** [2B], sums over the tokens of each answer: those of the rows, then those of the mismatched answers. */
  logps: Value;
  reference: Value;
  /** [B], 1 where the answer is desirable, else 0. */
  desirable: Value;
  /** [2B], and their numbers of tokens; for metrics only. */
  values?: LogitValues & { tokens: Value };
}

export interface KtoSettings {
  beta: number;
  desirableWeight: number;
  undesirableWeight: number;
}

/** Of the rows' own answers alone. */
function tokenMetrics(
  t: Tape,
  values: LogitValues & { tokens: Value },
  desirable: Value,
  undesirable: Value,
): Loss["metrics"] {
  const own = (value: Value): Value => t.halves(value, dimAt(desirable, 0))[0];
  const [tokens, meanLogit] = [own(values.tokens), own(values.meanLogit)];
  const logitsOf = (labels: Value): Value => mean(t, t.mul(meanLogit, labels), t.mul(tokens, labels));
  return {
    entropy: mean(t, own(values.entropy), tokens),
    "logits/chosen": logitsOf(desirable),
    "logits/rejected": logitsOf(undesirable),
  };
}

export function ktoLoss(
  t: Tape,
  { logps, reference, desirable, values }: KtoSums,
  { beta, desirableWeight, undesirableWeight }: KtoSettings,
): Loss {
  const rows = divide(dimAt(logps, 0), 2);
  const [ratio_B, mismatched_B] = t.halves(t.sub(logps, reference), rows);
  const [logps_B] = t.halves(logps, rows);
  const kl = t.detach(t.neg(t.min(t.neg(t.meanAll(mismatched_B)), t.number(0, logps))));
  const gain_B = scaled(t, t.sub(ratio_B, kl), beta);
  const sign_B = t.sub(scaled(t, desirable, 2), t.number(1, desirable));
  const weight_B = t.add(
    scaled(t, desirable, desirableWeight - undesirableWeight),
    t.number(undesirableWeight, desirable),
  );
  const reward_B = scaled(t, ratio_B, beta);
  // A batch without a desirable (or undesirable) answer gives 0/0, which the record leaves out.
  const meanOver = (labels: Value, of: Value): Value => t.div(t.sumAll(t.mul(of, labels)), t.sumAll(labels));
  const undesirable = t.sub(t.number(1, desirable), desirable);
  const [chosen, rejected] = [meanOver(desirable, reward_B), meanOver(undesirable, reward_B)];
  return {
    // 1 − σ(x) = σ(−x)
    loss: t.meanAll(t.mul(weight_B, t.sigmoid(t.neg(t.mul(sign_B, gain_B))))),
    metrics: {
      kl,
      "rewards/chosen": chosen,
      "rewards/rejected": rejected,
      "rewards/margins": t.sub(chosen, rejected),
      "logps/chosen": meanOver(desirable, logps_B),
      "logps/rejected": meanOver(undesirable, logps_B),
      ...(values ? tokenMetrics(t, values, desirable, undesirable) : {}),
    },
  };
}
