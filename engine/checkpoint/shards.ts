// The weight files of a model folder: one safetensors file, or an index of several (shards).
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { cut, readJson } from "./read-json.ts";
import { readHeader } from "./safetensors-header.ts";
import type { WeightsFile } from "./safetensors-header.ts";

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
/** As for the header of a safetensors file, which also lists all tensors. */
const INDEX_BYTES_MAX = 100_000_000;

/**
 * The headers of `model.safetensors`, or of the shards that `model.safetensors.index.json` names. As in
 * transformers, other files of weights are not read; but if a whole model is there in both forms, none of
 * them is chosen.
 */
export async function readModelFiles(dir: string): Promise<WeightsFile[]> {
  const names = await readdir(dir).catch((cause: NodeJS.ErrnoException) => {
    throw new RatchetError("artifact_missing", `${dir} cannot be read: ${cause.code ?? cause.message}`, {
      cause,
    });
  });
  const indexPath = join(dir, INDEX);
  if (!names.includes(INDEX)) {
    if (!names.includes(SINGLE)) throw noWeights(dir, names);
    return [await readHeader(join(dir, SINGLE))];
  }
  const weightMap = parseWeightMap(indexPath, await readJson(indexPath, INDEX_BYTES_MAX));
  const shards = [...new Set(weightMap.values())].sort();
  if (!names.includes(SINGLE) || shards.includes(SINGLE)) return readShards(indexPath, weightMap, shards);
  const present = shards.filter((shard) => names.includes(shard));
  if (present.length > 0)
    throw new RatchetError(
      "checkpoint_invalid",
      `${dir} has two sets of weights: ${SINGLE}, and ${present[0]} with ${INDEX}`,
      { hint: "remove the one that is not the model; transformers would read model.safetensors" },
    );
  return [await readHeader(join(dir, SINGLE))];
}

function noWeights(dir: string, names: readonly string[]): RatchetError {
  const other = names.find((name) => /\.(bin|gguf|pt|pth|h5|msgpack|safetensors)$/.test(name));
  return new RatchetError("artifact_missing", `${dir} has neither ${SINGLE} nor ${INDEX}`, {
    hint:
      other === undefined
        ? "give a folder with a whole model, or an adapter's with adapter_config.json"
        : `${other} is not read: save the model with transformers' save_pretrained, which writes safetensors`,
  });
}

async function readShards(
  indexPath: string,
  weightMap: ReadonlyMap<string, string>,
  shards: readonly string[],
): Promise<WeightsFile[]> {
  const files: WeightsFile[] = [];
  const found = new Set<string>();
  for (const shard of shards) {
    const file = await readHeader(join(dirname(indexPath), shard));
    files.push(file);
    for (const name of file.entries.keys()) {
      if (weightMap.get(name) !== shard)
        throw new RatchetError(
          "checkpoint_invalid",
          `${cut(shard)} holds tensor "${cut(name)}", which ${indexPath} lists elsewhere or not at all`,
        );
      found.add(name);
    }
  }
  for (const [name, shard] of weightMap)
    if (!found.has(name))
      throw new RatchetError(
        "checkpoint_invalid",
        `${indexPath} lists tensor "${cut(name)}" in ${cut(shard)}, which does not hold it`,
      );
  return files;
}

function parseWeightMap(path: string, index: unknown): Map<string, string> {
  const map = (index as { weight_map?: unknown } | null)?.weight_map ?? {};
  const entries = Object.entries(map as Record<string, unknown>);
  // A shard is a file in the index's folder. A path could make the index read other folders.
  if (
    entries.length === 0 ||
    !entries.every(([, shard]) => typeof shard === "string" && /^[\w.-]+$/.test(shard))
  )
    throw new RatchetError("checkpoint_invalid", `${path} has no weight_map from tensor names to file names`);
  return new Map(entries as [string, string][]);
}
