// An adapter as a folder in PEFT's layout: adapter_config.json and adapter_model.safetensors. Settings that
// engine/model/lora.ts does not compute are refused by name.
// Format: github.com/huggingface/peft, docs "Checkpoint format".
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { adapterParameters, loraTargets } from "../model/lora.ts";
import type { Adapter, LoraSettings, LoraTarget } from "../model/lora.ts";
import type { ModelConfig } from "../model/types.ts";
import { readJson } from "./checkpoint.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

export const ADAPTER_CONFIG_FILE = "adapter_config.json";
const WEIGHTS_FILE = "adapter_model.safetensors";
/** Names of PEFT's wrapper and of transformers' model. */
const PREFIX = "base_model.model.";

type Json = Record<string, unknown>;

/** Values of settings that do not change the computation. Neither do absent, null, false and empty values. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  bias: ["none"],
  init_lora_weights: [true, "gaussian"],
};
/** Settings that change the computation unless they are absent, null, false or empty. */
const CHANGING = [
  "alpha_pattern",
  "exclude_modules",
  "fan_in_fan_out",
  "layer_replication",
  "layers_to_transform",
  "lora_bias",
  "modules_to_save",
  "rank_pattern",
  "target_parameters",
  "trainable_token_indices",
  "use_bdlora",
  "use_dora",
  "use_qalora",
  "use_rslora",
];

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  (typeof value === "object" && Object.keys(value).length === 0);

function parseSettings(json: unknown, path: string): LoraSettings {
  const config = (json ?? {}) as Json;
  const refuse = (key: string): RatchetError =>
    new RatchetError("adapter_unsupported", `${path} has ${key} = ${JSON.stringify(config[key])}`, {
      hint: `plain LoRA is supported: one rank and alpha, on ${loraTargets.join(", ")} of every layer`,
    });
  if (config["peft_type"] !== "LORA") throw refuse("peft_type");
  for (const [key, values] of Object.entries(NEUTRAL))
    if (!isEmpty(config[key]) && !values.includes(config[key])) throw refuse(key);
  for (const key of CHANGING) if (!isEmpty(config[key])) throw refuse(key);
  const { r: rank, lora_alpha: alpha, target_modules: targets } = config;
  if (!Number.isInteger(rank) || (rank as number) < 1) throw refuse("r");
  if (typeof alpha !== "number" || !Number.isFinite(alpha)) throw refuse("lora_alpha");
  if (
    !Array.isArray(targets) ||
    targets.length === 0 ||
    !targets.every((target: unknown) => loraTargets.includes(target as LoraTarget))
  )
    throw refuse("target_modules");
  return { rank: rank as number, alpha, targets: loraTargets.filter((target) => targets.includes(target)) };
}

/** Throws unless the tensors are exactly those of the settings, with their shapes. */
export async function readAdapter(dir: string, config: ModelConfig): Promise<Adapter> {
  const settings = parseSettings(
    await readJson(join(dir, ADAPTER_CONFIG_FILE)),
    join(dir, ADAPTER_CONFIG_FILE),
  );
  const path = join(dir, WEIGHTS_FILE);
  const tensors = await readSafetensors(path);
  const weights: Adapter["weights"] = new Map();
  for (const { name, shape } of adapterParameters(config, settings).flatMap(({ parts }) => parts)) {
    const tensor = tensors.get(PREFIX + name);
    if (tensor?.shape.join() !== shape.join()) {
      const found = tensor ? `shape [${tensor.shape.join(", ")}]` : "nothing";
      throw new RatchetError(
        "checkpoint_invalid",
        `${path} has ${found} for ${PREFIX}${name}, and the model needs [${shape.join(", ")}]`,
        { hint: "the adapter belongs to another model" },
      );
    }
    weights.set(name, tensor);
    tensors.delete(PREFIX + name);
  }
  for (const name of tensors.keys())
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} holds tensor "${name}", for which adapter_config.json has no target`,
    );
  return { settings, weights };
}

/** Equal adapters give equal bytes. */
export async function writeAdapter(dir: string, { settings, weights }: Adapter): Promise<void> {
  await mkdir(dir, { recursive: true });
  const config = {
    base_model_name_or_path: null,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    lora_alpha: settings.alpha,
    lora_dropout: 0,
    peft_type: "LORA",
    r: settings.rank,
    target_modules: settings.targets,
    task_type: "CAUSAL_LM",
  };
  await writeFile(join(dir, ADAPTER_CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
  await writeSafetensors(
    join(dir, WEIGHTS_FILE),
    [...weights].map(([name, tensor]) => [PREFIX + name, tensor]),
  );
}
