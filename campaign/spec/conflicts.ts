/* oxlint-disable max-lines -- one table of conflicts, by section of the spec */
// Settings that are valid alone and impossible together. Every refusal names both. Checks that need the model
// or the data are in compile/fit.ts.
import type { Problem } from "../../errors/index.ts";
import { termsOf, usesReference } from "./losses.ts";
import { baselineCount } from "./baseline-count.ts";
import { RUNTIMES } from "./runtimes.ts";
import type { ResolvedSpec } from "./schema.ts";

export function conflictsOf(spec: ResolvedSpec): Problem[] {
  return [
    ...scoring(spec),
    ...preferences(spec),
    ...sftData(spec),
    ...people(spec),
    ...training(spec),
    ...baselines(spec),
    ...sizes(spec),
    ...shape(spec),
    ...promotion(spec),
    ...runtimes(spec),
  ];
}

const answers = (samples: { count: number }[]): number => samples.reduce((sum, { count }) => sum + count, 0);

const when = (wrong: boolean, path: string, message: string, hint?: string): Problem[] =>
  wrong ? [{ path, message, hint }] : [];

function runtimes({ generate, bootstrap, evaluate }: ResolvedSpec): Problem[] {
  const { leastTemperature } = RUNTIMES[generate.runtime];
  const temperatures: [path: string, temperature: number][] = [
    ...generate.samples.map(
      ({ temperature }, at) => [`generate.samples[${at}].temperature`, temperature] as [string, number],
    ),
    ...(bootstrap.labels?.sample.samples ?? []).map(
      ({ temperature }, at) =>
        [`bootstrap.labels.sample.samples[${at}].temperature`, temperature] as [string, number],
    ),
    ["evaluate.temperature", evaluate.temperature],
  ];
  return temperatures.flatMap(([path, temperature]) =>
    when(
      temperature > 0 && temperature < leastTemperature,
      path,
      `${path} is ${temperature}, but ${generate.runtime} samples at ${leastTemperature} at least, or at 0`,
    ),
  );
}

function scoring(spec: ResolvedSpec): Problem[] {
  const { generate, pair, score, bootstrap } = spec;
  const { reward } = score;
  const named = typeof reward === "string" ? reward : "a module";
  return [
    ...when(
      answers(generate.samples) < 2,
      "generate.samples",
      `generate.samples gives ${answers(generate.samples)} answer per prompt, ` +
        `but pair.strategy ${pair.strategy} needs at least 2`,
    ),
    ...when(
      pair.missingEosPenalty > 0 && pair.dropTruncated,
      "pair.missingEosPenalty",
      `pair.missingEosPenalty is ${pair.missingEosPenalty}, ` +
        "but pair.dropTruncated keeps all cut-off answers out of pairs",
      "set pair.dropTruncated to false",
    ),
    ...when(
      reward === "model" && !bootstrap.reward,
      "score.reward",
      "score.reward is model, but bootstrap.reward is missing, so there is no reward model",
      "add bootstrap.reward with bootstrap.labels or bootstrap.preferences, or give score.reward a module",
    ),
    ...when(
      reward !== "model" && !!bootstrap.reward,
      "bootstrap.reward",
      `bootstrap.reward trains a model, but score.reward is ${named}, so nothing would use it`,
    ),
    ...preferenceModel(spec, named),
    ...(reward === "none" ? withoutScores(spec) : []),
  ];
}

/** Nothing but labels says which answer is better. */
function withoutScores(spec: ResolvedSpec): Problem[] {
  const { labels, bootstrap, baselines: offline, evaluate } = spec;
  const matched = offline.findIndex(({ pairs }) => pairs === "initial-policy");
  const without = "but score.reward is none, so there are no scores";
  return [
    ...when(
      !labels,
      "score.reward",
      "score.reward is none, but labels are missing, so there is nothing to make pairs of",
      "add labels, or give score.reward a model or a module",
    ),
    ...when(
      labels !== undefined && labels.choose !== "random",
      "labels.choose",
      `labels.choose is ${labels?.choose}, ${without} to choose by`,
      "choose random",
    ),
    ...[
      ["labels.audit", labels?.audit ?? 0] as const,
      ["bootstrap.labels.audit", bootstrap.labels?.audit ?? 0] as const,
    ].flatMap(([path, audit]) =>
      when(audit > 0, path, `${path} is ${audit}, ${without} to compare with labels`),
    ),
    ...when(
      matched >= 0,
      `baselines[${matched}].pairs`,
      `baseline ${offline[matched]?.name} trains on scored answers of π_0, ${without}`,
      "let it train on labels",
    ),
    ...when(
      !evaluate.judge && !evaluate.gold,
      "score.reward",
      "score.reward is none, but there is neither evaluate.judge nor evaluate.gold to measure a policy by",
    ),
  ];
}

