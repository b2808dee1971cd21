// A user's module as one self-contained file. Its bytes depend on its source only, not on its path, the
// machine or other installed packages. Names are minified, because esbuild writes paths into the names of
// CommonJS wrappers.
import { createHash } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { build } from "esbuild";
import type { BuildFailure, Metafile } from "esbuild";
import { RatchetError } from "../errors/index.ts";
import { decodeUtf8, firstBadByte } from "../campaign/rows/utf8.ts";
import type { ModuleRole } from "../campaign/spec/modules.ts";
import { describeImports, importRoots, onlyFrom } from "./imports.ts";

export interface Bundle {
  role: ModuleRole;
  /** As written in the spec. */
  name: string;
  source: Uint8Array;
  /** Entry first. */
  inputs: BundledFile[];
  /** Files and packages that it imports, for people. */
  imports: string[];
}

interface BundledFile {
  path: string;
  digest: string;
}

/** CommonJS packages inside an ES module load Node's modules by `require`. */
const REQUIRE =
  'import{createRequire as __ratchetRequire}from"node:module";' +
  "const require=__ratchetRequire(import.meta.url);";

export async function bundleModule(role: ModuleRole, name: string, baseDir: string): Promise<Bundle> {
  const entry = await realpath(resolve(baseDir, name)).catch((cause: unknown) => {
    throw new RatchetError("file_missing", `the ${role} module ${name} cannot be read`, {
      file: name,
      cause,
    });
  });
  const result = await build({
    entryPoints: [entry],
    absWorkingDir: dirname(entry),
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    target: "node20",
    minify: true,
    charset: "utf8",
    legalComments: "none",
    tsconfigRaw: {},
    loader: { ".txt": "text", ".jsonl": "text" },
    plugins: [onlyFrom(importRoots(baseDir, entry), (path) => outside(role, name, path))],
    banner: { js: REQUIRE },
    logLevel: "silent",
  }).catch((cause: unknown) => {
    throw bundleError(cause, role, name);
  });
  requireDefault(result.metafile, role, name);
  const inputs = await Promise.all(
    Object.keys(result.metafile.inputs).map((path) => bundledFile(resolve(dirname(entry), path))),
  );
  inputs.sort((a, b) => Number(b.path === entry) - Number(a.path === entry));
  const imports = describeImports(
    baseDir,
    inputs.slice(1).map(({ path }) => path),
  );
  return { role, name, source: result.outputFiles[0]!.contents, inputs, imports };
}

function outside(role: ModuleRole, name: string, path: string): RatchetError {
  return new RatchetError(
    "module_invalid",
    `the ${role} module ${name} imports ${path}, ` +
      "which is in neither the campaign's folder nor its node_modules",
    {
      file: name,
      hint: "copy the file into the campaign's folder, or put the campaign file into a folder above both",
    },
  );
}

async function bundledFile(path: string): Promise<BundledFile> {
  const bytes = await readFile(path);
  // esbuild would write U+FFFD in place of each wrong byte.
  if (decodeUtf8(bytes) === undefined)
    throw new RatchetError(
      "module_invalid",
      `${path} is not UTF-8: byte ${firstBadByte(bytes) + 1} is no character`,
      { file: path, hint: "save the file as UTF-8" },
    );
  return { path: await realpath(path), digest: createHash("sha256").update(bytes).digest("hex") };
}

function requireDefault(metafile: Metafile, role: ModuleRole, name: string): void {
  const exported = Object.values(metafile.outputs)[0]?.exports ?? [];
  if (exported.includes("default")) return;
  throw new RatchetError("module_invalid", `the ${role} module ${name} has no default export`, {
    file: name,
    hint: `export default the function of a ${role} module`,
  });
}

function bundleError(cause: unknown, role: ModuleRole, name: string): RatchetError {
  const found = (cause as Partial<BuildFailure>).errors?.[0];
  if (found?.detail instanceof RatchetError) return found.detail;
  const where = found?.location ? ` (${found.location.file}:${found.location.line})` : "";
  return new RatchetError(
    "module_invalid",
    `the ${role} module ${name} cannot be bundled: ${found?.text ?? (cause as Error).message}${where}`,
    { file: name, cause },
  );
}

/** Roles that training depends on. They must not know the true reward; labelers and simulated judges may. */
const BLIND: readonly ModuleRole[] = ["reward", "prompts", "sft"];

/** Refuses a module of these roles that contains the gold module's entry file or a copy of it. */
export function refuseGold(bundles: Bundle[]): void {
  const gold = bundles.find((bundle) => bundle.role === "gold")?.inputs[0];
  if (!gold) return;
  const peeking = bundles.find((bundle) => BLIND.includes(bundle.role) && importsFile(bundle, gold));
  if (!peeking) return;
  throw new RatchetError(
    "gold_imported",
    `the ${peeking.role} module ${peeking.name} imports the gold module`,
    {
      file: peeking.name,
      hint:
        "only labelers, judge and the test report may read the true reward: " +
        "training that reads it proves nothing",
    },
  );
}

export const importsFile = (bundle: Bundle, file: BundledFile): boolean =>
  bundle.inputs.some(({ path, digest }) => path === file.path || digest === file.digest);
