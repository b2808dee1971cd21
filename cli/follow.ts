// Follows a campaign until it ends, a signal, or a time limit. For `run` and `watch`.
import type { EvaluateMetrics, EvaluateResult, LedgerRow } from "../campaign/types.ts";
import type { CampaignOutcome } from "../client/follow/outcome.ts";
import type { RatchetClient } from "../client/ratchet-client.ts";
import type { WatchEvent } from "../client/follow/watch.ts";
import { showDuration } from "../report/duration.ts";
import { eventLine } from "../report/event-line.ts";
import { openDisplay } from "./display.ts";
import type { Display } from "./display.ts";
import { jsonLine, lookOf } from "./output.ts";
import { campaignLine, retryingLine, waitingLine } from "./progress.ts";

interface FollowOptions {
  /** Print events as JSON lines on stdout instead of a display. */
  json?: boolean;
  signal?: AbortSignal;
}

/** Undefined if `signal` aborts before the campaign ends. */
export async function follow(
  client: RatchetClient,
  campaignId: string,
  { json = false, signal }: FollowOptions,
): Promise<CampaignOutcome | undefined> {
  const display = openDisplay(process.stderr, lookOf(process.stderr));
  try {
    for await (const event of client.watch(campaignId, { signal })) {
      if (json) jsonLine(event);
      else await show(client, display, event);
      if (event.type === "ended") return event.outcome;
    }
    return undefined;
  } finally {
    display.end();
  }
}

async function show(client: RatchetClient, display: Display, event: WatchEvent): Promise<void> {
  const at = new Date().toTimeString().slice(0, 8);
  switch (event.type) {
    case "campaign":
      return display.say(`${at} ${campaignLine(event)}`);
    case "stages":
      return display.stages(event.stages);
    case "row":
      return display.say(`${at} ${eventLine(event.row.event, await testOf(client, event.row))}`);
    case "waiting":
      for (const waiting of event.waiting) display.say(`${at} ${waitingLine(waiting, Date.now())}`);
      return;
    case "retrying":
      for (const retrying of event.retrying)
        display.say(`${at} retrying for ${showDuration(event.forMs)}: ${retryingLine(retrying, Date.now())}`);
      return;
    case "unreachable":
      return display.say(
        `${at} ${event.message}${event.forMs > 0 ? ` for ${showDuration(event.forMs)}` : ""}; waiting for it`,
      );
    case "ended":
      return;
  }
}

async function testOf({ store }: RatchetClient, { event }: LedgerRow): Promise<EvaluateMetrics | undefined> {
  const digest = "stages" in event ? event.stages.test : undefined;
  return digest ? (await store.getJson<EvaluateResult>(digest)).metrics : undefined;
}
