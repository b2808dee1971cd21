// `config.json` of the Hugging Face layout to ModelConfig and back. The families of model/families.ts exactly as the engine computes them
// are accepted; every setting that would change the computation is refused by name, because a model that loads and is wrong costs a campaign.
import { RatchetError } from "../../errors/index.ts";
import { architectures, familyOf, isRewardModel } from "../model/families.ts";
import type { Architecture, Family } from "../model/families.ts";
import type { ModelConfig, RopeScaling } from "../model/types.ts";
import type { WeightType } from "./safetensors.ts";

const torchNames: Record<WeightType, string> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

type Json = Record<string, unknown>;

/** Settings that have one supported value; absent means that value. */
const fixed: [key: string, value: unknown][] = [
  ["hidden_act", "silu"],
  ["attention_dropout", 0],
  ["partial_rotary_factor", 1],
  ["quantization_config", null],
  ["pretraining_tp", 1],
];

const unsupported = (path: string, what: string, hint: string): RatchetError =>
  new RatchetError("architecture_unsupported", `${path} has ${what}`, { hint });

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
    ropeTheta: positive(
      { rope_theta: ropeSettings(config)["rope_theta"] ?? config["rope_theta"] },
      "rope_theta",
      path,
      10_000,
    ),
    ...(ropeScaling ? { ropeScaling } : {}),
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
  for (const [key, value] of fixed) {
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
  // A window that is not shorter than the context hides nothing.
  const unused = given === false || (typeof given === "number" && given >= maxPositions);
  if (!unused) throw unsupported(path, `${window} = ${JSON.stringify(given)}`, hint);
  const other = ((config["layer_types"] ?? []) as unknown[]).find((type) => type !== "full_attention");
  if (other !== undefined) throw unsupported(path, `layer_types with ${JSON.stringify(other)}`, hint);
}

/** The switches that a family has; the same keys in another family's config.json mean nothing to transformers, and nothing here if off. */
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
      throw unsupported(path, `${key} = true`, "models of this architecture have no such switch");
    return value;
  };
  return {
    ...(on("attention_bias", qkvBias === "attentionBias") ? { attentionBias: true } : {}),
    ...(on("mlp_bias", mlpBias === "mlpBias") ? { mlpBias: true } : {}),
  };
}

/** transformers writes labels as `id2label`, whose length is num_labels; its default is two. */
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

/** Since transformers 5 rotary settings lie in `rope_parameters`; before, in `rope_theta` and `rope_scaling`, which still wins where both stand. */
function ropeSettings(config: Json): Json {
  return (config["rope_scaling"] ?? config["rope_parameters"] ?? {}) as Json;
}

function parseRopeScaling(config: Json, maxPositions: number, path: string): RopeScaling | undefined {
  const settings = ropeSettings(config);
  const type = settings["rope_type"] ?? settings["type"] ?? "default";
  const number = (key: string, fallback?: number): number =>
    positive(settings, key, `the rotary scaling of ${path}`, fallback);
  const hint = "supported: default, linear, llama3, over the whole head and the same in all layers";
  if (Object.values(settings).some((value) => typeof value === "object" && value !== null))
    throw unsupported(path, "rope_parameters of several kinds of layers", hint);
  if ((settings["partial_rotary_factor"] ?? 1) !== 1)
    throw unsupported(
      path,
      `partial_rotary_factor = ${JSON.stringify(settings["partial_rotary_factor"])}`,
      hint,
    );
  switch (type) {
    case "default":
      return undefined;
    case "linear":
      return { type: "linear", factor: number("factor") };
    case "llama3":
      return {
        type: "llama3",
        factor: number("factor"),
        lowFrequencyFactor: number("low_freq_factor"),
        highFrequencyFactor: number("high_freq_factor"),
        originalPositions: number("original_max_position_embeddings", maxPositions),
      };
    default:
      throw unsupported(path, `rotary scaling of type ${JSON.stringify(type)}`, hint);
  }
}

function positive(config: Json, key: string, path: string, fallback?: number): number {
  const value = config[key] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} has ${key} = ${JSON.stringify(value)}, which must be a positive number`,
    );
  return value;
}

function positiveInt(config: Json, key: string, path: string, fallback?: number): number {
  const value = positive(config, key, path, fallback);
  if (!Number.isInteger(value))
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} has ${key} = ${value}, which must be a whole number`,
    );
  return value;
}

/** A token id or a list of them. */
function ids(config: Json, key: string, path: string): number[] {
  const value = config[key] ?? [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((id): id is number => Number.isInteger(id) && (id as number) >= 0))
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} has ${key} = ${JSON.stringify(value)}, which is no token id`,
    );
  return list;
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

function formatRopeScaling(scaling: RopeScaling): Json {
  if (scaling.type === "linear") return { rope_type: scaling.type, factor: scaling.factor };
  const { type, factor, lowFrequencyFactor, highFrequencyFactor, originalPositions } = scaling;
  return {
    rope_type: type,
    factor,
    low_freq_factor: lowFrequencyFactor,
    high_freq_factor: highFrequencyFactor,
    original_max_position_embeddings: originalPositions,
  };
}

/** Keys in a fixed order, so that equal models have equal bytes. Written for transformers 4 and 5, both of which read `rope_theta` and `rope_scaling`. */
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
    ...(config.ropeScaling ? { rope_scaling: formatRopeScaling(config.ropeScaling) } : {}),
    rms_norm_eps: config.rmsEpsilon,
    hidden_act: "silu",
    ...(family.qkvBias === "attentionBias" ? { attention_bias: config.attentionBias === true } : {}),
    ...(family.mlpBias === "mlpBias" ? { mlp_bias: config.mlpBias === true } : {}),
    ...(family.window === "use_sliding_window" ? { use_sliding_window: false } : {}),
    ...("sliding_window" in family.absent ? { sliding_window: null } : {}),
    tie_word_embeddings: config.tiedEmbeddings,
    bos_token_id: config.bosId ?? null,
    eos_token_id: config.eosIds.length > 1 ? config.eosIds : (config.eosIds[0] ?? null),
    pad_token_id: config.padId ?? null,
    ...(isRewardModel(config) ? { id2label: { 0: "LABEL_0" }, label2id: { LABEL_0: 0 } } : {}),
    torch_dtype: torchNames[dtype],
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}
