// Writes questions or labels as text, piece by piece, for a file of any size.
import type { Label } from "../../campaign/labeling/types.ts";
import type { Store } from "../../store/types.ts";
import type { Decided } from "../decided.ts";
import { comparisonsOf, readSeal } from "../questionnaires.ts";
import type { Questionnaire } from "../questionnaires.ts";
import { byRowName, isWithdrawn, labelsAt, newest, readLabels, stateOf, toShow } from "../standing.ts";
import { sealedRows } from "../seal-rows.ts";
import type { LabelFormat } from "./file.ts";
import { taskOf } from "./label-studio.ts";
import { labelLine, questionLine } from "./ours.ts";

export interface ExportOptions {
  format: LabelFormat;
  /** `questions` writes comparisons, `labels` the newest label of each slot and extra in any state. */
  what: "questions" | "labels";
}

export async function* exportText(
  store: Store,
  questionnaires: readonly Questionnaire[],
  decided: Decided,
  { format, what }: ExportOptions,
): AsyncGenerator<string> {
  let rows = 0;
  for (const questionnaire of questionnaires) {
    const objects =
      format === "ratchet"
        ? what === "questions"
          ? questions(store, questionnaire)
          : labelLines(store, questionnaire, decided)
        : tasks(store, questionnaire, decided, what);
    for await (const row of objects) {
      const text = JSON.stringify(row);
      yield format === "ratchet" ? `${text}\n` : `${rows === 0 ? "[" : ","}\n${text}`;
      rows += 1;
    }
  }
  if (format === "label-studio") yield rows === 0 ? "[]\n" : "\n]\n";
}

async function* questions(store: Store, questionnaire: Questionnaire): AsyncGenerator<object> {
  for await (const row of comparisonsOf(store, questionnaire)) yield questionLine(questionnaire, row);
}

async function* labelLines(
  store: Store,
  questionnaire: Questionnaire,
  { repairs, withdrawn }: Decided,
): AsyncGenerator<object> {
  const seal = await readSeal(store, questionnaire, repairs);
  const rows = seal && byRowName(await sealedRows(store, seal));
  const labels = toShow(questionnaire, await labelsAt(store, questionnaire), { sealed: rows, withdrawn });
  for await (const stored of readLabels(store, questionnaire, labels)) {
    const state = stateOf(stored, rows, withdrawn);
    yield labelLine(questionnaire, stored, { state, withdrawn: isWithdrawn(stored, withdrawn) });
  }
}

async function* tasks(
  store: Store,
  questionnaire: Questionnaire,
  { withdrawn }: Decided,
  what: ExportOptions["what"],
): AsyncGenerator<object> {
  const byComparison = new Map<number, Label[]>();
  if (what === "labels")
    for await (const stored of readLabels(
      store,
      questionnaire,
      newest(await labelsAt(store, questionnaire)),
    )) {
      const { label } = stored;
      if (label.choice !== null && !isWithdrawn(stored, withdrawn))
        byComparison.set(label.comparison, [...(byComparison.get(label.comparison) ?? []), label]);
    }
  for await (const row of comparisonsOf(store, questionnaire))
    yield taskOf(questionnaire, row, byComparison.get(row.comparison));
}
