// The header Retry-After (RFC 9110, 10.2.3): seconds, or an HTTP date.

/** A longer wait is cut to this one; the server can ask again for more. */
const LONGEST_MS = 3_600_000;

/**
 * Milliseconds to wait; undefined without the header, or if it says nothing. A date is compared with the
 * server's own clock (`Date`), because ours may differ.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const said = headers.get("retry-after")?.trim();
  if (!said) return undefined;
  if (/^\d+(\.\d+)?$/.test(said)) return within(Number(said) * 1000);
  const until = Date.parse(said);
  if (Number.isNaN(until)) return undefined;
  const serverMs = Date.parse(headers.get("date") ?? "");
  return within(until - (Number.isNaN(serverMs) ? nowMs : serverMs));
}

const within = (ms: number): number => Math.min(LONGEST_MS, Math.max(0, Math.ceil(ms)));
