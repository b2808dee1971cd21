// Reads a campaign file. YAML and JSON have line numbers; TypeScript and JavaScript are bundled and imported.
// A child process does both (child.ts), because the file is not trusted to be small, to end or to be sound:
// it may exit, wait for ever, or be a YAML text that fills the memory.
import { stat } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize } from "node:v8";
import { RatchetError } from "../../errors/index.ts";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import type { ResolvedSpec } from "../../campaign/spec/schema.ts";
import { LimitedChild } from "../../host/limited-child.mjs";
import type { ChildEnd } from "../../host/limited-child.mjs";
import { openScratch } from "../../host/scratch.mjs";
import type { Reply } from "./child.ts";
import { refuseDeep } from "./depth.ts";

export interface LoadedSpec {
  spec: ResolvedSpec;
  /** As written, before defaults. */
  written: unknown;
  /** Absolute. */
  file: string;
  /** Folder that the spec's paths are relative to. */
  baseDir: string;
}

export interface LoadOptions {
  /** Longest time to read the file. Default 30 s. */
  timeoutMs?: number;
  /** Gets what a script prints. */
  onOutput?: ((text: string) => void) | undefined;
}

const TYPES = new Set([".ts", ".mts", ".js", ".mjs", ".yaml", ".yml", ".json"]);
/** A long campaign file has some ten thousand bytes. */
const BYTES_MAX = 1 << 20;
const TIMEOUT_MS = 30_000;
const LIMITS = { heapMb: 1024, memoryMb: 2048 };
const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));
/** Node's exit code for a module that waits for a promise that never settles. */
const NEVER_SETTLED = 13;

/** Throws RatchetError with the file and, if it is known, the line. */
export async function loadSpecFile(path: string, options: LoadOptions = {}): Promise<LoadedSpec> {
  const file = resolve(path);
  if (!TYPES.has(extname(file))) {
    throw new RatchetError("spec_unsupported", `${path} is not a campaign file`, {
      file: path,
      hint: "use .yaml, .yml, .json, .ts, .js or .mjs",
    });
  }
  await requireSmallFile(file, path);
  const { written, lines } = await read(file, path, options);
  refuseDeep(written, path);
  const origin = { file: path, lineOf: (at: readonly PropertyKey[]) => lineOf(lines, at) };
  return { spec: resolveSpec(written, origin), written, file, baseDir: dirname(file) };
}

/** Refuses what is no regular file, such as a named pipe, which might never end. */
async function requireSmallFile(file: string, path: string): Promise<void> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new RatchetError("file_missing", `campaign file ${path} cannot be read`, {
      file: path,
      hint: "ratchet init writes one",
      cause,
    });
  });
  if (!found.isFile()) throw unreadable(path, "is not a file");
  if (found.size > BYTES_MAX)
    throw unreadable(path, `has ${found.size} bytes, and a campaign file has at most ${BYTES_MAX}`);
}

async function read(
  file: string,
  path: string,
  { timeoutMs = TIMEOUT_MS, onOutput }: LoadOptions,
): Promise<Extract<Reply, { written: unknown }>> {
  const scratch = openScratch();
  const args = [CHILD, file, path, scratch.dir];
  const child = new LimitedChild({ args, limits: LIMITS, env: process.env, onOutput });
  try {
    const bytes = await child.receive(timeoutMs).catch((end: ChildEnd) => {
      throw noReply(path, end);
    });
    const reply = deserialize(bytes) as Reply;
    if ("written" in reply) return reply;
    const { code, message, ...details } = reply;
    throw new RatchetError(code, message, { file: path, ...details });
  } finally {
    await child.close();
    scratch.release();
  }
}

function noReply(path: string, end: ChildEnd): RatchetError {
  const last = end.output ? `; its last output: ${end.output}` : "";
  if (end.exitCode === NEVER_SETTLED)
    return unreadable(path, "waits for a promise that never settles, outside every function");
  if (end.exitCode === 0)
    return unreadable(path, `ended its process before its default export was there${last}`, {
      hint: "a campaign file exports a value: it must not call process.exit",
    });
  const how = end.why === "end" ? `${end.how}${last}` : `${end.how} and was ended`;
  return unreadable(path, `cannot be read: the process that reads it ${how}`);
}

const unreadable = (path: string, fault: string, more: { hint?: string } = {}): RatchetError =>
  new RatchetError("spec_unreadable", `${path} ${fault}`, { file: path, ...more });

/** Line of the key, or of the nearest existing section around it. */
function lineOf(lines: ReadonlyMap<string, number>, at: readonly PropertyKey[]): number | undefined {
  for (let depth = at.length; depth > 0; depth--) {
    const line = lines.get(JSON.stringify(at.slice(0, depth)));
    if (line !== undefined) return line;
  }
  return undefined;
}
