/* oxlint-disable max-lines -- one table of losses and its readers */
// Losses over pairs of a chosen and a rejected answer to one prompt. They are TRL's (1.16): `simpo` as in its
// CPOTrainer, `orpo` as in its ORPOTrainer, all others as in its DPOTrainer. A loss gets sums over the tokens
// of each answer and does not know how they were computed.
//   l = ln π(y|x) − ln π_ref(y|x) of a whole answer · n = its tokens · r = β l · m = r_chosen − r_rejected ·
//     ε = labelSmoothing
import { divide, dimAt } from "../graph/value.ts";
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";
import { negLogSigmoid, scaled, shareAbove, smoothedNegLogSigmoid } from "./pairs.ts";
import { pairTokenMetrics } from "./tokens.ts";
import type { LogitValues } from "./tokens.ts";
import type { Loss, LossProperties } from "./types.ts";

/** One side of the pairs, each value [B]. */
interface Answers {
  /** ln π(y|x) */
  logps: Value;
  /** ln π(y|x) with weight 1 for every token. It differs from `logps` in LD-DPO only. */
  plainLogps: Value;
  /** ln π_ref(y|x); 0 if there is no reference. */
  reference: Value;
  /** l */
  ratio: Value;
  /** r */
  reward: Value;
  /** n */
  tokens: Value;
}

interface Pairs {
  t: Tape;
  beta: number;
  chosen: Answers;
  rejected: Answers;
  /** m */
  margin: Value;
}

type None = Record<never, never>;
interface Smoothed {
  labelSmoothing: number;
}

/** Every loss by name, with its settings. */
export interface PreferenceSettings {
  sigmoid: None;
  cdpo: Smoothed;
  robust: Smoothed;
  exo_pair: Smoothed;
  hinge: None;
  ipo: None;
  sigmoid_norm: None;
  rdpo: { lengthWeight: number };
  nca_pair: None;
  bco_pair: None;
  sppo_hard: None;
  aot: Smoothed;
  aot_unpaired: Smoothed;
  apo_zero: None;
  apo_down: None;
  discopop: { tau: number };
  sft: None;
  simpo: { gamma: number };
  orpo: None;
}

export type PreferenceName = keyof PreferenceSettings;

/** A loss with its settings and its weight in a sum of losses. */
export type PreferenceTerm = {
  [K in PreferenceName]: { type: K; weight: number } & PreferenceSettings[K];
}[PreferenceName];

interface PreferenceLoss<K extends PreferenceName> {
  /** Whether the reference enters the loss, only the reported rewards, or neither. */
  reference: "loss" | "metrics" | "none";
  /** It compares the pairs of a batch with each other, so it cannot be computed in micro-batches. */
  wholeBatch?: true;
  /** It adds −ln p̄, the mean over the tokens of all chosen answers in the batch. */
  likelihood?: true;
  /** The loss of each pair, [B]; its mean enters the sum. */
  value?: (pairs: Pairs, settings: PreferenceSettings[K]) => Value;
}

const perToken = (t: Tape, { tokens }: Answers, of: Value): Value => t.div(of, tokens);
const squared = (t: Tape, x: Value): Value => t.mul(x, x);
const plus = (t: Tape, x: Value, number: number): Value => t.add(x, t.number(number, x));

/** The mean over all tokens of the chosen answers, a scalar. */
const negativeLogLikelihood = ({ t, chosen }: Pairs): Value =>
  t.neg(t.div(t.sumAll(chosen.plainLogps), t.sumAll(chosen.tokens)));

/**
 * ln of the odds p / (1 − p), p = eˣ. Written with 1 − eˣ = tanh(−x/2) (1 + eˣ), because nothing cancels then
 * if p is near 1.
 */
const logOdds = (t: Tape, x: Value): Value =>
  t.sub(t.sub(x, t.softplus(x)), t.log(t.tanh(scaled(t, x, -0.5))));

