// Forward-only scoring of whole sequences: log-probabilities of answers, and rewards at the last real token.
// Rows that follow each other and have one prompt are a group: the prompt is computed once. Groups are sorted by length and cut into batches
// of bounded size, so that attention is padded little; groups and cut follow from the rows alone.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { RatchetError } from "../../errors/index.ts";
import { nameMemory } from "../out-of-memory.ts";
import { Graph, Session } from "../graph/index.ts";
import type { SessionOptions } from "../graph/index.ts";
import { neutralThreads } from "../graph/threads.ts";
import {
  declareParameters,
  declareSegments,
  isRewardModel,
  arrangeSegments,
  logits,
  rewards,
} from "../model/index.ts";
import type { Encoded, ModelConfig, Sequence } from "../model/index.ts";
import { int64 } from "../model/encode.ts";
import { Tape } from "../ops/tape.ts";
import { batchesOf } from "./batches.ts";
import type { Group } from "./batches.ts";
import { rotaryFeeds, toFeeds } from "./weights.ts";
import type { LoadedWeights } from "./weights.ts";

/** A row to score. */
export interface ScoreRow extends Sequence {
  /** What it is, for errors. */
  name?: string;
}

export interface ScoreHooks {
  signal?: AbortSignal;
  onProgress?(done: number): void;
}

/** A text, and tokens of which one may come next. */
export interface Choice {
  ids: readonly number[];
  choices: readonly number[];
  /** What it is, for errors. */
  name?: string;
}

/** Tokens per batch: large enough for full-speed products, small enough for memory. */
const batchTokens = 4096;
/** Attention costs as much as all products together in small models, and is padded to a bucket's longest row. */
const rowBuckets = 8;

function scoreGraph(config: ModelConfig): Graph {
  const t = new Tape(new Graph("few"));
  const parameters = declareParameters(t, config);
  const segments = declareSegments(t, config, rowBuckets, { learning: false });
  const selection = { index: t.graph.input("index", "int64", ["M"]) };
  if (isRewardModel(config)) {
    t.graph.output("rewards", rewards(t, config, parameters, segments, selection));
    return t.graph;
  }
  const targets = t.graph.input("targets", "int64", ["M"]);
  t.graph.output("logps", t.tokenLogps(logits(t, config, parameters, segments, selection), targets));
  return t.graph;
}

/** What is read of a row: at which tokens of the batch, and of a policy, which tokens are to be predicted there. */
interface Reading {
  index: number[];
  targets?: readonly number[];
}

/** `place`: where a token of the row's answer stands in the batch; −1 is the prompt's last one. */
type Read<Row> = (row: Row, place: (offset: number) => number) => Reading;

