// The one reader of rows: checks a parsed row by its kind (row-schema.ts). A refusal has file, line, value
// and the accepted values.
import type { z } from "zod";
import { RatchetError } from "../../errors/index.ts";
import { pathText, valueAt, wrongValue } from "../spec/wording.ts";
import { ROW_KINDS } from "./row-schema.ts";
import type { RowKind, RowOf } from "./row-schema.ts";

/** A row parsed from JSON, with its line for messages. */
export interface RawRow {
  line: number;
  value: unknown;
}

/** `file`: path as the user wrote it, for messages. */
export function readRow<K extends RowKind>(kind: K, { line, value }: RawRow, file: string): RowOf<K> {
  const { schema, code = "row_invalid", hint } = ROW_KINDS[kind];
  const parsed = (schema as z.ZodType<RowOf<K>>).safeParse(value);
  if (parsed.success) return parsed.data;
  const fault = faultOf(kind, parsed.error.issues, value);
  throw new RatchetError(code, `${file}:${line}: ${fault}`, { file, line, hint });
}

/** The fault of a row that is not from a file; undefined if there is none. */
export function rowFault(kind: RowKind, value: unknown): string | undefined {
  const parsed = ROW_KINDS[kind].schema.safeParse(value);
  return parsed.success ? undefined : faultOf(kind, parsed.error.issues, value);
}

function faultOf(kind: RowKind, issues: readonly z.core.$ZodIssue[], value: unknown): string {
  const issue = issues[0]!;
  if (issue.code === "unrecognized_keys")
    return `unknown column ${JSON.stringify(issue.keys[0])}; known: ${ROW_KINDS[kind].columns.join(", ")}`;
  if (issue.code === "custom" && issue.path.length === 0) return `the row ${issue.message}`;
  return wrongValue(pathText(issue.path) || "the row", valueAt(value, issue.path), issue.message);
}
