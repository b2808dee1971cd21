// Inputs of the step graph: views of the cache and of two small arrays. Making a tensor costs about as much
// as an operation of a small model, so they are reused until rows or slots change.
import { Tensor as OrtTensor } from "onnxruntime-node";
import type { ModelConfig } from "../model/types.ts";
import { RotaryFeeds } from "../score/rotary-feeds.ts";
import type { Cache } from "./cache.ts";
import { keyScale } from "./graphs.ts";

export class StepFeeds {
  private readonly cache: Cache;
  /** The factor costs no operation in the tables. */
  private readonly rotary: RotaryFeeds;
  private readonly heads: [kvHeads: number, headSize: number];
  private version = -1;
  private tokens = new BigInt64Array(0);
  private positions = new BigInt64Array(0);
  private tensors: Record<string, OrtTensor> = {};

  constructor(config: ModelConfig, cache: Cache) {
    this.cache = cache;
    this.rotary = new RotaryFeeds(config, keyScale(config));
    this.heads = [config.kvHeads, config.headSize];
  }

  /** The inputs for the newest token of each row. */
  next(tokens: readonly number[]): Record<string, OrtTensor> {
    if (this.version !== this.cache.version) this.make();
    for (let row = 0; row < tokens.length; row++) {
      this.tokens[row] = BigInt(tokens[row]!);
      this.positions[row] = BigInt(this.cache.lengths[row]!);
    }
    return this.tensors;
  }

  private make(): void {
    const { rows: B, slots: S, blocks, size, bias, version } = this.cache;
    const [K, d] = this.heads;
    this.version = version;
    this.tokens = new BigInt64Array(B);
    this.positions = new BigInt64Array(B);
    this.tensors = {
      // The newest token's position is the number of filled slots.
      ...this.rotary.upTo(S + 1),
      tokens: new OrtTensor("int64", this.tokens, [B]),
      positions: new OrtTensor("int64", this.positions, [B, 1]),
      bias: new OrtTensor("float32", bias.subarray(0, B * (S + 1)), [B, 1, 1, S + 1]),
    };
    for (const [index, block] of blocks.entries())
      this.tensors[`cache.${index}`] = new OrtTensor("float32", block.subarray(0, size), [B, K, S, d]);
  }
}
