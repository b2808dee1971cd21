// A vLLM server as its requests see it. Every failure is classified here, once.
import { RatchetError } from "../../errors/index.ts";
import type { Pace } from "../api-labeler/pace.ts";
import { retryAfterMs } from "../api-labeler/retry-after.ts";
import type { Http, Reply } from "./http.ts";
import { completionBody, givenBody, readAnswer, readGiven } from "./protocol.ts";
import type { Answer, Ask } from "./protocol.ts";

/** An entry of `/v1/models`. */
export interface ServedModel {
  id: string;
  /** Folder or repository. */
  root: string | undefined;
  /** Longest prompt and answer together, in tokens. */
  context: number | undefined;
}

export interface EndpointOptions {
  http: Http;
  /** The name under which the server serves the policy. */
  model: string;
  pace: Pace;
  timeoutMs: number;
}

/** Most requests in a row that a busy server may refuse with 429. */
const BUSY_MAX = 10;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Limit of questions that need no computing. */
const ASK_MS = 10_000;
const WHY_MAX = 300;
/** Statuses of a moment, besides those from 500 on. The server may have been restarted with another model. */
const PASSING = new Set([408, 425, 429]);

export class Endpoint {
  readonly model: string;
  readonly address: string;
  private readonly http: Http;
  private readonly pace: Pace;
  private readonly timeoutMs: number;

  constructor({ http, model, pace, timeoutMs }: EndpointOptions) {
    this.http = http;
    this.model = model;
    this.address = http.address;
    this.pace = pace;
    this.timeoutMs = timeoutMs;
  }

  async complete(ask: Omit<Ask, "model">, signal: AbortSignal): Promise<Answer> {
    return readAnswer(await this.post(completionBody({ ...ask, model: this.model }), signal));
  }

  /** Untempered log-probability of each id but the first. */
  async given(ids: readonly number[], signal: AbortSignal): Promise<number[]> {
    return readGiven(await this.post(givenBody(this.model, ids), signal), ids);
  }

  /** False until the server has loaded its model. Throws if it cannot be reached. */
  async healthy(signal: AbortSignal): Promise<boolean> {
    return (await this.http.send({ path: "/health", signal, timeoutMs: ASK_MS })).status === 200;
  }

  async models(signal: AbortSignal): Promise<ServedModel[]> {
    const { data } = (await this.ask("/v1/models", signal)) as {
      data?: { id: string; root?: unknown; max_model_len?: unknown }[];
    };
    return (Array.isArray(data) ? data : []).map(({ id, root, max_model_len: context }) => ({
      id,
      root: typeof root === "string" ? root : undefined,
      context: typeof context === "number" ? context : undefined,
    }));
  }

  async version(signal: AbortSignal): Promise<string> {
    return String(((await this.ask("/version", signal)) as { version?: unknown }).version);
  }

  private async ask(path: string, signal: AbortSignal): Promise<unknown> {
    const reply = await this.http.send({ path, signal, timeoutMs: ASK_MS });
    if (reply.status !== 200) throw this.failure(reply);
    try {
      return JSON.parse(reply.text) as unknown;
    } catch {
      throw new RatchetError("runtime_unreachable", `vLLM at ${this.address} answers ${path} without JSON`);
    }
  }

  private async post(body: string, signal: AbortSignal): Promise<string> {
    for (let tries = 1; ; tries += 1) {
      const reply = await this.pace.turn(signal, () =>
        this.http.send({ path: "/v1/completions", body, signal, timeoutMs: this.timeoutMs }),
      );
      if (reply.status === 200) return reply.text;
      if (reply.status !== 429 || tries === BUSY_MAX) throw this.failure(reply);
      this.pace.pause(retryAfterMs(reply.headers, Date.now()) ?? backoffMs(tries));
    }
  }

  private failure({ status, text }: Reply): RatchetError {
    const passing = status >= 500 || PASSING.has(status);
    return new RatchetError(
      passing ? "runtime_unreachable" : "runtime_refused",
      `vLLM at ${this.address} answers ${status}: ${errorIn(text).slice(0, WHY_MAX)}`,
    );
  }
}

const backoffMs = (tries: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * (0.5 + Math.random() / 2);

/** The protocol's `{error: {message}}`, else the text. */
function errorIn(text: string): string {
  try {
    const { error, message } = JSON.parse(text) as { error?: { message?: unknown }; message?: unknown };
    return String(error?.message ?? message ?? text);
  } catch {
    return text;
  }
}
