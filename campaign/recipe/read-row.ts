// The one reader of rows: checks a parsed row by its kind (row-schema.ts). A refusal has file, line, value
// and the accepted values. A column or a field of a message that nothing reads is refused, because training
// without it may not be what the file means (`tools`, `weight`, `reasoning_content`); the spec's `ignore`
// leaves it out.
import type { z } from "zod";
import { RatchetError } from "../../errors/index.ts";
import type { RawRow } from "../rows/json-lines.ts";
import { pathText, valueAt, wrongValue } from "../spec/wording.ts";
import { isRecord, unreadNames, withoutNames } from "./row-columns.ts";
import type { Unread } from "./row-columns.ts";
import { ROW_KINDS } from "./row-schema.ts";
import type { RowKind, RowOf } from "./row-schema.ts";

export interface RowSource {
  /** Path as the user wrote it, for messages. */
  file: string;
  /** Columns, and fields of messages, to leave out. */
  ignore?: readonly string[];
  /** What the user writes to leave these out. Absent where nothing can. */
  leaveOut?: (names: readonly string[]) => string;
}

export function readRow<K extends RowKind>(kind: K, raw: RawRow, source: RowSource): RowOf<K> {
  const { row, unread } = parsed(kind, raw, source);
  if (unread) throw unreadRefusal(kind, raw.line, unread, unread.names, source);
  return row;
}

/** Rows of a whole file. The refusal of unread columns names those of all rows. */
export async function readRows<K extends RowKind>(
  kind: K,
  raws: AsyncIterable<RawRow>,
  source: RowSource,
): Promise<{ line: number; row: RowOf<K> }[]> {
  const rows: { line: number; row: RowOf<K> }[] = [];
  const names = new Set<string>();
  let first: { line: number; unread: Unread } | undefined;
  for await (const raw of raws) {
    const { row, unread } = parsed(kind, raw, source);
    unread?.names.forEach((name) => names.add(name));
    if (unread) first ??= { line: raw.line, unread };
    else if (!first) rows.push({ line: raw.line, row });
  }
  if (first) throw unreadRefusal(kind, first.line, first.unread, [...names], source);
  return rows;
}

/** Rows that a module made: their shape is checked already (`rowFault`). */
export function readModuleRows<K extends RowKind>(
  kind: K,
  values: readonly unknown[],
  { file, ignore = [], leaveOut }: RowSource,
): RowOf<K>[] {
  return values.map((value, i) => {
    const { found, row, unread } = checked(kind, value, ignore);
    if (found.success && !unread) return found.data;
    const fault = found.success ? unread!.text : faultOf(found.error.issues, row);
    throw new RatchetError("module_bad_result", `${file} answered for row ${i}: ${fault}`, {
      hint: unread && leaveOut?.([...ignore, ...unread.names]),
    });
  });
}

/** The fault of a row that is not from a file; undefined if there is none. Unread columns are none. */
export function rowFault(kind: RowKind, value: unknown): string | undefined {
  const { found, row } = checked(kind, value);
  return found.success ? undefined : faultOf(found.error.issues, row);
}

function parsed<K extends RowKind>(
  kind: K,
  { line, value }: RawRow,
  { file, ignore = [], leaveOut }: RowSource,
): { row: RowOf<K>; unread: Unread | undefined } {
  const { code = "row_invalid", hint } = ROW_KINDS[kind];
  const { found, row, unread } = checked(kind, value, ignore);
  if (found.success) return { row: found.data, unread };
  const faults = [unread?.text, faultOf(found.error.issues, row)].filter((text) => text !== undefined);
  const hints = [hint, unread && leaveOut?.([...ignore, ...unread.names])].filter(
    (text) => text !== undefined,
  );
  throw new RatchetError(code, `${file}:${line}: ${faults.join("; ")}`, {
    file,
    line,
    hint: hints.length > 0 ? hints.join("; ") : undefined,
  });
}

/** The row that is read of `value`, and the schema's answer. */
function checked<K extends RowKind>(kind: K, value: unknown, ignore: readonly string[] = []) {
  const { schema, columns, before } = ROW_KINDS[kind];
  const given = withoutNames(value, ignore);
  const row = before && isRecord(given) ? before(given) : given;
  const found = (schema as z.ZodType<RowOf<K>>).safeParse(row);
  return { found, row, unread: unreadNames(row, columns) };
}

function unreadRefusal(
  kind: RowKind,
  line: number,
  { text }: Unread,
  names: readonly string[],
  { file, ignore = [], leaveOut }: RowSource,
): RatchetError {
  const { code = "row_invalid", hint } = ROW_KINDS[kind];
  return new RatchetError(code, `${file}:${line}: ${text}`, {
    file,
    line,
    hint: leaveOut?.([...ignore, ...names]) ?? hint,
  });
}

function faultOf(issues: readonly z.core.$ZodIssue[], value: unknown): string {
  const issue = issues[0]!;
  if (issue.code === "custom" && issue.path.length === 0) return `the row ${issue.message}`;
  return wrongValue(pathText(issue.path) || "the row", valueAt(value, issue.path), issue.message);
}