function preferenceModel(spec: ResolvedSpec, named: string): Problem[] {
  if (spec.score.reward !== "preference-model") return unusedPreferenceModel(spec, named);
  const { pair, score, bootstrap } = spec;
  const { letters } = score.preferenceModel;
  const given = givenModel(score.preferenceModel);
  const trained = !!bootstrap.preferenceModel;
  return [
    ...when(
      !trained && !given,
      "score.reward",
      "score.reward is preference-model, " +
        "but neither bootstrap.preferenceModel trains one nor score.preferenceModel.path or .hub gives one",
    ),
    ...when(
      trained && !!given,
      given?.setting ?? "",
      `${given?.setting} gives ${given?.name}, and bootstrap.preferenceModel trains another`,
    ),
    ...when(
      pair.strategy !== "max-min",
      "pair.strategy",
      `pair.strategy is ${pair.strategy}, but a preference model finds the best and the worst answer only`,
      "set pair.strategy to max-min",
    ),
    ...[
      ["pair.lengthPenalty.weight", pair.lengthPenalty.weight] as const,
      ["pair.missingEosPenalty", pair.missingEosPenalty] as const,
    ].flatMap(([path, value]) =>
      when(value > 0, path, `${path} is ${value}, but a preference model gives no score to subtract it from`),
    ),
    ...when(
      letters[0] === letters[1],
      "score.preferenceModel.letters",
      `score.preferenceModel.letters are ${letters[0]} twice`,
    ),
  ];
}

function givenModel({ path, hub }: ResolvedSpec["score"]["preferenceModel"]) {
  if (path !== undefined) return { setting: "score.preferenceModel.path", name: path };
  return hub === undefined ? undefined : { setting: "score.preferenceModel.hub", name: hub };
}

function unusedPreferenceModel({ score, bootstrap }: ResolvedSpec, named: string): Problem[] {
  const given = givenModel(score.preferenceModel);
  return [
    ...when(
      !!bootstrap.preferenceModel,
      "bootstrap.preferenceModel",
      `bootstrap.preferenceModel trains a model, but score.reward is ${named}, so nothing would use it`,
    ),
    ...when(
      !!given,
      given?.setting ?? "",
      `${given?.setting} is ${given?.name}, but score.reward is ${named}, so nothing would use it`,
    ),
  ];
}

function preferences({ bootstrap, prompts, baselines: offline }: ResolvedSpec): Problem[] {
  const { labels, preferences: file } = bootstrap;
  const used = (pairs: string): boolean =>
    !!bootstrap.reward || !!bootstrap.preferenceModel || offline.some((baseline) => baseline.pairs === pairs);
  return [
    ...(["reward", "preferenceModel"] as const).flatMap((name) =>
      when(
        !!bootstrap[name] && !labels && !file,
        `bootstrap.${name}`,
        `bootstrap.${name} needs pairs to learn from, ` +
          "but there is neither bootstrap.labels nor bootstrap.preferences",
      ),
    ),
    ...(["labels", "preferences"] as const).flatMap((name) =>
      when(
        !!bootstrap[name] && !used(name),
        `bootstrap.${name}`,
        `bootstrap.${name} is given, ` +
          "but neither bootstrap.reward, bootstrap.preferenceModel nor a baseline uses it",
      ),
    ),
    ...when(
      !!labels && !!file,
      "bootstrap.preferences",
      "bootstrap.preferences gives pairs of a file, and bootstrap.labels makes others",
      "leave one of the two out",
    ),
    ...when(
      !!labels && prompts.bootstrap === 0,
      "prompts.bootstrap",
      "bootstrap.labels needs prompts, but prompts.bootstrap is 0",
    ),
    ...when(
      !labels && prompts.bootstrap > 0,
      "prompts.bootstrap",
      `prompts.bootstrap is ${prompts.bootstrap}, but bootstrap.labels, which would answer them, is missing`,
    ),
  ];
}

