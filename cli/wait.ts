// Waits for the end of a campaign, for `watch` and `start --wait`, and sets the exit code.
import type { CampaignOutcome } from "../client/follow/outcome.ts";
import { timeLimit } from "../client/follow/time-limit.ts";
import type { RatchetClient } from "../client/ratchet-client.ts";
import { showDuration } from "../report/duration.ts";
import type { Globals } from "./context.ts";
import { repeatFlags } from "./context.ts";
import { parseDuration } from "./durations.ts";
import { EXIT } from "./exit-codes.ts";
import { exitCodeOf, printOutcome } from "./exit.ts";
import { follow } from "./follow.ts";
import { note, suggest } from "./output.ts";
import { detachOnSignal } from "./signals.ts";

/** How long a verb waits. */
export interface Limit {
  ms: number;
  signal: AbortSignal;
}

/** `--timeout`: counted from now, the start of the command. */
export function parseLimit(text: string): Limit {
  const ms = parseDuration(text);
  return { ms, signal: timeLimit(ms) };
}

export interface Waiting {
  globals: Globals;
  limit?: Limit | undefined;
  /** Print events as JSON lines on stdout. */
  events?: boolean;
  /** Stop waiting when it aborts. */
  until?: AbortSignal;
}

/** Undefined if a signal or the limit came before the end: the campaign keeps running. */
export async function waitForEnd(
  client: RatchetClient,
  campaignId: string,
  { globals, limit, events = false, until }: Waiting,
): Promise<CampaignOutcome | undefined> {
  const detach = detachOnSignal();
  try {
    const signals = [detach.signal, until ?? [], limit?.signal ?? []].flat();
    const outcome = await follow(client, campaignId, { json: events, signal: AbortSignal.any(signals) });
    if (outcome) return ended(outcome);
    const overdue = limit?.signal.aborted === true && !detach.signal.aborted;
    note(
      overdue
        ? `${campaignId} has not ended after ${showDuration(limit.ms)}; it keeps running`
        : `detached; ${campaignId} keeps running`,
    );
    suggest([`watch ${campaignId}${repeatFlags(globals)}`]);
    process.exitCode = overdue ? EXIT.timedOut : EXIT.detached;
    return undefined;
  } finally {
    detach.off();
  }
}

/** Prints a failure and sets the exit code. */
export function ended(outcome: CampaignOutcome): CampaignOutcome {
  printOutcome(outcome);
  process.exitCode = exitCodeOf(outcome);
  return outcome;
}