const LOSSES: { readonly [K in PreferenceName]: PreferenceLoss<K> } = {
  /**
   * −ln σ(m). DPO, Rafailov et al., arXiv 2305.18290. TRL accepts `label_smoothing` here but does not use it.
   */
  sigmoid: { reference: "loss", value: ({ t, margin }) => negLogSigmoid(t, margin) },
  /** −(1 − ε) ln σ(m) − ε ln σ(−m). Conservative DPO, Mitchell 2023 (ericmitchell.ai/cdpo.pdf). */
  cdpo: {
    reference: "loss",
    value: ({ t, margin }, { labelSmoothing }) => smoothedNegLogSigmoid(t, margin, labelSmoothing),
  },
  /** [−(1 − ε) ln σ(m) + ε ln σ(−m)] / (1 − 2ε). Robust DPO, arXiv 2403.00409. */
  robust: {
    reference: "loss",
    value: ({ t, margin }, { labelSmoothing: e }) =>
      t.sub(
        scaled(t, negLogSigmoid(t, margin), (1 - e) / (1 - 2 * e)),
        scaled(t, t.softplus(margin), e / (1 - 2 * e)),
      ),
  },
  /** σ(m) (ln σ(m) − ln(1 − ε)) + σ(−m) (ln σ(−m) − ln ε). EXO with two answers, arXiv 2402.00856 eq. 16. */
  exo_pair: {
    reference: "loss",
    value: ({ t, margin }, { labelSmoothing }) => {
      const part = (x: Value, target: number): Value =>
        t.neg(t.mul(t.sigmoid(x), plus(t, negLogSigmoid(t, x), Math.log(target))));
      return t.add(part(margin, 1 - labelSmoothing), part(t.neg(margin), labelSmoothing));
    },
  },
  /** max(0, 1 − m). SLiC, arXiv 2305.10425; RSO, arXiv 2309.06657. */
  hinge: {
    reference: "loss",
    value: ({ t, margin }) => t.neg(t.min(plus(t, margin, -1), t.number(0, margin))),
  },
  /**
   * (l_c/n_c − l_r/n_r − 1/(2β))². IPO, arXiv 2310.12036 eq. 17, per token as its authors confirmed to TRL.
   */
  ipo: {
    reference: "loss",
    value: ({ t, beta, chosen, rejected }) =>
      squared(
        t,
        plus(t, t.sub(perToken(t, chosen, chosen.ratio), perToken(t, rejected, rejected.ratio)), -0.5 / beta),
      ),
  },
  /** −ln σ(r_c/n_c − r_r/n_r). Length-normalised DPO, Tülu 3, arXiv 2411.15124. */
  sigmoid_norm: {
    reference: "loss",
    value: ({ t, chosen, rejected }) =>
      negLogSigmoid(t, t.sub(perToken(t, chosen, chosen.reward), perToken(t, rejected, rejected.reward))),
  },
  /** −ln σ(m + α (n_c − n_r)), α = lengthWeight. DPO regularised by length, Park et al., arXiv 2403.19159. */
  rdpo: {
    reference: "loss",
    value: ({ t, margin, chosen, rejected }, { lengthWeight }) =>
      negLogSigmoid(t, t.add(margin, scaled(t, t.sub(chosen.tokens, rejected.tokens), lengthWeight))),
  },
  /** −ln σ(r_c) − ½ ln σ(−r_c) − ½ ln σ(−r_r). NCA, arXiv 2402.05369. */
  nca_pair: {
    reference: "loss",
    value: ({ t, chosen, rejected }) =>
      t.add(
        negLogSigmoid(t, chosen.reward),
        scaled(t, t.add(t.softplus(chosen.reward), t.softplus(rejected.reward)), 0.5),
      ),
  },
  /** −ln σ(r_c) − ln σ(−r_r). BCO, arXiv 2404.04656, without its running shift, as in TRL. */
  bco_pair: {
    reference: "loss",
    value: ({ t, chosen, rejected }) => t.add(negLogSigmoid(t, chosen.reward), t.softplus(rejected.reward)),
  },
  /** (l_c − 1/(2β))² + (l_r + 1/(2β))². SPPO with hard labels, arXiv 2405.00675 eq. 4.7. */
  sppo_hard: {
    reference: "loss",
    value: ({ t, beta, chosen, rejected }) =>
      t.add(squared(t, plus(t, chosen.ratio, -0.5 / beta)), squared(t, plus(t, rejected.ratio, 0.5 / beta))),
  },
  /**
   * Smoothed −ln σ of β times the difference of the sorted policy and reference margins. AOT, arXiv
   * 2406.05882.
   */
  aot: {
    reference: "loss",
    wholeBatch: true,
    value: ({ t, beta, chosen, rejected }, { labelSmoothing }) => {
      const [policy] = t.sortedWithOrder(t.sub(chosen.logps, rejected.logps));
      const [reference] = t.sortedWithOrder(t.sub(chosen.reference, rejected.reference));
      return smoothedNegLogSigmoid(t, scaled(t, t.sub(policy, reference), beta), labelSmoothing);
    },
  },
  /**
   * Smoothed −ln σ of the difference of the sorted chosen and the sorted rejected rewards. AOT on unpaired
   * answers, arXiv 2406.05882.
   */
  aot_unpaired: {
    reference: "loss",
    wholeBatch: true,
    value: ({ t, chosen, rejected }, { labelSmoothing }) =>
      smoothedNegLogSigmoid(
        t,
        t.sub(t.sortedWithOrder(chosen.reward)[0], t.sortedWithOrder(rejected.reward)[0]),
        labelSmoothing,
      ),
  },
  /** 1 − σ(r_c) + σ(r_r). APO for chosen answers better than the policy's own, arXiv 2408.06266 eq. 7. */
  apo_zero: {
    reference: "loss",
    value: ({ t, chosen, rejected }) => t.add(t.sigmoid(t.neg(chosen.reward)), t.sigmoid(rejected.reward)),
  },
  /** σ(r_c) + 1 − σ(m). APO for chosen answers worse than the policy's own, arXiv 2408.06266 eq. 8. */
  apo_down: {
    reference: "loss",
    value: ({ t, margin, chosen }) => t.add(t.sigmoid(chosen.reward), t.sigmoid(t.neg(margin))),
  },
  /** −(1 − s) ln σ(m) + s e⁻ᵐ, s = σ(m/τ). DiscoPOP, arXiv 2406.08414 eq. 5. */
  discopop: {
    reference: "loss",
    value: ({ t, margin }, { tau }) => {
      const share = t.sigmoid(scaled(t, margin, 1 / tau));
      const logistic = negLogSigmoid(t, margin);
      return t.add(logistic, t.mul(share, t.sub(t.exp(t.neg(margin)), logistic)));
    },
  },
  /** −ln p̄ of the chosen answers' tokens. Its sum with `sigmoid` is RPO, arXiv 2404.19733. */
  sft: { reference: "metrics", likelihood: true },
  /** −ln σ(β (ln π_c/n_c − ln π_r/n_r) − γ). SimPO, arXiv 2405.14734. */
  simpo: {
    reference: "none",
    value: ({ t, beta, chosen, rejected }, { gamma }) =>
      negLogSigmoid(
        t,
        plus(
          t,
          scaled(t, t.sub(perToken(t, chosen, chosen.logps), perToken(t, rejected, rejected.logps)), beta),
          -gamma,
        ),
      ),
  },
  /**
   * −ln p̄ − β ln σ(ln odds_c − ln odds_r), p the mean per token. ORPO, arXiv 2403.07691 eqs. 6 and 7. The
   * first term is a mean over the answers' tokens, as in the paper; TRL's includes the prompts' tokens.
   */
  orpo: {
    reference: "none",
    likelihood: true,
    value: ({ t, beta, chosen, rejected }) => {
      const odds = (answers: Answers): Value => logOdds(t, perToken(t, answers, answers.logps));
      return scaled(t, negLogSigmoid(t, t.sub(odds(chosen), odds(rejected))), beta);
    },
  },
};

