// What the ledger of a campaign decides about its labels.
import { withdrawnLabels } from "../campaign/labeling/ledger-rules.ts";
import { repairsOf } from "../campaign/rules.ts";
import type { Digest, LedgerEvent } from "../campaign/types.ts";
import { labelName } from "../campaign/ids.ts";
import type { LabelAt } from "../campaign/ids.ts";
import type { Repairs } from "./questionnaires.ts";

/** Labels that rows of the ledger withdraw, by `nameOf`. */
export type Withdrawn = ReadonlySet<string>;

export interface Decided {
  repairs: Repairs;
  withdrawn: Withdrawn;
}

/** `rows`: of the ledger, all or the first ones. */
export const decidedBy = (rows: readonly { event: LedgerEvent }[]): Decided => ({
  repairs: repairsOf(rows),
  withdrawn: withdrawnLabels(rows),
});

/** Of one revision; no other label of the campaign has the same name. */
export const nameOf = (questionnaire: Digest, at: LabelAt): string => `${questionnaire}/${labelName(at)}`;
