// How big a campaign is, from its resolved spec and the lengths of its prompts: what each stage makes, in pieces, shards, completions and
// optimizer steps, and the tokens that pass through a model for it. All are upper bounds; how long a token takes is the machine's.
import { lossName, usesReference } from "../campaign/spec/losses.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";

export interface StageSize {
  /** `bootstrap`, `each iteration`, `base-offline` */
  place: string;
  stage: string;
  /** How often the stage runs in the campaign. */
  times: number;
  prompts?: number;
  completions?: number;
  /** Longest possible answers. */
  tokensMax?: number;
  /** Tokens of prompts and answers that a model only reads: before it writes, to score, for log-probabilities. */
  readMax?: number;
  /** Tokens that are learnt from, once for each epoch. */
  trainedMax?: number;
  pieces?: number;
  shards?: number;
  /** Rows to learn from, at most. */
  rowsMax?: number;
  stepsMax?: number;
}

export interface CampaignSize {
  stages: StageSize[];
  /** `flopsMax`: 2 for each parameter and token read or written, 6 for each learnt from; attention's own are left out. */
  totals: {
    completions: number;
    tokensMax: number;
    readMax: number;
    trainedMax: number;
    flopsMax: number;
    stepsMax: number;
    activities: number;
  };
}

/** What the spec does not say by itself. */
export interface Measured {
  /** Rows of the SFT file where the spec does not say a count. */
  sftRows?: number | undefined;
  /** Pairs of a preference file. */
  pairRows?: number | undefined;
  parameters: number;
  contextLength: number;
  /** Tokens of the longest prompt. */
  longestPrompt: number;
}

const answersPerPrompt = (samples: readonly { count: number }[]): number =>
  samples.reduce((sum, { count }) => sum + count, 0);

export function sizesOf(spec: ResolvedSpec, measured: Measured): CampaignSize {
  const { sftRows = 0, pairRows = 0, parameters } = measured;
  const sizes = new Sizes(spec, measured);
  const { bootstrap, prompts, iterations, generate, score, pair, train } = spec;
  const { sft, preferences, reward = bootstrap.preferenceModel } = bootstrap;
  const once = { place: "bootstrap", times: 1 };
  const stages: StageSize[] = [];

  if (sft) stages.push({ ...once, stage: "sft", ...sizes.learning(sft.data.count ?? sftRows, sft) });
  const ratedAnswers = preferences?.sample ? answersPerPrompt(preferences.sample.samples) : 0;
  const rated = preferences?.sample ? Math.floor(ratedAnswers / 2) * prompts.preferences : pairRows;
  if (preferences?.sample)
    stages.push({
      ...once,
      stage: "generate",
      ...sizes.fanOut(prompts.preferences, ratedAnswers, preferences.sample.maxTokens),
    });
  if (preferences) stages.push({ ...once, stage: "pair", rowsMax: rated });
  if (reward) stages.push({ ...once, stage: "reward", ...sizes.learning(rated, reward, 2) });
  stages.push({
    ...once,
    stage: "generate (opponent)",
    ...sizes.fanOut(prompts.test, spec.evaluate.samples, generate.maxTokens),
  });
  stages.push({
    ...once,
    stage: "evaluate",
    ...sizes.evaluation(prompts.validation + prompts.test, prompts.test),
  });

  const each = { place: "each iteration", times: iterations };
  const answers = answersPerPrompt(generate.samples);
  const pairsMax = limited(prompts.perIteration, pair.limit);
  stages.push(
    { ...each, stage: "generate", ...sizes.fanOut(prompts.perIteration, answers, generate.maxTokens) },
    {
      ...each,
      stage: `score (${typeof score.reward === "string" ? score.reward : "module"})`,
      ...sizes.scoring(prompts.perIteration, answers),
    },
    { ...each, stage: `pair (${pair.strategy})`, rowsMax: pairsMax },
    { ...each, stage: `train (${lossName(train.loss)})`, ...sizes.preferring(pairsMax) },
    { ...each, stage: "evaluate", ...sizes.evaluation(prompts.validation + prompts.test, prompts.test) },
    { ...each, stage: "promote" },
  );

  for (const { name, pairs } of spec.baselines) {
    const arm = { place: `base-${name}`, times: 1 };
    const all = prompts.perIteration * iterations;
    if (pairs === "initial-policy") {
      stages.push(
        { ...arm, stage: "generate", ...sizes.fanOut(all, answers, generate.maxTokens) },
        { ...arm, stage: "score", ...sizes.scoring(all, answers) },
      );
    }
    const rows = limited(pairs === "preferences" ? rated : all, pair.limit * iterations);
    stages.push(
      { ...arm, stage: "pair", rowsMax: rows },
      { ...arm, stage: `train (${lossName(train.loss)})`, ...sizes.preferring(rows) },
      { ...arm, stage: "evaluate", ...sizes.evaluation(prompts.test, prompts.test) },
    );
  }
  return { stages, totals: totalsOf(stages, parameters) };
}

type Size = Omit<StageSize, "place" | "stage" | "times">;

class Sizes {
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
    // Best and worst of a group by knockout, fewer than two comparisons an answer.
    const readMax =
      reward === "model"
        ? prompts * answers * this.whole
        : reward === "preference-model"
          ? this.comparing(2 * prompts * (answers - 1))
          : 0;
    return { ...this.pieces(prompts), readMax };
  }

  /** Answers are written, scored by the proxy and, for KL, read by π_0; a preference model compares those of the test split instead. */
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

  /** Each is asked in both orders, with two answers in the prompt. */
  private comparing(comparisons: number): number {
    return 2 * comparisons * this.contextLength;
  }

  /** `texts` of a row: an answer, or a pair of them, of which the longest is known. */
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
      ...(usesReference(train.loss) ? { readMax: rowsMax * 2 * this.whole } : {}),
    };
  }
}

/** 0 = all. */
const limited = (rows: number, limit: number): number => (limit > 0 ? Math.min(rows, limit) : rows);

function totalsOf(stages: readonly StageSize[], parameters: number): CampaignSize["totals"] {
  const sum = (value: (stage: StageSize) => number): number =>
    stages.reduce((total, stage) => total + stage.times * value(stage), 0);
  const [tokensMax, readMax, trainedMax] = [
    sum((stage) => stage.tokensMax ?? 0),
    sum((stage) => stage.readMax ?? 0),
    sum((stage) => stage.trainedMax ?? 0),
  ];
  return {
    completions: sum(({ completions = 0 }) => completions),
    tokensMax,
    readMax,
    trainedMax,
    flopsMax: parameters * (2 * (tokensMax + readMax) + 6 * trainedMax),
    stepsMax: sum(({ stepsMax = 0 }) => stepsMax),
    activities: sum(({ shards = 1 }) => shards),
  };
}
