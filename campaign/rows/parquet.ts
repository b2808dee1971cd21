// Rows of a Parquet file as the rows of JSON Lines would be: one row group in memory, a number as an id as
// its digits, bytes that are not UTF-8 refused, never replaced.
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { parquetScan } from "hyparquet";
import type { AsyncBuffer, DecodedArray, ParquetParsers, ParquetRowRange, ParquetScan } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { RatchetError } from "../../errors/index.ts";
import { NAMES } from "./exact-row.ts";
import type { LineSource, RawRow } from "./json-lines.ts";
import { decodeUtf8 } from "./utf8.ts";

/** A larger row group does not fit in memory, because it is read whole. */
const ROW_GROUP_BYTES_MAX = 1024 ** 3;

/** Text that is not UTF-8 stays bytes, which `valueOf` refuses with the row. */
const parsers: Partial<ParquetParsers> = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && (decodeUtf8(bytes) ?? bytes),
  jsonFromBytes: (bytes: Uint8Array | undefined) => bytes && (decodeUtf8(bytes) ?? bytes),
};

/** `line` of a row is its number in the file, from 1. */
export async function* parquetRows(path: string, source: LineSource): AsyncGenerator<RawRow> {
  const handle = await open(path, "r");
  try {
    const scan = await parquetScan({ file: await bufferOf(handle), compressors, parsers }).catch(
      (cause: unknown) => {
        throw damaged(source, "it is no whole Parquet file", cause);
      },
    );
    const left = new Set(source.ignore);
    const columns = columnsOf(scan).filter((name) => !left.has(name));
    refuseLarge(scan, columns, source);
    for (const range of scan.ranges) yield* rowsOf(scan, columns, range, source);
  } finally {
    await handle.close();
  }
}

/** The columns of one row group, then its rows one by one. */
async function* rowsOf(
  scan: ParquetScan,
  columns: readonly string[],
  range: ParquetRowRange,
  source: LineSource,
): AsyncGenerator<RawRow> {
  const values: DecodedArray[] = [];
  for (const column of columns) values.push(await columnOf(scan, column, range, source));
  const { rowStart, rowEnd } = range;
  for (let at = 0; at < rowEnd - rowStart; at++) {
    const line = rowStart + at + 1;
    const cells = columns.map((column, i) => [column, cell(column, values[i]![at], line, source)] as const);
    yield { line, value: Object.fromEntries(cells) };
  }
}

async function columnOf(
  scan: ParquetScan,
  column: string,
  { rowStart, rowEnd }: ParquetRowRange,
  source: LineSource,
): Promise<DecodedArray> {
  const where = `column ${JSON.stringify(column)} of rows ${rowStart + 1} to ${rowEnd}`;
  try {
    const values = await scan.readColumn({ column, rowStart, rowEnd });
    // hyparquet ends a column at the end of its bytes, however many values are missing.
    if (values.length === rowEnd - rowStart) return values;
    throw new Error(`it has ${values.length} values`);
  } catch (cause) {
    throw damaged(source, `${where} cannot be decoded: ${(cause as Error).message}`, cause);
  }
}

function cell(column: string, value: unknown, line: number, { file, code }: LineSource): unknown {
  if (NAMES.includes(column) && (typeof value === "bigint" || typeof value === "number"))
    return String(value);
  const plain = plainValue(value);
  if (plain !== BYTES) return plain;
  throw new RatchetError(code, `${file}:${line} is not UTF-8: column ${JSON.stringify(column)} holds bytes`, {
    file,
    line,
    hint: "store the column as text, or leave it out",
  });
}

const BYTES = Symbol("bytes");

/** As `JSON.parse` would give it: integers of 64 bits become doubles. `BYTES` if any part of it is bytes. */
function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value ?? null;
  if (value instanceof Uint8Array) return BYTES;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const list = Array.from(value as ArrayLike<unknown>, plainValue);
    return list.includes(BYTES) ? BYTES : list;
  }
  const fields = Object.entries(value).map(([name, field]) => [name, plainValue(field)] as const);
  return fields.some(([, field]) => field === BYTES) ? BYTES : Object.fromEntries(fields);
}

const columnsOf = ({ metadata }: ParquetScan): string[] => [
  ...new Set(metadata.row_groups.flatMap(({ columns }) => columns.map(topOf))),
];

type Chunk = ParquetScan["metadata"]["row_groups"][number]["columns"][number];
const topOf = ({ meta_data: about }: Chunk): string => about?.path_in_schema[0] ?? "";

function refuseLarge({ metadata }: ParquetScan, columns: readonly string[], source: LineSource): void {
  metadata.row_groups.forEach((group, i) => {
    const read = group.columns.filter((chunk) => columns.includes(topOf(chunk)));
    const bytes = read.reduce((sum, { meta_data: about }) => sum + Number(about?.total_uncompressed_size), 0);
    if (bytes <= ROW_GROUP_BYTES_MAX) return;
    const size = `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
    throw new RatchetError(source.code, `${source.file}: row group ${i} has ${size} of values`, {
      file: source.file,
      hint: `at most ${ROW_GROUP_BYTES_MAX / 1024 ** 2} MiB are read at once: write smaller row groups`,
    });
  });
}

async function bufferOf(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      const length = end - start;
      if (start < 0 || length < 0 || end > size) throw new Error(`bytes ${start} to ${end} of ${size}`);
      const bytes = new ArrayBuffer(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await handle.read(new Uint8Array(bytes), done, length - done, start + done);
        if (bytesRead === 0) throw new Error("the file has shrunk");
        done += bytesRead;
      }
      return bytes;
    },
  };
}

const damaged = ({ file }: LineSource, why: string, cause?: unknown): RatchetError =>
  new RatchetError("file_unreadable", `${file} cannot be read: ${why}`, {
    file,
    cause,
    hint: "it may be damaged or half downloaded: fetch it again",
  });
