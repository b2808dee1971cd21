// How big a campaign is, from its resolved spec alone: what each stage makes, in pieces, shards, completions and optimizer steps.
import { lossName } from "../campaign/losses.ts";
import type { ResolvedSpec } from "../campaign/spec.ts";

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
  pieces?: number;
  shards?: number;
  /** Rows to learn from, at most. */
  rowsMax?: number;
  stepsMax?: number;
}

export interface CampaignSize {
  stages: StageSize[];
  totals: { completions: number; tokensMax: number; stepsMax: number; activities: number };
}

const answersPerPrompt = (samples: readonly { count: number }[]): number => samples.reduce((sum, { count }) => sum + count, 0);

/** `sftRows`: rows of the SFT file where the spec does not say a count. `pairRows`: pairs of a preference file. */
export function sizesOf(spec: ResolvedSpec, { sftRows = 0, pairRows = 0 }: { sftRows?: number; pairRows?: number } = {}): CampaignSize {
  const sizes = new Sizes(spec);
  const { bootstrap, prompts, iterations, generate, score, pair, train } = spec;
  const { sft, preferences, reward = bootstrap.preferenceModel } = bootstrap;
  const once = { place: "bootstrap", times: 1 };
  const stages: StageSize[] = [];

  if (sft) stages.push({ ...once, stage: "sft", ...sizes.steps(sft.data.count ?? sftRows, sft) });
  const ratedAnswers = preferences?.sample ? answersPerPrompt(preferences.sample.samples) : 0;
  const rated = preferences?.sample ? Math.floor(ratedAnswers / 2) * prompts.preferences : pairRows;
  if (preferences?.sample) stages.push({ ...once, stage: "generate", ...sizes.fanOut(prompts.preferences, ratedAnswers, preferences.sample.maxTokens) });
  if (preferences) stages.push({ ...once, stage: "pair", rowsMax: rated });
  if (reward) stages.push({ ...once, stage: "reward", ...sizes.steps(rated, reward) });
  stages.push({ ...once, stage: "generate (opponent)", ...sizes.evaluation(prompts.test) });
  stages.push({ ...once, stage: "evaluate", ...sizes.evaluation(prompts.validation + prompts.test) });

  const each = { place: "each iteration", times: iterations };
  const answers = answersPerPrompt(generate.samples);
  const pairsMax = limited(prompts.perIteration, pair.limit);
  stages.push(
    { ...each, stage: "generate", ...sizes.fanOut(prompts.perIteration, answers, generate.maxTokens) },
    { ...each, stage: `score (${typeof score.reward === "string" ? score.reward : "module"})`, ...sizes.pieces(prompts.perIteration) },
    { ...each, stage: `pair (${pair.strategy})`, rowsMax: pairsMax },
    { ...each, stage: `train (${lossName(train.loss)})`, ...sizes.steps(pairsMax, train) },
    { ...each, stage: "evaluate", ...sizes.evaluation(prompts.validation + prompts.test) },
    { ...each, stage: "promote" },
  );

  for (const { name, pairs } of spec.baselines) {
    const arm = { place: `base-${name}`, times: 1 };
    const all = prompts.perIteration * iterations;
    if (pairs === "initial-policy") {
      stages.push({ ...arm, stage: "generate", ...sizes.fanOut(all, answers, generate.maxTokens) }, { ...arm, stage: "score", ...sizes.pieces(all) });
    }
    const rows = limited(pairs === "preferences" ? rated : all, pair.limit * iterations);
    stages.push({ ...arm, stage: "pair", rowsMax: rows }, { ...arm, stage: `train (${lossName(train.loss)})`, ...sizes.steps(rows, train) }, { ...arm, stage: "evaluate", ...sizes.evaluation(prompts.test) });
  }
  return { stages, totals: totalsOf(stages) };
}

class Sizes {
  private readonly spec: ResolvedSpec;

  constructor(spec: ResolvedSpec) {
    this.spec = spec;
  }

  pieces(prompts: number): Pick<StageSize, "prompts" | "pieces" | "shards"> {
    const { piece, shard } = this.spec.generate;
    const pieces = Math.ceil(prompts / piece);
    return { prompts, pieces, shards: Math.ceil(pieces / shard) };
  }

  fanOut(prompts: number, answers: number, maxTokens: number): Omit<StageSize, "place" | "stage" | "times"> {
    const completions = prompts * answers;
    return { ...this.pieces(prompts), completions, tokensMax: completions * maxTokens };
  }

  evaluation(prompts: number): Omit<StageSize, "place" | "stage" | "times"> {
    return this.fanOut(prompts, this.spec.evaluate.samples, this.spec.generate.maxTokens);
  }

  steps(rowsMax: number, { epochs, batch }: { epochs: number; batch: number }): Pick<StageSize, "rowsMax" | "stepsMax"> {
    return { rowsMax, stepsMax: epochs * Math.ceil(rowsMax / batch) };
  }
}

/** 0 = all. */
const limited = (rows: number, limit: number): number => (limit > 0 ? Math.min(rows, limit) : rows);

function totalsOf(stages: readonly StageSize[]): CampaignSize["totals"] {
  const sum = (value: (stage: StageSize) => number): number => stages.reduce((total, stage) => total + stage.times * value(stage), 0);
  return {
    completions: sum(({ completions = 0 }) => completions),
    tokensMax: sum(({ tokensMax = 0 }) => tokensMax),
    stepsMax: sum(({ stepsMax = 0 }) => stepsMax),
    activities: sum(({ shards = 1 }) => shards),
  };
}