/** The properties of a sum of losses. */
export function preferenceProperties(terms: readonly PreferenceTerm[]): LossProperties {
  const losses = terms.map(({ type }) => LOSSES[type]);
  const uses = losses.map(({ reference }) => reference);
  return {
    // For the metrics alone only if every term reports rewards relative to the reference.
    reference: uses.includes("loss") || !uses.includes("none"),
    wholeBatch: losses.some(({ wholeBatch }) => wholeBatch),
    tokenPart: losses.some(({ likelihood }) => likelihood),
  };
}

/** Sums over the tokens of each answer, each [2B], those of the chosen answers first. */
export interface PairSums {
  logps: Value;
  /** The sums without token weights, if `logps` has weights. */
  plainLogps?: Value;
  /** Absent if no loss needs it. */
  reference?: Value | undefined;
  /** Number of tokens. */
  tokens: Value;
  /** For metrics only. */
  values?: LogitValues;
}

function split(t: Tape, { logps, plainLogps = logps, reference, tokens }: PairSums, beta: number): Pairs {
  const halves = (value: Value): [Value, Value] => t.halves(value, divide(dimAt(value, 0), 2));
  const zero = t.number(0, logps);
  const [own, plain, counts] = [halves(logps), halves(plainLogps), halves(tokens)];
  const base = reference ? halves(reference) : ([zero, zero] as const);
  const answers = (side: 0 | 1): Answers => {
    const ratio = t.sub(own[side], base[side]);
    return {
      logps: own[side],
      plainLogps: plain[side],
      reference: base[side],
      ratio,
      reward: scaled(t, ratio, beta),
      tokens: counts[side],
    };
  };
  const [chosen, rejected] = [answers(0), answers(1)];
  return { t, beta, chosen, rejected, margin: t.sub(chosen.reward, rejected.reward) };
}

