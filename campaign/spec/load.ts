// Reads a spec file: YAML and JSON with line numbers; TypeScript and JavaScript are bundled and imported.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { BuildFailure, Plugin } from "esbuild";
import { isMap, isPair, isScalar, LineCounter, parseDocument } from "yaml";
import type { Document } from "yaml";
import { RatchetError } from "../../errors/index.ts";
import { decodeUtf8, firstBadByte } from "../rows/utf8.ts";
import { resolveSpec } from "./resolve.ts";
import type { Origin } from "./resolve.ts";
import type { ResolvedSpec } from "./schema.ts";

export interface LoadedSpec {
  spec: ResolvedSpec;
  /** As written, before defaults. */
  written: unknown;
  /** Absolute. */
  file: string;
  /** Folder that the spec's paths are relative to. */
  baseDir: string;
}

const SCRIPTS = new Set([".ts", ".mts", ".js", ".mjs"]);
const DOCUMENTS = new Set([".yaml", ".yml", ".json"]);

/** Throws RatchetError with the file and, if it is known, the line. */
export async function loadSpecFile(path: string): Promise<LoadedSpec> {
  const file = resolve(path);
  const extension = extname(file);
  if (!SCRIPTS.has(extension) && !DOCUMENTS.has(extension)) {
    throw new RatchetError("spec_unsupported", `${path} is not a campaign file`, {
      file: path,
      hint: "use .yaml, .yml, .json, .ts, .js or .mjs",
    });
  }
  const source = await readSource(file, path);
  const { written, origin } = SCRIPTS.has(extension)
    ? { written: await importDefault(file, path), origin: { file: path } }
    : parse(source, path);
  return { spec: resolveSpec(written, origin), written, file, baseDir: dirname(file) };
}

async function readSource(file: string, path: string): Promise<string> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new RatchetError("file_missing", `campaign file ${path} cannot be read`, {
      file: path,
      hint: "ratchet init writes one",
      cause,
    });
  });
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  throw new RatchetError(
    "spec_unreadable",
    `${path} is not UTF-8: byte ${firstBadByte(bytes) + 1} is no character`,
    {
      file: path,
    },
  );
}

// ---------------------------------------------------------------- YAML and JSON

/** JSON is parsed as YAML, its superset, so that both have line numbers and refuse a repeated key. */
function parse(source: string, path: string): { written: unknown; origin: Origin } {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const error = document.errors[0];
  if (error) {
    const { line } = lines.linePos(error.pos[0]);
    throw new RatchetError("spec_unreadable", `${path}:${line}: ${error.message}`, {
      file: path,
      line,
      cause: error,
    });
  }
  return { written: document.toJS(), origin: { file: path, lineOf: (at) => lineOf(document, lines, at) } };
}

/** Line of the key, or of the nearest existing section around it. */
function lineOf(document: Document, lines: LineCounter, at: readonly PropertyKey[]): number | undefined {
  for (let depth = at.length; depth > 0; depth--) {
    const parent = document.getIn(at.slice(0, depth - 1), true);
    const key = at[depth - 1];
    const pair = isMap(parent)
      ? parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key)
      : undefined;
    const node = pair?.key ?? document.getIn(at.slice(0, depth), true);
    const start = (node as { range?: [number, number, number] } | undefined)?.range?.[0];
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}

// ---------------------------------------------------------------- TypeScript and JavaScript

/** Provides `defineCampaign`, so that a spec loads where this package is not installed. */
const ownPackage: Plugin = {
  name: "ratchet",
  setup(context) {
    context.onResolve({ filter: /^ratchet-rlhf$/ }, () => ({ path: "ratchet-rlhf", namespace: "ratchet" }));
    context.onLoad({ filter: /.*/, namespace: "ratchet" }, () => ({
      contents: "export const defineCampaign = (spec) => spec;",
    }));
  },
};

async function importDefault(file: string, path: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), "ratchet-spec-"));
  const outfile = join(folder, "spec.mjs");
  try {
    await build({
      entryPoints: [file],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      tsconfigRaw: {},
      plugins: [ownPackage],
      logLevel: "silent",
    });
    const loaded = (await import(pathToFileURL(outfile).href)) as { default?: unknown };
    if (loaded.default === undefined) {
      throw new RatchetError("spec_invalid", `${path} has no default export`, {
        file: path,
        hint: "export default defineCampaign({...})",
      });
    }
    return loaded.default;
  } catch (cause) {
    if (cause instanceof RatchetError) throw cause;
    throw scriptError(cause, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function scriptError(cause: unknown, path: string): RatchetError {
  const found = (cause as Partial<BuildFailure>).errors?.[0];
  if (!found)
    return new RatchetError(
      "spec_unreadable",
      `${path} threw while it was loaded: ${(cause as Error).message}`,
      { file: path, cause },
    );
  const line = found.location?.line;
  const where = found.location ? `${found.location.file}:${found.location.line}` : path;
  return new RatchetError("spec_unreadable", `${where}: ${found.text}`, {
    file: path,
    line,
    cause,
  });
}
