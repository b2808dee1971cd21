// `watch`: a campaign's progress as events until it ends. A server or store that goes away is said and waited for; it is the
// campaign that is durable, not the connection.
import { setTimeout as sleep } from "node:timers/promises";
import { RatchetError } from "../../errors/index.ts";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import { planOf } from "../../campaign/spec/plan.ts";
import type { CampaignStatus, LedgerRow, Plan } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import { observe } from "./observe.ts";
import type { Observation, Retrying, StageView, Waiting } from "./observe.ts";
import { hasEnded, outcomeOf } from "./outcome.ts";
import type { CampaignOutcome } from "./outcome.ts";
import { Pace } from "./pace.ts";
import type { Rate } from "./pace.ts";
import { readSpec, requireCampaign } from "../record/record.ts";
import type { ReadCampaign } from "../record/record.ts";

export interface WatchedStage extends StageView, Rate {}

export type WatchEvent =
  /** Where the campaign stands; sent whenever one of these changes. */
  | {
      type: "campaign";
      status: CampaignStatus;
      epoch: number;
      iterations: number;
      finished: number;
      promoted: number;
    }
  /** All running stages; sent at every look. */
  | { type: "stages"; stages: WatchedStage[] }
  /** A decision that was recorded since the watch began. */
  | { type: "row"; row: LedgerRow }
  | { type: "waiting"; waiting: Waiting[] }
  /** Activities fail and are tried again; sent once it has lasted, then again every minute. */
  | { type: "retrying"; retrying: Retrying[]; forMs: number }
  /** Temporal or the store does not answer; sent once, then again every minute. */
  | { type: "unreachable"; code: string; message: string; forMs: number }
  | { type: "ended"; outcome: CampaignOutcome };

export interface WatchOptions {
  signal?: AbortSignal;
  /** Time between two looks. */
  everyMs?: number;
  /** Ledger rows already known to the reader. */
  fromRow?: number;
}

/** What a worker that just starts up may take before it is called missing. */
const PATIENCE_MS = 10_000;
const REPEAT_MS = 60_000;
/** Longest single try of an activity while the platform is away: what fails again within it has not been mended. */
const RETRY_MS = 60_000;
/** Rows are also looked for without a sign from Temporal, for rows that others append. */
const LEDGER_MS = 15_000;

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
    const { events, read } = await watcher.look(known);
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
  private readonly unanswered = new Repeated(0);
  private readonly waited = new Repeated(PATIENCE_MS);
  private readonly retried = new Repeated(PATIENCE_MS);
  private seenRows: number;
  private seenStanding = "";
  private ledgerReadAtMs = 0;

  constructor(store: Store, gateway: Gateway, campaignId: string, plan: Plan, fromRow: number) {
    this.store = store;
    this.gateway = gateway;
    this.campaignId = campaignId;
    this.plan = plan;
    this.seenRows = fromRow;
  }

  async look(known: ReadCampaign): Promise<{ events: WatchEvent[]; read: ReadCampaign }> {
    try {
      const seen = await observe(this.gateway, this.campaignId, this.plan);
      const { changed, event } = this.standing(seen);
      const closed = seen.run !== "running";
      const read =
        changed || closed || Date.now() - this.ledgerReadAtMs > LEDGER_MS ? await this.ledger() : known;
      this.unanswered.clear();
      const events = [
        ...this.rows(read),
        ...event,
        ...this.waiting(seen),
        ...this.retrying(seen),
        ...this.stages(seen),
        ...(closed ? await this.ended(seen, read) : []),
      ];
      return { events, read };
    } catch (error) {
      const { kind, code, message } = error as RatchetError;
      if (kind !== "resource" || !UNREACHABLE.has(code)) throw error;
      const forMs = this.unanswered.due("", Date.now());
      return {
        events: forMs === undefined ? [] : [{ type: "unreachable", code, message, forMs }],
        read: known,
      };
    }
  }

  private async ledger(): Promise<ReadCampaign> {
    const read = await requireCampaign(this.store, this.campaignId);
    this.ledgerReadAtMs = Date.now();
    return read;
  }

  private standing({ progress }: Observation): { changed: boolean; event: WatchEvent[] } {
    if (!progress) return { changed: false, event: [] };
    const { status, epoch, iterations, finished, promoted } = progress;
    const text = JSON.stringify([status, epoch, finished, promoted]);
    const changed = text !== this.seenStanding;
    this.seenStanding = text;
    return {
      changed,
      event: changed ? [{ type: "campaign", status, epoch, iterations, finished, promoted }] : [],
    };
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
      this.waited.clear();
      return [];
    }
    const due = this.waited.due(waiting.map(({ queue }) => queue).join(), Date.now());
    return due === undefined ? [] : [{ type: "waiting", waiting }];
  }

  /** The same codes are the same trouble, whoever meets it and between its tries. */
  private retrying({ retrying }: Observation): WatchEvent[] {
    if (retrying.length === 0) {
      this.retried.clear(RETRY_MS);
      return [];
    }
    const forMs = this.retried.due(
      [...new Set(retrying.map(({ code = "" }) => code))].sort().join(),
      Date.now(),
    );
    return forMs === undefined ? [] : [{ type: "retrying", retrying, forMs }];
  }

  /** The run here is closed or unknown: the ledger says how the campaign ended, if it did. */
  private async ended({ run }: Observation, { record }: ReadCampaign): Promise<WatchEvent[]> {
    if (hasEnded(record)) return [{ type: "ended", outcome: outcomeOf(record) }];
    if (run === undefined) {
      throw new RatchetError(
        "not_running",
        `campaign ${this.campaignId} is ${record.status}, but ${this.gateway.address} does not know it`,
        { hint: "ratchet start takes it up from its ledger" },
      );
    }
    // Terminated from outside, or it lost its lease to another server: this run ended, the campaign did not.
    const failure = (await this.gateway.failure(campaignWorkflowId(this.campaignId))) ?? {
      code: "run_ended",
      message: `the run of ${this.campaignId} was ${run}`,
    };
    return [{ type: "ended", outcome: { ...outcomeOf(record), status: "failed", failure } }];
  }
}

/** Codes of a platform that is away, or locked, for now. */
const UNREACHABLE = new Set(["temporal_unreachable", "store_unreachable", "store_denied", "bucket_missing"]);

/** Says a lasting condition once after `patienceMs`, then again every minute. */
class Repeated {
  private readonly patienceMs: number;
  private what: string | undefined;
  private sinceMs = 0;
  private seenAtMs = 0;
  private saidAtMs = 0;

  constructor(patienceMs: number) {
    this.patienceMs = patienceMs;
  }

  /** How long it has lasted, where it is to be said now. */
  due(what: string, nowMs: number): number | undefined {
    if (this.what !== what) {
      this.what = what;
      this.sinceMs = nowMs;
      this.saidAtMs = -Infinity;
    }
    this.seenAtMs = nowMs;
    const forMs = nowMs - this.sinceMs;
    if (forMs < this.patienceMs || nowMs - this.saidAtMs < REPEAT_MS) return undefined;
    this.saidAtMs = nowMs;
    return forMs;
  }

  /** It is over once it was not seen for `pauseMs`. */
  clear(pauseMs = 0): void {
    if (Date.now() - this.seenAtMs >= pauseMs) this.what = undefined;
  }
}
