// What a campaign run does besides the recipe: messages, ledger rows one at a time, children with deterministic ids, endings.
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  currentUpdateInfo,
  log,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  sleep,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import type { ChildWorkflowHandle, Workflow } from "@temporalio/workflow";
import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import type { Opened } from "../activities/contract.ts";
import { placeName, placeWorkflowId, SEARCH_ATTRIBUTES } from "../campaign/ids.ts";
import { applyEvent } from "../campaign/rules.ts";
import type { CampaignInput, LedgerEvent, Place, PlaceInput, RunInput } from "../campaign/types.ts";
import { failureOf } from "./failure.ts";
import { cancel, pause, progress, resume } from "./messages.ts";
import type { CampaignOutcome, ControlReply, ControlRequest } from "./messages.ts";
import { control } from "./options.ts";
import { setPaused } from "./stages.ts";
import { CampaignState, eventId } from "./state.ts";

const PHASE = defineSearchAttributeKey("RatchetPhase", SEARCH_ATTRIBUTES.RatchetPhase);
const ITERATION = defineSearchAttributeKey("RatchetIteration", SEARCH_ATTRIBUTES.RatchetIteration);

export class CampaignRun {
  readonly input: CampaignInput;
  readonly scope = new CancellationScope();
  private readonly continues: number | undefined;
  private current: CampaignState | undefined;
  private readonly children = new Map<string, ChildWorkflowHandle<Workflow>>();
  /** Appends go one at a time: each waits for the one before it. */
  private lastAppend: Promise<void> = Promise.resolve();
  private cancelRecorded = false;

  constructor({ continues, ...input }: RunInput) {
    this.input = input;
    this.continues = continues;
    this.handleControl("pause", pause, (request) => this.decide({ type: "paused", ...request }));
    this.handleControl("resume", resume, (request) => this.decide({ type: "resumed", ...request }));
    this.handleControl("cancel", cancel, async (request) => {
      await this.decide({ type: "cancelled", ...request });
      this.cancelRecorded = true;
      this.scope.cancel();
    });
    setHandler(
      progress,
      () =>
        this.current?.progress() ?? {
          status: "created",
          epoch: 0,
          iterations: 0,
          finished: -1,
          promoted: -1,
          running: [],
        },
    );
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
      ...(this.continues === undefined ? {} : { continues: this.continues }),
    });
    this.current = new CampaignState(opened);
    this.show();
    return opened;
  }

  /** Ledger row first, then the state that follows from it. */
  async decide(event: LedgerEvent): Promise<void> {
    const { runId } = workflowInfo();
    const id = eventId(event, currentUpdateInfo()?.id ?? runId);
    const by = `workflow:${runId}`;
    const append = this.lastAppend.then(() =>
      control.append({ campaign: this.input, epoch: this.opened.epoch, id, event, by }),
    );
    this.lastAppend = append.catch(() => undefined);
    await append;
    applyEvent(this.state.standing, event);
    this.show();
    await this.tellChildren();
  }

  /** Runs the child workflow of a place to its end; waits while the campaign is paused. */
  async child<W extends Workflow>(
    type: string,
    place: Place,
    own: Omit<Parameters<W>[0], keyof PlaceInput>,
  ): Promise<Awaited<ReturnType<W>>> {
    await condition(() => !this.state.paused);
    const { running } = this.state;
    const name = placeName(place);
    running.push(place);
    this.show();
    try {
      const {
        epoch,
        plan: { baselines: _campaigns, ...plan },
      } = this.opened;
      const handle = await this.startChild(type, place, { campaign: this.input, epoch, place, plan, ...own });
      this.children.set(name, handle);
      // A pause between the decision to start and the start found no child to tell.
      if (this.state.paused) await handle.signal(setPaused, true);
      return (await handle.result()) as Awaited<ReturnType<W>>;
    } finally {
      this.children.delete(name);
      running.splice(running.indexOf(place), 1);
    }
  }

  /** A child of a run that was terminated may still be closing; it was asked to cancel, so wait for it. */
  private async startChild(
    type: string,
    place: Place,
    input: PlaceInput,
  ): Promise<ChildWorkflowHandle<Workflow>> {
    for (;;) {
      try {
        return await startChild(type, {
          workflowId: placeWorkflowId(this.input.campaignId, place),
          args: [input],
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          staticSummary: `${this.input.campaignId} ${placeName(place)}`,
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        log.warn(`${placeName(place)} of an earlier run is still closing; trying again in 2 s`);
        await sleep("2s");
      }
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

  /** By our update the row is there already; by Temporal's own cancellation it is written now. */
  async cancelled(): Promise<CampaignOutcome> {
    if (!this.cancelRecorded && this.current)
      await this.decide({ type: "cancelled", by: "temporal", why: "the workflow was cancelled" });
    return this.current ? this.outcome("cancelled") : { status: "cancelled" };
  }

  /** A run that lost its lease is not the campaign any more and may not write its end. */
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
    // Refused in the validator where the answer is known already: a refused update leaves nothing in history.
    const validator = (request: ControlRequest): void => {
      const refusal = this.current?.refusal(name, request);
      if (refusal) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
    };
    setHandler(definition, handler, { validator });
  }

  private async tellChildren(): Promise<void> {
    const { paused } = this.state;
    await Promise.all(
      [...this.children.values()].map((child) =>
        child.signal(setPaused, paused).catch(() => log.info("child had ended already")),
      ),
    );
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
