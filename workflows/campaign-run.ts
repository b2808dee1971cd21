// One run of the campaign workflow, besides the recipe: control messages, ledger rows one at a time,
// children, and its end.
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  currentUpdateInfo,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import type { Workflow } from "@temporalio/workflow";
import { defineSearchAttributeKey } from "@temporalio/common";
import type { Opened } from "../activities/contract.ts";
import { SEARCH_ATTRIBUTES } from "../campaign/ids.ts";
import { applyEvent } from "../campaign/rules.ts";
import type { CampaignInput, LedgerEvent, Place, PlaceInput, RunInput } from "../campaign/types.ts";
import { Children } from "./children.ts";
import { failureOf } from "./failure.ts";
import { cancel, labelsShort, pause, progress, resume } from "./messages.ts";
import type {
  CampaignOutcome,
  CampaignProgress,
  ControlReply,
  ControlRequest,
  LabelsShort,
} from "./messages.ts";
import { control } from "./options.ts";
import { CampaignState, eventId } from "./state.ts";

const PHASE = defineSearchAttributeKey("RatchetPhase", SEARCH_ATTRIBUTES.RatchetPhase);
const ITERATION = defineSearchAttributeKey("RatchetIteration", SEARCH_ATTRIBUTES.RatchetIteration);

/** The answer to `progress` before the ledger is open. */
const NOT_OPEN: CampaignProgress = {
  status: "created",
  epoch: 0,
  iterations: 0,
  finished: -1,
  promoted: -1,
  running: [],
};

export class CampaignRun {
  readonly input: CampaignInput;
  readonly scope = new CancellationScope();
  private readonly continues: number | undefined;
  private current: CampaignState | undefined;
  private readonly children = new Children();
  /** Appends go one at a time: each waits for the one before it. */
  private lastAppend: Promise<void> = Promise.resolve();
  private cancelRecorded = false;

  constructor({ continues, ...input }: RunInput) {
    this.input = input;
    this.continues = continues;
    this.handleControl("pause", pause, (request) => this.decide({ type: "paused", ...request }));
    this.handleControl("resume", resume, (request) => this.decide(this.state.resumed(request)));
    this.handleControl("cancel", cancel, async (request) => {
      await this.decide({ type: "cancelled", ...request });
      this.cancelRecorded = true;
      this.scope.cancel();
    });
    setHandler(labelsShort, (short) => this.pauseForLabels(short));
    setHandler(progress, () => this.current?.progress() ?? NOT_OPEN);
  }

  get state(): CampaignState {
    if (!this.current) throw this.impossible("the ledger is not open yet");
    return this.current;
  }

  get opened(): Opened {
    return this.state.opened;
  }

  async open(): Promise<Opened> {
    const opened = await control.open({
      campaign: this.input,
      runId: workflowInfo().runId,
      continues: this.continues,
    });
    this.current = new CampaignState(opened);
    this.show();
    return opened;
  }

  /** A place tells it again until it is paused. */
  private async pauseForLabels({ place, why, extendedMs }: LabelsShort): Promise<void> {
    if (!this.current || this.state.status !== "running") return;
    const asker = `${workflowInfo().runId}:${place}:${extendedMs}`;
    await this.decide({ type: "paused", by: "ratchet", why, short: place }, asker);
  }

  /** Ledger row first, then the state that follows from it. */
  async decide(event: LedgerEvent, asker = currentUpdateInfo()?.id): Promise<void> {
    const { runId } = workflowInfo();
    const id = eventId(event, asker ?? runId);
    const by = `workflow:${runId}`;
    const append = this.lastAppend.then(() =>
      control.append({ campaign: this.input, epoch: this.opened.epoch, id, event, by }),
    );
    this.lastAppend = append.catch(() => undefined);
    await append;
    applyEvent(this.state.standing, event);
    this.show();
    await this.children.setPaused(this.state.paused);
  }

  /** Runs the child workflow of a place to its end. A paused campaign starts it after the resume. */
  async child<W extends Workflow>(
    type: string,
    place: Place,
    own: Omit<Parameters<W>[0], keyof PlaceInput>,
  ): Promise<Awaited<ReturnType<W>>> {
    await condition(() => !this.state.paused);
    const { running } = this.state;
    running.push(place);
    this.show();
    const { epoch, plan } = this.opened;
    const { baselines: _ofTheCampaign, ...placePlan } = plan;
    const input = { campaign: this.input, epoch, place, plan: placePlan, ...own };
    try {
      return await this.children.run<W>(type, input, () => this.state.paused);
    } finally {
      running.splice(running.indexOf(place), 1);
    }
  }

  outcome(status: CampaignOutcome["status"]): CampaignOutcome {
    const { latest, promoted } = this.state.standing;
    return { status, latest: latest?.policy, promoted: promoted?.policy };
  }

  async completed(): Promise<CampaignOutcome> {
    const { latest, promoted } = this.state.standing;
    if (!latest || !promoted) throw this.impossible("a campaign cannot complete without a policy");
    await this.decide({ type: "completed", latest: latest.policy, promoted: promoted.policy });
    return this.outcome("completed");
  }

  /**
   * The `cancel` update has written the row already; after Temporal's own cancellation it is written here.
   */
  async cancelled(): Promise<CampaignOutcome> {
    if (!this.cancelRecorded && this.current)
      await this.decide({ type: "cancelled", by: "temporal", why: "the workflow was cancelled" });
    return this.current ? this.outcome("cancelled") : { status: "cancelled" };
  }

  /** A run that lost its lease no longer owns the campaign, so it writes no row. */
  async failed(error: unknown): Promise<never> {
    const failure = failureOf(error);
    if (this.current && failure.code !== "lease_lost") await this.decide({ type: "failed", ...failure });
    throw ApplicationFailure.create({
      type: failure.code,
      message: failure.message,
      nonRetryable: true,
      cause: error as Error,
    });
  }

  impossible(what: string): ApplicationFailure {
    return ApplicationFailure.nonRetryable(`${this.input.campaignId}: ${what}`, "unreachable_state");
  }

  private handleControl(
    name: "pause" | "resume" | "cancel",
    definition: typeof pause,
    act: (request: ControlRequest) => Promise<void>,
  ): void {
    const handler = async (request: ControlRequest): Promise<ControlReply> => {
      await condition(() => this.current !== undefined);
      const refusal = this.state.refusal(name, request);
      if (refusal) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
      await act(request);
      return { status: this.state.status };
    };
    // A validator refuses without leaving an event in history, so what can be refused already is refused
    // here.
    const validator = (request: ControlRequest): void => {
      const refusal = this.current?.refusal(name, request);
      if (refusal) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
    };
    setHandler(definition, handler, { validator });
  }

  private show(): void {
    const { state } = this;
    setCurrentDetails(state.card());
    if (!state.opened.searchAttributes) return;
    upsertSearchAttributes([
      { key: PHASE, value: state.status },
      { key: ITERATION, value: Math.max(state.standing.latest?.iteration ?? 0, 0) },
    ]);
  }
}
