// Forward-only scoring of whole sequences: log-probabilities of answers, and rewards at the last real token.
// Rows are sorted by length and cut into batches of bounded size, so that padding costs little; the cut follows from the rows alone.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { SpecError } from "../errors.ts";
import { Graph, Session } from "../graph/index.ts";
import type { SessionOptions } from "../graph/index.ts";
import { neutralThreads } from "../graph/threads.ts";
import { declareParameters, declareSelection, declareSequences, encodeForChoices, encodeForLogps, encodeForRewards, isRewardModel, logits, rewards } from "../model/index.ts";
import type { Choice, ModelConfig, Sequence } from "../model/index.ts";
import { Tape } from "../ops/tape.ts";
import { rotaryFeeds, toFeeds } from "./weights.ts";
import type { LoadedWeights } from "./weights.ts";

export interface ScoreHooks {
  signal?: AbortSignal;
  onProgress?(done: number): void;
}

/** Padded tokens per batch: large enough for full-speed products, small enough for memory. */
const batchTokens = 4096;

function scoreGraph(config: ModelConfig): Graph {
  const t = new Tape(new Graph({ anyThreads: false }));
  const parameters = declareParameters(t, config);
  const sequences = declareSequences(t, config);
  const selection = declareSelection(t, sequences);
  if (isRewardModel(config)) {
    t.graph.output("rewards", rewards(t, config, parameters, sequences, selection));
    return t.graph;
  }
  const targets = t.graph.input("targets", "int64", ["M"]);
  t.graph.output("logps", t.tokenLogps(logits(t, config, parameters, sequences, selection), targets));
  return t.graph;
}

export class SequenceScorer {
  readonly config: ModelConfig;
  private readonly session: Session;
  private readonly rotary: Record<string, OrtTensor>;

  private constructor(config: ModelConfig, session: Session) {
    this.config = config;
    this.session = session;
    this.rotary = rotaryFeeds(config);
  }

  static async create(config: ModelConfig, options: SessionOptions): Promise<SequenceScorer> {
    return new SequenceScorer(config, await Session.create(scoreGraph(config), { ...options, threads: neutralThreads(config, options.threads) }));
  }

  /** ln π of every answer token, row by row. A prompt has one token at least. */
  async tokenLogps(weights: LoadedWeights, rows: readonly Sequence[], hooks: ScoreHooks = {}): Promise<Float32Array[]> {
    this.expect("policy", "log-probabilities");
    return this.inBatches(rows, hooks, async (batch) => {
      const { rowOf: _, ...encoded } = encodeForLogps(batch);
      const { logps } = await this.session.raw({ ...weights, ...this.rotary, ...toFeeds(encoded) });
      let from = 0;
      return batch.map(({ ids, promptLength }) => (logps!.data as Float32Array).slice(from, (from += ids.length - promptLength)));
    });
  }

  /** Summed in double precision. */
  async logps(weights: LoadedWeights, rows: readonly Sequence[], hooks: ScoreHooks = {}): Promise<number[]> {
    return (await this.tokenLogps(weights, rows, hooks)).map((tokens) => tokens.reduce((sum, logp) => sum + logp, 0));
  }

  /** ln of the probability of each choice as the next token, row by row. */
  async choiceLogps(weights: LoadedWeights, rows: readonly Choice[], hooks: ScoreHooks = {}): Promise<number[][]> {
    this.expect("policy", "log-probabilities");
    return this.inBatches(rows, hooks, async (batch) => {
      const { logps } = await this.session.raw({ ...weights, ...this.rotary, ...toFeeds(encodeForChoices(batch)) });
      let from = 0;
      return batch.map(({ choices }) => Array.from((logps!.data as Float32Array).subarray(from, (from += choices.length))));
    });
  }

  async rewards(weights: LoadedWeights, rows: readonly Sequence[], hooks: ScoreHooks = {}): Promise<number[]> {
    this.expect("reward model", "rewards");
    return this.inBatches(rows, hooks, async (batch) => {
      const output = await this.session.raw({ ...weights, ...this.rotary, ...toFeeds(encodeForRewards(batch)) });
      return Array.from(output["rewards"]!.data as Float32Array);
    });
  }

  async close(): Promise<void> {
    await this.session.close();
  }

  private expect(role: "policy" | "reward model", what: string): void {
    if (isRewardModel(this.config) !== (role === "reward model"))
      throw new SpecError("architecture_unsupported", `${what} need a ${role}, and the model is a ${this.config.architecture}`);
  }

  /** Calls `score` with rows of like length and puts its results where the rows stood. */
  private async inBatches<R extends { ids: readonly number[] }, T>(rows: readonly R[], hooks: ScoreHooks, score: (batch: R[]) => Promise<T[]>): Promise<T[]> {
    const results: T[] = [];
    const length = (row: number): number => rows[row]!.ids.length;
    const order = rows.map((_, row) => row).sort((a, b) => length(a) - length(b) || a - b);
    for (let from = 0; from < order.length; ) {
      hooks.signal?.throwIfAborted();
      let to = from + 1;
      while (to < order.length && (to - from + 1) * length(order[to]!) <= batchTokens) to++;
      const places = order.slice(from, to);
      const scored = await score(places.map((row) => rows[row]!));
      places.forEach((row, i) => (results[row] = scored[i]!));
      from = to;
      hooks.onProgress?.(from);
    }
    return results;
  }
}
