// Checks the labels of a campaign for `verify`: each is what its seal says, belongs to a questionnaire of the
// campaign, and each row of a questionnaire's seal is a label that exists and says the same.
import { labelsPrefix, parseLabelName } from "../../campaign/ids.ts";
import type { LabelAt } from "../../campaign/ids.ts";
import type { Label, SealRow } from "../../campaign/labeling/types.ts";
import { readLabel } from "../../labels/label.ts";
import { questionnairesOf, readSeal } from "../../labels/questionnaires.ts";
import type { Questionnaire, Repairs } from "../../labels/questionnaires.ts";
import { sealedRows } from "../../labels/seal-rows.ts";
import { byRowName, keyAt, prefixOf, rowName } from "../../labels/standing.ts";
import type { SealedRows } from "../../labels/standing.ts";
import type { Store } from "../../store/types.ts";
import { eachOf } from "../../store/each.ts";
import type { BlobChecker } from "./blob-checker.ts";

interface Known {
  questionnaire: Questionnaire;
  /** Of its seal; undefined if it is open, or if the seal is damaged, which is a problem of its own. */
  rows?: SealedRows | undefined;
}

/** Returns the number of labels. */
export async function checkLabels(
  store: Store,
  campaignId: string,
  repairs: Repairs,
  blobs: BlobChecker,
): Promise<number> {
  const known = new Map<string, Known>();
  const questionnaires = await soundQuestionnaires(store, campaignId, repairs);
  for (const questionnaire of questionnaires ?? [])
    known.set(prefixOf(questionnaire), {
      questionnaire,
      rows: await rowsOf(store, questionnaire, repairs),
    });
  const keys: string[] = [];
  for await (const key of store.backend.list(labelsPrefix(campaignId))) keys.push(key);
  let labels = 0;
  const homeless = new Map<string, string>();
  await eachOf(keys, async (key) => {
    const prefix = /^.*\/[0-9a-f]{64}\//.exec(key)?.[0] ?? "";
    const at = parseLabelName(key.slice(prefix.length));
    if (!at || prefix === "") return;
    labels += 1;
    if (questionnaires && !known.has(prefix)) homeless.set(prefix.slice(-65, -1), key);
    await checkLabel(store, blobs, key, at, known.get(prefix));
  });
  for (const [digest, namedBy] of homeless) {
    const message = `no questionnaire of the campaign has the digest ${digest}`;
    blobs.problems.push({ code: "artifact_missing", what: digest, message, namedBy });
  }
  const present = new Set(keys);
  for (const { questionnaire, rows } of known.values())
    for (const row of rows?.values() ?? []) checkRow(blobs, questionnaire, row, present);
  return labels;
}

/** Undefined if one of them is damaged, which is found where all manifests are read. */
const soundQuestionnaires = (
  store: Store,
  campaignId: string,
  repairs: Repairs,
): Promise<Questionnaire[] | undefined> => questionnairesOf(store, campaignId, repairs).catch(ifDamaged);

const rowsOf = async (
  store: Store,
  questionnaire: Questionnaire,
  repairs: Repairs,
): Promise<SealedRows | undefined> => {
  try {
    const seal = await readSeal(store, questionnaire, repairs);
    return seal && byRowName(await sealedRows(store, seal));
  } catch (error) {
    return ifDamaged(error);
  }
};

function ifDamaged(error: unknown): undefined {
  if ((error as { kind?: string }).kind !== "artifact") throw error;
}

async function checkLabel(
  store: Store,
  blobs: BlobChecker,
  key: string,
  at: LabelAt,
  known: Known | undefined,
): Promise<void> {
  const row = typeof at.slot === "number" ? known?.rows?.get(rowName(at.comparison, at.slot)) : undefined;
  const counts = row?.revision === at.revision ? row : undefined;
  const namedBy = counts && sealName(known!.questionnaire);
  try {
    const label = await readLabel(store.backend, key);
    const fault = label && known && faultOf(label, at, known, counts);
    if (fault)
      blobs.problems.push({ code: "artifact_corrupt", what: key, message: `${key} ${fault}`, namedBy });
  } catch (error) {
    blobs.report(error, key, namedBy);
  }
}

function faultOf(label: Label, at: LabelAt, known: Known, row: SealRow | undefined): string | undefined {
  const { digest, result } = known.questionnaire;
  const isItsOwn =
    label.questionnaire === digest &&
    label.comparison === at.comparison &&
    label.revision === at.revision &&
    (typeof at.slot === "number" ? label.slot === at.slot : label.labeler === at.slot.extra);
  if (!isItsOwn || at.comparison >= result.count) return "is not the label that its key says";
  if (row && (row.choice !== label.choice || row.strength !== label.strength))
    return `says ${label.choice}, but the seal lists it as ${row.choice}`;
  return undefined;
}

function checkRow(
  blobs: BlobChecker,
  questionnaire: Questionnaire,
  { comparison, slot, revision }: SealRow,
  keys: ReadonlySet<string>,
): void {
  const key = keyAt(questionnaire, { comparison, slot, revision });
  if (keys.has(key)) return;
  const namedBy = sealName(questionnaire);
  blobs.problems.push({ code: "artifact_missing", what: key, message: `the label ${key} is gone`, namedBy });
}

const sealName = ({ place, digest }: Questionnaire): string =>
  `the seal of questionnaire ${digest.slice(0, 12)} of ${place}`;
