// How a command is written so that it works where the user stands: with `npx` from a clone or a project, bare where `ratchet` is
// installed, and by its file elsewhere, since `npx ratchet` would fetch a stranger's package of that name.
import { basename, dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const CLONE = fileURLToPath(new URL("../../", import.meta.url));

/** `verb`: with its arguments. `script`: what Node was started with, a link as it stands. */
export function commandLine(
  verb: string,
  script = process.argv[1] ?? "ratchet",
  folder = process.cwd(),
): string {
  return `${invocation(script, folder)} ${verb}`;
}

function invocation(script: string, folder: string): string {
  if (basename(script) !== "main.js") return basename(dirname(script)) === ".bin" ? "npx ratchet" : "ratchet";
  if (!relative(CLONE, folder).startsWith("..")) return "npx ratchet";
  const path = resolve(script);
  return `node ${/\s/.test(path) ? JSON.stringify(path) : path}`;
}
