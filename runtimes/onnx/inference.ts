// Generation and scoring in a child: texts to ids, the engine, ids to texts.
import { RatchetError } from "../../errors/index.ts";
import type { DecodedRow } from "../../engine/decode/decoder.ts";
import { StopRule } from "../../engine/sampling/stop.ts";
import type { ScoreHooks, ScoreRow } from "../../engine/score/scorer.ts";
import type { AnswerRow, Completion, Progress, Prompt, SampleRequest } from "../types.ts";
import type { LoadedModel, Models } from "./models.ts";
import type { Methods } from "./protocol.ts";

export interface WorkHooks {
  signal: AbortSignal;
  onProgress(progress: Progress): void;
  /** Called before a row is encoded, and without a row after the last. */
  onEncoding?: ((row?: string) => void) | undefined;
}

type Encode = (prompt: Prompt) => number[];

/** Encodes each prompt once. Throws if a prompt leaves no room for an answer. */
function promptEncoder({ tokenizer, config }: LoadedModel, onEncoding: WorkHooks["onEncoding"]): Encode {
  const known = new Map<Prompt, number[]>();
  return (prompt) => {
    onEncoding?.(`prompt ${prompt.id}`);
    const ids = known.get(prompt) ?? tokenizer.encodePrompt(prompt);
    known.set(prompt, ids);
    if (ids.length === 0) throw new RatchetError("prompt_invalid", `prompt ${prompt.id} has no token`);
    if (ids.length >= config.maxPositions)
      throw new RatchetError(
        "prompt_too_long",
        `prompt ${prompt.id} has ${ids.length} tokens; the model has ${config.maxPositions} positions`,
        { hint: "leave room for the answer" },
      );
    return ids;
  };
}

export async function generate(
  models: Models,
  { policy, requests, settings }: Methods["generate"]["args"],
  { signal, onProgress, onEncoding }: WorkHooks,
): Promise<Completion[]> {
  const model = await models.load(policy);
  const encode = promptEncoder(model, onEncoding);
  const rows = requests.map(({ prompt, index, temperature, seed }) => ({
    promptIds: encode(prompt),
    temperature,
    seed,
    eosIds: model.tokenizer.endsOf(prompt),
    name: `completion ${index} of prompt ${prompt.id}`,
  }));
  onEncoding?.();
  const decoder = await models.decoder(model);
  const stop = new StopRule(settings.stop, (before, ids) => model.tokenizer.decodeAnswer(before, ids));
  const startedAt = performance.now();
  const decoded = await decoder.generate(
    rows,
    { ...settings, stopped: (promptIds, ids) => stop.reached(promptIds, ids) },
    {
      signal,
      onProgress: (done, tokens) =>
        onProgress({
          done,
          total: rows.length,
          unit: "completions",
          values: { tokensPerSecond: rate(tokens, startedAt) },
        }),
    },
  );
  return decoded.map((answer, row) => {
    const text = textOf(model, rows[row]!.promptIds, answer);
    return completionOf(requests[row]!, answer, answer.finish === "stop" ? stop.cut(text) : text);
  });
}

/** The token that ends an answer is not its text, even where it is not a special token. */
function textOf(
  { tokenizer }: LoadedModel,
  promptIds: readonly number[],
  { ids, finish }: DecodedRow,
): string {
  return tokenizer.decodeAnswer(promptIds, finish === "eos" ? ids.slice(0, -1) : ids);
}

function completionOf(
  { prompt, index, temperature, seed }: SampleRequest,
  { ids, logps, finish }: DecodedRow,
  text: string,
): Completion {
  return { promptId: prompt.id, index, text, ids, logps, finish, temperature, seed };
}

function rate(count: number, startedAt: number): number {
  return Math.round((count / Math.max(1, performance.now() - startedAt)) * 1000);
}

/** A reward is read behind the whole row, and a log-probability covers the tokens that were sampled. */
function sequences(
  model: LoadedModel,
  rows: AnswerRow[],
  method: "rewards" | "logps",
  onEncoding: WorkHooks["onEncoding"],
): ScoreRow[] {
  const encode = promptEncoder(model, onEncoding);
  const { tokenizer, config } = model;
  const { maxPositions, vocabSize } = config;
  return rows.map(({ prompt, ids, text, finish }) => {
    const promptIds = encode(prompt);
    const answerIds =
      ids === undefined
        ? tokenizer.encodeAnswer(prompt, text, promptIds).ids
        : method === "rewards"
          ? tokenizer.closeAnswer(prompt, { ids, text, finish }, promptIds)
          : ids;
    const length = promptIds.length + answerIds.length;
    if (length > maxPositions)
      throw new RatchetError(
        "row_too_long",
        `an answer to prompt ${prompt.id} makes ${length} tokens; the model has ${maxPositions} positions`,
      );
    const foreign = answerIds.find((id) => !(id >= 0 && id < vocabSize));
    if (foreign !== undefined)
      throw new RatchetError(
        "tokenizer_mismatch",
        `an answer to prompt ${prompt.id} has token id ${foreign}; the model has ${vocabSize} embeddings`,
      );
    return {
      ids: [...promptIds, ...answerIds],
      promptLength: promptIds.length,
      name: `an answer to prompt ${prompt.id}`,
    };
  });
}

export async function score(
  models: Models,
  method: "rewards" | "logps",
  args: Methods["logps"]["args"],
  hooks: WorkHooks,
): Promise<number[]> {
  const model = await models.load(args.model);
  const rows = sequences(model, args.rows, method, hooks.onEncoding);
  hooks.onEncoding?.();
  const scorer = await models.scorer(model);
  return scorer[method](model.weights, rows, counting(rows.length, hooks));
}

export async function choose(
  models: Models,
  args: Methods["choices"]["args"],
  hooks: WorkHooks,
): Promise<number[][]> {
  const model = await models.load(args.model);
  const encode = promptEncoder(model, hooks.onEncoding);
  const rows = args.rows.map(({ prompt, choices }) => {
    const ids = encode(prompt);
    return { ids, choices: choiceIds(model, prompt, ids, choices), name: `prompt ${prompt.id}` };
  });
  hooks.onEncoding?.();
  const scorer = await models.scorer(model);
  return scorer.choiceLogps(model.weights, rows, counting(rows.length, hooks));
}

/**
 * Each choice's token after the prompt, as in training. Encoded as answers, choices must differ in their
 * first token and in no other.
 */
function choiceIds(
  { tokenizer }: LoadedModel,
  prompt: Prompt,
  promptIds: number[],
  choices: readonly string[],
): number[] {
  const answers = choices.map((choice) => tokenizer.encodeAnswer(prompt, choice, promptIds).ids);
  const tails = new Set(answers.map(([, ...tail]) => tail.join()));
  const firsts = answers.map(([first]) => first).filter((id) => id !== undefined);
  if (tails.size !== 1 || new Set(firsts).size !== choices.length)
    throw new RatchetError(
      "tokenizer_mismatch",
      `${choices.map((text) => JSON.stringify(text)).join(" and ")} are not one token each after the prompt`,
      { hint: "choose letters that are one token, with the space before them if the tokenizer writes one" },
    );
  return firsts;
}

function counting(total: number, { signal, onProgress }: WorkHooks): ScoreHooks {
  const startedAt = performance.now();
  return {
    signal,
    onProgress: (done) =>
      onProgress({ done, total, unit: "rows", values: { rowsPerSecond: rate(done, startedAt) } }),
  };
}
