// The columns of a row and the fields of its messages: which of them nothing reads, and a row without those
// that are left out.
import { MESSAGE_FIELDS } from "./row-schema.ts";

type Fields = Record<string, unknown>;

export interface Unread {
  /** Each once, columns first. */
  names: string[];
  /** `unknown column "a"; known: …` */
  text: string;
}

export const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The row without the columns and the messages' fields in `ignore`. A null is left out as well: data sets
 * with columns of their own in some rows have nulls in the others.
 */
export function withoutNames(row: unknown, ignore: readonly string[]): unknown {
  if (!isRecord(row)) return row;
  const isRead = (name: string, value: unknown): boolean =>
    value !== null && value !== undefined && !ignore.includes(name);
  const message = (turn: unknown): unknown =>
    isRecord(turn)
      ? filtered(turn, (name, value) => MESSAGE_FIELDS.includes(name) || isRead(name, value))
      : turn;
  return Object.fromEntries(
    Object.entries(filtered(row, isRead)).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(message) : value,
    ]),
  );
}

/** `fromEntries` also copies a column with the name `__proto__`. */
const filtered = (fields: Fields, keep: (name: string, value: unknown) => boolean): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name, value]) => keep(name, value)));

/** What `columns` lacks of a row; undefined if nothing. */
export function unreadNames(row: unknown, columns: readonly string[]): Unread | undefined {
  if (!isRecord(row)) return undefined;
  const unknown = Object.keys(row).filter((name) => !columns.includes(name));
  const fields = Object.entries(row)
    .filter(([name]) => columns.includes(name))
    .flatMap(([name, value]) => (Array.isArray(value) ? unreadFields(name, value) : []));
  if (unknown.length + fields.length === 0) return undefined;
  const [field] = fields;
  const texts = [
    unknown.length > 0 ? `unknown column ${listed(unknown)}; known: ${columns.join(", ")}` : [],
    field ? `unknown field ${listed(field.names)} of ${field.at}; known: ${MESSAGE_FIELDS.join(", ")}` : [],
  ].flat();
  return {
    names: [...new Set([...unknown, ...fields.flatMap(({ names }) => names)])],
    text: texts.join("; "),
  };
}

/** Of the messages of one column. */
function unreadFields(column: string, turns: readonly unknown[]): { at: string; names: string[] }[] {
  return turns
    .map((turn, i) => ({
      at: `${column}[${i}]`,
      names: isRecord(turn) ? Object.keys(turn).filter((name) => !MESSAGE_FIELDS.includes(name)) : [],
    }))
    .filter(({ names }) => names.length > 0);
}

const listed = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(", ");
