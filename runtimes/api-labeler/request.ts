// One request of the chat completions protocol, by Node's fetch. An answer of the server is what it says, an
// outage (retried), or a refusal of this one question. No text that leaves this file holds the key.
import { retryAfterMs } from "./retry-after.ts";

export interface Message {
  role: "user" | "assistant";
  content: string;
}

export interface Usage {
  /** Tokens, as the server counts them. */
  input: number;
  output: number;
}

export type Reply =
  | { kind: "answered"; text: string; usage?: Usage; model?: string }
  | { kind: "refused"; status: number; why: string }
  | {
      kind: "outage";
      code: "labeler_unreachable" | "labeler_denied";
      why: string;
      /** The server asks for this pause. */
      retryAfterMs?: number;
    };

export interface Endpoint {
  /** Of the API, such as `https://host/v1`. */
  url: string;
  model: string;
  key?: string;
  maxTokens: number;
  timeoutMs: number;
}

/** An answer of one verdict has a thousandth of it. */
const BYTES_MAX = 1 << 20;
const WHY_MAX = 300;

/** Statuses that the operator mends: a wrong key, address or model, or an empty account. */
const DENIED = new Set([401, 402, 403, 404, 405]);
/** Statuses of a moment. So are all from 500 on. */
const PASSING = new Set([408, 409, 425, 429]);

/** Throws only the signal's reason. */
export async function ask(
  endpoint: Endpoint,
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<Reply> {
  try {
    const response = await send(endpoint, messages, signal);
    const text = await bodyOf(response);
    return response.ok ? readAnswer(text) : readFailure(response, text, endpoint);
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "outage", code: "labeler_unreachable", why: redacted(whyOf(error), endpoint) };
  }
}

function send(
  { url, model, key, maxTokens, timeoutMs }: Endpoint,
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<Response> {
  return fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ model, messages, temperature: 0, max_tokens: maxTokens }),
    // A redirect would take prompts to an address that nobody has named.
    redirect: "error",
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
}

async function bodyOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.length;
    if (bytes > BYTES_MAX) throw new Error(`the answer has more than ${BYTES_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

interface Completion {
  model?: unknown;
  choices?: { message?: { content?: unknown; refusal?: unknown } }[];
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown };
}

function readAnswer(text: string): Reply {
  const { model, choices, usage } = JSON.parse(text) as Completion;
  const message = choices?.[0]?.message;
  if (!message) throw new Error("the answer holds no message");
  const { prompt_tokens: input, completion_tokens: output } = usage ?? {};
  const said = [message.content, message.refusal].find((part) => typeof part === "string" && part !== "");
  return {
    kind: "answered",
    text: (said as string | undefined) ?? "",
    ...(typeof input === "number" && typeof output === "number" ? { usage: { input, output } } : {}),
    ...(typeof model === "string" ? { model } : {}),
  };
}

function readFailure({ status, headers }: Response, text: string, endpoint: Endpoint): Reply {
  const why = redacted(`HTTP ${status}: ${errorIn(text)}`, endpoint);
  const denied = DENIED.has(status);
  if (!denied && !PASSING.has(status) && status < 500) return { kind: "refused", status, why };
  const waitMs = retryAfterMs(headers, Date.now());
  return {
    kind: "outage",
    code: denied ? "labeler_denied" : "labeler_unreachable",
    why,
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  };
}

/** The protocol's `{error: {message}}`, else the text. */
function errorIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } | string };
    const message = typeof error === "string" ? error : error?.message;
    return typeof message === "string" ? message : text;
  } catch {
    return text;
  }
}

/** Causes of a failed fetch say more than itself ("fetch failed"). */
function whyOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  if (name === "TimeoutError") return "no answer in time";
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

/** Some servers repeat the key that they refuse. */
function redacted(why: string, { key }: Endpoint): string {
  const shown = key === undefined ? why : why.replaceAll(key, "…");
  return shown.length > WHY_MAX ? `${shown.slice(0, WHY_MAX - 1)}…` : shown;
}
