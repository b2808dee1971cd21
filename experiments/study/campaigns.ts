// The campaigns of a study, one after the other, as anybody runs them: `ratchet run` with a Temporal server
// and a worker of its own. So a seed of the study is the demo of that seed to the digit, and a study that is
// interrupted continues where it was.
import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import type { CampaignComparison } from "../../client/record/table.ts";
import { stagePolicy } from "../../compile/policy.ts";
import { readCheckpoint, writeCheckpoint } from "../../engine/checkpoint/checkpoint.ts";

const RATCHET = fileURLToPath(new URL("../../cli/main.js", import.meta.url));

/** A campaign and the folder that its paths are relative to. */
export interface StudyCampaign {
  id: string;
  seed: number;
  spec: WrittenSpec;
  folder: string;
}

/** A line of a study's results: the campaign's table, and where it was measured. */
export interface StudyRun extends CampaignComparison {
  seed: number;
  processor: string;
  /** The first weights were × (1 + 1e-6). */
  perturbed: boolean;
}

/** Runs the campaign in `dir`, or continues it; the checkpoints and answers stay there. */
export async function runCampaign(
  campaign: StudyCampaign,
  dir: string,
  perturbed: boolean,
): Promise<StudyRun> {
  const { id, seed, folder } = campaign;
  await mkdir(dir, { recursive: true });
  const spec = { ...campaign.spec, seed };
  if (perturbed) spec.policy = { path: await perturbedPolicy(spec, folder, join(dir, "policies", id)) };
  const file = join(dir, `${id}.json`);
  await writeFile(file, JSON.stringify(withAbsolutePaths(spec, folder)));
  await ratchet(dir, "run", file, "--id", id);
  const client = await RatchetClient.connect({ store: `dir:${join(dir, ".ratchet", "store")}` });
  try {
    const table = await client.compare(id);
    return { seed, processor: cpus()[0]?.model.trim() ?? "unknown", perturbed, ...table };
  } finally {
    await client.close();
  }
}

function ratchet(cwd: string, ...args: string[]): Promise<void> {
  const child = spawn(process.execPath, [RATCHET, ...args], { cwd, stdio: ["ignore", "ignore", "inherit"] });
  return new Promise((done, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? done() : reject(new Error(`ratchet ${args.join(" ")} ended with exit code ${code}`)),
    );
  });
}

/**
 * The campaign's first weights × (1 + 1e-6), some units in the last place. It stands in for another
 * processor, whose other rounding leads training on another path.
 */
async function perturbedPolicy(spec: WrittenSpec, folder: string, to: string): Promise<string> {
  const from = `${to}.given`;
  await stagePolicy(resolveSpec(spec), folder, from);
  const { config, weights } = await readCheckpoint(from);
  for (const { data } of weights.values())
    for (let i = 0; i < data.length; i += 1) data[i] = data[i]! * (1 + 1e-6);
  await writeCheckpoint(to, { config, weights }, from);
  return to;
}

/** Of the spec's members that are paths of files. */
const PATHS = new Set(["module", "file", "path", "tokenizer"]);

function withAbsolutePaths<T>(value: T, folder: string): T {
  if (Array.isArray(value)) return value.map((each) => withAbsolutePaths(each, folder)) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, member]): [string, unknown] =>
    PATHS.has(key) && typeof member === "string"
      ? [key, resolve(folder, member)]
      : [key, withAbsolutePaths(member, folder)],
  );
  return Object.fromEntries(entries) as T;
}
