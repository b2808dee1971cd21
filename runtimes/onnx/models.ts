// A child's cache of models by digest, and of compiled graphs. Decoders are cached by model, because they
// hold its packed weights. Scorers are cached by configuration, because models of one configuration share the
// graph.
import { Decoder } from "../../engine/decode/decoder.ts";
import { readCheckpoint } from "../../engine/checkpoint/checkpoint.ts";
import type { ModelConfig } from "../../engine/model/index.ts";
import { SequenceScorer } from "../../engine/score/scorer.ts";
import { loadWeights } from "../../engine/score/weights.ts";
import type { LoadedWeights } from "../../engine/score/weights.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import type { LocalModel } from "../types.ts";
import { MODELS_CACHED } from "./protocol.ts";

export interface LoadedModel {
  digest: string;
  config: ModelConfig;
  tokenizer: Tokenizer;
  weights: LoadedWeights;
}

/** For scorers: the configurations of the policies and of the reward model. */
const GRAPHS_CACHED = 2;

/** A cache of the `limit` values that were used last. It closes the others. */
class Recent<T> {
  private readonly values = new Map<string, T>();
  private readonly limit: number;
  private readonly close: (value: T) => Promise<void>;

  constructor(limit: number, close: (value: T) => Promise<void>) {
    this.limit = limit;
    this.close = close;
  }

  async get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.values.get(key);
    this.values.delete(key);
    if (known === undefined) await this.makeRoom();
    const value = known ?? (await make());
    this.values.set(key, value);
    return value;
  }

  /** Runs before a new value is made, so memory never holds more than `limit` values. */
  private async makeRoom(): Promise<void> {
    for (const [key, value] of this.values) {
      if (this.values.size < this.limit) return;
      this.values.delete(key);
      await this.close(value);
    }
  }
}

export class Models {
  private readonly threads: number;
  private readonly onLoaded: () => void;
  private readonly models = new Recent<LoadedModel>(MODELS_CACHED, async () => undefined);
  private readonly decoders = new Recent<Decoder>(GRAPHS_CACHED, (decoder) => decoder.close());
  private readonly scorers = new Recent<SequenceScorer>(GRAPHS_CACHED, (scorer) => scorer.close());

  /** `onLoaded` is called for each model that had to be read. */
  constructor(threads: number, onLoaded: () => void = () => undefined) {
    this.threads = threads;
    this.onLoaded = onLoaded;
  }

  load({ digest, dir }: LocalModel): Promise<LoadedModel> {
    return this.models.get(digest, async () => {
      const checkpoint = await readCheckpoint(dir);
      this.onLoaded();
      return {
        digest,
        config: checkpoint.config,
        tokenizer: await Tokenizer.load(dir, checkpoint.config),
        weights: loadWeights(checkpoint),
      };
    });
  }

  decoder({ digest, config, weights }: LoadedModel): Promise<Decoder> {
    return this.decoders.get(digest, () => Decoder.create(config, weights, this.options()));
  }

  scorer({ config }: LoadedModel): Promise<SequenceScorer> {
    return this.scorers.get(JSON.stringify(config), () => SequenceScorer.create(config, this.options()));
  }

  private options(): { threads: number; spinning: boolean } {
    // No spinning, because children share the cores.
    return { threads: this.threads, spinning: false };
  }
}
