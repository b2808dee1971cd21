// A JSON file of a checkpoint. Only ordinary files are opened, because a named pipe would wait for ever.
import { readFile, stat } from "node:fs/promises";
import { RatchetError } from "../../errors/index.ts";

/** Bytes of a file of settings. The largest published ones have some thousand. */
export const SETTINGS_BYTES_MAX = 8 * 2 ** 20;

export async function readJson(path: string, bytesMax = Infinity): Promise<unknown> {
  const text = await readText(path, bytesMax);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RatchetError("checkpoint_invalid", `${path} is not JSON`, { cause });
  }
}

/** A file of UTF-8 text. Its byte order mark, if it has one, is part of the text, as in Python. */
export async function readText(path: string, bytesMax = Infinity): Promise<string> {
  const bytes = await read(path, bytesMax).catch((cause: NodeJS.ErrnoException) => {
    if (cause instanceof RatchetError) throw cause;
    throw new RatchetError(
      cause.code === "ENOENT" ? "artifact_missing" : "checkpoint_invalid",
      `${path} cannot be read: ${cause.code ?? cause.message}`,
      { cause },
    );
  });
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new RatchetError("checkpoint_invalid", `${path} is not UTF-8`, { cause });
  }
}

async function read(path: string, bytesMax: number): Promise<Uint8Array> {
  const found = await stat(path);
  if (!found.isFile()) throw new RatchetError("checkpoint_invalid", `${path} is not a file`);
  if (found.size > bytesMax)
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} has ${found.size} bytes; a file of settings has at most ${bytesMax}`,
    );
  return readFile(path);
}

/** The value of a setting in a message: JSON of at most 80 characters. */
export function show(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    // Too many brackets inside each other for the stack.
    return "a deeply nested value";
  }
  return cut(text);
}

/** A name in a message: at most 80 characters. */
export const cut = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text);

/** Whether a setting says nothing: absent, null, false, or an empty list or object. */
export const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  (typeof value === "object" && Object.keys(value).length === 0);
