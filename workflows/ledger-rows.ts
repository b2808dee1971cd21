// The rows that one run of a campaign writes, one after the other: each is in the ledger before the
// campaign's state follows from it.
import { ApplicationFailure, currentUpdateInfo, workflowInfo } from "@temporalio/workflow";
import type { AmendInput, AppendInput, RollbackInput } from "../activities/ledger-contract.ts";
import { applyEvent } from "../campaign/rules.ts";
import type { CampaignInput, LedgerEvent } from "../campaign/types.ts";
import { failureOf } from "./failure.ts";
import { control } from "./options.ts";
import type { CampaignState } from "./state.ts";
import { eventId } from "./state.ts";

export class LedgerRows {
  private readonly input: CampaignInput;
  private readonly state: CampaignState;
  private last: Promise<void> = Promise.resolve();

  constructor(input: CampaignInput, state: CampaignState) {
    this.input = input;
    this.state = state;
  }

  /**
   * `isVoid`, and the event if it is a function, are asked when all earlier rows are written. If it is void,
   * this one is not.
   */
  async append(
    what: LedgerEvent | (() => LedgerEvent),
    asker: string | undefined,
    isVoid: () => boolean,
  ): Promise<void> {
    const { id: own, ...row } = this.row((id) => id);
    await this.inTurn(async () => {
      if (isVoid()) return undefined;
      const event = typeof what === "function" ? what() : what;
      await control.append({ ...row, id: eventId(event, asker ?? own), event });
      return event;
    });
  }

  /** Its row follows from the rows before, which only the activity reads. */
  async rollBack(what: Pick<RollbackInput, "to" | "asked">): Promise<void> {
    const row = this.row((own) => `rolled-back:${own}`);
    await this.checked(() => control.rollback({ ...row, ...what }));
  }

  /** Holds from the first place that has not begun when all earlier rows are written. */
  async amend(what: Pick<AmendInput, "specDigest" | "base" | "asked">): Promise<void> {
    const row = this.row((own) => `amended:${own}`);
    await this.checked(async () => {
      const holdsFrom = this.state.unbegun;
      const { event, plan } = await control.amend({ ...row, ...what, holdsFrom });
      this.state.specs.push({ specDigest: event.specDigest, holdsFrom: event.holdsFrom, plan });
      return event;
    });
  }

  /** A row that its activity may refuse. */
  private async checked(write: () => Promise<LedgerEvent>): Promise<void> {
    try {
      await this.inTurn(write);
    } catch (error) {
      // Its code tells the operator what to do; in the activity's failure it would be hidden.
      const { code, message } = failureOf(error);
      throw ApplicationFailure.create({ type: code, message, nonRetryable: true, cause: error as Error });
    }
  }

  private async inTurn(write: () => Promise<LedgerEvent | undefined>): Promise<void> {
    const written = this.last.then(async () => {
      const event = await write();
      if (event) applyEvent(this.state.standing, event);
    });
    this.last = written.catch(() => undefined);
    await written;
  }

  private row(idBy: (own: string) => string): Omit<AppendInput, "event"> {
    const { runId } = workflowInfo();
    return {
      campaign: this.input,
      epoch: this.state.opened.epoch,
      id: idBy(currentUpdateInfo()?.id ?? runId),
      by: `workflow:${runId}`,
    };
  }
}
