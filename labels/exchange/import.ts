// Imports a file of labels. It is read twice: first every line is checked, so that a bad one is refused
// before anything is written, then the labels are given. A second import of the file changes nothing, and an
// interrupted one is finished by running it again.
import { createReadStream } from "node:fs";
import { RatchetError } from "../../errors/index.ts";
import { fileRows } from "../../campaign/rows/file.ts";
import type { RawRow } from "../../campaign/rows/json-lines.ts";
import type { Digest } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { faultOf } from "../fault.ts";
import { Giver } from "../give.ts";
import type { Outcome } from "../give.ts";
import type { AskingQuestionnaire } from "../asking.ts";
import type { Decided } from "../decided.ts";
import { inPool } from "../pool.ts";
import type { Questionnaire } from "../questionnaires.ts";
import { AT_ONCE } from "../standing.ts";
import { arrayElements } from "./json-array.ts";
import { parseTask } from "./label-studio.ts";
import { parseLine } from "./ours.ts";
import type { ReadLabel } from "./ours.ts";

export type LabelFormat = "ratchet" | "label-studio";

export interface ImportOptions {
  /** As the user wrote it, for messages. */
  file: string;
  path: string;
  format: LabelFormat;
  /** Labeler of rows that name none, or of all tasks of Label Studio. */
  labeler?: string | undefined;
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

/** Undefined: a question that nobody answered. */
async function* checkedRows(
  questionnaires: readonly Questionnaire[],
  { file, path, format, labeler }: ImportOptions,
  now: string,
): AsyncGenerator<ReadLabel | undefined> {
  const byDigest = new Map(questionnaires.map((questionnaire) => [questionnaire.digest, questionnaire]));
  const seen = new Set<string>();
  for await (const { line, value } of rowsOf(path, file, format)) {
    const refuse = (fault: string): never => {
      throw new RatchetError("label_invalid", `${file}:${line} ${fault}`, { file, line });
    };
    const parsed = (format === "ratchet" ? parseLine : parseTask)(value, { labeler, now });
    if (typeof parsed === "string") return refuse(parsed);
    if (parsed === undefined || (Array.isArray(parsed) && parsed.length === 0)) yield undefined;
    for (const row of [parsed ?? []].flat()) {
      const questionnaire = byDigest.get(row.questionnaire);
      if (!questionnaire)
        return refuse(`names the questionnaire ${row.questionnaire}, which is not of this campaign`);
      const fault = faultOf(questionnaire, row.given);
      if (fault) return refuse(fault);
      const { comparison, labeler: by } = row.given;
      const name = `${row.questionnaire.slice(0, 16)}/${comparison}/${by}`;
      // Without times nobody knows which of two labels is the newer one.
      if (seen.has(name) && !row.timed)
        return refuse(`labels comparison ${comparison} by ${by} a second time, without a time (at)`);
      seen.add(name);
      yield row;
    }
  }
}

function rowsOf(path: string, file: string, format: LabelFormat): AsyncGenerator<RawRow> {
  if (format === "ratchet") return fileRows(path, { file, code: "label_invalid" });
  return arrayElements(readable(path, file), file);
}

async function* readable(path: string, file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const missing = code === "ENOENT";
    const why = missing ? `${file} cannot be read` : `${file} cannot be read: ${message}`;
    throw new RatchetError(missing ? "file_missing" : "file_unreadable", why, { file, cause });
  }
}
