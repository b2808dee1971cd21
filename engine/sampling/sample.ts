// Draws one token from log-probabilities: temperature, then top-k, then top-p, as transformers applies them. Random numbers come from
// the completion's own seed and the token's index, so that they depend on nothing else in the batch.
import type { Random } from "../random.ts";

export interface SamplingRule {
  /** 0 = always the likeliest token. */
  temperature: number;
  /** Keep the k likeliest tokens; 0 = all. */
  topK: number;
  /** Keep the likeliest tokens whose probabilities first reach p; 1 = all. */
  topP: number;
}

/** Scratch for one vocabulary, so that drawing allocates nothing. */
export class Sampler {
  private readonly weights: Float64Array;

  constructor(vocabSize: number) {
    this.weights = new Float64Array(vocabSize);
  }

  /** The token with index `step` of its completion, from logps[offset … offset + vocabSize). */
  draw(logps: Float32Array, offset: number, rule: SamplingRule, random: Random, step: number): number {
    if (rule.temperature === 0) return this.likeliest(logps, offset);
    let total = this.weigh(logps, offset, rule.temperature);
    if (rule.topK > 0 || rule.topP < 1) total = this.cut(rule, total);
    return this.pick(random.uniform(step) * total);
  }

  /** Unnormalised probabilities at the temperature; the largest is 1. */
  private weigh(logps: Float32Array, offset: number, temperature: number): number {
    const { weights } = this;
    let largest = -Infinity;
    for (let id = 0; id < weights.length; id++) largest = Math.max(largest, logps[offset + id]!);
    let total = 0;
    for (let id = 0; id < weights.length; id++) total += weights[id] = Math.exp((logps[offset + id]! - largest) / temperature);
    return total;
  }

  /** Sets the weights of the tokens outside top-k and top-p to 0. Ties go to the lower id. */
  private cut({ topK, topP }: SamplingRule, total: number): number {
    const { weights } = this;
    const order = Array.from(weights.keys()).sort((a, b) => weights[b]! - weights[a]! || a - b);
    const limit = topK > 0 ? Math.min(topK, order.length) : order.length;
    if (limit < order.length) total = order.slice(0, limit).reduce((sum, id) => sum + weights[id]!, 0);
    let kept = 0;
    let count = 0;
    while (count < limit && (count === 0 || kept < topP * total)) kept += weights[order[count++]!]!;
    for (const id of order.slice(count)) weights[id] = 0;
    return kept;
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
