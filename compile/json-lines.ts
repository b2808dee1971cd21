// JSON Lines in and out: read whole with line numbers for messages (`.gz` too), written with one fixed order of keys by the caller.
import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { RatchetError } from "../errors/index.ts";
import type { RawRow } from "../campaign/recipe/read-row.ts";

/** `name`: the path as the spec wrote it, for messages. Blank lines are passed over. */
export async function readJsonLines(file: string, name: string): Promise<RawRow[]> {
  await access(file).catch((cause: unknown) => {
    throw new RatchetError("file_missing", `${name} cannot be read`, {
      file: name,
      hint: `looked at ${file}`,
      cause,
    });
  });
  const rows: RawRow[] = [];
  let line = 0;
  for await (const text of textLines(file, name)) {
    line += 1;
    if (text.trim() !== "") rows.push({ line, value: parse(text, name, line) });
  }
  if (rows.length === 0) throw new RatchetError("file_empty", `${name} holds no row`, { file: name });
  return rows;
}

async function* textLines(file: string, name: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const gunzip = file.endsWith(".gz") ? source.pipe(createGunzip()) : undefined;
  // `pipe` passes data on, not failures.
  source.on("error", (error) => gunzip?.destroy(error));
  try {
    yield* createInterface({ input: gunzip ?? source, crlfDelay: Infinity });
  } catch (cause) {
    throw new RatchetError("file_unreadable", `${name} cannot be read: ${(cause as Error).message}`, {
      file: name,
      cause,
    });
  }
}

function parse(text: string, name: string, line: number): unknown {
  try {
    // A byte order mark would otherwise make the first line of a file from Windows unreadable.
    return JSON.parse(line === 1 ? text.replace(/^\uFEFF/, "") : text);
  } catch (cause) {
    throw new RatchetError("row_invalid", `${name}:${line} is no JSON: ${(cause as Error).message}`, {
      file: name,
      line,
      cause,
    });
  }
}
