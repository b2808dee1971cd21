// A language model behind an OpenAI-compatible API that compares two answers.
import type { ApiLabel, Asked, Verdict } from "../../campaign/labeling/types.ts";
import { canonicalDigest, sha256 } from "../../store/index.ts";
import { Pace } from "./pace.ts";
import type { Clock, Limits } from "./pace.ts";
import { ask } from "./request.ts";
import type { Endpoint, Message, Reply, Usage } from "./request.ts";
import { filled, REMINDER, verdictOf } from "./template.ts";

export { missingPlaces } from "./template.ts";
export type { Clock } from "./pace.ts";

/** One entry of the worker's settings (worker/labelers.ts). */
export interface ApiSettings extends Endpoint, Limits {
  name: string;
  /** Template with {prompt}, {first} and {second}. */
  prompt: string;
  /** Of a million tokens. */
  price?: Usage;
}

export interface ApiQuestion {
  prompt: string;
  first: string;
  second: string;
}

export interface ApiAnswer {
  asked: Asked;
  /** As answered. */
  text: string;
}

export interface Waiting {
  /** No further request begins. */
  signal: AbortSignal;
  /** Running requests end too. */
  cut: AbortSignal;
  /** An outage, which is waited for; undefined when it has ended. */
  onOutage(outage: Extract<Reply, { kind: "outage" }> | undefined): void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Price of a request, rounded: a sum of prices has no digits beyond these. */
const PRICE_DIGITS = 9;

export class ApiLabeler {
  readonly concurrency: number;
  /** Pseudonym: its end changes with whatever changes its labels. */
  readonly pseudonym: string;
  /** Explains a label. */
  readonly record: Omit<ApiLabel, "asked">;
  private readonly settings: ApiSettings;
  private readonly pace: Pace;

  constructor(settings: ApiSettings, clock?: Clock) {
    const { name, model, maxTokens, concurrency } = settings;
    const { host } = new URL(settings.url);
    this.record = { model, host, prompt: sha256(settings.prompt), temperature: 0, maxTokens };
    const digest = canonicalDigest({ ...this.record, reminder: REMINDER });
    const readable = `${name}-${model.replace(/[^A-Za-z0-9_-]+/g, "-")}`.slice(0, 56);
    this.pseudonym = `${readable}-${digest.slice(0, 6)}`;
    this.concurrency = concurrency;
    this.settings = settings;
    this.pace = new Pace(settings, clock);
  }

  /** `before`: the answer without a verdict. Retries outages without a limit. */
  async ask(
    { prompt, first, second }: ApiQuestion,
    shown: "first" | "second",
    before: string | undefined,
    waiting: Waiting,
  ): Promise<ApiAnswer> {
    const [a, b] = shown === "first" ? [first, second] : [second, first];
    const content = filled(this.settings.prompt, { prompt, first: a, second: b });
    const reply = await this.answered(conversation(content, before), waiting);
    if (reply.kind === "refused") return { asked: { shown, refused: reply.status }, text: reply.why };
    const { text, usage, model } = reply;
    const verdict = verdictOf(text);
    return {
      text,
      asked: {
        shown,
        ...(verdict && { verdict: inOrder(verdict, shown) }),
        ...usage,
        ...this.priceOf(usage),
        ...(model !== undefined && model !== this.settings.model && { model }),
      },
    };
  }

  private async answered(
    messages: readonly Message[],
    { signal, cut, onOutage }: Waiting,
  ): Promise<Exclude<Reply, { kind: "outage" }>> {
    for (let tries = 0; ; tries += 1) {
      const reply = await this.pace.turn(signal, () => ask(this.settings, messages, cut));
      if (reply.kind !== "outage") {
        onOutage(undefined);
        return reply;
      }
      onOutage(reply);
      this.pace.pause(reply.retryAfterMs ?? backoffMs(tries));
    }
  }

  private priceOf(usage: Usage | undefined): { price?: number } {
    const { price } = this.settings;
    if (!usage || !price) return {};
    const sum = (usage.input * price.input + usage.output * price.output) / 1e6;
    return { price: Number(sum.toFixed(PRICE_DIGITS)) };
  }
}

/** An empty answer is left out, because some servers refuse an empty turn. */
function conversation(content: string, before: string | undefined): Message[] {
  const question: Message = { role: "user", content };
  if (before === undefined) return [question];
  const said: Message[] = before === "" ? [] : [{ role: "assistant", content: before }];
  return [question, ...said, { role: "user", content: REMINDER }];
}

const inOrder = (verdict: Verdict, shown: "first" | "second"): Verdict =>
  verdict === "tie" || shown === "first" ? verdict : verdict === "first" ? "second" : "first";

/** Doubles, with jitter, so that workers do not come back at the same moment. */
const backoffMs = (tries: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * (0.5 + Math.random() / 2);