const answerOf = ({ ids, promptLength }: Sequence): readonly number[] => ids.slice(promptLength);

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
    return new SequenceScorer(
      config,
      await Session.create(scoreGraph(config), {
        ...options,
        threads: neutralThreads(config, options.threads),
      }),
    );
  }

  /** ln π of every answer token, row by row. A prompt has one token at least. */
  async tokenLogps(
    weights: LoadedWeights,
    rows: readonly ScoreRow[],
    hooks: ScoreHooks = {},
  ): Promise<Float32Array[]> {
    this.expect("policy", "log-probabilities");
    return this.read("logps", weights, rows, hooks, (row, place) => {
      const targets = answerOf(row);
      return { targets, index: targets.map((_, offset) => place(offset - 1)) };
    });
  }

  /** Summed in double precision. */
  async logps(weights: LoadedWeights, rows: readonly ScoreRow[], hooks: ScoreHooks = {}): Promise<number[]> {
    return (await this.tokenLogps(weights, rows, hooks)).map((tokens) =>
      tokens.reduce((sum, logp) => sum + logp, 0),
    );
  }

  /** ln of the probability of each choice as the next token, row by row. */
  async choiceLogps(
    weights: LoadedWeights,
    rows: readonly Choice[],
    hooks: ScoreHooks = {},
  ): Promise<number[][]> {
    this.expect("policy", "log-probabilities");
    const prompts = rows.map((row) => ({ ...row, promptLength: row.ids.length }));
    const logps = await this.read("logps", weights, prompts, hooks, ({ choices }, place) => ({
      targets: choices,
      index: choices.map(() => place(-1)),
    }));
    return logps.map((of) => Array.from(of));
  }

  async rewards(
    weights: LoadedWeights,
    rows: readonly ScoreRow[],
    hooks: ScoreHooks = {},
  ): Promise<number[]> {
    this.expect("reward model", "rewards");
    const rewards = await this.read("rewards", weights, rows, hooks, ({ ids, promptLength }, place) => ({
      index: [place(ids.length - promptLength - 1)],
    }));
    return rewards.map(([reward]) => reward!);
  }

  async close(): Promise<void> {
    await this.session.close();
  }

  private expect(role: "policy" | "reward model", what: string): void {
    if (isRewardModel(this.config) !== (role === "reward model"))
      throw new RatchetError(
        "architecture_unsupported",
        `${what} need a ${role}, and the model is a ${this.config.architecture}`,
      );
  }

  /** What `read` asks for, row by row. */
  private async read<Row extends ScoreRow>(
    output: string,
    weights: LoadedWeights,
    rows: readonly Row[],
    hooks: ScoreHooks,
    read: Read<Row>,
  ): Promise<Float32Array[]> {
    const results: Float32Array[] = [];
    let done = 0;
    for (const groups of batchesOf(rows, batchTokens)) {
      hooks.signal?.throwIfAborted();
      const scored = await this.readBatch(output, weights, groups, read).catch((error: unknown) =>
        Promise.reject(nameMemory(error, scoring(groups))),
      );
      for (const { at, values } of scored) results[at] = values;
      hooks.onProgress?.((done += scored.length));
    }
    return results;
  }

  private async readBatch<Row extends ScoreRow>(
    output: string,
    weights: LoadedWeights,
    groups: readonly Group<Row>[],
    read: Read<Row>,
  ): Promise<{ at: number; values: Float32Array }[]> {
    const { feeds, counts } = encode(groups, read);
    // Answers without a token ask for nothing.
    if (feeds["index"]!.data.length === 0)
      return counts.map(({ at }) => ({ at, values: new Float32Array(0) }));
    const whole = (await this.session.raw({ ...weights, ...this.rotary, ...toFeeds(feeds) }))[output]!
      .data as Float32Array;
    let from = 0;
    return counts.map(({ at, count }) => ({ at, values: whole.slice(from, (from += count)) }));
  }
}

/** The batch, for errors. */
function scoring(groups: readonly Group<ScoreRow>[]): string {
  const rows = groups.flatMap(({ rows: of }) => of);
  const { row, at } = rows.reduce((longest, other) =>
    other.row.ids.length > longest.row.ids.length ? other : longest,
  );
  return `scoring ${rows.length} rows at once, the longest of ${row.ids.length} tokens (${row.name ?? `row ${at}`})`;
}

/** A batch's inputs, and how many values are read of each row. */
function encode<Row extends Sequence>(
  groups: readonly Group<Row>[],
  read: Read<Row>,
): { feeds: Encoded; counts: { at: number; count: number }[] } {
  const { tensors, starts } = arrangeSegments(
    groups.map(({ prompt, rows }) => ({ prompt, answers: rows.map(({ row }) => answerOf(row)) })),
    rowBuckets,
  );
  const index: number[] = [];
  /** Only a policy's graph takes them. */
  const targets: number[] = [];
  const counts = groups.flatMap(({ prompt, rows }, group) =>
    rows.map(({ row, at }, answer) => {
      const { prompt: promptStart, answers } = starts[group]!;
      const reading = read(row, (offset) =>
        offset < 0 ? promptStart + prompt.length - 1 : answers[answer]! + offset,
      );
      index.push(...reading.index);
      targets.push(...(reading.targets ?? []));
      return { at, count: reading.index.length };
    }),
  );
  return {
    feeds: { ...tensors, index: int64(index), ...(targets.length > 0 ? { targets: int64(targets) } : {}) },
    counts,
  };
}
