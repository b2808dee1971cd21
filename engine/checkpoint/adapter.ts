// An adapter as a folder in PEFT's layout: adapter_config.json and adapter_model.safetensors.
// Format: github.com/huggingface/peft, docs "Checkpoint format".
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { adapterParameters } from "../model/lora.ts";
import type { Adapter } from "../model/lora.ts";
import type { Parameter } from "../model/parameters.ts";
import type { ModelConfig } from "../model/types.ts";
import { parseSettings } from "./adapter-settings.ts";
import { cut, readJson, SETTINGS_BYTES_MAX } from "./read-json.ts";
import { readHeader } from "./safetensors-header.ts";
import type { WeightsFile } from "./safetensors-header.ts";
import { checkFinite, readTensors, writeSafetensors } from "./safetensors.ts";

export const ADAPTER_CONFIG_FILE = "adapter_config.json";
const WEIGHTS_FILE = "adapter_model.safetensors";
/** Names of PEFT's wrapper and of transformers' model. */
const PREFIX = "base_model.model.";

/** Throws unless the tensors are exactly those of the settings, with their shapes and finite. */
export async function readAdapter(dir: string, config: ModelConfig): Promise<Adapter> {
  const settingsPath = join(dir, ADAPTER_CONFIG_FILE);
  const settings = parseSettings(await readJson(settingsPath, SETTINGS_BYTES_MAX), settingsPath);
  const file = await readHeader(join(dir, WEIGHTS_FILE));
  const needed = adapterParameters(config, settings).flatMap(({ parts }) => parts);
  checkTensors(needed, file);
  const tensors = await readTensors(file);
  checkFinite(tensors, file.path);
  const weights = needed.map(({ name }) => [name, tensors.get(PREFIX + name)!] as const);
  return { settings, weights: new Map(weights) };
}

function checkTensors(needed: Parameter["parts"], { path, entries }: WeightsFile): void {
  const names = new Set(entries.keys());
  for (const { name, shape } of needed) {
    const found = entries.get(PREFIX + name)?.shape;
    if (found?.join() !== shape.join())
      throw new RatchetError(
        "checkpoint_invalid",
        `${path} has ${found ? `shape [${cut(found.join(", "))}]` : "nothing"} for ${PREFIX}${name}, ` +
          `and the model needs [${shape.join(", ")}]`,
        { hint: "the adapter belongs to another model" },
      );
    names.delete(PREFIX + name);
  }
  for (const name of names)
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} holds tensor "${cut(name)}", for which adapter_config.json has no target`,
    );
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
