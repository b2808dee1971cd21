// Rows of a file, one at a time: JSON Lines, also `.gz`, or Parquet.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { RatchetError } from "../../errors/index.ts";
import { readLines } from "./json-lines.ts";
import type { LineSource, RawRow } from "./json-lines.ts";

export async function* fileRows(path: string, source: LineSource): AsyncGenerator<RawRow> {
  await refuseOther(path, source.file);
  if (path.endsWith(".parquet")) {
    // Its decoders are only loaded for such a file.
    const { parquetRows } = await import("./parquet.ts");
    return yield* parquetRows(path, source);
  }
  const stream = createReadStream(path);
  // `pipeline` forwards errors both ways and closes the file if the reader stops early.
  const chunks = path.endsWith(".gz") ? pipeline(stream, createGunzip(), () => {}) : stream;
  try {
    yield* readLines(chunks as AsyncIterable<Uint8Array>, source);
  } catch (cause) {
    if (cause instanceof RatchetError) throw cause;
    throw unreadable(source.file, (cause as Error).message, cause);
  }
}

/** A pipe might never end, and a folder has no rows. */
async function refuseOther(path: string, file: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new RatchetError("file_missing", `${file} cannot be read`, {
      file,
      hint: `looked at ${path}`,
      cause,
    });
  });
  if (found.isFile()) return;
  throw unreadable(file, found.isDirectory() ? "it is a folder" : "it is no regular file");
}

const unreadable = (file: string, why: string, cause?: unknown): RatchetError =>
  new RatchetError("file_unreadable", `${file} cannot be read: ${why}`, { file, cause });
