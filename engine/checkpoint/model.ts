// A folder that somebody gives as a model: a whole one, or an adapter in PEFT's layout, which names its base. As in transformers, a folder with
// an adapter is the base with the adapter, whatever lies beside it. Nothing is fetched: the base is a folder too.
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { mergeAdapter } from "../model/lora.ts";
import type { Checkpoint } from "../model/types.ts";
import { adapterConfigFile, readAdapter } from "./adapter.ts";
import { readCheckpoint, readJson } from "./checkpoint.ts";

export interface GivenModel {
  /** With the adapter merged. */
  checkpoint: Checkpoint;
  /** Holds the tokenizer: an adapter's own where it has one, else the base's. */
  tokenizerDir: string;
  /** Holds the whole model: the folder itself, or the base's. */
  baseDir: string;
}

/** False for a folder that is not there: whoever reads it next says so. */
const holds = (dir: string, name: string): Promise<boolean> =>
  stat(join(dir, name)).then(
    () => true,
    () => false,
  );

export const isAdapter = (dir: string): Promise<boolean> => holds(dir, adapterConfigFile);

/** Throws adapter_base_missing where the base is no folder here, and what reading a checkpoint or an adapter throws. */
export async function readModel(dir: string): Promise<GivenModel> {
  if (!(await isAdapter(dir)))
    return { checkpoint: await readCheckpoint(dir), tokenizerDir: dir, baseDir: dir };
  const baseDir = await baseOf(dir);
  const base = await readCheckpoint(baseDir);
  const tokenizerDir = (await holds(dir, "tokenizer.json")) ? dir : baseDir;
  return { checkpoint: mergeAdapter(base, await readAdapter(dir, base.config)), tokenizerDir, baseDir };
}

/** The folder that the adapter names: an absolute path, or one from its own folder. */
async function baseOf(dir: string): Promise<string> {
  const path = join(dir, adapterConfigFile);
  const { base_model_name_or_path: name } = ((await readJson(path)) ?? {}) as {
    base_model_name_or_path?: unknown;
  };
  const base = typeof name === "string" && name !== "" ? resolve(dir, name) : undefined;
  if (base !== undefined && (await stat(base).catch(() => undefined))?.isDirectory()) return base;
  throw new RatchetError(
    "adapter_base_missing",
    `${path} has base_model_name_or_path = ${JSON.stringify(name ?? null)}, ${base === undefined ? "which names no base" : "which is no folder here"}`,
    {
      hint: "download the base and set base_model_name_or_path to its folder, absolute or relative to the adapter's; where a whole model lies beside the adapter, to \".\" if it is the base, and without the adapter's files if it is merged already",
    },
  );
}
