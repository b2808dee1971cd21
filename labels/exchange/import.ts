// Imports a file of labels. It is read twice: first every line is checked, so that a bad one is refused
// before anything is written, then the labels are given. A second import of the file changes nothing, and an
// interrupted one is finished by running it again.
import type { Digest } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { Giver } from "../give.ts";
import type { Outcome } from "../give.ts";
import type { AskingQuestionnaire } from "../asking.ts";
import type { Decided } from "../decided.ts";
import { inPool } from "../pool.ts";
import type { Questionnaire } from "../questionnaires.ts";
import { AT_ONCE } from "../standing.ts";
import { checkedRows } from "./file.ts";
import type { LabelFile } from "./file.ts";

export interface ImportOptions extends LabelFile {
  onProgress?: (labels: number) => void;
}

export interface Imported {
  /** Labels in the file. */
  labels: number;
  /** Questions of the file that nobody answered. */
  unanswered: number;
  outcomes: Partial<Record<Outcome, number>>;
}

export async function importLabels(
  store: Store,
  asking: readonly AskingQuestionnaire[],
  decided: Decided,
  options: ImportOptions,
): Promise<Imported> {
  const questionnaires = asking.map(({ questionnaire }) => questionnaire);
  const at = new Date().toISOString();
  const imported = await checkAll(questionnaires, options, at);
  const givers = new Map<Digest, Giver>();
  for (const { questionnaire, asking: now } of asking) {
    const isAbandoned = now === "abandoned";
    const giver = new Giver(store, questionnaire, decided, { skipOlder: true, isAbandoned });
    givers.set(questionnaire.digest, giver);
  }
  const listed = new Map<Digest, Promise<void>>();
  let done = 0;
  await inPool(AT_ONCE, checkedRows(questionnaires, options, at), async (row) => {
    if (!row) return;
    const giver = givers.get(row.questionnaire)!;
    if (!listed.has(row.questionnaire)) listed.set(row.questionnaire, giver.listAll());
    await listed.get(row.questionnaire);
    const outcome = await giver.give(row.given);
    imported.outcomes[outcome] = (imported.outcomes[outcome] ?? 0) + 1;
    options.onProgress?.((done += 1));
  });
  return imported;
}

/** Throws label_invalid for the first bad line. */
async function checkAll(
  questionnaires: readonly Questionnaire[],
  options: ImportOptions,
  now: string,
): Promise<Imported> {
  const imported: Imported = { labels: 0, unanswered: 0, outcomes: {} };
  for await (const row of checkedRows(questionnaires, options, now)) {
    if (row) imported.labels += 1;
    else imported.unanswered += 1;
  }
  return imported;
}
