// Control messages of a campaign: Temporal updates, each refused by the campaign's state or written to the
// ledger before it acts.
import { ApplicationFailure, condition, setHandler } from "@temporalio/workflow";
import { amend, cancel, pause, resume, rollback } from "./messages.ts";
import type { ControlReply, ControlRequest, ControlVerb } from "./messages.ts";
import type { CampaignState } from "./state.ts";

const UPDATES = { pause, resume, cancel, rollback, amend };

/** `current`: undefined until the ledger is open. */
export function handleControls(
  current: () => CampaignState | undefined,
  acts: Record<ControlVerb, (request: ControlRequest) => Promise<void>>,
): void {
  for (const verb of Object.keys(UPDATES) as ControlVerb[]) {
    const refuse = (request: ControlRequest): void => {
      const refusal = current()?.refusal(verb, request);
      if (refusal) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
    };
    const handler = async (request: ControlRequest): Promise<ControlReply> => {
      await condition(() => current() !== undefined);
      refuse(request);
      await acts[verb](request);
      const { status, pausing } = current()!.standing;
      return pausing ? { status, pausingAfter: pausing.after } : { status };
    };
    // A validator refuses without leaving an event in history, so what can be refused already is refused
    // here.
    setHandler(UPDATES[verb], handler, { validator: refuse });
  }
}
