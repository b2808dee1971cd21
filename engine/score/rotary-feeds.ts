// The rotary tables of a model as inputs of graphs. They are as long as the longest row so far, because the
// context that a configuration names may be far longer than any row.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { toOrt } from "../graph/index.ts";
import { rotaryTables } from "../model/index.ts";
import type { ModelConfig } from "../model/index.ts";

/** Positions of the first tables. */
const FIRST = 256;

export class RotaryFeeds {
  private readonly config: ModelConfig;
  private readonly factor: number;
  private positions = 0;
  private feeds: Record<string, OrtTensor> = {};

  /** All values are multiplied by `factor`. */
  constructor(config: ModelConfig, factor = 1) {
    this.config = config;
    this.factor = factor;
  }

  /** cos and sin of at least the first `positions` positions, or of all that the model has. */
  upTo(positions: number): Record<string, OrtTensor> {
    const { maxPositions } = this.config;
    if (this.positions < Math.min(positions, maxPositions)) {
      this.positions = Math.min(maxPositions, Math.max(FIRST, 2 ** Math.ceil(Math.log2(positions))));
      const tables = Object.entries(rotaryTables(this.config, this.positions));
      this.feeds = Object.fromEntries(
        tables.map(([name, table]) => {
          const data = (table.data as Float32Array).map((x) => x * this.factor);
          return [name, toOrt({ ...table, data })];
        }),
      );
    }
    return this.feeds;
  }
}
