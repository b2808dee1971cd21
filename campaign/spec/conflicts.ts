/* oxlint-disable max-lines -- one table of conflicts, by section of the spec */
// Settings that are valid alone and impossible together. Every refusal names both. Checks that need the model
// or the data are in compile/fit.ts.
import type { Problem } from "../../errors/index.ts";
import { termsOf, usesReference } from "./losses.ts";
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
  ];
}

const answers = (samples: { count: number }[]): number => samples.reduce((sum, { count }) => sum + count, 0);

const when = (wrong: boolean, path: string, message: string, hint?: string): Problem[] =>
  wrong ? [{ path, message, hint }] : [];

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
      "add bootstrap.reward with bootstrap.preferences, or give score.reward a module",
    ),
    ...when(
      reward !== "model" && !!bootstrap.reward,
      "bootstrap.reward",
      `bootstrap.reward trains a model, but score.reward is ${named}, so nothing would use it`,
    ),
    ...preferenceModel(spec, named),
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

function preferences(spec: ResolvedSpec): Problem[] {
  const { bootstrap, prompts } = spec;
  if (bootstrap.preferences) return givenPreferences(bootstrap.preferences, spec);
  return [
    ...(["reward", "preferenceModel"] as const).flatMap((name) =>
      when(
        !!bootstrap[name],
        `bootstrap.${name}`,
        `bootstrap.${name} needs pairs to learn from, but bootstrap.preferences is missing`,
      ),
    ),
    ...when(
      prompts.preferences > 0,
      "prompts.preferences",
      `prompts.preferences is ${prompts.preferences}, but bootstrap.preferences is missing`,
    ),
  ];
}

// oxlint-disable-next-line max-lines-per-function -- one list of conflicts
function givenPreferences(
  data: NonNullable<ResolvedSpec["bootstrap"]["preferences"]>,
  { bootstrap, prompts, baselines: offline }: ResolvedSpec,
): Problem[] {
  const { sample, rater } = data;
  const used =
    bootstrap.reward || bootstrap.preferenceModel || offline.some(({ pairs }) => pairs === "preferences");
  return [
    ...when(
      !used,
      "bootstrap.preferences",
      "bootstrap.preferences is given, " +
        "but neither bootstrap.reward, bootstrap.preferenceModel nor a baseline uses it",
    ),
    ...when(
      !!sample && !rater,
      "bootstrap.preferences",
      "bootstrap.preferences.sample makes answers, but bootstrap.preferences.rater is missing",
    ),
    ...when(
      !sample && !!rater,
      "bootstrap.preferences.rater",
      "bootstrap.preferences.rater labels sampled answers, but the preferences come from a file",
    ),
    ...when(
      !!sample && prompts.preferences === 0,
      "prompts.preferences",
      "bootstrap.preferences.sample needs prompts, but prompts.preferences is 0",
    ),
    ...when(
      !sample && prompts.preferences > 0,
      "prompts.preferences",
      `prompts.preferences is ${prompts.preferences}, but the preferences come from a file`,
    ),
    ...when(
      !!sample && data.minMargin > 0,
      "bootstrap.preferences.minMargin",
      "minMargin compares the scores of a file, but the preferences are sampled",
    ),
    ...when(
      !!sample && data.ignore.length > 0,
      "bootstrap.preferences.ignore",
      "bootstrap.preferences.ignore leaves columns of a file out, but the preferences are sampled",
    ),
    ...when(
      !!sample && answers(sample.samples) % 2 === 1,
      "bootstrap.preferences.sample.samples",
      `bootstrap.preferences.sample gives ${sample ? answers(sample.samples) : 0} answers per prompt, ` +
        "but the rater module compares two at a time, so the number must be even",
    ),
  ];
}

function people({ labels, score, prompts, generate }: ResolvedSpec): Problem[] {
  if (!labels) return [];
  const { perIteration, audit, minimum, choose, deadline } = labels;
  const n = answers(generate.samples);
  const perPrompt = choose === "best-against-rest" ? n - 1 : (n * (n - 1)) / 2;
  const most = prompts.perIteration * perPrompt;
  return [
    ...when(
      audit >= perIteration,
      "labels.audit",
      `labels.audit is ${audit} of labels.perIteration ${perIteration}, so nothing would be trained on`,
    ),
    ...when(
      perIteration > most,
      "labels.perIteration",
      `labels.perIteration is ${perIteration}, but ${prompts.perIteration} prompts with ${n} answers give ` +
        `at most ${most} comparisons by ${choose}`,
    ),
    ...when(
      audit < perIteration && minimum > perIteration - audit,
      "labels.minimum",
      `labels.minimum is ${minimum}, but at most ${perIteration - audit} comparisons are to train on`,
    ),
    ...when(
      minimum > 1 && deadline === undefined,
      "labels.minimum",
      `labels.minimum is ${minimum}, but without labels.deadline the campaign waits for all labels`,
    ),
    ...when(
      choose === "uncertain" && score.reward === "preference-model",
      "labels.choose",
      "labels.choose is uncertain, but a preference model gives no scores whose gap could be small",
      "choose random or best-against-rest",
    ),
  ];
}

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
      bootstrap.reward?.margin === true && bootstrap.preferences?.sample !== undefined,
      "bootstrap.reward.margin",
      "bootstrap.reward.margin needs the scores of a preference file, " +
        "but the preferences are sampled and labelled",
    ),
  ];
}

function baselines(spec: ResolvedSpec): Problem[] {
  const { baselines: offline, bootstrap } = spec;
  return [
    ...offline.flatMap(({ name, pairs }, i) => [
      ...when(
        pairs === "preferences" && !bootstrap.preferences,
        `baselines[${i}].pairs`,
        `baseline ${name} trains on preferences, but bootstrap.preferences is missing`,
      ),
      ...when(
        offline.findIndex((other) => other.name === name) < i,
        `baselines[${i}].name`,
        `two baselines are named ${name}`,
      ),
    ]),
    ...(offline.length > 0 ? equalTraining(spec) : []),
  ];
}

/** A baseline is a fair control only with as many pairs and steps as all iterations together. */
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
    ...enoughLabels(spec),
  ];
}

function enoughLabels({ baselines: offline, bootstrap, iterations, pair, prompts }: ResolvedSpec): Problem[] {
  const baseline = offline.find(({ pairs }) => pairs === "preferences");
  const sample = bootstrap.preferences?.sample;
  if (!baseline || !sample) return [];
  const needed = iterations * pair.limit;
  const labelled = (prompts.preferences * answers(sample.samples)) / 2;
  return when(
    needed > labelled,
    "pair.limit",
    `baseline ${baseline.name} needs iterations × pair.limit = ${needed} pairs, ` +
      `but bootstrap.preferences.sample gives at most ${labelled}`,
    "raise prompts.preferences",
  );
}

function sizes({ policy, generate, bootstrap, train }: ResolvedSpec): Problem[] {
  const context = policy.init?.model.contextLength ?? Infinity;
  const sampled: [string, number | undefined][] = [
    ["generate.maxTokens", generate.maxTokens],
    ["bootstrap.preferences.sample.maxTokens", bootstrap.preferences?.sample?.maxTokens],
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
