// Whether a questionnaire still asks: until it is sealed, or until the campaign can no longer seal it.
import { iterationOf } from "../campaign/ids.ts";
import { currentPlace } from "../campaign/rules.ts";
import type { Standing } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";
import { readSeal } from "./questionnaires.ts";
import type { Questionnaire, Repairs } from "./questionnaires.ts";

/**
 * `abandoned`: the campaign is past its place, as after a rollback, or has opened another in its place, as
 * after an upgrade that changed the answers.
 */
export type Asking = "open" | "closed" | "abandoned";

export interface AskingQuestionnaire {
  questionnaire: Questionnaire;
  asking: Asking;
}

/** `isSealed`: of one that is known to be sealed; a seal is final, so nobody need look for it again. */
export async function askingOf(
  store: Store,
  questionnaires: readonly Questionnaire[],
  standing: Standing,
  repairs: Repairs,
  isSealed: (questionnaire: Questionnaire) => boolean = () => false,
): Promise<AskingQuestionnaire[]> {
  const closed = new Set<Questionnaire>();
  for (const one of questionnaires)
    if (isSealed(one) || (await readSeal(store, one, repairs))) closed.add(one);
  return questionnaires.map((questionnaire) => {
    if (closed.has(questionnaire)) return { questionnaire, asking: "closed" };
    const isReplaced = questionnaires.some(
      (other) => isOfSamePlace(other, questionnaire) && (closed.has(other) || isNewer(other, questionnaire)),
    );
    const asking = isReplaced || isPast(questionnaire, standing) ? "abandoned" : "open";
    return { questionnaire, asking };
  });
}

function isPast({ place }: Questionnaire, standing: Standing): boolean {
  const at = iterationOf(place);
  const now = currentPlace(standing);
  return at !== undefined && (at.iteration < now.iteration || at.take < now.take);
}

const isOfSamePlace = (one: Questionnaire, other: Questionnaire): boolean =>
  one !== other && one.place === other.place;

/** Opened by a later version of the stage, or later. */
const isNewer = (one: Questionnaire, other: Questionnaire): boolean =>
  (one.result.version - other.result.version || Date.parse(one.openedAt) - Date.parse(other.openedAt)) > 0;
