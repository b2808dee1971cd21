// JSON Lines from bytes: the one way in which lines are read, of files and of blobs. Only a line feed ends a
// line (jsonlines.org), not U+2028, U+2029, U+0085, a vertical tab, a form feed or a lone carriage return. A
// carriage return before the line feed is white space of JSON.
import { RatchetError } from "../../errors/index.ts";
import type { Code } from "../../errors/index.ts";
import { parseExactly } from "./exact-row.ts";
import { decodeUtf8, firstBadByte } from "./utf8.ts";

/** A row parsed from JSON, with its line for messages. */
export interface RawRow {
  line: number;
  value: unknown;
}

/** The file or blob that rows are read from, for messages. */
export interface LineSource {
  /** As the user wrote it. */
  file: string;
  /** Code of the refusal of a line. */
  code: Code;
  /** Columns that Parquet files are read without. */
  ignore?: readonly string[];
}

/** A longer line is refused before it is in memory. */
const LINE_BYTES_MAX = 64 * 1024 ** 2;
const LF = 0x0a;
/** White space of JSON. `trim` takes more, such as U+FEFF. */
const BLANK = /^[ \t\r]*$/;

/** Rows of a user's file. Blank lines are skipped. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  source: LineSource,
): AsyncGenerator<RawRow> {
  let line = 1;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      yield* rowOf(joined(held, chunk.subarray(from, end)), line, source);
      line += 1;
      [held, heldBytes, from] = [[], 0, end + 1];
    }
    held.push(chunk.subarray(from));
    heldBytes += chunk.length - from;
    if (heldBytes > LINE_BYTES_MAX)
      throw refusal(source, line, `is longer than ${LINE_BYTES_MAX / 1024 ** 2} MiB`, {
        hint: "a row is one JSON object on a line of its own",
      });
  }
  yield* rowOf(joined(held, new Uint8Array()), line, source);
}

const joined = (held: readonly Uint8Array[], end: Uint8Array): Uint8Array =>
  held.length === 0 ? end : Buffer.concat([...held, end]);

/** The row of a line; none if the line is blank. */
function* rowOf(bytes: Uint8Array, line: number, source: LineSource): Generator<RawRow> {
  const text = decoded(bytes, line, source);
  if (!BLANK.test(text)) yield { line, value: parsed(text, line, source) };
}

function parsed(text: string, line: number, source: LineSource): unknown {
  try {
    return parseExactly(text);
  } catch (cause) {
    const hint = /^[ \t]*\[/.test(text)
      ? "JSON Lines has one object a line: jq -c '.[]' writes a list so"
      : undefined;
    throw refusal(source, line, `is not JSON: ${(cause as Error).message}`, { hint, cause });
  }
}

/** Files from Windows may begin with a byte order mark. */
function decoded(bytes: Uint8Array, line: number, source: LineSource): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) return line === 1 ? text.replace(/^\uFEFF/, "") : text;
  const bad = firstBadByte(bytes);
  const hex = bytes[bad]!.toString(16).padStart(2, "0");
  throw refusal(source, line, `is not UTF-8: byte 0x${hex} at position ${bad + 1} of the line`, {
    hint: line === 1 ? encodingOf(bytes) : "save the file as UTF-8, for example with iconv",
  });
}

/** Known beginnings of files that are not UTF-8. */
function encodingOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0x1f && second === 0x8b) return "it looks like gzip: its name must end in .gz";
  if (decodeUtf8(bytes.subarray(0, 4)) === "PAR1")
    return "it looks like Parquet: its name must end in .parquet";
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return "it looks like UTF-16: save it as UTF-8, for example with iconv";
  return "save the file as UTF-8, for example with iconv";
}

const refusal = (
  { file, code }: LineSource,
  line: number,
  fault: string,
  more: { hint?: string | undefined; cause?: unknown },
): RatchetError => new RatchetError(code, `${file}:${line} ${fault}`, { file, line, ...more });

// ---------------------------------------------------------------- blobs

/** Lines of a blob as bytes, without the empty ones. */
export function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  let from = 0;
  while (from < bytes.length) {
    const found = bytes.indexOf(LF, from);
    const end = found < 0 ? bytes.length : found;
    if (end > from) yield bytes.subarray(from, end);
    from = end + 1;
  }
}

/** Rows of a blob that Ratchet wrote. `name`: for messages. */
export function rowsOfBlob<R>(bytes: Uint8Array, name: string): R[] {
  return [...linesOf(bytes)].map((line, i) => {
    const text = decodeUtf8(line);
    if (text === undefined) throw new RatchetError("rows_invalid", `row ${i + 1} of ${name} is not UTF-8`);
    return JSON.parse(text) as R;
  });
}
