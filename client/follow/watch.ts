// `watch`: the progress of a campaign as events, until it ends. If Temporal or the store does not answer, it
// reports that and polls on.
import { setTimeout as sleep } from "node:timers/promises";
import { RatchetError } from "../../errors/index.ts";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import { planOf } from "../../campaign/spec/plan.ts";
import type { LedgerRow, Plan } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import type { CampaignProgress } from "../../workflows/messages.ts";
import { observe } from "./observe.ts";
import type { Observation, StageView } from "./observe.ts";
import { hasEnded, outcomeOf, recordedEnd } from "./outcome.ts";
import type { CampaignOutcome } from "./outcome.ts";
import { Pace } from "./pace.ts";
import type { Rate } from "./pace.ts";
import { Reminder } from "./reminder.ts";
import type { Retrying } from "./retrying.ts";
import type { Waiting } from "./waiting.ts";
import { followCampaign, readSpec, requireCampaign } from "../record/record.ts";
import type { ReadCampaign } from "../record/record.ts";

export interface WatchedStage extends StageView, Rate {}

export type WatchEvent =
  /** Sent when one of its members changes. */
  | ({ type: "campaign" } & Pick<
      CampaignProgress,
      "status" | "epoch" | "iterations" | "finished" | "promoted"
    >)
  /** All running stages; sent at every poll. */
  | { type: "stages"; stages: WatchedStage[] }
  /** A decision recorded since the watch began. */
  | { type: "row"; row: LedgerRow }
  /** Sent after 10 s, then every minute. */
  | { type: "waiting"; waiting: Waiting[] }
  /** Activities fail and are retried. Sent after 10 s, then every minute. */
  | { type: "retrying"; retrying: Retrying[]; forMs: number }
  /** Temporal or the store does not answer. Sent at once, then every minute. */
  | { type: "unreachable"; code: string; message: string; forMs: number }
  | { type: "ended"; outcome: CampaignOutcome };

export interface WatchOptions {
  signal?: AbortSignal;
  /** Pause between two polls. */
  everyMs?: number;
  /** Number of ledger rows that the caller knows already. */
  fromRow?: number;
}

/** A worker may need this long to start. */
const REPORT_AFTER_MS = 10_000;
/** Longest attempt of an activity during an outage: without a failure for this long, the outage is over. */
const RETRY_MS = 60_000;
/** The ledger is read at least this often, because other clients append rows that Temporal does not show. */
const LEDGER_MS = 15_000;

/** Temporal or the store is away or refuses us, perhaps only for now. */
const UNREACHABLE = new Set(["temporal_unreachable", "store_unreachable", "store_denied", "bucket_missing"]);

