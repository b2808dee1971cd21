// Draws one token from log-probabilities: temperature, then top-k, then top-p, then min-p, as transformers applies them (vLLM puts
// min-p first, so that its top-p keeps fewer). Random numbers come from the completion's own seed and the token's index, so that
// they depend on nothing else in the batch.
import type { Random } from "../random.ts";

export interface SamplingRule {
  /** 0 = always the likeliest token. */
  temperature: number;
  /** Keep the k likeliest tokens; 0 = all. */
  topK: number;
  /** Keep the likeliest tokens whose probabilities first reach p; 1 = all. */
  topP: number;
  /** Drop tokens less likely than this share of the likeliest; 0 = none. */
  minP: number;
}

/** Scratch for one vocabulary, so that drawing allocates nothing. */
export class Sampler {
  private readonly weights: Float64Array;
  private readonly sorted: Float64Array;

  constructor(vocabSize: number) {
    this.weights = new Float64Array(vocabSize);
    this.sorted = new Float64Array(vocabSize);
  }

  /** The token with index `step` of its completion, from logps[offset … offset + vocabSize). */
  draw(logps: Float32Array, offset: number, rule: SamplingRule, random: Random, step: number): number {
    if (rule.temperature === 0) return this.likeliest(logps, offset);
    let total = this.weigh(logps, offset, rule.temperature);
    if (rule.topK > 0 || rule.topP < 1) total = this.keep(this.count(rule, total));
    if (rule.minP > 0) total = this.keepFrom(rule.minP);
    return this.pick(random.uniform(step) * total);
  }

  /** Unnormalised probabilities at the temperature; the largest is 1. */
  private weigh(logps: Float32Array, offset: number, temperature: number): number {
    const { weights } = this;
    let largest = -Infinity;
    for (let id = 0; id < weights.length; id++) if (logps[offset + id]! > largest) largest = logps[offset + id]!;
    let total = 0;
    for (let id = 0; id < weights.length; id++) total += weights[id] = Math.exp((logps[offset + id]! - largest) / temperature);
    return total;
  }

  /** How many tokens top-k and top-p leave. */
  private count({ topK, topP }: SamplingRule, total: number): number {
    const { sorted } = this;
    // Typed arrays sort natively, in ascending order.
    sorted.set(this.weights);
    sorted.sort();
    const size = sorted.length;
    const limit = topK > 0 ? Math.min(topK, size) : size;
    let mass = total;
    if (limit < size) {
      mass = 0;
      for (let rank = 0; rank < limit; rank++) mass += sorted[size - 1 - rank]!;
    }
    let kept = 0;
    let count = 0;
    while (count < limit && (count === 0 || kept < topP * mass)) kept += sorted[size - 1 - count++]!;
    return count;
  }

  /** Keeps the `count` likeliest tokens, of equal ones the lower ids. Returns their total. */
  private keep(count: number): number {
    const { weights, sorted } = this;
    const least = sorted[sorted.length - count]!;
    let ties = count;
    for (let rank = 0; rank < count; rank++) if (sorted[sorted.length - 1 - rank]! > least) ties--;
    let total = 0;
    for (let id = 0; id < weights.length; id++) {
      const weight = weights[id]!;
      if (weight > least || (weight === least && ties-- > 0)) total += weight;
      else weights[id] = 0;
    }
    return total;
  }

  private keepFrom(least: number): number {
    const { weights } = this;
    let total = 0;
    for (let id = 0; id < weights.length; id++) {
      if (weights[id]! >= least) total += weights[id]!;
      else weights[id] = 0;
    }
    return total;
  }

  /** The first token whose cumulated weight passes `point`. */
  private pick(point: number): number {
    const { weights } = this;
    let passed = 0;
    let last = 0;
    for (let id = 0; id < weights.length; id++) {
      if (weights[id] === 0) continue;
      passed += weights[id]!;
      last = id;
      if (passed > point) return id;
    }
    // Rounding may leave the sum a hair below `point`.
    return last;
  }

  private likeliest(logps: Float32Array, offset: number): number {
    let best = 0;
    for (let id = 1; id < this.weights.length; id++) if (logps[offset + id]! > logps[offset + best]!) best = id;
    return best;
  }
}
