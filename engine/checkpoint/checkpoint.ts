// A model folder in Hugging Face layout, read whole and checked against its configuration, and written deterministically.
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ArtifactError } from "../errors.ts";
import type { Checkpoint, ModelConfig } from "../model/types.ts";
import { formatConfig, parseConfig } from "./config.ts";
import { readModelTensors, writeSafetensors } from "./safetensors.ts";
import type { Tensors } from "./safetensors.ts";

/** Files beside the weights that make the tokenizer; copied from the starting model to every model trained from it. */
export const tokenizerFiles = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "generation_config.json"];

export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new ArtifactError(cause.code === "ENOENT" ? "artifact_missing" : "checkpoint_invalid", `${path} cannot be read: ${cause.code ?? cause.message}`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ArtifactError("checkpoint_invalid", `${path} is not JSON`, { cause });
  }
}

export async function readConfig(dir: string): Promise<ModelConfig> {
  const path = join(dir, "config.json");
  return parseConfig(await readJson(path), path);
}

/** Reads and checks: every tensor that the configuration asks for is there with its shape, and none besides. */
export async function readCheckpoint(dir: string): Promise<Checkpoint> {
  const config = await readConfig(dir);
  const weights = await readModelTensors(dir);
  for (const name of weights.keys()) if (isIgnored(name, config)) weights.delete(name);
  checkWeights(config, weights, dir);
  return { config, weights };
}

/** Old checkpoints carry rotary frequencies, and tied ones may carry the head a second time; both follow from the rest. */
function isIgnored(name: string, config: ModelConfig): boolean {
  return name.endsWith(".rotary_emb.inv_freq") || (name === "lm_head.weight" && config.tiedEmbeddings && config.architecture === "LlamaForCausalLM");
}

/** Name and shape of every weight; matrices are [out, in]. */
export function weightShapes(config: ModelConfig): Map<string, number[]> {
  const { hiddenSize: d, intermediateSize: f, headSize, vocabSize } = config;
  const q = config.heads * headSize;
  const kv = config.kvHeads * headSize;
  const shapes = new Map<string, number[]>([["model.embed_tokens.weight", [vocabSize, d]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    shapes.set(`${at}.input_layernorm.weight`, [d]);
    shapes.set(`${at}.self_attn.q_proj.weight`, [q, d]);
    shapes.set(`${at}.self_attn.k_proj.weight`, [kv, d]);
    shapes.set(`${at}.self_attn.v_proj.weight`, [kv, d]);
    shapes.set(`${at}.self_attn.o_proj.weight`, [d, q]);
    shapes.set(`${at}.post_attention_layernorm.weight`, [d]);
    shapes.set(`${at}.mlp.gate_proj.weight`, [f, d]);
    shapes.set(`${at}.mlp.up_proj.weight`, [f, d]);
    shapes.set(`${at}.mlp.down_proj.weight`, [d, f]);
  }
  shapes.set("model.norm.weight", [d]);
  if (config.architecture === "LlamaForSequenceClassification") shapes.set("score.weight", [1, d]);
  else if (!config.tiedEmbeddings) shapes.set("lm_head.weight", [vocabSize, d]);
  return shapes;
}

function checkWeights(config: ModelConfig, weights: Tensors, dir: string): void {
  const shapes = weightShapes(config);
  for (const [name, shape] of shapes) {
    const tensor = weights.get(name);
    if (!tensor) throw new ArtifactError("checkpoint_invalid", `${dir} lacks tensor "${name}"`, { hint: "its config.json and its weights belong to different models" });
    if (tensor.shape.join() !== shape.join())
      throw new ArtifactError("checkpoint_invalid", `tensor "${name}" of ${dir} has shape [${tensor.shape.join(", ")}], and config.json asks for [${shape.join(", ")}]`);
  }
  for (const name of weights.keys())
    if (!shapes.has(name)) throw new ArtifactError("checkpoint_invalid", `${dir} holds tensor "${name}", which ${config.architecture} does not have`);
}

/** Writes config.json and model.safetensors, and copies the tokenizer of `tokenizerDir`. Equal models give equal bytes. */
export async function writeCheckpoint(dir: string, checkpoint: Checkpoint, tokenizerDir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "config.json"), formatConfig(checkpoint.config));
  await writeSafetensors(join(dir, "model.safetensors"), checkpoint.weights);
  const present = await readdir(tokenizerDir);
  if (resolve(tokenizerDir) === resolve(dir)) return;
  for (const name of tokenizerFiles) if (present.includes(name)) await copyFile(join(tokenizerDir, name), join(dir, name));
}
