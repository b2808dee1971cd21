// Notes of labelers may quote the prompt or its answers. `erase` writes the labels of the prompt's
// comparisons again without them; choices stay, because seals list them.
import { canonicalJson } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { promptContent } from "../../campaign/recipe/rows.ts";
import { repairsOf } from "../../campaign/rules.ts";
import { replaceLabel } from "../../labels/label.ts";
import { comparisonsOf, questionnairesOf } from "../../labels/questionnaires.ts";
import { keyAt, labelsAt, readLabels } from "../../labels/standing.ts";
import { readRows } from "../record/rows.ts";

/** Called before the comparisons are erased, because afterwards nobody knows which labels are theirs. */
export async function eraseNotes(
  store: Store,
  campaignId: string,
  promptId: string,
  contents: ReadonlySet<string>,
): Promise<void> {
  const { rows } = await readRows(store, campaignId);
  for (const questionnaire of await questionnairesOf(store, campaignId, repairsOf(rows))) {
    const asked = new Set<number>();
    for await (const row of comparisonsOf(store, questionnaire))
      if (row.promptId === promptId || contents.has(canonicalJson(promptContent(row))))
        asked.add(row.comparison);
    const labels = (await labelsAt(store, questionnaire)).filter(({ comparison }) => asked.has(comparison));
    for await (const { at, label } of readLabels(store, questionnaire, labels)) {
      const { note, ...rest } = label;
      if (note !== undefined) await replaceLabel(store.backend, keyAt(questionnaire, at), rest);
    }
  }
}
