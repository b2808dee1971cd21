// Scoring of whole sequences: log-probabilities of answers, and rewards at the last real token. Consecutive
// rows with the same prompt are a group: the prompt is computed once. Groups are sorted by length and cut
// into batches of bounded size, so attention needs little padding. Groups and batches follow from the rows
// alone.
import { RatchetError } from "../../errors/index.ts";
import { nameMemory } from "../out-of-memory.ts";
import { Session } from "../graph/index.ts";
import type { SessionOptions } from "../graph/index.ts";
import { neutralThreads } from "../graph/threads.ts";
import { isRewardModel } from "../model/index.ts";
import type { ModelConfig, Sequence } from "../model/index.ts";
import { batchesOf } from "./batches.ts";
import type { Group } from "./batches.ts";
import { answerOf, encode, scoreGraph } from "./inputs.ts";
import type { Read } from "./inputs.ts";
import { RotaryFeeds } from "./rotary-feeds.ts";
import { toFeeds } from "./weights.ts";
import type { LoadedWeights } from "./weights.ts";

/** A row to score. */
export interface ScoreRow extends Sequence {
  /** Names the row in errors. */
  name?: string;
}

export interface ScoreHooks {
  signal?: AbortSignal;
  onProgress?(done: number): void;
}

/** A text, and tokens that may come next. */
export interface Choice {
  ids: readonly number[];
  choices: readonly number[];
  /** Names the row in errors. */
  name?: string;
}

/** Tokens per batch: enough for products at full speed, few enough for memory. */
const BATCH_TOKENS = 4096;

export class SequenceScorer {
  readonly config: ModelConfig;
  private readonly session: Session;
  private readonly rotary: RotaryFeeds;

  private constructor(config: ModelConfig, session: Session) {
    this.config = config;
    this.session = session;
    this.rotary = new RotaryFeeds(config);
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

  /** ln π of every answer token, row by row. A prompt has at least one token. */
  async tokenLogps(
    weights: LoadedWeights,
    rows: readonly ScoreRow[],
    hooks: ScoreHooks = {},
  ): Promise<Float32Array[]> {
    this.expect("policy", "log-probabilities");
    return this.read("logps", weights, rows, hooks, (row, at) => {
      const targets = answerOf(row);
      return { targets, index: targets.map((_, offset) => at(offset - 1)) };
    });
  }

  /** Sums over the tokens of each answer, in double precision. */
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
    const logps = await this.read("logps", weights, prompts, hooks, ({ choices }, at) => ({
      targets: choices,
      index: choices.map(() => at(-1)),
    }));
    return logps.map((of) => Array.from(of));
  }

  async rewards(
    weights: LoadedWeights,
    rows: readonly ScoreRow[],
    hooks: ScoreHooks = {},
  ): Promise<number[]> {
    this.expect("reward model", "rewards");
    const rewards = await this.read("rewards", weights, rows, hooks, ({ ids, promptLength }, at) => ({
      index: [at(ids.length - promptLength - 1)],
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

  /** The values that `read` selects, row by row. */
  private async read<Row extends ScoreRow>(
    output: string,
    weights: LoadedWeights,
    rows: readonly Row[],
    hooks: ScoreHooks,
    read: Read<Row>,
  ): Promise<Float32Array[]> {
    const results: Float32Array[] = [];
    let done = 0;
    for (const groups of batchesOf(rows, BATCH_TOKENS)) {
      hooks.signal?.throwIfAborted();
      const scored = await this.readBatch(output, weights, groups, read).catch((error: unknown) =>
        Promise.reject(nameMemory(error, doing(groups))),
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
    // All answers are empty.
    if (feeds["index"]!.data.length === 0)
      return counts.map(({ at }) => ({ at, values: new Float32Array(0) }));
    const tables = this.rotary.upTo(longestOf(groups).row.ids.length);
    const outputs = await this.session.raw({ ...weights, ...tables, ...toFeeds(feeds) });
    const whole = outputs[output]!.data as Float32Array;
    let from = 0;
    return counts.map(({ at, count }) => ({ at, values: whole.slice(from, (from += count)) }));
  }
}

function longestOf<Row extends ScoreRow>(groups: readonly Group<Row>[]): Group<Row>["rows"][number] {
  return groups
    .flatMap(({ rows }) => rows)
    .reduce((longest, other) => (other.row.ids.length > longest.row.ids.length ? other : longest));
}

/** The work in progress, for errors. */
function doing(groups: readonly Group<ScoreRow>[]): string {
  const count = groups.reduce((sum, { rows }) => sum + rows.length, 0);
  const { row, at } = longestOf(groups);
  const name = row.name ?? `row ${at}`;
  return `scoring ${count} rows at once, the longest of ${row.ids.length} tokens (${name})`;
}
