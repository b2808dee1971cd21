// Forward-only scoring of whole sequences: log-probabilities of answers, and rewards at the last real token.
// Rows are sorted by length and cut into batches of bounded size, so that padding costs little; the cut follows from the rows alone.
import { Tensor as OrtTensor } from "onnxruntime-node";
import { SpecError } from "../errors.ts";
import { Graph, Session } from "../graph/index.ts";
import type { SessionOptions } from "../graph/index.ts";
import { declareParameters, declareSelection, declareSequences, logits, rewards, rotaryTables } from "../model/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { Tape } from "../ops/tape.ts";
import { sequenceBatch } from "./batch.ts";
import type { LoadedWeights } from "./weights.ts";

export interface SequenceRow {
  promptIds: readonly number[];
  answerIds: readonly number[];
}

export interface ScoreHooks {
  signal?: AbortSignal;
  onProgress?(done: number): void;
}

/** Padded tokens per batch: large enough for full-speed products, small enough for memory. */
const batchTokens = 4096;

function scoreGraph(config: ModelConfig): Graph {
  const t = new Tape(new Graph());
  const parameters = declareParameters(t, config);
  const sequences = declareSequences(t, config);
  const selection = declareSelection(t, sequences);
  if (config.architecture === "LlamaForSequenceClassification") {
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
  private readonly rotary: Record<"cos" | "sin", OrtTensor>;

  private constructor(config: ModelConfig, session: Session) {
    this.config = config;
    this.session = session;
    const { cos, sin } = rotaryTables(config, config.maxPositions);
    this.rotary = {
      cos: new OrtTensor("float32", cos.data as Float32Array, cos.shape as number[]),
      sin: new OrtTensor("float32", sin.data as Float32Array, sin.shape as number[]),
    };
  }

  static async create(config: ModelConfig, options: SessionOptions): Promise<SequenceScorer> {
    return new SequenceScorer(config, await Session.create(scoreGraph(config), options));
  }

  /** ln π of every answer token, row by row. */
  async tokenLogps(weights: LoadedWeights, rows: readonly SequenceRow[], hooks: ScoreHooks = {}): Promise<Float32Array[]> {
    this.expect("LlamaForCausalLM", "log-probabilities");
    const results: Float32Array[] = [];
    await this.inBatches(rows, hooks, async (batch, sequences) => {
      // The token at position t is predicted at t − 1.
      const selected = batch.map(({ promptIds, answerIds }) => answerIds.map((_, i) => promptIds.length + i - 1));
      const targets = BigInt64Array.from(batch.flatMap((row) => row.answerIds as number[]), BigInt);
      const { feeds } = sequenceBatch(sequences, selected);
      const { logps } = await this.session.raw({ ...weights, ...this.rotary, ...feeds, targets: new OrtTensor("int64", targets, [targets.length]) });
      let from = 0;
      return batch.map(({ answerIds }) => (logps!.data as Float32Array).slice(from, (from += answerIds.length)));
    }, results);
    return results;
  }

  /** Summed in double precision. */
  async logps(weights: LoadedWeights, rows: readonly SequenceRow[], hooks: ScoreHooks = {}): Promise<number[]> {
    return (await this.tokenLogps(weights, rows, hooks)).map((tokens) => tokens.reduce((sum, logp) => sum + logp, 0));
  }

  async rewards(weights: LoadedWeights, rows: readonly SequenceRow[], hooks: ScoreHooks = {}): Promise<number[]> {
    this.expect("LlamaForSequenceClassification", "rewards");
    const results: number[] = [];
    await this.inBatches(rows, hooks, async (_, sequences) => {
      const { feeds } = sequenceBatch(sequences, sequences.map((row) => [row.length - 1]));
      const output = await this.session.raw({ ...weights, ...this.rotary, ...feeds });
      return Array.from(output["rewards"]!.data as Float32Array);
    }, results);
    return results;
  }

  async close(): Promise<void> {
    await this.session.close();
  }

  private expect(architecture: ModelConfig["architecture"], what: string): void {
    if (this.config.architecture !== architecture)
      throw new SpecError("architecture_unsupported", `${what} need a ${architecture}, and the model is a ${this.config.architecture}`);
  }

  /** Calls `score` with rows of like length and puts its results where the rows stood. */
  private async inBatches<T>(rows: readonly SequenceRow[], hooks: ScoreHooks, score: (batch: SequenceRow[], sequences: number[][]) => Promise<T[]>, results: T[]): Promise<void> {
    const length = (row: number): number => rows[row]!.promptIds.length + rows[row]!.answerIds.length;
    const order = rows.map((_, row) => row).sort((a, b) => length(a) - length(b) || a - b);
    for (let from = 0; from < order.length; ) {
      hooks.signal?.throwIfAborted();
      let to = from + 1;
      while (to < order.length && (to - from + 1) * length(order[to]!) <= batchTokens) to++;
      const places = order.slice(from, to);
      const batch = places.map((row) => rows[row]!);
      const scored = await score(batch, batch.map(({ promptIds, answerIds }) => [...promptIds, ...answerIds]));
      places.forEach((row, i) => (results[row] = scored[i]!));
      from = to;
      hooks.onProgress?.(from);
    }
  }
}
