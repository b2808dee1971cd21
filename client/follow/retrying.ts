// Activities that fail and are retried, or wait for the end of an outage.
import type { PendingActivity } from "../../temporal/gateway.ts";

/** Activities of one type that failed with the same code and are retried. */
export interface Retrying {
  /** `it-0003.1 train`, `append`. */
  what: string;
  activities: number;
  /** Most attempts of one of them; code, message and nextAtMs are of that one. */
  attempt: number;
  /** Absent if Temporal itself ended the attempt, as at a heartbeat timeout. */
  code?: string;
  /** With its hint. */
  message: string;
  /** Absent while an attempt runs. */
  nextAtMs?: number;
}

/** `place`: of stage activities; undefined for the campaign's own, which write the ledger. */
export function retryingOf(pending: readonly PendingActivity[], place?: string): Retrying[] {
  const groups = new Map<string, Retrying>();
  for (const { type, attempt, nextAtMs, ...activity } of pending) {
    const failure = failureOf({ nextAtMs, ...activity }, place !== undefined);
    if (!failure) continue;
    const what = place === undefined ? type : `${place} ${type}`;
    const key = `${what} ${failure.code}`;
    const before = groups.get(key);
    const activities = (before?.activities ?? 0) + 1;
    if (before && before.attempt >= attempt) groups.set(key, { ...before, activities });
    else groups.set(key, { what, activities, attempt, ...failure, nextAtMs });
  }
  return [...groups.values()];
}

/**
 * Undefined if there is nothing to report. A stage's running attempt has a line of its own, so its earlier
 * failure is left out unless it waits for an outage. Attempts at the ledger are short and have no line.
 */
function failureOf(
  activity: Omit<PendingActivity, "type" | "attempt">,
  isStage: boolean,
): { code: string | undefined; message: string } | undefined {
  const { state, heartbeat, lastFailure, failureCode, nextAtMs } = activity;
  const outage = state === "started" ? heartbeat?.waitsFor : undefined;
  if (outage) return { code: outage.code, message: outage.message };
  if (lastFailure === undefined || (isStage && nextAtMs === undefined)) return undefined;
  return { code: failureCode, message: lastFailure };
}