export async function* watchCampaign(
  store: Store,
  gateway: Gateway,
  campaignId: string,
  options: WatchOptions = {},
): AsyncGenerator<WatchEvent> {
  const { signal, everyMs = 1_000 } = options;
  let known = await requireCampaign(store, campaignId);
  const spec = await readSpec(store, known.record);
  const watcher = new Watcher(store, gateway, campaignId, planOf(spec), options.fromRow ?? known.rows.length);
  for (;;) {
    if (signal?.aborted) return;
    const { events, read } = await watcher.poll(known);
    known = read;
    for (const event of events) {
      yield event;
      if (event.type === "ended") return;
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

class Watcher {
  private readonly store: Store;
  private readonly gateway: Gateway;
  private readonly campaignId: string;
  private readonly plan: Plan;
  private readonly pace = new Pace();
  private readonly unanswered = new Reminder(0);
  private readonly waited = new Reminder(REPORT_AFTER_MS);
  private readonly retried = new Reminder(REPORT_AFTER_MS);
  private seenRows: number;
  private seenState = "";
  private ledgerReadAtMs = 0;

  constructor(store: Store, gateway: Gateway, campaignId: string, plan: Plan, fromRow: number) {
    this.store = store;
    this.gateway = gateway;
    this.campaignId = campaignId;
    this.plan = plan;
    this.seenRows = fromRow;
  }

  async poll(known: ReadCampaign): Promise<{ events: WatchEvent[]; read: ReadCampaign }> {
    try {
      const seen = await observe(this.gateway, this.campaignId, this.plan);
      const changes = this.campaign(seen);
      const closed = seen.run !== "running";
      const due = changes.length > 0 || closed || Date.now() - this.ledgerReadAtMs > LEDGER_MS;
      const read = due ? await this.ledger() : known;
      this.unanswered.clear(Date.now());
      const events = [
        ...this.rows(read),
        ...changes,
        ...this.waiting(seen),
        ...this.retrying(seen),
        ...this.stages(seen),
        ...(closed ? await this.ended(seen, read) : []),
      ];
      return { events, read };
    } catch (error) {
      const { kind, code, message } = error as RatchetError;
      if (kind !== "resource" || !UNREACHABLE.has(code)) throw error;
      const read = await recordedEnd(this.store, this.campaignId);
      if (read)
        return { events: [...this.rows(read), { type: "ended", outcome: outcomeOf(read.record) }], read };
      const forMs = this.unanswered.due("", Date.now());
      return {
        events: forMs === undefined ? [] : [{ type: "unreachable", code, message, forMs }],
        read: known,
      };
    }
  }

  private async ledger(): Promise<ReadCampaign> {
    const read = await followCampaign(this.store, this.campaignId);
    this.ledgerReadAtMs = Date.now();
    return read;
  }

  private campaign({ progress }: Observation): WatchEvent[] {
    if (!progress) return [];
    const { status, epoch, iterations, finished, promoted } = progress;
    const state = JSON.stringify([status, epoch, finished, promoted]);
    if (state === this.seenState) return [];
    this.seenState = state;
    return [{ type: "campaign", status, epoch, iterations, finished, promoted }];
  }

  private rows({ rows }: ReadCampaign): WatchEvent[] {
    const fresh = rows.slice(this.seenRows);
    this.seenRows = Math.max(this.seenRows, rows.length);
    return fresh.map((row) => ({ type: "row", row }));
  }

  private stages({ progress, stages }: Observation): WatchEvent[] {
    if (!progress) return [];
    return [
      { type: "stages", stages: stages.map((stage) => ({ ...stage, ...this.pace.of(stage, Date.now()) })) },
    ];
  }

  private waiting({ waiting }: Observation): WatchEvent[] {
    if (waiting.length === 0) {
      this.waited.clear(Date.now());
      return [];
    }
    const due = this.waited.due(waiting.map(({ queue }) => queue).join(), Date.now());
    return due === undefined ? [] : [{ type: "waiting", waiting }];
  }

  /** One condition per set of codes. It lasts through the pauses between attempts. */
  private retrying({ retrying }: Observation): WatchEvent[] {
    if (retrying.length === 0) {
      this.retried.clear(Date.now(), RETRY_MS);
      return [];
    }
    const codes = [...new Set(retrying.map(({ code = "" }) => code))].sort();
    const forMs = this.retried.due(codes.join(), Date.now());
    return forMs === undefined ? [] : [{ type: "retrying", retrying, forMs }];
  }

  /** This server has no open run: the ledger says how the campaign ended, if it did. */
  private async ended({ run }: Observation, { record }: ReadCampaign): Promise<WatchEvent[]> {
    if (hasEnded(record)) return [{ type: "ended", outcome: outcomeOf(record) }];
    if (run === undefined) {
      throw new RatchetError(
        "not_running",
        `campaign ${this.campaignId} is ${record.status}, but ${this.gateway.address} does not know it`,
        { hint: "ratchet start resumes it from its ledger" },
      );
    }
    // The run was terminated from outside, or lost its lease to another server; the campaign has not ended.
    const failure = (await this.gateway.failure(campaignWorkflowId(this.campaignId))) ?? {
      code: "run_ended",
      message: `the run of ${this.campaignId} was ${run}`,
    };
    return [{ type: "ended", outcome: { ...outcomeOf(record), status: "failed", failure } }];
  }
}
