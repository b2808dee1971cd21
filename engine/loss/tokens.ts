// Values of the logits that TRL reports beside the loss: entropy, whether the token was the likeliest one,
// and the mean logit.
import { divide, dimAt } from "../graph/value.ts";
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import type { Loss } from "./types.ts";

/** One number per selected token, or their sums over the tokens of each answer. */
export interface LogitValues {
  /** −Σ π ln π over the vocabulary. */
  entropy: Value;
  /** 1 if no other token is likelier, else 0. */
  top1: Value;
  /** The mean over the vocabulary. */
  meanLogit: Value;
}

/** logits [M,V], targets [M] → ln π(target) and its values, each [M]. */
export function tokenValues(t: Tape, logits: Value, targets: Value): LogitValues & { logps: Value } {
  const [logps, all_MV] = t.tokenLogpsOfAll(logits, targets);
  const [count, vocabulary] = [dimAt(logits, 0), dimAt(logits, 1)];
  const perToken = (value: Value): Value => t.reshape(value, [count]);
  // Σ π ln π as a product of a row and a column, because that needs no memory for the terms.
  const entropy = t.neg(
    perToken(
      t.matmul(t.reshape(t.exp(all_MV), [count, 1, vocabulary]), t.reshape(all_MV, [count, vocabulary, 1])),
    ),
  );
  const top1 = t.sub(
    t.number(1, logps),
    t.cast(t.greater(perToken(t.reduceMax(all_MV, [1])), logps), logps.dtype),
  );
  const meanLogit = perToken(t.reduceMean(logits, [1]));
  // onnxruntime computes last the values that no later operation needs, and would keep all logits until then.
  return { logps: t.after(logps, [entropy, top1, meanLogit]), entropy, top1, meanLogit };
}

/**
 * Means over tokens, from sums over the tokens of each answer, [2B], all chosen answers first. `tokens`:
 * number of tokens per answer.
 */
export function pairTokenMetrics(
  t: Tape,
  { entropy, top1, meanLogit }: LogitValues,
  tokens: Value,
): Loss["metrics"] {
  const halves = (value: Value): [Value, Value] => t.halves(value, divide(dimAt(value, 0), 2));
  const [chosenTokens, rejectedTokens] = halves(tokens);
  const [chosenLogit, rejectedLogit] = halves(meanLogit);
  return {
    entropy: mean(t, entropy, tokens),
    mean_token_accuracy: mean(t, halves(top1)[0], chosenTokens),
    "logits/chosen": mean(t, chosenLogit, chosenTokens),
    "logits/rejected": mean(t, rejectedLogit, rejectedTokens),
  };
}

/** The mean over all tokens, from the sums of each answer. */
export function mean(t: Tape, sums: Value, tokens: Value): Value {
  return t.div(t.sumAll(sums), t.sumAll(tokens));
}
