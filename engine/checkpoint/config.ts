// `config.json` of the Hugging Face layout to ModelConfig and back. It accepts the families of
// model/families.ts. Every setting that the engine does not compute is refused by name, because a model that
// loads but computes something else would cost a campaign.
import { RatchetError } from "../../errors/index.ts";
import { architectures, familyOf, isRewardModel } from "../model/families.ts";
import type { Architecture, Family } from "../model/families.ts";
import type { ModelConfig } from "../model/types.ts";
import { formatRopeScaling, parseRope } from "./config-rope.ts";
import { checkSettings } from "./config-settings.ts";
import { flag, id, ids, positive, positiveInt, unsupported } from "./config-values.ts";
import type { Json } from "./config-values.ts";
import { cut, show } from "./read-json.ts";
import type { WeightType } from "./safetensors.ts";

const TORCH_NAMES: Record<WeightType, string> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/** Four times the longest published context. No tensor has this length. */
const POSITIONS_MAX = 2 ** 24;

export function parseConfig(json: unknown, path: string): ModelConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new RatchetError("checkpoint_invalid", `${path} is not a JSON object`);
  const architecture = checkArchitecture(json as Json, path);
  const family = familyOf({ architecture });
  const config: Json = { ...family.absent, ...json };
  const int = (key: string, fallback?: number): number => positiveInt(config, key, path, fallback);
  const hiddenSize = int("hidden_size");
  const heads = int("num_attention_heads");
  const vocabSize = int("vocab_size");
  const maxPositions = int("max_position_embeddings");
  checkSettings(config, family, path);
  const bosId = id(config, "bos_token_id", path, vocabSize);
  const padId = id(config, "pad_token_id", path, vocabSize);
  const parsed: ModelConfig = {
    architecture,
    vocabSize,
    hiddenSize,
    intermediateSize: int("intermediate_size"),
    layers: int("num_hidden_layers"),
    heads,
    kvHeads: int("num_key_value_heads", heads),
    headSize: int("head_dim", hiddenSize / heads),
    maxPositions,
    ...parseRope(config, maxPositions, path),
    rmsEpsilon: positive(config, "rms_norm_eps", path, 1e-6),
    ...biases(config, family, path),
    tiedEmbeddings: flag(config, "tie_word_embeddings", path),
    ...(bosId === undefined ? {} : { bosId }),
    eosIds: ids(config, "eos_token_id", path, vocabSize),
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
    throw unsupported(
      path,
      `architecture ${typeof name === "string" ? cut(name) : name === undefined ? "none" : show(name)}`,
      hint,
    );
  const { modelType } = familyOf({ architecture });
  const given = config["model_type"];
  if (given !== undefined && given !== modelType)
    throw unsupported(
      path,
      `model_type ${typeof given === "string" ? cut(given) : show(given)} with architecture ${architecture}`,
      hint,
    );
  if (isRewardModel({ architecture })) checkOneLabel(config, path);
  return architecture;
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
    const value = flag(config, key, path);
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
  const { num_labels: count, id2label } = config;
  const named = typeof id2label === "object" && id2label !== null ? Object.keys(id2label).length : undefined;
  const labels = named ?? count ?? 2;
  if (labels === 1 && (count ?? 1) === 1) return;
  const what =
    labels === 1 ? `num_labels = ${show(count)} and one name in id2label` : `${show(labels)} labels`;
  throw new RatchetError("architecture_unsupported", `${path} is a classifier with ${what}`, {
    hint: "a reward model has one: num_labels 1",
  });
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
  if (config.maxPositions > POSITIONS_MAX)
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} has max_position_embeddings = ${config.maxPositions}, more than ${POSITIONS_MAX}`,
      { hint: "set it to the longest text that the model was trained on" },
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
