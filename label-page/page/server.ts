// Calls of the page's server. A call that gets no answer is sent again until it does: each may be sent twice.
import type { Refusal } from "../messages.ts";

export class Refused extends Error {
  readonly code: Refusal["error"];

  constructor({ error, message }: Refusal) {
    super(message);
    this.code = error;
  }
}

const ANSWER_MS = 30_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;

/**
 * GET without a body, else POST. `onAway` is called with true while nothing answers, and with false when
 * something does. Throws Refused.
 */
export async function call<T>(path: string, body: unknown, onAway: (away: boolean) => void): Promise<T> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    const answer = await once<T>(path, body);
    if (answer) {
      onAway(false);
      if ("refusal" in answer) throw new Refused(answer.refusal);
      return answer.value;
    }
    onAway(true);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

const optionsFor = (body: unknown): RequestInit =>
  body === undefined
    ? { method: "GET" }
    : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };

/** Undefined if the server or its store is away. */
async function once<T>(
  path: string,
  body: unknown,
): Promise<{ value: T } | { refusal: Refusal } | undefined> {
  try {
    const response = await fetch(path, {
      ...optionsFor(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (response.status >= 500) return undefined;
    if (response.status === 204) return { value: undefined as T };
    const json: unknown = await response.json();
    return response.ok ? { value: json as T } : { refusal: json as Refusal };
  } catch {
    return undefined;
  }
}
