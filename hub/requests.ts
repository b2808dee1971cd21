// One request to the hub, with its token, its retries and one clear error for each way in which it fails.
// Nothing here shows the token or a signed address that the hub redirects to.
import { setTimeout as sleep } from "node:timers/promises";
import { RatchetError } from "../errors/index.ts";
import type { HubSettings } from "./settings.ts";

/** Waits before the retries of an answer 5xx or of none. */
const RETRY_MS = [500, 1000, 2000, 4000];
/** The longest wait that a busy hub may ask for, and how often. */
const BUSY_MS_MAX = 60_000;
const BUSY_TRIES = 5;
const HEADERS_MS = 30_000;

/** `what`: repository and file, for messages. Every answer is one of success. */
export async function request(
  settings: HubSettings,
  what: string,
  url: string,
  init: RequestInit = {},
): Promise<Response> {
  let failures = 0;
  let busy = 0;
  for (;;) {
    const answer = await once(settings, url, init).catch((cause: unknown) => cause as Error);
    if (answer instanceof Response && answer.ok) return answer;
    if (answer instanceof Response) await answer.body?.cancel();
    if (answer instanceof Response && answer.status === 429) {
      const waitMs = retryAfterMs(answer) ?? RETRY_MS[0]! * 2 ** busy;
      if (waitMs > BUSY_MS_MAX || ++busy === BUSY_TRIES) throw tooBusy(what, waitMs);
      await sleep(waitMs);
    } else if (answer instanceof Response && answer.status < 500) throw refused(settings, what, answer);
    else if (failures === RETRY_MS.length) throw unreachable(settings, what, answer);
    else await sleep(RETRY_MS[failures++]);
  }
}

/** fetch itself drops the token where a redirect leads to another origin, such as that of large files. */
async function once({ endpoint, token }: HubSettings, url: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.delete("authorization");
  if (token !== undefined && new URL(url).origin === new URL(endpoint).origin)
    headers.set("authorization", `Bearer ${token}`);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error("no answer in 30 s")), HEADERS_MS);
  try {
    return await fetch(url, { ...init, headers, signal: abort.signal });
  } finally {
    clearTimeout(timer);
  }
}

function retryAfterMs({ headers }: Response): number | undefined {
  const after = headers.get("retry-after") ?? /\bt=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1];
  if (after === undefined || after === null) return undefined;
  const ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

const tooBusy = (what: string, waitMs: number): RatchetError =>
  new RatchetError(
    "hub_busy",
    `the hub refuses requests for ${what} for ${Math.ceil(waitMs / 1000)} s (429)`,
    {
      hint: "wait, or set HF_TOKEN: the hub allows more requests with a token",
    },
  );

function refused(
  { token, endpoint }: HubSettings,
  what: string,
  { status, headers }: Response,
): RatchetError {
  const code = headers.get("x-error-code");
  const said = headers.get("x-error-message");
  const text = `the hub ${endpoint} answers ${status} for ${what}${said ? `: ${said}` : ""}`;
  const missing = status === 404 || code === "RepoNotFound" || code === "RevisionNotFound";
  if (missing)
    return new RatchetError("hub_unknown", text, {
      hint:
        code === "RevisionNotFound"
          ? "the repository has no such branch, tag or commit"
          : `check its name${token === undefined ? "; a private one is only found with HF_TOKEN" : ""}`,
    });
  if (status !== 401 && status !== 403)
    return new RatchetError("hub_unreachable", text, { hint: "HF_ENDPOINT must be the address of a hub" });
  const gated = code === "GatedRepo" ? "accept its terms on its page, and " : "";
  const credentials =
    token === undefined
      ? "set HF_TOKEN to a token that may read it"
      : "HF_TOKEN is not valid, or may not read it";
  return new RatchetError("hub_denied", text, {
    hint: `${gated}${credentials}; the hub gives the same answer for a name that does not exist`,
  });
}

function unreachable({ endpoint }: HubSettings, what: string, answer: Error | Response): RatchetError {
  const { cause } = answer as { cause?: { code?: string; message?: string } };
  const why =
    answer instanceof Response
      ? `answers ${answer.status}`
      : `cannot be reached (${cause?.code ?? cause?.message ?? answer.message})`;
  return new RatchetError("hub_unreachable", `the hub ${endpoint} ${why}, asked for ${what}`, {
    hint: "check the network and HF_ENDPOINT; HF_HUB_OFFLINE=1 uses what the cache has",
    cause: answer instanceof Error ? answer : undefined,
  });
}
