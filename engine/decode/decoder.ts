// Generation of a batch: one prefill of the distinct prompts, then one step per token for the rows that have not ended.
// The batch is the unit: equal requests in equal order give equal bytes, on any number of threads.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { RatchetError } from "../../errors/index.ts";
import { nameMemory } from "../out-of-memory.ts";
import { fromOrtTensor, Session } from "../graph/index.ts";
import type { SessionOptions } from "../graph/index.ts";
import { neutralThreads } from "../graph/threads.ts";
import { int64 } from "../model/encode.ts";
import { arrangeSegments } from "../model/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { Random } from "../random.ts";
import { Sampler } from "../sampling/sample.ts";
import type { SamplingRule } from "../sampling/sample.ts";
import { rotaryFeeds, toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import { Cache } from "./cache.ts";
import { StepFeeds } from "./feeds.ts";
import { prefillGraph, stepGraph } from "./graphs.ts";

export interface DecodeRow {
  promptIds: readonly number[];
  temperature: number;
  /** 16 hex digits. */
  seed: string;
  /** What it is a completion of, for errors. */
  name?: string;
}

export interface DecodeSettings extends Omit<SamplingRule, "temperature"> {
  maxTokens: number;
  /** Ids by which the model ends an answer. */
  eosIds: ReadonlySet<number>;
  /** Whether the newest of `ids` ends the answer for another reason. */
  stopped?(promptIds: readonly number[], ids: readonly number[]): boolean;
}

export interface DecodedRow {
  ids: number[];
  /** ln π(id) under the untempered policy. */
  logps: number[];
  /** `stop`: by `stopped`. */
  finish: "eos" | "stop" | "length";
}

export interface DecodeHooks {
  signal?: AbortSignal;
  /** Finished rows and tokens drawn so far; called between steps. */
  onProgress?(done: number, tokens: number): void;
}

/** A row while it is generated. */
interface Live {
  out: DecodedRow;
  name: string;
  promptIds: readonly number[];
  rule: SamplingRule;
  random: Random;
  /** Tokens it may still draw. */
  left: number;
}

export class Decoder {
  readonly config: ModelConfig;
  private readonly weights: LoadedWeights;
  private readonly prefill: Session;
  private readonly step: Session;
  private readonly rotary: Record<string, OrtTensor>;
  private readonly sampler: Sampler;
  private readonly cache: Cache;
  private readonly feeds: StepFeeds;

  private constructor(config: ModelConfig, weights: LoadedWeights, prefill: Session, step: Session) {
    this.config = config;
    this.weights = weights;
    this.prefill = prefill;
    this.step = step;
    this.rotary = rotaryFeeds(config);
    this.sampler = new Sampler(config.vocabSize);
    this.cache = new Cache(config);
    this.feeds = new StepFeeds(config, this.cache);
  }

  /** Compiles for a model: the weights are packed for the step. */
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

  /** One batch at a time. */
  async generate(
    rows: readonly DecodeRow[],
    settings: DecodeSettings,
    hooks: DecodeHooks = {},
  ): Promise<DecodedRow[]> {
    if (rows.length === 0) return [];
    const run = new Run(this.config, this.sampler, this.cache, rows, settings, hooks);
    try {
      await this.start(run);
      while (run.draw()) {
        hooks.signal?.throwIfAborted();
        await this.advance(run);
      }
    } catch (error) {
      this.cache.clear();
      throw nameMemory(error, run.at);
    }
    return run.results;
  }

  async close(): Promise<void> {
    await this.prefill.close();
    await this.step.close();
  }

  private async start(run: Run): Promise<void> {
    const { distinct, sourceOf } = run;
    const positions = Math.max(...distinct.map((ids) => ids.length));
    const { tensors, starts } = arrangeSegments(
      distinct.map((prompt) => ({ prompt, answers: [] })),
      1,
    );
    // The first token is read at the prompt's last one.
    const index = int64(starts.map(({ prompt }, source) => prompt + distinct[source]!.length - 1));
    const outputs = await this.prefill.raw({
      ...this.weights,
      ...this.rotary,
      ...toFeeds({ ...tensors, index }),
    });
    for (let index = 0; index < 2 * this.config.layers; index++) {
      const from = outputs[`new.${index}`]!.data as Float32Array;
      sourceOf.forEach((source, row) => this.cache.fill(index, row, starts[source]!.row, from, positions));
    }
    run.logps = outputs["logps"]!.data as Float32Array;
    run.logpsRow = sourceOf;
  }

  /** One token for every live row. */
  private async advance(run: Run): Promise<void> {
    const outputs = await this.step.raw(this.feeds.next(run.tokens));
    this.cache.append(outputs["new"]!.data as Float32Array);
    run.logps = outputs["logps"]!.data as Float32Array;
    run.logpsRow = undefined;
  }
}

/** State of one batch. */
class Run {
  readonly results: DecodedRow[];
  /** Distinct prompts, and the one of each row. */
  readonly distinct: (readonly number[])[] = [];
  readonly sourceOf: number[];
  /** Last token of each live row. */
  tokens: number[] = [];
  logps: Float32Array = new Float32Array(0);
  /** Row of `logps` for each live row; undefined = its own. */
  logpsRow: number[] | undefined;
  private readonly live: Live[];
  private readonly vocabSize: number;
  private readonly sampler: Sampler;
  private readonly cache: Cache;
  private readonly settings: DecodeSettings;
  private readonly hooks: DecodeHooks;
  private drawn = 0;

  constructor(
    config: ModelConfig,
    sampler: Sampler,
    cache: Cache,
    rows: readonly DecodeRow[],
    settings: DecodeSettings,
    hooks: DecodeHooks,
  ) {
    this.vocabSize = config.vocabSize;
    this.sampler = sampler;
    this.cache = cache;
    this.settings = settings;
    this.hooks = hooks;
    this.results = rows.map(() => ({ ids: [], logps: [], finish: "length" as const }));
    this.live = rows.map((row, index) => ({
      out: this.results[index]!,
      name: row.name ?? `row ${index}`,
      promptIds: row.promptIds,
      rule: { temperature: row.temperature, topK: settings.topK, topP: settings.topP, minP: settings.minP },
      random: new Random(row.seed),
      left: Math.min(settings.maxTokens, config.maxPositions - row.promptIds.length),
    }));
    const known = new Map<string, number>();
    this.sourceOf = rows.map(({ promptIds }) => {
      const key = promptIds.join();
      const source = known.get(key) ?? this.distinct.push(promptIds) - 1;
      known.set(key, source);
      return source;
    });
    cache.begin(rows.map((row) => row.promptIds.length));
  }

  /** Where it stands, for errors. */
  get at(): string {
    const longest = this.live.reduce((one, other) => (length(other) > length(one) ? other : one));
    return `generating ${this.live.length} rows at once, the longest of ${length(longest)} tokens (${longest.name})`;
  }

  /** Draws one token per live row and lets the ended ones go; false when none is left. */
  draw(): boolean {
    const { live, cache } = this;
    this.tokens = live.map((row, index) => {
      const offset = (this.logpsRow?.[index] ?? index) * this.vocabSize;
      const id = this.sampler.draw(this.logps, offset, row.rule, row.random, row.out.ids.length);
      const logp = this.logps[offset + id]!;
      if (Number.isNaN(logp))
        throw new RatchetError(
          "logits_not_finite",
          `the policy has no probabilities for token ${row.out.ids.length} of ${row.name}: its logits are not finite`,
          { hint: "training went wrong; look at the loss curve of its iteration" },
        );
      row.out.ids.push(id);
      row.out.logps.push(logp);
      row.left--;
      return id;
    });
    this.drawn += live.length;
    // From the end, so that the row moved into a gap has been looked at already.
    for (let index = live.length - 1; index >= 0; index--) {
      const row = live[index]!;
      if (this.settings.eosIds.has(this.tokens[index]!)) row.out.finish = "eos";
      else if (this.settings.stopped?.(row.promptIds, row.out.ids)) row.out.finish = "stop";
      else if (row.left > 0) continue;
      cache.remove(index);
      moveLastTo(live, index);
      moveLastTo(this.tokens, index);
    }
    this.hooks.onProgress?.(this.results.length - live.length, this.drawn);
    return live.length > 0;
  }
}

const length = ({ promptIds, out }: Live): number => promptIds.length + out.ids.length;

function moveLastTo<T>(list: T[], index: number): void {
  const last = list.pop() as T;
  if (index < list.length) list[index] = last;
}
