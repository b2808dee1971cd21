// Size of one stage: completions, pieces, shards, rows and optimizer steps that it makes, and tokens that a
// model reads, writes and trains on. Everything is an upper bound.
import { usesReference } from "../campaign/spec/losses.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";

export interface StageSize {
  /** `bootstrap`, `each iteration`, `base-offline` */
  place: string;
  stage: string;
  /** Number of runs of the stage in the campaign. */
  times: number;
  prompts?: number;
  completions?: number;
  /** Tokens of answers, if all have the greatest length. */
  tokensMax?: number;
  /**
   * Tokens of prompts and answers that a model reads: before it generates, to score, for log-probabilities.
   */
  readMax?: number;
  /** Tokens trained on, counted once per epoch. */
  trainedMax?: number;
  pieces?: number;
  shards?: number;
  /** Training rows. */
  rowsMax?: number;
  stepsMax?: number;
}

/** Measures of data and model, which the spec alone does not tell. */
export interface Measured {
  /** Rows of the SFT file. */
  sftRows?: number | undefined;
  /** Pairs of a preference file. */
  pairRows?: number | undefined;
  parameters: number;
  contextLength: number;
  /** Tokens of the longest prompt. */
  longestPrompt: number;
}

type Size = Omit<StageSize, "place" | "stage" | "times">;

export class StageSizes {
  private readonly spec: ResolvedSpec;
  private readonly contextLength: number;
  private readonly longestPrompt: number;
  /** Tokens of a prompt with an answer. */
  private readonly whole: number;

  constructor(spec: ResolvedSpec, { contextLength, longestPrompt }: Measured) {
    this.spec = spec;
    this.contextLength = contextLength;
    this.longestPrompt = longestPrompt;
    this.whole = Math.min(contextLength, longestPrompt + spec.generate.maxTokens);
  }

  private pieces(prompts: number): Pick<StageSize, "prompts" | "pieces" | "shards"> {
    const { piece, shard } = this.spec.generate;
    const pieces = Math.ceil(prompts / piece);
    return { prompts, pieces, shards: Math.ceil(pieces / shard) };
  }

  fanOut(
    prompts: number,
    answers: number,
    maxTokens: number,
  ): Size & { completions: number; readMax: number } {
    const completions = prompts * answers;
    return {
      ...this.pieces(prompts),
      completions,
      tokensMax: completions * maxTokens,
      readMax: completions * this.longestPrompt,
    };
  }

  scoring(prompts: number, answers: number): Size {
    const { reward } = this.spec.score;
    // A knockout finds the best and worst of a group with fewer than two comparisons per answer.
    const readMax =
      reward === "model"
        ? prompts * answers * this.whole
        : reward === "preference-model"
          ? this.comparing(2 * prompts * (answers - 1))
          : 0;
    return { ...this.pieces(prompts), readMax };
  }

  /**
   * Answers are written, scored by the proxy and, for KL, read by π_0; a preference model compares those of
   * the test split instead.
   */
  evaluation(prompts: number, compared: number): Size {
    const { samples } = this.spec.evaluate;
    const size = this.fanOut(prompts, samples, this.spec.generate.maxTokens);
    const { reward } = this.spec.score;
    const proxy =
      reward === "model"
        ? size.completions * this.whole
        : reward === "preference-model"
          ? this.comparing(compared * samples ** 2)
          : 0;
    return { ...size, readMax: size.readMax + size.completions * this.whole + proxy };
  }

  /** Each comparison is asked in both orders, with two answers in the prompt. */
  private comparing(comparisons: number): number {
    return 2 * comparisons * this.contextLength;
  }

  /** `texts` per row: 2 for a pair. The length of a pair's answers has a known bound. */
  learning(
    rowsMax: number,
    {
      epochs,
      batch,
      maxLength = this.contextLength,
    }: { epochs: number; batch: number; maxLength?: number | undefined },
    texts: 1 | 2 = 1,
  ): Size & { rowsMax: number } {
    const length = texts === 2 ? Math.min(maxLength, this.whole) : maxLength;
    return {
      rowsMax,
      stepsMax: epochs * Math.ceil(rowsMax / batch),
      trainedMax: epochs * rowsMax * texts * length,
    };
  }

  /** The reference reads each pair once. */
  preferring(rowsMax: number): Size {
    const { train } = this.spec;
    return {
      ...this.learning(rowsMax, train, 2),
      readMax: usesReference(train.loss) ? rowsMax * 2 * this.whole : undefined,
    };
  }
}
