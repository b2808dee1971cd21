// A folder given as a model: a whole model, or an adapter in PEFT's layout, which names its base. As in
// transformers, a folder with an adapter is the base with the adapter, even if it also holds a whole model.
// The base is a folder too; nothing is downloaded.
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { mergeAdapter } from "../model/adapter-weights.ts";
import type { Checkpoint } from "../model/types.ts";
import { ADAPTER_CONFIG_FILE, readAdapter } from "./adapter.ts";
import { readCheckpoint, readJson } from "./checkpoint.ts";

export interface GivenModel {
  /** An adapter is merged. */
  checkpoint: Checkpoint;
  /** The folder with the tokenizer: the adapter's if it has one, else the base's. */
  tokenizerDir: string;
  /** The folder with the whole model: the folder itself, or the base's. */
  baseDir: string;
}

/** False also if the folder does not exist; reading it throws then. */
const holds = (dir: string, name: string): Promise<boolean> =>
  stat(join(dir, name)).then(
    () => true,
    () => false,
  );

export const isAdapter = (dir: string): Promise<boolean> => holds(dir, ADAPTER_CONFIG_FILE);

/**
 * Throws adapter_base_missing if the base is not a folder, and the errors of reading a checkpoint or an
 * adapter.
 */
export async function readModel(dir: string): Promise<GivenModel> {
  if (!(await isAdapter(dir)))
    return { checkpoint: await readCheckpoint(dir), tokenizerDir: dir, baseDir: dir };
  const baseDir = await baseOf(dir);
  const base = await readCheckpoint(baseDir);
  const tokenizerDir = (await holds(dir, "tokenizer.json")) ? dir : baseDir;
  return { checkpoint: mergeAdapter(base, await readAdapter(dir, base.config)), tokenizerDir, baseDir };
}

/** The folder that the adapter names: an absolute path, or a path relative to its own folder. */
async function baseOf(dir: string): Promise<string> {
  const path = join(dir, ADAPTER_CONFIG_FILE);
  const { base_model_name_or_path: name } = ((await readJson(path)) ?? {}) as {
    base_model_name_or_path?: unknown;
  };
  const base = typeof name === "string" && name !== "" ? resolve(dir, name) : undefined;
  if (base !== undefined && (await stat(base).catch(() => undefined))?.isDirectory()) return base;
  const why = base === undefined ? "which names no base" : "which is no folder here";
  throw new RatchetError(
    "adapter_base_missing",
    `${path} has base_model_name_or_path = ${JSON.stringify(name ?? null)}, ${why}`,
    {
      hint:
        "download the base and set base_model_name_or_path to its folder, " +
        "absolute or relative to the adapter's. " +
        'If the adapter\'s folder also has a whole model: set it to "." if that is the base, ' +
        "or remove the adapter's files if that is merged already",
    },
  );
}
