// Whether prompts, answers and training rows fit the model.
import { RatchetError } from "../errors/index.ts";
import { beyondContext } from "../campaign/spec/conflicts.ts";
import { preferencePrompt } from "../campaign/recipe/preference-model.ts";
import type { PromptRow } from "../campaign/recipe/rows.ts";
import { refusal } from "../campaign/spec/resolve.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Encoder, PromptLength } from "../runtimes/encoder/index.ts";
import { encodePrompts } from "./encoding.ts";
import { placedAs, placeOf } from "./places.ts";
import type { Policy } from "./policy.ts";
import type { Splits } from "./prompts.ts";

/** Refuses lengths beyond the model's context, before prompts are read. */
export function refuseBeyondContext(spec: ResolvedSpec, { config }: Policy): void {
  const { sft, reward, preferenceModel, labels } = spec.bootstrap;
  const problems = [
    ...beyondContext("generate.maxTokens", spec.generate.maxTokens, config.maxPositions, false),
    ...beyondContext(
      "bootstrap.labels.sample.maxTokens",
      labels?.sample.maxTokens,
      config.maxPositions,
      false,
    ),
    ...beyondContext("bootstrap.sft.maxLength", sft?.maxLength, config.maxPositions, true),
    ...beyondContext("bootstrap.reward.maxLength", reward?.maxLength, config.maxPositions, true),
    ...beyondContext(
      "bootstrap.preferenceModel.maxLength",
      preferenceModel?.maxLength,
      config.maxPositions,
      true,
    ),
    ...beyondContext("train.maxLength", spec.train.maxLength, config.maxPositions, true),
  ];
  if (problems.length > 0) throw refusal("spec_conflict", problems);
}

/** A stop id that the model does not have would never stop an answer. */
export function refuseForeignStops(spec: ResolvedSpec, { config }: Policy): void {
  const lists: [string, (string | number)[]][] = [
    ["generate.stop", spec.generate.stop],
    ["bootstrap.labels.sample.stop", spec.bootstrap.labels?.sample.stop ?? []],
  ];
  const problems = lists.flatMap(([path, stops]) =>
    stops
      .filter((stop) => typeof stop === "number" && stop >= config.vocabSize)
      .map((id) => ({
        path,
        message: `${path} names token id ${id}, but the model has ${config.vocabSize} embeddings`,
      })),
  );
  if (problems.length > 0) throw refusal("spec_conflict", problems);
}

/**
 * Tokens of the longest encoded prompt of each split. Throws `prompt_too_long`; `spec_conflict` if training
 * would drop answers.
 */
export function longestPrompts(
  spec: ResolvedSpec,
  splits: Splits,
  lengths: ReadonlyMap<PromptRow, PromptLength>,
  { config }: Policy,
): Record<keyof Splits, number> {
  const longest = { test: 0, validation: 0, iterations: 0, bootstrap: 0 };
  let mostClosing = 0;
  const rewarded = spec.bootstrap.reward !== undefined && spec.score.reward === "model";
  for (const [name, rows] of Object.entries(splits) as [keyof Splits, PromptRow[]][]) {
    const answer =
      name === "bootstrap" ? (spec.bootstrap.labels?.sample.maxTokens ?? 0) : spec.generate.maxTokens;
    for (const row of rows) {
      const { tokens, closing } = lengths.get(row) ?? { tokens: 0, closing: 0 };
      if (tokens + answer > config.maxPositions) throw tooLong(row, tokens, answer, config.maxPositions);
      if (rewarded) refuseNoRoomToClose(row, tokens + answer, closing, config.maxPositions);
      longest[name] = Math.max(longest[name], tokens);
      mostClosing = Math.max(mostClosing, closing);
    }
  }
  refuseCutting(spec, longest, mostClosing, config.maxPositions);
  return longest;
}

function tooLong(row: PromptRow, tokens: number, answer: number, context: number): RatchetError {
  return new RatchetError(
    "prompt_too_long",
    `${placeOf(row).text}: the prompt has ${tokens} tokens; with an answer of up to ${answer} tokens ` +
      `it does not fit the model's context of ${context}`,
    { hint: "shorten or drop the prompt, or lower generate.maxTokens" },
  );
}

/** A reward is read behind all tokens by which the template closes an answer. */
function refuseNoRoomToClose(row: PromptRow, tokens: number, closing: number, context: number): void {
  if (tokens + closing <= context) return;
  throw new RatchetError(
    "prompt_too_long",
    `${placeOf(row).text}: the prompt with an answer has up to ${tokens} tokens, and the chat template ` +
      `writes ${closing} more behind the answer, where the reward is read; the model's context is ${context}`,
    { hint: "shorten or drop the prompt, or lower generate.maxTokens" },
  );
}

/** A preference model reads a prompt, two answers and one letter. */
export async function refuseLongComparisons(
  spec: ResolvedSpec,
  splits: Splits,
  { config }: Policy,
  encoder: Encoder,
): Promise<void> {
  const { maxTokens } = spec.generate;
  const questions = [...splits.iterations, ...splits.test].map((prompt) => {
    const question = preferencePrompt(spec.score.preferenceModel, { prompt, first: "", second: "" });
    return placedAs({ id: prompt.id, ...question }, prompt);
  });
  const { lengths } = await encodePrompts(encoder, questions);
  const longest = [...lengths.values()].reduce((most, { tokens }) => Math.max(most, tokens), 0);
  const needed = longest + 2 * maxTokens + 1;
  if (needed <= config.maxPositions) return;
  const message =
    "score.reward is preference-model, which reads a prompt with two answers " +
    `of up to ${maxTokens} tokens (${needed} tokens), but its context is ${config.maxPositions}`;
  throw refusal("spec_conflict", [{ path: "score.reward", message, hint: "lower generate.maxTokens" }]);
}

/**
 * Training rows must hold whole answers: the paper's scripts generate 2,048 tokens and train on about 1,048.
 * `closing`: most tokens that the template writes behind an answer, which a reward's row holds too.
 */
function refuseCutting(
  spec: ResolvedSpec,
  longest: Record<keyof Splits, number>,
  closing: number,
  context: number,
): void {
  const { reward, labels } = spec.bootstrap;
  const rows: [string, number, number][] = [];
  if (spec.train.truncation === "drop")
    rows.push([
      "train.maxLength",
      spec.train.maxLength ?? context,
      longest.iterations + spec.generate.maxTokens,
    ]);
  if (reward && labels)
    rows.push([
      "bootstrap.reward.maxLength",
      reward.maxLength ?? context,
      longest.bootstrap + labels.sample.maxTokens + closing,
    ]);
  if (spec.bootstrap.reward)
    rows.push([
      "bootstrap.reward.maxLength",
      reward?.maxLength ?? context,
      longest.iterations + spec.generate.maxTokens + closing,
    ]);
  const problems = rows
    .filter(([, limit, needed]) => needed > limit)
    .map(([path, limit, needed]) => ({
      path,
      message:
        `${path} is ${limit}, but prompts with answers have up to ${needed} tokens, ` +
        "so training would drop generated answers",
    }));
  if (problems.length > 0) throw refusal("spec_conflict", problems);
}
