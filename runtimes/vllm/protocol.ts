// The part of vLLM's completions protocol that is used: token ids in, token ids and log-probabilities out.
import { RatchetError } from "../../errors/index.ts";
import type { SamplingSettings } from "../types.ts";

export interface Ask {
  model: string;
  promptIds: readonly number[];
  maxTokens: number;
  temperature: number;
  /** 16 hex digits. */
  seed: string;
  settings: Pick<SamplingSettings, "topK" | "topP" | "minP" | "stop">;
  /** Ids that end the answer, besides those of `settings.stop`. */
  ends: readonly number[];
}

/** One answer as the server gave it, checked for its shape only. */
export interface Answer {
  ids: number[];
  logps: number[];
  text: string;
  finish: string;
  /** The stop string or stop id that ended the answer. */
  stopReason: string | number | null;
  promptTokens: number | undefined;
  completionTokens: number | undefined;
}

/** Seeds are signed 64-bit integers there. Ours lose their first bit. */
export const seedOf = (seed: string): bigint => BigInt(`0x${seed}`) & 0x7fff_ffff_ffff_ffffn;

/** JSON with the seed as an integer: a double would round it. */
export function completionBody({ seed, settings, ends, ...ask }: Ask): string {
  const { topK, topP, minP, stop } = settings;
  const body = JSON.stringify({
    model: ask.model,
    prompt: ask.promptIds,
    // With n, choice i has the seed + i; each completion has a seed of its own here.
    n: 1,
    max_tokens: ask.maxTokens,
    temperature: ask.temperature,
    top_k: topK,
    top_p: topP,
    min_p: minP,
    stop: stop.filter((one) => typeof one === "string"),
    // The server's own end-of-sequence token may be another one than the policy's.
    stop_token_ids: [...ends, ...stop.filter((one) => typeof one === "number")],
    // The settings that a server's defaults could fill otherwise.
    presence_penalty: 0,
    frequency_penalty: 0,
    repetition_penalty: 1,
    logprobs: 0,
    return_token_ids: true,
  });
  return `${body.slice(0, -1)},"seed":${seedOf(seed)}}`;
}

/** Log-probabilities of given ids: each under the prompt and the ids before it. */
export const givenBody = (model: string, ids: readonly number[]): string =>
  JSON.stringify({ model, prompt: ids, n: 1, max_tokens: 1, temperature: 0, prompt_logprobs: 0 });

const broken = (what: string): RatchetError =>
  new RatchetError("runtime_unreachable", `vLLM's answer cannot be read: ${what}`);

interface Body {
  model?: unknown;
  choices?: {
    token_ids?: unknown;
    text?: unknown;
    logprobs?: { token_logprobs?: unknown } | null;
    finish_reason?: unknown;
    stop_reason?: unknown;
    prompt_logprobs?: unknown;
  }[];
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown };
}

function choiceOf(text: string): { choice: NonNullable<Body["choices"]>[number]; body: Body } {
  let body: Body;
  try {
    body = JSON.parse(text) as Body;
  } catch {
    // A server that dies in the middle of an answer, or a proxy's page.
    throw broken(`no JSON in ${JSON.stringify(text.slice(0, 80))}`);
  }
  const choice = body.choices?.[0];
  if (!choice || body.choices?.length !== 1) throw broken(`it has ${body.choices?.length ?? 0} choices`);
  return { choice, body };
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((one) => typeof one === "number");

/** `unsupported`: a server without token ids is no vLLM, or too old. */
export function readAnswer(text: string): Answer {
  const { choice, body } = choiceOf(text);
  const { token_ids: ids, logprobs, finish_reason: finish, stop_reason: stopReason } = choice;
  const logps = logprobs?.token_logprobs;
  if (!isNumbers(ids) || !isNumbers(logps))
    throw new RatchetError(
      "engine_differs",
      `the server's answer has no ${isNumbers(ids) ? "log-probability of each token" : "token ids"}`,
      { hint: "a server of vLLM's completions protocol is needed, with `return_token_ids`" },
    );
  if (finish !== "stop" && finish !== "length") throw broken(`it finished by ${JSON.stringify(finish)}`);
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = body.usage ?? {};
  return {
    ids,
    logps,
    text: typeof choice.text === "string" ? choice.text : "",
    finish,
    stopReason: typeof stopReason === "string" || typeof stopReason === "number" ? stopReason : null,
    promptTokens: typeof promptTokens === "number" ? promptTokens : undefined,
    completionTokens: typeof completionTokens === "number" ? completionTokens : undefined,
  };
}

/** Log-probability of each id but the first. */
export function readGiven(text: string, ids: readonly number[]): number[] {
  const rows = choiceOf(text).choice.prompt_logprobs;
  if (!Array.isArray(rows) || rows.length !== ids.length)
    throw broken(`prompt_logprobs has not one entry for each of ${ids.length} tokens`);
  return ids.slice(1).map((id, offset) => {
    const row = (rows as (Record<string, { logprob?: unknown }> | null)[])[offset + 1];
    const logp = row?.[String(id)]?.logprob;
    if (typeof logp !== "number") throw broken(`prompt_logprobs has no entry for token ${id}`);
    return logp;
  });
}
