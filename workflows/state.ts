// State and rules of a campaign run, without Temporal, so that a unit test can drive them.
import { placeName } from "../campaign/ids.ts";
import type { CampaignStatus, Digest, LedgerEvent, Place, Standing } from "../campaign/types.ts";
import type { AmendedPlan, Opened } from "../activities/ledger-contract.ts";
import type { CampaignProgress, ControlRequest, ControlVerb } from "./messages.ts";

/** Most characters of who and why: both are written to history and ledger. */
const REASON_MAX = 1_000;

export class CampaignState {
  readonly opened: Opened;
  readonly standing: Standing;
  /** With their plans, in the order of the ledger; the campaign was created with the first. */
  readonly specs: [AmendedPlan, ...AmendedPlan[]];
  readonly running: Place[] = [];
  /** The newest iteration whose workflow has started: it keeps its plan. */
  begun: Place | undefined;
  /** Baselines that ended in this run. */
  baselinesFinished = 0;

  /** `specDigest`: of the run's input. */
  constructor(opened: Opened, specDigest: Digest) {
    const { plan, specDigest: first = specDigest, amendments = [] } = opened;
    this.opened = opened;
    this.standing = opened.record;
    this.specs = [{ specDigest: first, plan }, ...amendments];
  }

  get status(): CampaignStatus {
    return this.standing.status;
  }

  get isPaused(): boolean {
    return this.status === "paused";
  }

  /** In the newest spec. */
  get iterations(): number {
    return this.specs.at(-1)!.plan.iterations;
  }

  get iterationsLeft(): boolean {
    return this.standing.next.iteration <= this.iterations;
  }

  /** The iteration that runs, 0 for the bootstrap. */
  private get atWork(): number | undefined {
    const { bootstrap, next } = this.standing;
    if (this.begun === undefined || !("iteration" in this.begun)) return undefined;
    const { iteration } = this.begun;
    return bootstrap ? (this.begun === next ? iteration : undefined) : iteration;
  }

  /** A pause after an iteration is one at once if none runs. */
  paused({ at = "now", ...who }: ControlRequest): LedgerEvent {
    if (at === "now") return { type: "paused", ...who };
    const after = at === "iteration" ? this.atWork : undefined;
    return { type: "paused", at, ...(after === undefined ? {} : { after }), ...who };
  }

  /** The first place that has not begun: an amendment holds from there on. */
  get unbegun(): Standing["next"] {
    const { next } = this.standing;
    return this.begun === next ? { ...next, iteration: next.iteration + 1 } : next;
  }

  /** Why a control message is refused now; undefined if it is not. */
  refusal(
    message: ControlVerb,
    { by, why, labels, at }: ControlRequest,
  ): { code: string; message: string } | undefined {
    const { status, campaignId, short, pausing } = this.standing;
    const length = by.length + why.length;
    if (length > REASON_MAX)
      return {
        code: "reason_too_long",
        message:
          `who and why of the ${message} of ${campaignId} have ${length} characters together, ` +
          `at most ${REASON_MAX} are recorded`,
      };
    const ended =
      status === "completed" || status === "failed" || status === "cancelled" || status === "moved";
    if (ended) return { code: "campaign_ended", message: `campaign ${campaignId} has ended: ${status}` };
    if (message === "pause" && pausing && at === "iteration")
      return {
        code: "already_paused",
        message: `campaign ${campaignId} pauses after iteration ${pausing.after} already`,
      };
    if (message === "pause" && status === "paused")
      return { code: "already_paused", message: `campaign ${campaignId} is paused already` };
    if (message === "resume" && status !== "paused" && !pausing)
      return { code: "not_paused", message: `campaign ${campaignId} is not paused, it is ${status}` };
    if (message === "resume" && short !== undefined && !labels)
      return {
        code: "labels_short",
        message: `${short} of ${campaignId} has too few labels: resume with --extend <time> or --accept`,
      };
    if (message === "resume" && short === undefined && labels)
      return {
        code: "usage_invalid",
        message: `campaign ${campaignId} is not short of labels: resume it without --extend or --accept`,
      };
    return undefined;
  }

  /** What the operator decided about too few labels is about the place that was short. */
  resumed({ labels, ...who }: ControlRequest): LedgerEvent {
    const place = this.standing.short;
    if (!labels || place === undefined) return { type: "resumed", ...who };
    return { type: "resumed", ...who, labels: { ...labels, place } };
  }

  progress(): CampaignProgress {
    return {
      status: this.status,
      epoch: this.opened.epoch,
      iterations: this.iterations,
      finished: this.standing.latest?.iteration ?? -1,
      promoted: this.standing.promoted?.iteration ?? -1,
      running: [...this.running],
    };
  }

  /** Markdown for the web UI's current details. */
  card(): string {
    const { status, epoch, iterations, finished, promoted, running } = this.progress();
    const at = running.map(placeName).join(", ") || "nothing";
    const numbers = `iteration ${Math.max(finished, 0)} of ${iterations} · promoted ${Math.max(promoted, 0)}`;
    return `**${status}** · epoch ${epoch}\n\nfinished ${numbers} · running: ${at}`;
  }
}

/**
 * Ledger id of an event. An event that can happen once is named by its place, the others by the run or the
 * update that caused them.
 */
export function eventId(event: LedgerEvent, asker: string): string {
  switch (event.type) {
    case "bootstrap-finished":
      return "bootstrap-finished";
    case "iteration-finished":
      return `iteration-finished:${event.iteration}.${event.take}`;
    case "baseline-finished":
      return `baseline-finished:${event.name}`;
    default:
      return `${event.type}:${asker}`;
  }
}
