// Size of a campaign, from its resolved spec and the lengths of its prompts. Everything is an upper bound.
// Time is not estimated, because it depends on the machine.
import { lossName } from "../campaign/spec/losses.ts";
import { baselineCount } from "../campaign/spec/baseline-count.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import { StageSizes } from "./stage-sizes.ts";
import type { Measured, StageSize } from "./stage-sizes.ts";

export interface CampaignSize {
  stages: StageSize[];
  /**
   * `flopsMax`: 2 for each parameter and token read or written, 6 for each learnt from; attention's own are
   * left out.
   */
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

const answersPerPrompt = (samples: readonly { count: number }[]): number =>
  samples.reduce((sum, { count }) => sum + count, 0);

export function sizesOf(spec: ResolvedSpec, measured: Measured): CampaignSize {
  const sizes = new StageSizes(spec, measured);
  const pairs = bootstrapPairs(spec, measured);
  const stages = [
    ...bootstrapStages(spec, sizes, pairs, measured),
    ...iterationStages(spec, sizes),
    ...spec.baselines.flatMap((baseline) => baselineStages(baseline, spec, sizes, pairs)),
  ];
  return { stages, totals: totalsOf(stages, measured.parameters) };
}

/** Preference pairs of the bootstrap, at most. */
const bootstrapPairs = ({ bootstrap: { labels } }: ResolvedSpec, { pairRows = 0 }: Measured): number =>
  labels ? labels.comparisons - labels.audit : pairRows;

function bootstrapStages(
  { bootstrap, prompts, evaluate, generate, score }: ResolvedSpec,
  sizes: StageSizes,
  pairs: number,
  { sftRows = 0 }: Measured,
): StageSize[] {
  const { sft, labels, reward = bootstrap.preferenceModel } = bootstrap;
  const place = { place: "bootstrap", times: 1 };
  const stages: StageSize[] = [];
  if (sft) stages.push({ ...place, stage: "sft", ...sizes.learning(sft.data.count ?? sftRows, sft) });
  if (labels) {
    const { sample, comparisons, perComparison } = labels;
    const size = sizes.fanOut(prompts.bootstrap, answersPerPrompt(sample.samples), sample.maxTokens);
    stages.push({ ...place, stage: "generate", ...size });
    stages.push({ ...place, stage: "label (random)", rowsMax: comparisons * perComparison });
  }
  if (labels || bootstrap.preferences) stages.push({ ...place, stage: "pair", rowsMax: pairs });
  if (reward) stages.push({ ...place, stage: "reward", ...sizes.learning(pairs, reward, 2) });
  if (labels && labels.audit > 0 && score.reward !== "preference-model")
    stages.push(
      { ...place, stage: "score (audit)", ...sizes.scoring(labels.audit, 2) },
      { ...place, stage: "audit", rowsMax: labels.audit * labels.perComparison },
    );
  const reference = sizes.fanOut(prompts.test, evaluate.samples, generate.maxTokens);
  stages.push({ ...place, stage: "answer (opponent)", ...reference });
  const measured = sizes.measuring(prompts.validation + prompts.test, prompts.test, { isInitial: true });
  return [...stages, ...measured.map((size) => ({ ...place, ...size }))];
}

function iterationStages(spec: ResolvedSpec, sizes: StageSizes): StageSize[] {
  const { prompts, iterations, generate, score, labels, pair, train, evaluate } = spec;
  const each = { place: "each iteration", times: iterations };
  const answers = answersPerPrompt(generate.samples);
  const compared = labels ? labels.perIteration - labels.audit : prompts.perIteration;
  const pairsMax = limited(compared, pair.limit);
  const scorer = typeof score.reward === "string" ? score.reward : "module";
  return [
    { ...each, stage: "generate", ...sizes.fanOut(prompts.perIteration, answers, generate.maxTokens) },
    ...(scorer === "none"
      ? []
      : [{ ...each, stage: `score (${scorer})`, ...sizes.scoring(prompts.perIteration, answers) }]),
    ...(labels
      ? [{ ...each, stage: `label (${labels.choose})`, rowsMax: labels.perIteration * labels.perComparison }]
      : []),
    ...(labels && labels.audit > 0 && scorer !== "preference-model"
      ? [{ ...each, stage: "audit", rowsMax: labels.audit * labels.perComparison }]
      : []),
    ...refitStages(spec, sizes, compared).map((size) => ({ ...each, ...size })),
    {
      ...each,
      stage: `pair (${labels?.use.includes("pairs") ? "labels" : pair.strategy})`,
      rowsMax: pairsMax,
    },
    { ...each, stage: `train (${lossName(train.loss)})`, ...sizes.preferring(pairsMax) },
    ...sizes.measuring(prompts.validation + prompts.test, prompts.test).map((size) => ({ ...each, ...size })),
    ...(labels?.refit
      ? [
          {
            ...each,
            stage: "score (refitted)",
            ...sizes.scoring(prompts.validation + prompts.test, evaluate.samples),
          },
        ]
      : []),
    ...(evaluate.judge ? [{ ...each, stage: "judge (promotion)", ...sizes.pieces(prompts.validation) }] : []),
    { ...each, stage: "promote" },
  ];
}

/** The reward model is trained on `compared` new pairs and a replay; its scores may then make the pairs. */
function refitStages(
  { labels, prompts, generate }: ResolvedSpec,
  sizes: StageSizes,
  compared: number,
): Omit<StageSize, "place" | "times">[] {
  if (!labels?.refit) return [];
  const rowsMax = Math.round(compared * (1 + labels.refit.replay));
  const answers = answersPerPrompt(generate.samples);
  return [
    { stage: "pair (replay)", rowsMax },
    { stage: "refit", ...sizes.learning(rowsMax, labels.refit, 2) },
    ...(labels.use.includes("pairs")
      ? []
      : [{ stage: "score (refitted)", ...sizes.scoring(prompts.perIteration, answers) }]),
  ];
}

function baselineStages(
  baseline: ResolvedSpec["baselines"][number],
  spec: ResolvedSpec,
  sizes: StageSizes,
  given: number,
): StageSize[] {
  const { name, pairs } = baseline;
  const { prompts, iterations, generate, train } = spec;
  const place = { place: `base-${name}`, times: 1 };
  const all = prompts.perIteration * iterations;
  const answers = answersPerPrompt(generate.samples);
  const rows = limited(pairs === "initial-policy" ? all : given, baselineCount(spec, baseline));
  const sampled: StageSize[] = [
    { ...place, stage: "generate", ...sizes.fanOut(all, answers, generate.maxTokens) },
    { ...place, stage: "score", ...sizes.scoring(all, answers) },
  ];
  return [
    ...(pairs === "initial-policy" ? sampled : []),
    { ...place, stage: "pair", rowsMax: rows },
    { ...place, stage: `train (${lossName(train.loss)})`, ...sizes.preferring(rows) },
    ...sizes.measuring(prompts.test, prompts.test).map((size) => ({ ...place, ...size })),
  ];
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
