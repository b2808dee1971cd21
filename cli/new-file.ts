// Writes a file that must not exist yet.
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { RatchetError } from "../errors/index.ts";

/** Returns its absolute path. `mode`: of the file. */
export async function writeNewFile(file: string, text: string, mode = 0o644): Promise<string> {
  const path = resolve(file);
  await writeFile(path, text, { flag: "wx", mode }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EEXIST") throw cause;
    throw new RatchetError("export_exists", `${path} exists already`, {
      hint: "name a path that does not exist yet with --out",
      cause,
    });
  });
  return path;
}
