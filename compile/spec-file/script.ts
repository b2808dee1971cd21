// A campaign file in TypeScript or JavaScript: bundled, and imported in this process. Its default export must
// be data.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { serialize } from "node:v8";
import { build } from "esbuild";
import type { BuildFailure, Plugin } from "esbuild";
import { RatchetError } from "../../errors/index.ts";
import { pathText } from "../../campaign/spec/wording.ts";

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

/** The default export. The bundle is written to `folder`. */
export async function runScript(file: string, name: string, folder: string): Promise<unknown> {
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
    if (loaded.default === undefined)
      throw new RatchetError("spec_invalid", `${name} has no default export`, {
        hint: "export default defineCampaign({...})",
      });
    return onlyData(loaded.default, name);
  } catch (cause) {
    throw cause instanceof RatchetError ? cause : scriptError(cause, name);
  }
}

/** Refuses a value that cannot leave this process, such as a function, and names its path. */
function onlyData(written: unknown, name: string): unknown {
  try {
    serialize(written);
    return written;
  } catch (cause) {
    const found = notData(written, [], 0);
    const what = found ? `${found.path || "the default export"} is ${found.what}` : (cause as Error).message;
    throw new RatchetError("spec_invalid", `${name}: ${what}, but a spec is data`, {
      hint: "write a function in a module of its own, and name the file: {module: ./reward.ts}",
      cause,
    });
  }
}

const DEPTH_MAX = 32;

function notData(
  value: unknown,
  path: (string | number)[],
  depth: number,
): { path: string; what: string } | undefined {
  if (typeof value === "function" || typeof value === "symbol")
    return { path: pathText(path), what: `a ${typeof value}` };
  if (value instanceof Promise) return { path: pathText(path), what: "a promise" };
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = notData(inner, [...path, Array.isArray(value) ? Number(key) : key], depth + 1);
    if (found) return found;
  }
  return undefined;
}

function scriptError(cause: unknown, name: string): RatchetError {
  const found = (cause as Partial<BuildFailure> | null | undefined)?.errors?.[0];
  if (!found?.text)
    return new RatchetError("spec_unreadable", `${name} threw while it was loaded: ${thrown(cause)}`, {
      cause,
    });
  const line = found.location?.line;
  const where = found.location ? `${found.location.file}:${found.location.line}` : name;
  return new RatchetError("spec_unreadable", `${where}: ${found.text}`, { line, cause });
}

/** A script may throw anything. */
function thrown(cause: unknown): string {
  try {
    return cause instanceof Error ? cause.message : String(cause);
  } catch {
    return "a value that cannot be shown";
  }
}
