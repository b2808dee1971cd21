// One run of the campaign workflow, besides the recipe and its end: control messages, ledger rows one at a
// time, and children.
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { Workflow } from "@temporalio/workflow";
import type { Opened } from "../activities/ledger-contract.ts";
import { specAt } from "../campaign/specs-in-force.ts";
import type {
  CampaignInput,
  IterationStart,
  LedgerEvent,
  Place,
  PlaceInput,
  RunInput,
  Standing,
} from "../campaign/types.ts";
import { Children } from "./children.ts";
import type { iteration } from "./iteration.ts";
import { handleControls } from "./controls.ts";
import { labelsShort, progress } from "./messages.ts";
import type { CampaignProgress, ControlRequest, LabelsShort } from "./messages.ts";
import { LedgerRows } from "./ledger-rows.ts";
import { control } from "./options.ts";
import { show } from "./show.ts";
import { CampaignState } from "./state.ts";

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
  private written: LedgerRows | undefined;
  private readonly children = new Children();
  /** The `cancel` update has written its row. */
  cancelRecorded = false;
  /** Amendments whose row is not written yet: no place begins meanwhile. */
  private amending = 0;
  /** Of the iteration that runs; a rollback ends it. */
  private iterating = new CancellationScope();

  constructor({ continues, ...input }: RunInput) {
    this.input = input;
    this.continues = continues;
    handleControls(() => this.current, {
      // Which iteration runs is asked when the rows before it are written.
      pause: (request) => this.decide(() => this.state.paused(request)),
      resume: (request) => this.decide(this.state.resumed(request)),
      cancel: async (request) => {
        await this.decide({ type: "cancelled", ...request });
        this.cancelRecorded = true;
        this.scope.cancel();
      },
      rollback: (request) => this.rollBack(request),
      amend: (request) => this.amend(request),
    });
    setHandler(labelsShort, (short) => this.pauseForLabels(short));
    setHandler(progress, () => this.current?.progress() ?? NOT_OPEN);
  }

  get state(): CampaignState {
    if (!this.current) throw this.impossible("the ledger is not open yet");
    return this.current;
  }

  private get rows(): LedgerRows {
    if (!this.written) throw this.impossible("the ledger is not open yet");
    return this.written;
  }

  get isOpen(): boolean {
    return this.current !== undefined;
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
    this.current = new CampaignState(opened, this.input.specDigest);
    this.written = new LedgerRows(this.input, this.current);
    show(this.current);
    return opened;
  }

  /** A place tells it again until it is paused. */
  private async pauseForLabels({ place, why, extendedMs }: LabelsShort): Promise<void> {
    if (!this.current || this.state.status !== "running") return;
    const asker = `${workflowInfo().runId}:${place}:${extendedMs}`;
    await this.decide({ type: "paused", by: "ratchet", why, short: place }, { asker });
  }

  /**
   * Ledger row first, then the state that follows from it. `isVoid`: nothing is written, because an earlier
   * row says otherwise.
   */
  async decide(
    event: LedgerEvent | (() => LedgerEvent),
    { asker, isVoid = () => false }: { asker?: string; isVoid?: () => boolean } = {},
  ): Promise<void> {
    await this.rows.append(event, asker, isVoid);
    await this.follow();
  }

  /** Ends the iteration that runs, once the row is written. */
  private async rollBack({ to, ...asked }: ControlRequest): Promise<void> {
    if (!to) throw this.impossible("a rollback needs an iteration to go back to");
    await this.rows.rollBack({ to, asked });
    this.iterating.cancel();
    await this.follow();
  }

  private async amend({ amendment, ...asked }: ControlRequest): Promise<void> {
    if (!amendment) throw this.impossible("an amendment needs a spec");
    this.amending += 1;
    try {
      await this.rows.amend({ ...amendment, asked });
    } finally {
      this.amending -= 1;
    }
    await this.follow();
  }

  private async follow(): Promise<void> {
    show(this.state);
    await this.children.setPaused(this.state.isPaused, this.state.standing.pausedAt);
  }

  /** Runs an iteration to its row, or until a rollback ends it. */
  async iterate(place: Standing["next"], own: IterationStart): Promise<void> {
    const isVoid = (): boolean => this.state.standing.next !== place;
    this.iterating = new CancellationScope();
    try {
      const finished = await this.iterating.run(() => this.child<typeof iteration>("iteration", place, own));
      await this.decide({ type: "iteration-finished", ...place, ...finished }, { isVoid });
    } catch (error) {
      if (!isVoid()) throw error;
    }
  }

  /**
   * Runs the child workflow of a place to its end, by the plan that holds when it begins. A paused campaign
   * starts it after the resume.
   */
  async child<W extends Workflow>(
    type: string,
    place: Place,
    own: Omit<Parameters<W>[0], keyof PlaceInput>,
  ): Promise<Awaited<ReturnType<W>>> {
    await condition(() => !this.state.isPaused && this.amending === 0);
    const { running, specs } = this.state;
    running.push(place);
    if ("iteration" in place) this.state.begun = place;
    show(this.state);
    const { epoch } = this.opened;
    const { specDigest, plan } = specAt(specs, place);
    const { baselines: _ofTheCampaign, ...placePlan } = plan;
    const campaign = { ...this.input, specDigest };
    const input = { campaign, epoch, place, plan: placePlan, ...own };
    try {
      return await this.children.run<W>(type, input, () => this.state.isPaused);
    } finally {
      running.splice(running.indexOf(place), 1);
    }
  }

  impossible(what: string): ApplicationFailure {
    return ApplicationFailure.nonRetryable(`${this.input.campaignId}: ${what}`, "unreachable_state");
  }
}
