// Rows of one prompt in a blob of JSON Lines.
import { linesOf } from "../../campaign/rows/json-lines.ts";
import { decodeUtf8 } from "../../campaign/rows/utf8.ts";
import { canonicalJson } from "../../store/index.ts";

type RowLike = Record<string, unknown>;

/**
 * Number of rows of the prompt, and the bytes of the other rows, unchanged. `contents`: the prompt's text as
 * canonical JSON, for rows without ids.
 */
export function withoutPrompt(
  bytes: Uint8Array,
  promptId: string,
  contents: ReadonlySet<string>,
): { rows: number; rest: Uint8Array } {
  if (bytes[0] !== 0x7b /* { */) return { rows: 0, rest: new Uint8Array() };
  const lines = [...linesOf(bytes)];
  const rest = lines.filter((line) => !isOf(parsed(line), promptId, contents));
  if (rest.length === lines.length) return { rows: 0, rest: new Uint8Array() };
  const end = Buffer.from("\n");
  return { rows: lines.length - rest.length, rest: Buffer.concat(rest.flatMap((line) => [line, end])) };
}

function isOf(row: RowLike | undefined, promptId: string, contents: ReadonlySet<string>): boolean {
  if (!row) return false;
  if ([row["promptId"], row["prompt_id"], row["id"]].includes(promptId)) return true;
  const content = row["prompt"] ?? row["messages"];
  return content !== undefined && contents.has(canonicalJson(content));
}

/** Rows of a blob that may hold anything: without lines that are no JSON object. */
export const objectsOf = (bytes: Uint8Array): RowLike[] =>
  [...linesOf(bytes)].map(parsed).filter((row) => row !== undefined);

function parsed(line: Uint8Array): RowLike | undefined {
  try {
    const value: unknown = JSON.parse(decodeUtf8(line) ?? "");
    return value !== null && typeof value === "object" ? (value as RowLike) : undefined;
  } catch {
    return undefined;
  }
}