function people({ bootstrap, labels, score, prompts, generate }: ResolvedSpec): Problem[] {
  return [
    ...(bootstrap.labels ? bootstrapLabels(bootstrap.labels, prompts.bootstrap) : []),
    ...(labels ? iterationLabels(labels, prompts.perIteration, answers(generate.samples)) : []),
    ...(labels ? uses(labels, score.reward) : []),
    ...when(
      labels?.choose === "uncertain" && score.reward === "preference-model",
      "labels.choose",
      "labels.choose is uncertain, but a preference model gives no scores whose gap could be small",
      "choose random or best-against-rest",
    ),
  ];
}

function bootstrapLabels(
  labels: NonNullable<ResolvedSpec["bootstrap"]["labels"]>,
  prompts: number,
): Problem[] {
  const n = answers(labels.sample.samples);
  const most = (prompts * n * (n - 1)) / 2;
  const { comparisons } = labels;
  return [
    ...when(
      n < 2,
      "bootstrap.labels.sample.samples",
      `bootstrap.labels.sample.samples gives ${n} answer per prompt, but a comparison needs 2`,
    ),
    ...when(
      n > 1 && prompts > 0 && comparisons > most,
      "bootstrap.labels.comparisons",
      `bootstrap.labels.comparisons is ${comparisons}, but ${prompts} prompts with ${n} answers give ` +
        `at most ${most} comparisons`,
      "raise prompts.bootstrap",
    ),
    ...questionnaire("bootstrap.labels", "comparisons", comparisons, labels),
  ];
}

function iterationLabels(labels: NonNullable<ResolvedSpec["labels"]>, prompts: number, n: number): Problem[] {
  const { perIteration, choose } = labels;
  const most = prompts * (choose === "best-against-rest" ? n - 1 : (n * (n - 1)) / 2);
  return [
    ...when(
      perIteration > most,
      "labels.perIteration",
      `labels.perIteration is ${perIteration}, but ${prompts} prompts with ${n} answers give ` +
        `at most ${most} comparisons by ${choose}`,
    ),
    ...questionnaire("labels", "perIteration", perIteration, labels),
  ];
}

function uses({ use, refit }: NonNullable<ResolvedSpec["labels"]>, reward: unknown): Problem[] {
  const refits = use.includes("reward");
  const named = typeof reward === "string" ? reward : "a module";
  return [
    ...when(
      refits && reward !== "model",
      "labels.use",
      `labels.use has reward, but score.reward is ${named}, so there is no reward model to train on`,
    ),
    ...when(
      refits && refit === undefined,
      "labels.use",
      "labels.use has reward, but labels.refit is missing",
      "write labels.refit: {} for its defaults",
    ),
    ...when(
      !refits && refit !== undefined,
      "labels.refit",
      `labels.refit trains the reward model on, but labels.use is ${use.join(", ")}`,
      "add reward to labels.use",
    ),
  ];
}

/** Rules of any questionnaire. `section`: its section of the spec, `count`: the key of its comparisons. */
function questionnaire(
  section: string,
  count: string,
  comparisons: number,
  { audit, minimum, deadline, perComparison, labelers }: Asking,
): Problem[] {
  const api = labelers?.api;
  const trained = comparisons - audit;
  return [
    ...when(
      audit >= comparisons,
      `${section}.audit`,
      `${section}.audit is ${audit} of ${section}.${count} ${comparisons}, so nothing would be trained on`,
    ),
    ...when(
      trained > 0 && minimum > trained,
      `${section}.minimum`,
      `${section}.minimum is ${minimum}, but at most ${trained} comparisons are to train on`,
    ),
    ...when(
      minimum > 1 && deadline === undefined && api === undefined,
      `${section}.minimum`,
      `${section}.minimum is ${minimum}, but without ${section}.deadline the campaign waits for all labels`,
    ),
    ...when(
      api !== undefined && deadline !== undefined,
      `${section}.deadline`,
      `${section}.deadline is ${deadline}, but the API labeler ${api} is asked until it has answered all`,
    ),
    ...when(
      api !== undefined && perComparison > 1,
      `${section}.perComparison`,
      `${section}.perComparison is ${perComparison}, but the API labeler ${api} gives one label`,
    ),
  ];
}

