// A folder given as a model: a whole model, or an adapter in PEFT's layout, which names its base. As in
// transformers, a folder with an adapter is the base with the adapter, even if it also holds a whole model.
// The base is a folder too; nothing is downloaded.
import { realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { mergeAdapter } from "../model/adapter-weights.ts";
import type { Checkpoint } from "../model/types.ts";
import { ADAPTER_CONFIG_FILE, readAdapter } from "./adapter.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { readJson, SETTINGS_BYTES_MAX } from "./read-json.ts";
import { checkFinite } from "./safetensors.ts";

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
  await checkOneBase(dir, baseDir);
  const base = await readCheckpoint(baseDir);
  const tokenizerDir = (await holds(dir, "tokenizer.json")) ? dir : baseDir;
  const checkpoint = mergeAdapter(base, await readAdapter(dir, base.config));
  // Finite parts can have a product that is not: lora_alpha may have any size.
  checkFinite(checkpoint.weights, `${dir} merged into ${baseDir}`);
  return { checkpoint, tokenizerDir, baseDir };
}

/** Throws checkpoint_invalid if two models could be the base, or if the base is an adapter itself. */
async function checkOneBase(dir: string, baseDir: string): Promise<void> {
  if (await samePlace(dir, baseDir)) return;
  const two = (what: string, hint: string): RatchetError =>
    new RatchetError("checkpoint_invalid", `${dir} has an adapter, and ${what}`, { hint });
  if (await holds(dir, "config.json"))
    throw two(
      `a model beside it, but base_model_name_or_path names ${baseDir}`,
      'set base_model_name_or_path to "." if the model beside it is the base (as transformers reads it), ' +
        "or remove that model",
    );
  if (await isAdapter(baseDir))
    throw two(
      `its base ${baseDir} has one too`,
      "merge the base's adapter first, or remove it from the base",
    );
}

const samePlace = async (one: string, other: string): Promise<boolean> =>
  (await realpath(one)) === (await realpath(other));

/** The folder that the adapter names: an absolute path, or a path relative to its own folder. */
async function baseOf(dir: string): Promise<string> {
  const path = join(dir, ADAPTER_CONFIG_FILE);
  const { base_model_name_or_path: name } = ((await readJson(path, SETTINGS_BYTES_MAX)) ?? {}) as {
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
