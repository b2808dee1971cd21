// A questionnaire of a campaign that recorded-campaign.ts has written, without computing.
import { placeName, resultKey } from "../../campaign/ids.ts";
import type { ComparisonRow, Given } from "../../campaign/labeling/types.ts";
import type { Facts, LedgerEvent } from "../../campaign/types.ts";
import { decidedBy } from "../../labels/decided.ts";
import { openQuestionnaire } from "../../labels/questionnaires.ts";
import type { Questionnaire, Sealed } from "../../labels/questionnaires.ts";
import { sealQuestionnaire } from "../../labels/seal.ts";
import type { Store } from "../../store/types.ts";

/**
 * Of iteration 2, which the recorded campaign makes next. `texts`, `others`: of the first and the second
 * answers, by comparison. Every fourth comparison, from number 3 on, is of the audit part. Odd ones are of
 * prompt p2.
 */
export async function recordQuestionnaire(
  store: Store,
  campaignId: string,
  {
    count = 8,
    perComparison = 1,
    answers = "",
    openedAt = "2026-01-01T00:00:00.000Z",
    texts = [] as readonly string[],
    others = [] as readonly string[],
    take = 1,
    name = "a",
  } = {},
): Promise<Questionnaire> {
  const rows = Array.from({ length: count }, (_, comparison): ComparisonRow => {
    const [promptId, prompt] = comparison % 2 === 0 ? ["p1", "one?"] : ["p2", "two?"];
    const first = { index: 0, text: texts[comparison] ?? `answer ${comparison}` };
    const other = `${promptId === "p1" ? "other" : "another secret"} ${comparison}`;
    const second = { index: 1, text: others[comparison] ?? other };
    return { comparison, promptId, prompt, first, second, audit: comparison % 4 === 3 ? true : undefined };
  });
  const place = { iteration: 2, take };
  const key = resultKey(campaignId, place, "label", name);
  return openQuestionnaire(store, campaignId, key, {
    version: 1,
    place: placeName(place),
    answers,
    choose: "random",
    seed: "0011223344556677",
    perComparison,
    asked: { comparisons: count, audit: Math.floor(count / 4) },
    identical: 0,
    rows,
    facts: { openedAt } as Facts & { openedAt: string },
  });
}

/** By a ledger without repairs and withdrawals. */
export const NOTHING_DECIDED = decidedBy([]);

/** As the activity seals. */
export const sealNow = (store: Store, questionnaire: Questionnaire): Promise<Sealed> =>
  sealQuestionnaire(store, questionnaire, {
    repairs: NOTHING_DECIDED.repairs,
    withdrawn: async () =>
      decidedBy(await store.ledger(questionnaire.campaignId).follow<LedgerEvent>()).withdrawn,
    facts: {},
  });

export const given = (comparison: number, labeler: string, more: Partial<Given> = {}): Given => ({
  comparison,
  labeler,
  choice: "first",
  at: "2026-01-02T00:00:00.000Z",
  ...more,
});