type Asking = Pick<
  NonNullable<ResolvedSpec["labels"]>,
  "audit" | "minimum" | "deadline" | "perComparison" | "labelers"
>;

function sftData({ bootstrap }: ResolvedSpec): Problem[] {
  const data = bootstrap.sft?.data;
  return [
    ...when(
      !!data?.module && data.count === undefined,
      "bootstrap.sft.data.count",
      "bootstrap.sft.data.module makes the rows, but bootstrap.sft.data.count is missing",
    ),
    ...when(
      !!data?.file && data.count !== undefined,
      "bootstrap.sft.data.count",
      "bootstrap.sft.data.count is for a module, but the data comes from a file",
    ),
  ];
}

function training({ train, bootstrap }: ResolvedSpec): Problem[] {
  const { loss, ldAlpha, batch } = train;
  const compared = termsOf(loss).length > 0;
  return [
    ...when(
      ldAlpha < 1 && !compared,
      "train.ldAlpha",
      `train.ldAlpha is ${ldAlpha} and compares the answers of a pair, but train.loss kto has no pairs`,
    ),
    ...when(
      ldAlpha < 1 && compared && !usesReference(loss),
      "train.ldAlpha",
      `train.ldAlpha is ${ldAlpha} and weighs log-ratios to the reference, but train.loss has none`,
    ),
    ...when(
      !compared && batch < 2,
      "train.batch",
      `train.batch is ${batch}, but train.loss kto needs at least 2, ` +
        "because it compares an answer with others of its batch",
    ),
    ...when(
      bootstrap.reward?.margin === true && bootstrap.labels !== undefined,
      "bootstrap.reward.margin",
      "bootstrap.reward.margin needs the scores of a preference file, " +
        "but bootstrap.labels only say which answer is better",
    ),
  ];
}

function baselines(spec: ResolvedSpec): Problem[] {
  const { baselines: offline, bootstrap } = spec;
  return [
    ...offline.flatMap(({ name, pairs }, i) => [
      ...when(
        pairs !== "initial-policy" && !bootstrap[pairs],
        `baselines[${i}].pairs`,
        `baseline ${name} trains on ${pairs}, but bootstrap.${pairs} is missing`,
      ),
      ...when(
        offline.findIndex((other) => other.name === name) < i,
        `baselines[${i}].name`,
        `two baselines are named ${name}`,
      ),
    ]),
    ...(offline.some(({ count }) => count === undefined) ? equalTraining(spec) : []),
    ...offline.flatMap((baseline, i) => enoughPairs(spec, baseline, i)),
  ];
}

/** Without a count, a baseline has as many pairs and steps as all iterations together. */
function equalTraining(spec: ResolvedSpec): Problem[] {
  const { limit } = spec.pair;
  const { batch } = spec.train;
  const [most, perIteration] = spec.labels
    ? ["labels.perIteration without the audit part", spec.labels.perIteration - spec.labels.audit]
    : ["prompts.perIteration", spec.prompts.perIteration];
  const fillable = Math.floor(perIteration / batch) * batch;
  const hint =
    fillable > 0
      ? `set pair.limit to a multiple of train.batch that every iteration can fill, at most ${fillable}`
      : `set train.batch to at most ${most}, ${perIteration}`;
  if (limit === 0)
    return when(
      true,
      "pair.limit",
      "baselines train on iterations × pair.limit pairs, " +
        "but pair.limit is 0, so the number of pairs of an iteration is not known",
      hint,
    );
  return [
    ...when(
      limit > perIteration,
      "pair.limit",
      `pair.limit is ${limit}, but ${most} gives an iteration at most ${perIteration} pairs, ` +
        "so baselines would train on more",
      hint,
    ),
    ...when(
      limit % batch > 0,
      "pair.limit",
      `pair.limit is ${limit}, no multiple of train.batch ${batch}, ` +
        "so baselines would train in fewer steps than the iterations",
      hint,
    ),
  ];
}

