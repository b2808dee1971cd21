// Rows of one prompt in a blob of JSON Lines.
import { canonicalJson } from "../../store/index.ts";

type RowLike = Record<string, unknown>;

/**
 * Number of rows of the prompt, and the other rows unchanged. `contents`: the prompt's text as canonical
 * JSON, for rows without ids.
 */
export function withoutPrompt(
  bytes: Uint8Array,
  promptId: string,
  contents: ReadonlySet<string>,
): { rows: number; rest: string } {
  if (bytes[0] !== 0x7b /* { */) return { rows: 0, rest: "" };
  const lines = linesOf(bytes);
  const rest = lines.filter(({ row }) => !isOf(row, promptId, contents));
  if (rest.length === lines.length) return { rows: 0, rest: "" };
  return { rows: lines.length - rest.length, rest: rest.map(({ line }) => `${line}\n`).join("") };
}

function isOf(row: RowLike | undefined, promptId: string, contents: ReadonlySet<string>): boolean {
  if (!row) return false;
  if ([row["promptId"], row["prompt_id"], row["id"]].includes(promptId)) return true;
  const content = row["prompt"] ?? row["messages"];
  return content !== undefined && contents.has(canonicalJson(content));
}

/** `row`: undefined for a line that is no JSON object. */
export function linesOf(bytes: Uint8Array): { line: string; row: RowLike | undefined }[] {
  return new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({ line, row: parsed(line) }));
}

function parsed(line: string): RowLike | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === "object" ? (value as RowLike) : undefined;
  } catch {
    return undefined;
  }
}
