// Kahneman-Tversky optimization on answers that are each labelled desirable or not (Ethayarajh et al., arXiv
// 2402.01306 eq. 7), as in TRL's KTOTrainer. With l = ln π(y|x) − ln π_ref(y|x), and the batch's z = max(0,
// mean l of mismatched answers), a constant. A mismatched answer is the answer of another row behind this
// row's prompt.
//   desirable w_d (1 − σ(β (l − z)))      undesirable w_u (1 − σ(β (z − l)))
import { divide, dimAt } from "../graph/value.ts";
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import { scaled } from "./pairs.ts";
import { mean } from "./tokens.ts";
import type { LogitValues } from "./tokens.ts";
import type { Loss, LossProperties } from "./types.ts";

/** z is a mean over the whole batch. */
export const KTO_PROPERTIES: LossProperties = { reference: true, wholeBatch: true, tokenPart: false };

export interface KtoSums {
  /** Sums over the tokens of each answer, [2B]: first the rows' own answers, then the mismatched ones. */
  logps: Value;
  reference: Value;
  /** 1 if the answer is desirable, else 0, [B]. */
  desirable: Value;
  /** For metrics only: sums over the tokens of each answer, and its number of tokens, [2B]. */
  values?: LogitValues & { tokens: Value };
}

export interface KtoSettings {
  beta: number;
  desirableWeight: number;
  undesirableWeight: number;
}

/** Means over the tokens of the rows' own answers. */
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
  // A batch without a desirable (or undesirable) answer gives 0/0 = NaN, which the step's record leaves out.
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
