// A model folder in Hugging Face layout. Reading checks all tensors against the configuration; equal models
// are written as equal bytes.
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import type { Checkpoint, ModelConfig } from "../model/types.ts";
import { checkShapes, isDerived } from "./check-shapes.ts";
import { formatConfig, parseConfig } from "./config.ts";
import { readJson, SETTINGS_BYTES_MAX } from "./read-json.ts";
import { checkFinite, readTensors, writeSafetensors } from "./safetensors.ts";
import type { WeightsFile } from "./safetensors-header.ts";
import type { Tensors, WeightType } from "./safetensors.ts";
import { readModelFiles } from "./shards.ts";

/** Files of the tokenizer, copied from the starting model to every model trained from it. */
export const tokenizerFiles = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "generation_config.json",
];

export async function readConfig(dir: string): Promise<ModelConfig> {
  const path = join(dir, "config.json");
  return parseConfig(await readJson(path, SETTINGS_BYTES_MAX), path);
}

/** Throws unless the tensors are exactly those of the configuration, with their shapes and finite. */
export async function readCheckpoint(dir: string): Promise<Checkpoint> {
  const { config, files } = await readHeaders(dir);
  const weights: Tensors = new Map();
  for (const file of files)
    for (const [name, tensor] of await readTensors(file, isDerived)) weights.set(name, tensor);
  checkFinite(weights, dir);
  if (config.tiedEmbeddings) dropTiedHead(weights, dir);
  return { config, weights };
}

/** The configuration, and the headers of the weight files, whose shapes are those of the configuration. */
export async function readHeaders(dir: string): Promise<{ config: ModelConfig; files: WeightsFile[] }> {
  const config = await readConfig(dir);
  const files = await readModelFiles(dir);
  const entries = files.flatMap((file) => [...file.entries]);
  checkShapes(config, new Map(entries.map(([name, { shape }]) => [name, shape])), dir);
  return { config, files };
}

/** The head of a model that ties it to the embedding. */
function dropTiedHead(weights: Tensors, dir: string): void {
  const [head, embedding] = ["lm_head.weight", "model.embed_tokens.weight"].map((name) => weights.get(name));
  if (!head) return;
  if (!embedding || !sameBits(head.data, embedding.data)) throw otherHead(dir);
  weights.delete("lm_head.weight");
}

export const otherHead = (dir: string): RatchetError =>
  new RatchetError(
    "checkpoint_invalid",
    `${dir} has a lm_head.weight that differs from the embedding, but config.json ties them`,
    { hint: "set tie_word_embeddings as in the model's training" },
  );

export const sameBits = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

/**
 * Writes config.json and model.safetensors, and copies the tokenizer of `tokenizerDir`. Equal models give
 * equal bytes. Only F32 is fit for further training: in 16 bits an update below a few thousandths of a weight
 * rounds to nothing.
 */
export async function writeCheckpoint(
  dir: string,
  checkpoint: Checkpoint,
  tokenizerDir: string,
  dtype: WeightType = "F32",
): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "config.json"), formatConfig(checkpoint.config, dtype));
  await writeSafetensors(join(dir, "model.safetensors"), checkpoint.weights, dtype);
  if (resolve(tokenizerDir) !== resolve(dir)) await copyTokenizer(tokenizerDir, dir);
}

export async function copyTokenizer(from: string, to: string): Promise<void> {
  const present = await readdir(from);
  await mkdir(to, { recursive: true });
  for (const name of tokenizerFiles)
    if (present.includes(name)) await copyFile(join(from, name), join(to, name));
}
