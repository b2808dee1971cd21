// Known answers: a file of labels whose choices somebody vouches for. They are compared with the labels in
// the store, and never become labels.
import { RatchetError } from "../../errors/index.ts";
import type { Choice } from "../../campaign/labeling/types.ts";
import type { Digest } from "../../campaign/types.ts";
import type { Questionnaire } from "../questionnaires.ts";
import { checkedRows } from "./file.ts";
import type { LabelFile } from "./file.ts";

/** Right choices by questionnaire and comparison. Throws label_invalid. */
export async function readKnown(
  questionnaires: readonly Questionnaire[],
  { file, path }: Pick<LabelFile, "file" | "path">,
): Promise<ReadonlyMap<Digest, ReadonlyMap<number, Choice>>> {
  const known = new Map<Digest, Map<number, Choice>>();
  const options = { file, path, format: "ratchet", labeler: "known" } as const;
  for await (const row of checkedRows(questionnaires, options, new Date().toISOString())) {
    if (!row?.given.choice) continue;
    const { comparison, choice } = row.given;
    const choices = known.get(row.questionnaire) ?? new Map<number, Choice>();
    if ((choices.get(comparison) ?? choice) !== choice)
      throw new RatchetError("label_invalid", `${file} gives two answers to comparison ${comparison}`, {
        file,
      });
    known.set(row.questionnaire, choices.set(comparison, choice));
  }
  return known;
}
