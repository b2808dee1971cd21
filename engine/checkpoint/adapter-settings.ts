// adapter_config.json of PEFT 0.21: every setting of its LoraConfig, and which values of it change nothing in
// engine/model/lora.ts. A setting that PEFT 0.21 does not have is refused by name unless it is empty, because
// a later version may compute something else by it. test/golden/models/settings.py compares with PEFT,
// setting by setting.
import { RatchetError } from "../../errors/index.ts";
import { loraTargets } from "../model/lora.ts";
import type { LoraSettings, LoraTarget } from "../model/lora.ts";
import { isEmpty, show } from "./read-json.ts";

type Json = Record<string, unknown>;

/** Read by parseSettings. */
const READ = ["peft_type", "r", "lora_alpha", "target_modules"];

/** Names, versions, and settings that only training or placement of weights reads. */
const HARMLESS = [
  "auto_mapping",
  "peft_version",
  "base_model_name_or_path",
  "revision",
  "inference_mode",
  "lora_dropout",
  "megatron_core",
  "runtime_config",
  "qalora_group_size",
  "ensure_weight_tying",
  // Read only if init_lora_weights names them, and that is refused.
  "loftq_config",
  "eva_config",
  "corda_config",
  "lora_ga_config",
];

/** Settings with these supported values, besides empty ones. */
const ALLOWED: Readonly<Record<string, readonly unknown[]>> = {
  bias: ["none"],
  init_lora_weights: [true, "gaussian"],
  task_type: ["CAUSAL_LM", "SEQ_CLS", "SEQ_2_SEQ_LM", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION"],
};

/** Settings that change the computation even if they are an empty list or object. */
const NULL_ONLY = [
  "alora_invocation_tokens",
  "arrow_config",
  "kasa_config",
  "layers_to_transform",
  "monteclora_config",
  "trainable_token_indices",
  "use_bdlora",
  "velora_config",
];

/** Settings that change the computation unless they are empty. */
const CHANGING = [
  "exclude_modules",
  "fan_in_fan_out",
  "use_rslora",
  "modules_to_save",
  "layers_pattern",
  "rank_pattern",
  "alpha_pattern",
  "megatron_config",
  "use_dora",
  "use_qalora",
  "layer_replication",
  "lora_bias",
  "target_parameters",
];

const KNOWN = new Set([...READ, ...HARMLESS, ...Object.keys(ALLOWED), ...NULL_ONLY, ...CHANGING]);

export function parseSettings(json: unknown, path: string): LoraSettings {
  const config = (json ?? {}) as Json;
  const refuse = (key: string): RatchetError =>
    new RatchetError("adapter_unsupported", `${path} has ${key} = ${show(config[key])}`, {
      hint: KNOWN.has(key)
        ? `plain LoRA is supported: one rank and alpha, on ${loraTargets.join(", ")} of every layer`
        : "PEFT 0.21 has no such setting. If the adapter computes the same without it, remove it",
    });
  if (config["peft_type"] !== "LORA") throw refuse("peft_type");
  for (const [key, value] of Object.entries(config)) if (!isNeutral(key, value)) throw refuse(key);
  const { r: rank, lora_alpha: alpha, target_modules: targets } = config;
  if (!Number.isSafeInteger(rank) || (rank as number) < 1) throw refuse("r");
  if (typeof alpha !== "number" || !Number.isFinite(alpha)) throw refuse("lora_alpha");
  if (
    !Array.isArray(targets) ||
    targets.length === 0 ||
    !targets.every((target: unknown) => loraTargets.includes(target as LoraTarget))
  )
    throw refuse("target_modules");
  return { rank: rank as number, alpha, targets: loraTargets.filter((target) => targets.includes(target)) };
}

function isNeutral(key: string, value: unknown): boolean {
  if (READ.includes(key) || HARMLESS.includes(key)) return true;
  if (NULL_ONLY.includes(key)) return value === null;
  return isEmpty(value) || (ALLOWED[key]?.includes(value) ?? false);
}
