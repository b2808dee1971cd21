// The length-controlled win rate, after AlpacaEval 2 (Dubois et al., arXiv 2404.04475): how often the
// candidate would win if its answers were as long as the incumbent's. A logistic regression explains the
// verdicts y (P that the candidate's answer is better: 0, ½, 1 or between) by a constant and by the
// difference in length:
//
//   P(y = 1) = σ(θ + φ x),  x = tanh(d / s)
//   d = tokens of the candidate's answer − tokens of the incumbent's
//   s = standard deviation of d over all comparisons, tokens
//
// The rate is the mean over comparisons of the prediction at x = 0. The paper's third term, the difficulty of
// an instruction, needs many pairs of models to be estimated and is absent here. So the prediction at x = 0
// is σ(θ) for every comparison, and so is its mean. docs/promotion.md has the reasons and the measurements.
import { setImmediate } from "node:timers/promises";
import { RatchetError } from "../../errors/index.ts";
import type { Interval } from "../types.ts";
import { mean } from "./mean.ts";
import { Random } from "./random.ts";
import { percentileInterval } from "./winrate.ts";
import type { Resampling } from "./winrate.ts";

/** One comparison of two answers to one prompt. Tokens may be a mean over several answers. */
export interface Verdict {
  promptId: string;
  /** P(the candidate's answer is better), in [0, 1]. */
  probability: number;
  candidateTokens: number;
  incumbentTokens: number;
}

/**
 * λ of the penalty λ/2 (θ² + φ²) on the sum over comparisons of −ln P(y). Without it θ has no finite value if
 * all verdicts agree; with it, 400 of 400 comparisons won give 0.9998 at equal lengths. n comparisons carry
 * an information of about n/4 on θ, so λ pulls θ to 0 by the share 4λ/n, 0.01 % for n = 400. A larger λ would
 * pull φ to 0 as well, and so leave a part of the judge's taste for length in θ.
 */
export const RIDGE = 0.01;

/** θ and φ. */
type Coefficients = readonly [constant: number, slope: number];

const NONE: Coefficients = [0, 0];
const RESAMPLES_AT_ONCE = 10;
const STEPS_MAX = 200;
/** Of the last step. Newton's error is quadratic in the last step, so about 1e-9 remains. */
const TOLERANCE = 3e-5;
/** Largest norm of (1, x). */
const ROW_NORM = Math.SQRT2;

/** Comparisons sorted by prompt. */
export interface Regression {
  /** Comparisons of prompt p: `starts[p]` inclusive to `starts[p + 1]` exclusive. */
  starts: number[];
  /** x of each comparison. */
  lengths: Float64Array;
  /** y of each comparison. */
  wins: Float64Array;
}

/** Rate at equal length, with its interval over resampled prompts; independent of the verdicts' order. */
export async function lengthControlledWinRate(
  verdicts: readonly Verdict[],
  resampling: Resampling,
): Promise<Interval> {
  const { value, rates } = await lengthControlledRates(verdicts, resampling);
  return { value, ...percentileInterval(rates, resampling.level) };
}

/**
 * The rate, and that of each resample, ascending. Other work may run in between: 2000 resamples of 80 000
 * verdicts take a quarter of a minute, as long as a worker may be silent.
 */
export async function lengthControlledRates(
  verdicts: readonly Verdict[],
  { resamples, seed }: Omit<Resampling, "level">,
): Promise<{ value: number; rates: Float64Array }> {
  if (verdicts.length === 0)
    throw new RatchetError("nothing_to_compare", "a length-controlled win rate needs at least one verdict");
  const data = regressionOf(verdicts);
  const prompts = data.starts.length - 1;
  const whole = fit(data, new Uint32Array(prompts).fill(1));
  const random = new Random(seed);
  const rates = new Float64Array(resamples);
  for (let at = 0; at < resamples; at++) {
    if (at % RESAMPLES_AT_ONCE === 0) await setImmediate();
    const drawn = new Uint32Array(prompts);
    for (let i = 0; i < prompts; i++) drawn[random.below(prompts)]! += 1;
    rates[at] = rateOf(fit(data, drawn, whole));
  }
  return { value: rateOf(whole), rates: rates.sort() };
}

const rateOf = ([constant]: Coefficients): number => sigmoid(constant);

/** `s` is that of all verdicts in every resample: it only sets the unit of d. */
export function regressionOf(verdicts: readonly Verdict[]): Regression {
  const sorted = [...verdicts].sort(byPromptAndValue);
  const differences = sorted.map(difference);
  // If all differences are equal, their deviation is 0, and any unit will do.
  const scale = deviation(differences) || 1;
  return {
    starts: [
      ...sorted.flatMap(({ promptId }, at) => (promptId === sorted[at - 1]?.promptId ? [] : [at])),
      sorted.length,
    ],
    lengths: Float64Array.from(differences, (tokens) => Math.tanh(tokens / scale)),
    wins: Float64Array.from(sorted, ({ probability }) => probability),
  };
}

const difference = ({ candidateTokens, incumbentTokens }: Verdict): number =>
  candidateTokens - incumbentTokens;

const byPromptAndValue = (a: Verdict, b: Verdict): number =>
  a.promptId < b.promptId
    ? -1
    : a.promptId > b.promptId
      ? 1
      : a.probability - b.probability || difference(a) - difference(b);

function deviation(values: number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

/**
 * Newton's method. `drawn`: how often each prompt counts. The loss of a logistic regression is
 * self-concordant with the constant R = largest norm of (1, x), so the damping ln(1 + R‖Δ‖) / (R‖Δ‖) of a
 * step Δ never lets it rise (Sun and Tran-Dinh, arXiv 1703.04599), and tends to 1.
 */
export function fit(data: Regression, drawn: Uint32Array, start: Coefficients = NONE): Coefficients {
  let [constant, slope] = start;
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    const [a, b] = newtonStep(data, drawn, constant, slope);
    const reach = ROW_NORM * Math.hypot(a, b);
    if (reach < TOLERANCE) return [constant + a, slope + b];
    const damping = Math.log1p(reach) / reach;
    constant += damping * a;
    slope += damping * b;
  }
  throw new RatchetError(
    "unreachable_state",
    `a regression of two coefficients took over ${STEPS_MAX} steps`,
  );
}

/** Δ = H⁻¹ g, with g = Σ (y − p)(1, x) − λ(θ, φ) and H = Σ p(1 − p)(1, x)(1, x)ᵀ + λ. */
function newtonStep(
  { starts, lengths, wins }: Regression,
  drawn: Uint32Array,
  constant: number,
  slope: number,
): Coefficients {
  let [g0, g1] = [-RIDGE * constant, -RIDGE * slope];
  let [h00, h01, h11] = [RIDGE, 0, RIDGE];
  for (let prompt = 0; prompt < drawn.length; prompt++) {
    const times = drawn[prompt]!;
    if (times === 0) continue;
    for (let at = starts[prompt]!; at < starts[prompt + 1]!; at++) {
      const x = lengths[at]!;
      const p = sigmoid(constant + slope * x);
      const error = times * (wins[at]! - p);
      const weight = times * p * (1 - p);
      g0 += error;
      g1 += error * x;
      h00 += weight;
      h01 += weight * x;
      h11 += weight * x * x;
    }
  }
  const determinant = h00 * h11 - h01 * h01;
  return [(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant];
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
