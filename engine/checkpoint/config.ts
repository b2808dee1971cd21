// `config.json` of the Hugging Face layout to ModelConfig and back. It accepts the families of
// model/families.ts. Every setting that the engine does not compute is refused by name, because a model that
// loads but computes something else would cost a campaign.
import { RatchetError } from "../../errors/index.ts";
import { architectures, familyOf, isRewardModel } from "../model/families.ts";
import type { Architecture, Family } from "../model/families.ts";
import type { ModelConfig } from "../model/types.ts";
import { formatRopeScaling, parseRopeScaling, parseRopeTheta } from "./config-rope.ts";
import { ids, positive, positiveInt, unsupported } from "./config-values.ts";
import type { Json } from "./config-values.ts";
import type { WeightType } from "./safetensors.ts";

const TORCH_NAMES: Record<WeightType, string> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/** Settings with one supported value, which is also the default. */
const FIXED: [key: string, value: unknown][] = [
  ["hidden_act", "silu"],
  ["attention_dropout", 0],
  ["partial_rotary_factor", 1],
  ["quantization_config", null],
  ["pretraining_tp", 1],
];

export function parseConfig(json: unknown, path: string): ModelConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new RatchetError("checkpoint_invalid", `${path} is not a JSON object`);
  const architecture = checkArchitecture(json as Json, path);
  const family = familyOf({ architecture });
  const config: Json = { ...family.absent, ...json };
  const int = (key: string, fallback?: number): number => positiveInt(config, key, path, fallback);
  const hiddenSize = int("hidden_size");
  const heads = int("num_attention_heads");
  const maxPositions = int("max_position_embeddings");
  checkSettings(config, family, maxPositions, path);
  const ropeScaling = parseRopeScaling(config, maxPositions, path);
  const [bosId] = ids(config, "bos_token_id", path);
  const [padId] = ids(config, "pad_token_id", path);
  const parsed: ModelConfig = {
    architecture,
    vocabSize: int("vocab_size"),
    hiddenSize,
    intermediateSize: int("intermediate_size"),
    layers: int("num_hidden_layers"),
    heads,
    kvHeads: int("num_key_value_heads", heads),
    headSize: int("head_dim", hiddenSize / heads),
    maxPositions,
    ropeTheta: parseRopeTheta(config, path),
    ...(ropeScaling && { ropeScaling }),
    rmsEpsilon: positive(config, "rms_norm_eps", path, 1e-6),
    ...biases(config, family, path),
    tiedEmbeddings: config["tie_word_embeddings"] === true,
    ...(bosId === undefined ? {} : { bosId }),
    eosIds: ids(config, "eos_token_id", path),
    ...(padId === undefined ? {} : { padId }),
  };
  checkSizes(parsed, path);
  return parsed;
}

function checkArchitecture(config: Json, path: string): Architecture {
  const names = config["architectures"];
  const name: unknown = Array.isArray(names) ? names[0] : undefined;
  const hint = `supported: ${architectures.join(", ")}`;
  const architecture = architectures.find((known) => known === name);
  if (!architecture)
    throw unsupported(path, `architecture ${name === undefined ? "none" : String(name)}`, hint);
  const { modelType } = familyOf({ architecture });
  if (config["model_type"] !== undefined && config["model_type"] !== modelType)
    throw unsupported(
      path,
      `model_type ${String(config["model_type"])} with architecture ${architecture}`,
      hint,
    );
  if (isRewardModel({ architecture })) checkOneLabel(config, path);
  return architecture;
}

function checkSettings(config: Json, { window }: Family, maxPositions: number, path: string): void {
  for (const [key, value] of FIXED) {
    const given = config[key] ?? value;
    if (given !== value)
      throw unsupported(
        path,
        `${key} = ${JSON.stringify(given)}`,
        `only ${key} = ${JSON.stringify(value)} is supported`,
      );
  }
  const hint = "only full attention is supported: no sliding window in use";
  const given = config[window] ?? false;
  // A window that is not shorter than the context masks nothing.
  const unused = given === false || (typeof given === "number" && given >= maxPositions);
  if (!unused) throw unsupported(path, `${window} = ${JSON.stringify(given)}`, hint);
  const other = ((config["layer_types"] ?? []) as unknown[]).find((type) => type !== "full_attention");
  if (other !== undefined) throw unsupported(path, `layer_types with ${JSON.stringify(other)}`, hint);
}

/**
 * The switches of a family. In another family transformers ignores these keys; here they are accepted if they
 * are off.
 */
function biases(
  config: Json,
  { qkvBias, mlpBias }: Family,
  path: string,
): Pick<ModelConfig, "attentionBias" | "mlpBias"> {
  const on = (key: string, known: boolean): boolean => {
    const value = config[key] ?? false;
    if (typeof value !== "boolean")
      throw new RatchetError(
        "checkpoint_invalid",
        `${path} has ${key} = ${JSON.stringify(value)}, which must be true or false`,
      );
    if (value && !known)
      throw unsupported(path, `${key} = true`, "models of this architecture do not have this switch");
    return value;
  };
  return {
    ...(on("attention_bias", qkvBias === "attentionBias") && { attentionBias: true }),
    ...(on("mlp_bias", mlpBias === "mlpBias") && { mlpBias: true }),
  };
}

/** transformers writes the labels as `id2label`; their number is num_labels, by default 2. */
function checkOneLabel(config: Json, path: string): void {
  const labels =
    config["num_labels"] ??
    (config["id2label"] === undefined ? 2 : Object.keys(config["id2label"] as object).length);
  if (labels !== 1)
    throw new RatchetError(
      "architecture_unsupported",
      `${path} is a classifier with ${String(labels)} labels`,
      {
        hint: "a reward model has one: num_labels 1",
      },
    );
}

function checkSizes(config: ModelConfig, path: string): void {
  if (config.heads % config.kvHeads !== 0)
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} has ${config.heads} attention heads, which ${config.kvHeads} key/value heads do not divide`,
    );
  if (config.headSize % 2 !== 0)
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} has head_dim = ${config.headSize}, which must be even for rotary embedding`,
    );
}

/**
 * The keys have a fixed order, so equal models have equal bytes. transformers 4 and 5 both read `rope_theta`
 * and `rope_scaling`.
 */
export function formatConfig(config: ModelConfig, dtype: WeightType = "F32"): string {
  const family = familyOf(config);
  const json = {
    architectures: [config.architecture],
    model_type: family.modelType,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headSize,
    max_position_embeddings: config.maxPositions,
    rope_theta: config.ropeTheta,
    rope_scaling: config.ropeScaling && formatRopeScaling(config.ropeScaling),
    rms_norm_eps: config.rmsEpsilon,
    hidden_act: "silu",
    attention_bias: family.qkvBias === "attentionBias" ? config.attentionBias === true : undefined,
    mlp_bias: family.mlpBias === "mlpBias" ? config.mlpBias === true : undefined,
    use_sliding_window: family.window === "use_sliding_window" ? false : undefined,
    sliding_window: "sliding_window" in family.absent ? null : undefined,
    tie_word_embeddings: config.tiedEmbeddings,
    bos_token_id: config.bosId ?? null,
    eos_token_id: config.eosIds.length > 1 ? config.eosIds : (config.eosIds[0] ?? null),
    pad_token_id: config.padId ?? null,
    id2label: isRewardModel(config) ? { 0: "LABEL_0" } : undefined,
    label2id: isRewardModel(config) ? { LABEL_0: 0 } : undefined,
    torch_dtype: TORCH_NAMES[dtype],
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}