/** The pairs of a file are counted when it is read (compile/training-data.ts). */
function enoughPairs(spec: ResolvedSpec, baseline: Baseline, i: number): Problem[] {
  const { name, pairs, count } = baseline;
  const source = givenPairs(spec)[pairs];
  if (!source) return [];
  const needed = baselineCount(spec, baseline);
  return when(
    needed > source.most,
    count === undefined ? "pair.limit" : `baselines[${i}].count`,
    `baseline ${name} needs ${count === undefined ? "iterations × pair.limit = " : ""}${needed} pairs, ` +
      `but ${source.by} gives at most ${source.most}`,
    source.hint,
  );
}

type Baseline = ResolvedSpec["baselines"][number];

/** The most pairs that a baseline's source gives. */
const givenPairs = ({
  bootstrap: { labels },
  iterations,
  prompts,
}: ResolvedSpec): Partial<Record<Baseline["pairs"], { most: number; by: string; hint: string }>> => ({
  labels: labels && {
    most: labels.comparisons - labels.audit,
    by: "bootstrap.labels without its audit part",
    hint: "raise bootstrap.labels.comparisons",
  },
  "initial-policy": {
    most: iterations * prompts.perIteration,
    by: "iterations × prompts.perIteration",
    hint: "one pair is made of a prompt's answers",
  },
});

function sizes({ policy, generate, bootstrap, train }: ResolvedSpec): Problem[] {
  const context = policy.init?.model.contextLength ?? Infinity;
  const sampled: [string, number | undefined][] = [
    ["generate.maxTokens", generate.maxTokens],
    ["bootstrap.labels.sample.maxTokens", bootstrap.labels?.sample.maxTokens],
  ];
  const lengths: [string, number | undefined][] = [
    ["bootstrap.sft.maxLength", bootstrap.sft?.maxLength],
    ["bootstrap.reward.maxLength", bootstrap.reward?.maxLength],
    ["bootstrap.preferenceModel.maxLength", bootstrap.preferenceModel?.maxLength],
    ["train.maxLength", train.maxLength],
  ];
  return [
    ...sampled.flatMap(([path, tokens]) => beyondContext(path, tokens, context, false)),
    ...lengths.flatMap(([path, tokens]) => beyondContext(path, tokens, context, true)),
  ];
}

/** `mayFill`: a training row may fill the context; an answer must leave room for one prompt token. */
export function beyondContext(
  path: string,
  tokens: number | undefined,
  context: number,
  mayFill: boolean,
): Problem[] {
  const beyond = tokens !== undefined && (mayFill ? tokens > context : tokens >= context);
  return when(beyond, path, `${path} is ${tokens}, but the model's context is ${context} tokens`);
}

function shape({ policy }: ResolvedSpec): Problem[] {
  const model = policy.init?.model;
  if (!model) return [];
  const { hiddenSize, heads, kvHeads = heads } = model;
  return [
    ...when(
      hiddenSize % (2 * heads) !== 0,
      "policy.init.model.hiddenSize",
      `hiddenSize ${hiddenSize} over heads ${heads} is no even head size, but rotary embedding needs one`,
    ),
    ...when(
      heads % kvHeads !== 0,
      "policy.init.model.kvHeads",
      `heads ${heads} is no multiple of kvHeads ${kvHeads}`,
    ),
  ];
}

/** A bound needs resamples beyond it: with confidence 0.99 and 100 resamples it would be the smallest one. */
function promotion({ promote, evaluate }: ResolvedSpec): Problem[] {
  const needed =
    promote.confidence === 0 ? 0 : Math.ceil(Number((2 / (1 - promote.confidence)).toPrecision(12)));
  return [
    ...when(
      evaluate.resamples < needed,
      "promote.confidence",
      `promote.confidence is ${promote.confidence} and needs at least ${needed} resamples, ` +
        `but evaluate.resamples is ${evaluate.resamples}`,
      "raise evaluate.resamples",
    ),
    ...when(
      promote.alsoAgainst > 0 && !evaluate.judge,
      "promote.alsoAgainst",
      "promote.alsoAgainst compares with policies promoted earlier, but there is no evaluate.judge to ask",
    ),
  ];
}
