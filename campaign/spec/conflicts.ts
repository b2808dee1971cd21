// Settings that are each fine and impossible together. Every refusal names both. What needs the model or the data is checked when
// the spec is compiled.
import type { Problem } from "../../errors/index.ts";
import { termsOf, usesReference } from "./losses.ts";
import type { ResolvedSpec } from "./schema.ts";

export function conflictsOf(spec: ResolvedSpec): Problem[] {
  return [
    ...scoring(spec),
    ...preferences(spec),
    ...sftData(spec),
    ...training(spec),
    ...baselines(spec),
    ...sizes(spec),
    ...shape(spec),
  ];
}

const answers = (samples: { count: number }[]): number => samples.reduce((sum, { count }) => sum + count, 0);

const when = (wrong: boolean, path: string, message: string, hint?: string): Problem[] =>
  wrong ? [{ path, message, ...(hint ? { hint } : {}) }] : [];

function scoring(spec: ResolvedSpec): Problem[] {
  const { generate, pair, score, bootstrap } = spec;
  const { reward } = score;
  const named = typeof reward === "string" ? reward : "a module";
  return [
    ...when(
      answers(generate.samples) < 2,
      "generate.samples",
      `generate.samples gives ${answers(generate.samples)} answer per prompt, but pair.strategy ${pair.strategy} needs at least 2`,
    ),
    ...when(
      pair.missingEosPenalty > 0 && pair.dropTruncated,
      "pair.missingEosPenalty",
      `pair.missingEosPenalty is ${pair.missingEosPenalty}, but pair.dropTruncated keeps every answer that was cut off out of pairs`,
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

function preferenceModel({ pair, score, bootstrap }: ResolvedSpec, named: string): Problem[] {
  const { path: given, letters } = score.preferenceModel;
  const trained = !!bootstrap.preferenceModel;
  if (score.reward !== "preference-model") {
    return [
      ...when(
        trained,
        "bootstrap.preferenceModel",
        `bootstrap.preferenceModel trains a model, but score.reward is ${named}, so nothing would use it`,
      ),
      ...when(
        given !== undefined,
        "score.preferenceModel.path",
        `score.preferenceModel.path is ${given}, but score.reward is ${named}, so nothing would use it`,
      ),
    ];
  }
  return [
    ...when(
      !trained && given === undefined,
      "score.reward",
      "score.reward is preference-model, but neither bootstrap.preferenceModel trains one nor score.preferenceModel.path gives one",
    ),
    ...when(
      trained && given !== undefined,
      "score.preferenceModel.path",
      `score.preferenceModel.path gives ${given}, and bootstrap.preferenceModel trains another`,
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
      when(
        value > 0,
        path,
        `${path} is ${value}, but a preference model gives no score that it could be subtracted from`,
      ),
    ),
    ...when(
      letters[0] === letters[1],
      "score.preferenceModel.letters",
      `score.preferenceModel.letters are ${letters[0]} twice`,
    ),
  ];
}

function preferences({ bootstrap, prompts, baselines: arms }: ResolvedSpec): Problem[] {
  const data = bootstrap.preferences;
  if (!data) {
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
  const { sample, rater } = data;
  const used =
    bootstrap.reward || bootstrap.preferenceModel || arms.some((arm) => arm.pairs === "preferences");
  return [
    ...when(
      !used,
      "bootstrap.preferences",
      "bootstrap.preferences is given, but neither bootstrap.reward, bootstrap.preferenceModel nor a baseline uses it",
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
      !!sample && answers(sample.samples) % 2 === 1,
      "bootstrap.preferences.sample.samples",
      `bootstrap.preferences.sample gives ${sample ? answers(sample.samples) : 0} answers per prompt, but a rater compares them two by two`,
    ),
  ];
}

function sftData({ bootstrap }: ResolvedSpec): Problem[] {
  const data = bootstrap.sft?.data;
  return [
    ...when(
      !!data?.module && data.count === undefined,
      "bootstrap.sft.data.count",
      "bootstrap.sft.data.module is asked for rows, but bootstrap.sft.data.count is missing",
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
      `train.batch is ${batch}, but train.loss kto needs at least 2: it compares an answer with others of its batch`,
    ),
    ...when(
      bootstrap.reward?.margin === true && bootstrap.preferences?.sample !== undefined,
      "bootstrap.reward.margin",
      "bootstrap.reward.margin needs the scores of a preference file, but the preferences are sampled and rated",
    ),
  ];
}

function baselines(spec: ResolvedSpec): Problem[] {
  const { baselines: arms, bootstrap } = spec;
  return [
    ...arms.flatMap((arm, i) => [
      ...when(
        arm.pairs === "preferences" && !bootstrap.preferences,
        `baselines[${i}].pairs`,
        `baseline ${arm.name} trains on preferences, but bootstrap.preferences is missing`,
      ),
      ...when(
        arms.findIndex((other) => other.name === arm.name) < i,
        `baselines[${i}].name`,
        `two baselines are named ${arm.name}`,
      ),
    ]),
    ...(arms.length > 0 ? equalArms(spec) : []),
  ];
}

/** A control says something only if it trains on as many pairs in as many steps as all iterations together. */
function equalArms({
  baselines: arms,
  bootstrap,
  iterations,
  pair: { limit },
  prompts,
  train: { batch },
}: ResolvedSpec): Problem[] {
  const { perIteration } = prompts;
  const fillable = Math.floor(perIteration / batch) * batch;
  const hint =
    fillable > 0
      ? `set pair.limit to a multiple of train.batch that every iteration can fill, at most ${fillable}`
      : `set train.batch to at most prompts.perIteration, ${perIteration}`;
  if (limit === 0)
    return when(
      true,
      "pair.limit",
      "baselines train on iterations × pair.limit pairs, but pair.limit is 0, so nobody knows how many the iterations will train on",
      hint,
    );
  const sample = bootstrap.preferences?.sample;
  const rated = sample ? (prompts.preferences * answers(sample.samples)) / 2 : Infinity;
  const rater = arms.find(({ pairs }) => pairs === "preferences");
  return [
    ...when(
      limit > perIteration,
      "pair.limit",
      `pair.limit is ${limit}, but prompts.perIteration gives an iteration at most ${perIteration} pairs, so baselines would train on more`,
      hint,
    ),
    ...when(
      limit % batch > 0,
      "pair.limit",
      `pair.limit is ${limit}, no multiple of train.batch ${batch}, so baselines would train in fewer steps than the iterations`,
      hint,
    ),
    ...when(
      rater !== undefined && limit * iterations > rated,
      "pair.limit",
      `baseline ${rater?.name} needs iterations × pair.limit = ${limit * iterations} pairs, but bootstrap.preferences.sample gives at most ${rated}`,
      "raise prompts.preferences",
    ),
  ];
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

/** An answer needs room for one prompt token beside it; a training row may fill the context. */
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
      `hiddenSize ${hiddenSize} over heads ${heads} is no even head size, which rotary embedding needs`,
    ),
    ...when(
      heads % kvHeads !== 0,
      "policy.init.model.kvHeads",
      `heads ${heads} is no multiple of kvHeads ${kvHeads}`,
    ),
  ];
}
