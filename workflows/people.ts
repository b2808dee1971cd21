// Waits for people's labels. They arrive in the store, whoever is running; a signal says that some have
// arrived, and a slow timer looks all the same, because who labels may not reach Temporal.
import {
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { LabelInput, LabelsCounted } from "../activities/label-contract.ts";
import { placeName } from "../campaign/ids.ts";
import { labelsGiven, labelsShort } from "./messages.ts";
import { control } from "./options.ts";

/** Six looks an hour: three days of waiting are about 4,000 events, and then the place continues as new. */
const LOOK_MS = 10 * 60_000;

export class People {
  private news = false;

  constructor() {
    setHandler(labelsGiven, () => {
      this.news = true;
    });
  }

  /** Returns when the questionnaire may be closed. `rest`: called while nothing runs. */
  async wait(input: LabelInput, rest: () => Promise<void>): Promise<void> {
    for (;;) {
      await rest();
      this.news = false;
      const counted = await control.countLabels(input);
      if (counted.state === "closed") return;
      if (counted.state === "short") await tellShort(input, counted);
      const leftMs = counted.leftMs ?? LOOK_MS;
      await condition(() => this.news, Math.max(1, Math.min(LOOK_MS, leftMs)));
    }
  }
}

/** The campaign writes the row and pauses this place, which cancels the wait. */
async function tellShort(input: LabelInput, { missing }: LabelsCounted): Promise<void> {
  const { trained = 0, minimum = 0, extendedMs = 0 } = missing ?? {};
  const place = placeName(input.place);
  const why =
    `labels_short: in ${place}, ${trained} of at least ${minimum} comparisons to train on have a label; ` +
    "resume with --extend <time> or --accept";
  const { parent } = workflowInfo();
  // `repair` runs a place by itself.
  if (!parent) throw ApplicationFailure.nonRetryable(why, "labels_short");
  await getExternalWorkflowHandle(parent.workflowId).signal(labelsShort, { place, why, extendedMs });
}
