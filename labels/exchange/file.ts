// Lines of a file of labels, each checked against its questionnaire.
import { createReadStream } from "node:fs";
import { RatchetError } from "../../errors/index.ts";
import { fileRows } from "../../campaign/rows/file.ts";
import type { RawRow } from "../../campaign/rows/json-lines.ts";
import { faultOf } from "../fault.ts";
import type { Questionnaire } from "../questionnaires.ts";
import { arrayElements } from "./json-array.ts";
import { parseTask } from "./label-studio.ts";
import { parseLine } from "./ours.ts";
import type { ReadLabel } from "./ours.ts";

export type LabelFormat = "ratchet" | "label-studio";

export interface LabelFile {
  /** As the user wrote it, for messages. */
  file: string;
  path: string;
  format: LabelFormat;
  /** Labeler of rows that name none, or of all tasks of Label Studio. */
  labeler?: string | undefined;
}

/** Undefined: a question that nobody answered. Throws label_invalid for a bad line. */
export async function* checkedRows(
  questionnaires: readonly Questionnaire[],
  { file, path, format, labeler }: LabelFile,
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