function valueOf<K extends PreferenceName>(
  pairs: Pairs,
  term: { type: K } & PreferenceSettings[K],
): Value | undefined {
  return LOSSES[term.type].value?.(pairs, term);
}

/** The weighted sum of the terms' means over pairs, and that of their means over tokens. */
function sumsOf(
  pairs: Pairs,
  terms: readonly PreferenceTerm[],
): { pairPart: Value | undefined; tokenPart: Value | undefined } {
  const { t } = pairs;
  const weight = terms.reduce((sum, term) => sum + (LOSSES[term.type].likelihood ? term.weight : 0), 0);
  const means = terms.flatMap((term) => {
    const value = valueOf(pairs, term);
    return value ? [scaled(t, t.meanAll(value), term.weight)] : [];
  });
  const { tokenPart } = preferenceProperties(terms);
  return {
    pairPart: means.length > 0 ? means.reduce((sum, part) => t.add(sum, part)) : undefined,
    tokenPart: tokenPart ? scaled(t, negativeLogLikelihood(pairs), weight) : undefined,
  };
}

/**
 * As in TRL: rewards are β l for every loss, and `logps` are sums. Without a reference (CPO, ORPO) both come
 * from the mean per token.
 */
function metrics({ t, beta, chosen, rejected }: Pairs, withReference: boolean): Loss["metrics"] {
  const means = ({ logps, tokens }: Answers): { logps: Value; reward: Value } => ({
    logps: t.div(logps, tokens),
    reward: scaled(t, t.div(logps, tokens), beta),
  });
  const [good, bad] = withReference ? [chosen, rejected] : [means(chosen), means(rejected)];
  return {
    "rewards/chosen": t.meanAll(good.reward),
    "rewards/rejected": t.meanAll(bad.reward),
    "rewards/margins": t.meanAll(t.sub(good.reward, bad.reward)),
    "rewards/accuracies": shareAbove(t, good.reward, bad.reward),
    "logps/chosen": t.meanAll(good.logps),
    "logps/rejected": t.meanAll(bad.logps),
  };
}

/** The weighted sum of the terms. */
export function preferenceLoss(
  t: Tape,
  sums: PairSums,
  beta: number,
  terms: readonly PreferenceTerm[],
): Loss {
  const pairs = split(t, sums, beta);
  const { pairPart, tokenPart } = sumsOf(pairs, terms);
  const loss = pairPart && tokenPart ? t.add(pairPart, tokenPart) : ((pairPart ?? tokenPart) as Value);
  const tokenMetrics = sums.values ? pairTokenMetrics(t, sums.values, sums.tokens) : {};
  return {
    loss,
    tokenPart,
    metrics: { ...metrics(pairs, sums.reference !== undefined), ...tokenMetrics },
  };
}
