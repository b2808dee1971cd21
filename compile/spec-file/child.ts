// Reads one campaign file in its own process: `child.js FILE NAME FOLDER`. NAME is the path in messages,
// FOLDER an empty folder for the bundle of a script. The one answer is a Reply.
import { extname } from "node:path";
import { serialize } from "node:v8";
import { isCoded } from "../../errors/index.ts";
import type { Code, RatchetError } from "../../errors/index.ts";
import { answer } from "../../host/inside-limited-child.mjs";

export type Reply =
  /** `lines`: line of a value by its path, as JSON: `["train","beta"]`. */
  | { written: unknown; lines: Map<string, number> }
  | { code: Code; message: string; hint?: string | undefined; line?: number | undefined };

const [file, name, folder] = process.argv.slice(2) as [string, string, string];
const DOCUMENTS = new Set([".yaml", ".yml", ".json"]);

async function read(): Promise<Reply> {
  try {
    return DOCUMENTS.has(extname(file))
      ? await (await import("./document.ts")).readDocument(file, name)
      : { written: await (await import("./script.ts")).runScript(file, name, folder), lines: new Map() };
  } catch (error) {
    if (!isCoded(error)) throw error;
    const { code, message, hint, line } = error as RatchetError;
    return { code, message, hint, line };
  }
}

answer(serialize(await read()));
