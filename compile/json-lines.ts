// Reads a JSON Lines file, also `.gz`, with line numbers for messages.
import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { RatchetError } from "../errors/index.ts";
import type { RawRow } from "../campaign/recipe/read-row.ts";

/** `name`: path as in the spec, for messages. Blank lines are skipped. */
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
  if (rows.length === 0) throw new RatchetError("file_empty", `${name} has no rows`, { file: name });
  return rows;
}

async function* textLines(file: string, name: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const gunzip = file.endsWith(".gz") ? source.pipe(createGunzip()) : undefined;
  // `pipe` does not forward errors.
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
    // Files from Windows may begin with a byte order mark.
    return JSON.parse(line === 1 ? text.replace(/^\uFEFF/, "") : text);
  } catch (cause) {
    throw new RatchetError("row_invalid", `${name}:${line} is not JSON: ${(cause as Error).message}`, {
      file: name,
      line,
      cause,
    });
  }
}
