// Closing a questionnaire. The first seal wins, and a label counts if and only if the seal lists it: a label
// that arrives while the seal is made is either in it or late.
import type { SealResult, SealRow } from "../campaign/labeling/types.ts";
import { formatRows } from "../campaign/recipe/rows.ts";
import type { Store } from "../store/types.ts";
import type { Withdrawn } from "./decided.ts";
import { currentSealKey, readSeal } from "./questionnaires.ts";
import type { LabelManifest, Questionnaire, Repairs, Sealed } from "./questionnaires.ts";
import { rowsAgain } from "./seal-again.ts";
import type { RecordedSeal } from "./seal-again.ts";
import { countingRows, sealOf } from "./seal-rows.ts";

export interface Sealing {
  repairs: Repairs;
  /** By the ledger now. It is asked again after the labels were read, because that may take minutes. */
  withdrawn: () => Promise<Withdrawn>;
  /** The seal that the ledger names, if the place has finished: a repair makes this one again. */
  recorded?: RecordedSeal | undefined;
  facts: object;
}

/** Adopts the seal of an earlier attempt, or of anybody else. */
export async function sealQuestionnaire(
  store: Store,
  questionnaire: Questionnaire,
  { repairs, withdrawn, recorded, facts }: Sealing,
): Promise<Sealed> {
  const sealed = await readSeal(store, questionnaire, repairs);
  if (sealed) return sealed;
  const again = recorded && (await rowsAgain(store, questionnaire, recorded));
  const rows = again ?? (await rowsNow(store, questionnaire, withdrawn));
  const labels = await store.putBlob(formatRows(rows));
  const committed = await store.commitManifest<LabelManifest<SealResult>>(
    currentSealKey(questionnaire.campaignId, questionnaire.place, questionnaire.digest, repairs),
    { schema: "ratchet.label/1", result: sealOf(questionnaire, rows), facts },
    [labels],
  );
  return { digest: committed.digest, result: committed.manifest.result };
}

/** Rows of a seal, by a ledger that withdrew nothing while the labels were read. */
async function rowsNow(
  store: Store,
  questionnaire: Questionnaire,
  ask: Sealing["withdrawn"],
): Promise<SealRow[]> {
  let withdrawn = await ask();
  for (;;) {
    const rows = await countingRows(store, questionnaire, withdrawn);
    const later = await ask();
    if (later.size === withdrawn.size) return rows;
    withdrawn = later;
  }
}
