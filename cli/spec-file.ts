// Finds the campaign file of a verb's argument: the file, or the one named `campaign` in a folder.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { RatchetError } from "../errors/index.ts";
import type { LoadedSpec } from "../compile/spec-file/load.ts";
import { note } from "./output.ts";

const NAMES = [
  "campaign.ts",
  "campaign.yaml",
  "campaign.yml",
  "campaign.json",
  "campaign.mjs",
  "campaign.js",
];

export async function loadCampaign(path: string): Promise<LoadedSpec> {
  const { loadSpecFile } = await import("../compile/spec-file/load.ts");
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? inFolder(path) : path;
  return loadSpecFile(file, { onOutput: (text) => note(text.trimEnd()) });
}

function inFolder(folder: string): string {
  const found = NAMES.map((name) => join(folder, name)).filter((path) => existsSync(path));
  const [only, other] = found;
  if (only && !other) return only;
  if (only && other)
    throw new RatchetError("file_ambiguous", `${folder} has more than one campaign file`, {
      hint: `name one of them: ${found.join(", ")}`,
    });
  throw new RatchetError("file_missing", `${folder} has no campaign file`, {
    hint: `it needs one of ${NAMES.join(", ")}; \`ratchet init\` writes one`,
  });
}
