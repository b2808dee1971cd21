// Generation of a batch: one prefill of the distinct prompts, then one step per token for the rows that have
// not ended. Equal requests in equal order have equal bytes, on any number of threads.
import { nameMemory } from "../out-of-memory.ts";
import { fromOrtTensor, Session } from "../graph/index.ts";
import type { SessionOptions } from "../graph/index.ts";
import { neutralThreads } from "../graph/threads.ts";
import { int64 } from "../model/encode.ts";
import { arrangeSegments } from "../model/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { Sampler } from "../sampling/sample.ts";
import { RotaryFeeds } from "../score/rotary-feeds.ts";
import { toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import { Batch } from "./batch.ts";
import type { DecodedRow, DecodeHooks, DecodeRow, DecodeSettings } from "./batch.ts";
import { Cache } from "./cache.ts";
import { StepFeeds } from "./feeds.ts";
import { prefillGraph, stepGraph } from "./graphs.ts";

export type { DecodedRow, DecodeHooks, DecodeRow, DecodeSettings };

export class Decoder {
  readonly config: ModelConfig;
  private readonly weights: LoadedWeights;
  private readonly prefill: Session;
  private readonly step: Session;
  private readonly rotary: RotaryFeeds;
  private readonly sampler: Sampler;
  private readonly cache: Cache;
  private readonly feeds: StepFeeds;

  private constructor(config: ModelConfig, weights: LoadedWeights, prefill: Session, step: Session) {
    this.config = config;
    this.weights = weights;
    this.prefill = prefill;
    this.step = step;
    this.rotary = new RotaryFeeds(config);
    this.sampler = new Sampler(config.vocabSize);
    this.cache = new Cache(config);
    this.feeds = new StepFeeds(config, this.cache);
  }

  /** Compiles the graphs for a model; the step's weights are packed. */
  static async create(
    config: ModelConfig,
    weights: LoadedWeights,
    options: SessionOptions,
  ): Promise<Decoder> {
    const prefill = await Session.create(prefillGraph(config), {
      ...options,
      threads: neutralThreads(config, options.threads),
    });
    const tensors = new Map(Object.entries(weights).map(([name, tensor]) => [name, fromOrtTensor(tensor)]));
    return new Decoder(config, weights, prefill, await Session.create(stepGraph(config, tensors), options));
  }

  /** Generates one batch. Calls must not overlap. */
  async generate(
    rows: readonly DecodeRow[],
    settings: DecodeSettings,
    hooks: DecodeHooks = {},
  ): Promise<DecodedRow[]> {
    if (rows.length === 0) return [];
    const batch = new Batch(this.config, this.sampler, this.cache, rows, settings, hooks);
    try {
      await this.start(batch);
      while (batch.draw()) {
        hooks.signal?.throwIfAborted();
        await this.advance(batch);
      }
    } catch (error) {
      this.cache.clear();
      throw nameMemory(error, batch.doing);
    }
    return batch.results;
  }

  async close(): Promise<void> {
    await this.prefill.close();
    await this.step.close();
  }

  private async start(batch: Batch): Promise<void> {
    const { distinct, sourceOf } = batch;
    const positions = Math.max(...distinct.map((ids) => ids.length));
    const { tensors, starts } = arrangeSegments(
      distinct.map((prompt) => ({ prompt, answers: [] })),
      1,
    );
    // The prompt's last token predicts the first token of the answer.
    const index = int64(starts.map(({ prompt }, source) => prompt + distinct[source]!.length - 1));
    const outputs = await this.prefill.raw({
      ...this.weights,
      ...this.rotary.upTo(positions),
      ...toFeeds({ ...tensors, index }),
    });
    for (let index = 0; index < 2 * this.config.layers; index++) {
      const from = outputs[`new.${index}`]!.data as Float32Array;
      sourceOf.forEach((source, row) => this.cache.fill(index, row, starts[source]!.row, from, positions));
    }
    batch.logps = outputs["logps"]!.data as Float32Array;
    batch.logpsRow = sourceOf;
  }

  /** One token for every live row. */
  private async advance(batch: Batch): Promise<void> {
    const outputs = await this.step.raw(this.feeds.next(batch.tokens));
    this.cache.append(outputs["new"]!.data as Float32Array);
    batch.logps = outputs["logps"]!.data as Float32Array;
    batch.logpsRow = undefined;
  }
}
