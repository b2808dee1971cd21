// Models that a child holds, by digest, and their compiled graphs: decoders by model, because they hold its packed weights, scorers by
// configuration, because a new model of the same shape compiles nothing.
import { Decoder } from "../../engine/decode/decoder.ts";
import { readCheckpoint } from "../../engine/checkpoint/checkpoint.ts";
import type { ModelConfig } from "../../engine/model/index.ts";
import { SequenceScorer } from "../../engine/score/scorer.ts";
import { loadWeights } from "../../engine/score/weights.ts";
import type { LoadedWeights } from "../../engine/score/weights.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import type { LocalModel } from "../types.ts";

export interface LoadedModel {
  digest: string;
  config: ModelConfig;
  tokenizer: Tokenizer;
  weights: LoadedWeights;
}

/** Policy, reference and reward model. */
const modelsKept = 3;
/** Of scorers, the configurations of a campaign: the policies' and the reward model's. */
const graphsKept = 2;

/** Keeps the newest `limit` values; makes and closes the others. */
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

  /** Before the new one is made, so that memory never holds one more than the limit. */
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
  private readonly loaded = new Recent<LoadedModel>(modelsKept, async () => undefined);
  private readonly decoders = new Recent<Decoder>(graphsKept, (decoder) => decoder.close());
  private readonly scorers = new Recent<SequenceScorer>(graphsKept, (scorer) => scorer.close());

  constructor(threads: number) {
    this.threads = threads;
  }

  load({ digest, dir }: LocalModel): Promise<LoadedModel> {
    return this.loaded.get(digest, async () => {
      const checkpoint = await readCheckpoint(dir);
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
    // Children share the cores: a thread that spins takes another child's time.
    return { threads: this.threads, spinning: false };
  }
}
