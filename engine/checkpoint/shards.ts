// The tensors of a model folder: one safetensors file, or an index of several (shards).
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { readSafetensors } from "./safetensors.ts";
import type { Tensors } from "./safetensors.ts";

/** `model.safetensors`, or the shards that `model.safetensors.index.json` names. */
export async function readModelTensors(dir: string): Promise<Tensors> {
  const indexPath = join(dir, "model.safetensors.index.json");
  const index = await readFile(indexPath, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (index === undefined) return readSafetensors(join(dir, "model.safetensors"));
  return readShards(indexPath, index);
}

async function readShards(indexPath: string, text: string): Promise<Tensors> {
  const weightMap = parseWeightMap(indexPath, text);
  const all: Tensors = new Map();
  for (const shard of [...new Set(weightMap.values())].sort()) {
    for (const [name, tensor] of await readSafetensors(join(dirname(indexPath), shard))) {
      if (weightMap.get(name) !== shard)
        throw new RatchetError(
          "checkpoint_invalid",
          `${shard} holds tensor "${name}", which ${indexPath} lists elsewhere or not at all`,
        );
      all.set(name, tensor);
    }
  }
  for (const [name, shard] of weightMap)
    if (!all.has(name))
      throw new RatchetError(
        "checkpoint_invalid",
        `${indexPath} lists tensor "${name}" in ${shard}, which does not hold it`,
      );
  return all;
}

function parseWeightMap(path: string, text: string): Map<string, string> {
  let map: unknown;
  try {
    map = (JSON.parse(text) as { weight_map?: unknown }).weight_map;
  } catch (cause) {
    throw new RatchetError("checkpoint_invalid", `${path} is not JSON`, { cause });
  }
  const entries = Object.entries((map ?? {}) as Record<string, unknown>);
  // A shard is a file in the index's folder. A path could make the index read other folders.
  if (
    entries.length === 0 ||
    !entries.every(([, shard]) => typeof shard === "string" && /^[\w.-]+$/.test(shard))
  )
    throw new RatchetError("checkpoint_invalid", `${path} has no weight_map from tensor names to file names`);
  return new Map(entries as [string, string][]);
}
