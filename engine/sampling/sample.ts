// Draws one token from log-probabilities: temperature, then top-k, then top-p, then min-p, as in transformers
// (vLLM applies min-p first, so its top-p keeps fewer tokens). Random numbers depend on the completion's seed
// and the token's index, and on nothing else in the batch.
import type { Random } from "../random.ts";
import { PARTS, power } from "./power.ts";

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

/**
 * Bound on weights relative to the likeliest token's. Tokens that top-k and top-p keep are mostly above it;
 * if not, it is squared.
 */
const FIRST_BOUND = 2 ** -6;

/** e = 2^(PARTS_OF_E/PARTS). */
const PARTS_OF_E = PARTS / Math.LN2;

/** Draws from one vocabulary. Its arrays are reused, so drawing allocates no memory. */
export class Sampler {
  private readonly weights: Float64Array;
  /** The largest weights, in ascending order. Only the first `known` elements are valid. */
  private readonly sorted: Float64Array;
  private known = 0;

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
    for (let id = 0; id < weights.length; id++)
      if (logps[offset + id]! > largest) largest = logps[offset + id]!;
    let total = 0;
    for (let id = 0; id < weights.length; id++)
      total += weights[id] = power(((logps[offset + id]! - largest) / temperature) * PARTS_OF_E);
    return total;
  }

  /**
   * The number of tokens that top-k and top-p keep. It sorts only weights above a bound, which are few in a
   * large vocabulary.
   */
  private count({ topK, topP }: SamplingRule, total: number): number {
    const { length: size } = this.weights;
    const limit = topK > 0 ? Math.min(topK, size) : size;
    for (let bound = FIRST_BOUND; ; bound *= bound) {
      this.sortFrom(bound);
      const count = this.countAmong(limit, topP, total);
      // With bound 0 all weights are sorted; undefined then means NaN.
      if (count !== undefined || bound === 0) return count ?? 0;
    }
  }

  /** Sorts the weights of at least `bound`, in ascending order. */
  private sortFrom(bound: number): void {
    const { weights, sorted } = this;
    let known = 0;
    for (let id = 0; id < weights.length; id++) if (weights[id]! >= bound) sorted[known++] = weights[id]!;
    // Typed arrays sort natively.
    sorted.subarray(0, known).sort();
    this.known = known;
  }

  /** Undefined if too few weights are sorted to decide. */
  private countAmong(limit: number, topP: number, total: number): number | undefined {
    const { sorted, known, weights } = this;
    let mass = total;
    if (limit < weights.length) {
      if (known < limit) return undefined;
      mass = 0;
      for (let rank = 0; rank < limit; rank++) mass += sorted[known - 1 - rank]!;
    }
    let kept = 0;
    let count = 0;
    while (count < limit && (count === 0 || kept < topP * mass)) {
      if (count === known) return undefined;
      kept += sorted[known - 1 - count++]!;
    }
    return count;
  }

  /** Keeps the `count` likeliest tokens; among equal weights, lower ids. Returns their total. */
  private keep(count: number): number {
    const { weights, sorted, known } = this;
    const least = sorted[known - count]!;
    let ties = count;
    for (let rank = 0; rank < count; rank++) if (sorted[known - 1 - rank]! > least) ties--;
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

  /** The first token whose cumulative weight exceeds `point`. */
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
    // Rounding may leave the sum slightly below `point`.
    return last;
  }

  private likeliest(logps: Float32Array, offset: number): number {
    let best = 0;
    for (let id = 1; id < this.weights.length; id++)
      if (logps[offset + id]! > logps[offset + best]!) best = id;
    return best;
  }
}
