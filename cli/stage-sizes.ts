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

  pieces(prompts: number): Pick<StageSize, "prompts" | "pieces" | "shards"> {
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
   * The stages that measure a policy on `prompts` prompts, of which `compared` are of the test split. A
   * preference model gives no scores; it compares the test answers instead. π_0 is not measured against
   * itself.
   */
  measuring(prompts: number, compared: number, { isInitial = false } = {}): (Size & { stage: string })[] {
    const { samples } = this.spec.evaluate;
    const { reward } = this.spec.score;
    const answers = this.fanOut(prompts, samples, this.spec.generate.maxTokens);
    const { completions, tokensMax: _written, ...pieces } = answers;
    const readMax = completions * this.whole;
    const byPreference = reward === "preference-model";
    return [
      { stage: "answer", ...answers },
      ...(byPreference || reward === "none"
        ? []
        : [{ stage: "score", ...pieces, readMax: reward === "model" ? readMax : 0 }]),
      ...(isInitial ? [] : [{ stage: "reference", ...pieces, readMax }]),
      {
        stage: "judge",
        ...this.pieces(compared),
        readMax: byPreference ? this.comparing(compared * samples ** 2) : 0,
      },
    ];
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
