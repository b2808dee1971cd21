// A model folder in Hugging Face layout. Reading checks all tensors against the configuration; equal models
// are written as equal bytes.
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { isRewardModel } from "../model/families.ts";
import { weightShapes } from "../model/parameters.ts";
import type { Checkpoint, ModelConfig } from "../model/types.ts";
import { formatConfig, parseConfig } from "./config.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { Tensors, WeightType } from "./safetensors.ts";
import { readModelTensors } from "./shards.ts";

/** Files of the tokenizer, copied from the starting model to every model trained from it. */
export const tokenizerFiles = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "generation_config.json",
];

export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new RatchetError(
      cause.code === "ENOENT" ? "artifact_missing" : "checkpoint_invalid",
      `${path} cannot be read: ${cause.code ?? cause.message}`,
      { cause },
    );
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RatchetError("checkpoint_invalid", `${path} is not JSON`, { cause });
  }
}

export async function readConfig(dir: string): Promise<ModelConfig> {
  const path = join(dir, "config.json");
  return parseConfig(await readJson(path), path);
}

/** Throws unless the tensors are exactly those of the configuration, with their shapes. */
export async function readCheckpoint(dir: string): Promise<Checkpoint> {
  const config = await readConfig(dir);
  const weights = await readModelTensors(dir);
  dropDerived(config, weights, dir);
  checkWeights(config, weights, dir);
  return { config, weights };
}

/**
 * Drops tensors that follow from others: rotary frequencies of old checkpoints, and the head if it is tied to
 * the embedding.
 */
function dropDerived(config: ModelConfig, weights: Tensors, dir: string): void {
  for (const name of weights.keys()) if (name.endsWith(".rotary_emb.inv_freq")) weights.delete(name);
  const head = weights.get("lm_head.weight");
  if (!head || !config.tiedEmbeddings || isRewardModel(config)) return;
  const embedding = weights.get("model.embed_tokens.weight");
  if (!embedding || !sameBits(head.data, embedding.data))
    throw new RatchetError(
      "checkpoint_invalid",
      `${dir} has a lm_head.weight that differs from the embedding, but config.json ties them`,
      { hint: "set tie_word_embeddings as in the model's training" },
    );
  weights.delete("lm_head.weight");
}

const sameBits = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

function checkWeights(config: ModelConfig, weights: Tensors, dir: string): void {
  const shapes = weightShapes(config);
  for (const [name, shape] of shapes) {
    const tensor = weights.get(name);
    if (!tensor)
      throw new RatchetError("checkpoint_invalid", `${dir} lacks tensor "${name}"`, {
        hint: "its config.json and its weights belong to different models",
      });
    if (tensor.shape.join() !== shape.join()) {
      const [found, needed] = [tensor.shape, shape].map((dims) => `[${dims.join(", ")}]`);
      throw new RatchetError(
        "checkpoint_invalid",
        `tensor "${name}" of ${dir} has shape ${found}, and config.json needs ${needed}`,
      );
    }
  }
  for (const name of weights.keys())
    if (!shapes.has(name))
      throw new RatchetError(
        "checkpoint_invalid",
        `${dir} holds tensor "${name}", which ${config.architecture} does not have`,
      );
}

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
