// Writes a command so that it works in the user's folder: with `npx` in a clone or a project, as `ratchet` if
// it is installed, and otherwise by its file, because `npx ratchet` would install an unrelated package of
// that name.
import { basename, dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const CLONE = fileURLToPath(new URL("../../", import.meta.url));

/** `verb`: with its arguments. `script`: the path that Node was started with; links are not resolved. */
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
