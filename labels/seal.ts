// Closing a questionnaire. The first seal wins, and a label counts if and only if the seal lists it: a label
// that arrives while the seal is made is either in it or late.
import type { SealResult } from "../campaign/labeling/types.ts";
import { formatRows } from "../campaign/recipe/rows.ts";
import type { Store } from "../store/types.ts";
import type { Withdrawn } from "./decided.ts";
import { currentSealKey, readSeal } from "./questionnaires.ts";
import type { LabelManifest, Questionnaire, Repairs, Sealed } from "./questionnaires.ts";
import { listedAgain } from "./seal-again.ts";
import type { RecordedSeal } from "./seal-again.ts";
import { countingRows, sealOf, withdrawnElsewhere } from "./seal-rows.ts";
import type { Listed } from "./seal-rows.ts";

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
  const again = recorded && (await listedAgain(store, questionnaire, recorded));
  const listed = again ?? (await listedNow(store, questionnaire, withdrawn));
  const { rows, withdrawn: elsewhere } = listed;
  const lists = elsewhere.length === 0 ? [rows] : [rows, elsewhere];
  const blobs = await Promise.all(lists.map((list) => store.putBlob(formatRows(list))));
  const committed = await store.commitManifest<LabelManifest<SealResult>>(
    currentSealKey(questionnaire.campaignId, questionnaire.place, questionnaire.digest, repairs),
    { schema: "ratchet.label/1", result: sealOf(questionnaire, listed), facts },
    blobs,
  );
  return { digest: committed.digest, result: committed.manifest.result };
}

/** By a ledger that withdrew nothing while the labels were read. */
async function listedNow(
  store: Store,
  questionnaire: Questionnaire,
  ask: Sealing["withdrawn"],
): Promise<Listed> {
  let withdrawn = await ask();
  for (;;) {
    const rows = await countingRows(store, questionnaire, withdrawn);
    const later = await ask();
    if (later.size === withdrawn.size)
      return { rows, withdrawn: withdrawnElsewhere(questionnaire, withdrawn) };
    withdrawn = later;
  }
}
