// `config.json` of the Hugging Face layout to ModelConfig and back. Llama exactly as the engine computes it is accepted; every
// setting that would change the computation is refused by name, because a model that loads and is wrong costs a campaign.
import { ArtifactError, SpecError } from "../errors.ts";
import type { Architecture, ModelConfig } from "../model/types.ts";

type Json = Record<string, unknown>;

const architectures: readonly string[] = ["LlamaForCausalLM", "LlamaForSequenceClassification"] satisfies Architecture[];

/** Settings that have one supported value; absent means that value. */
const fixed: [key: string, value: unknown][] = [
  ["hidden_act", "silu"],
  ["attention_bias", false],
  ["mlp_bias", false],
  ["sliding_window", null],
  ["quantization_config", null],
  ["pretraining_tp", 1],
];

export function parseConfig(json: unknown, path: string): ModelConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new ArtifactError("checkpoint_invalid", `${path} is not a JSON object`);
  const config = json as Json;
  const architecture = checkArchitecture(config, path);
  const int = (key: string, fallback?: number): number => positiveInt(config, key, path, fallback);
  const hiddenSize = int("hidden_size");
  const heads = int("num_attention_heads");
  const parsed: ModelConfig = {
    architecture,
    vocabSize: int("vocab_size"),
    hiddenSize,
    intermediateSize: int("intermediate_size"),
    layers: int("num_hidden_layers"),
    heads,
    kvHeads: int("num_key_value_heads", heads),
    headSize: int("head_dim", hiddenSize / heads),
    maxPositions: int("max_position_embeddings", 2048),
    ropeTheta: ropeTheta(config, path),
    rmsEpsilon: positive(config, "rms_norm_eps", path, 1e-6),
    tiedEmbeddings: config["tie_word_embeddings"] === true,
    eosIds: ids(config, "eos_token_id", path),
  };
  const [bosId] = ids(config, "bos_token_id", path);
  const [padId] = ids(config, "pad_token_id", path);
  if (bosId !== undefined) parsed.bosId = bosId;
  if (padId !== undefined) parsed.padId = padId;
  checkSizes(parsed, path);
  return parsed;
}

function checkArchitecture(config: Json, path: string): Architecture {
  const names = config["architectures"];
  const name: unknown = Array.isArray(names) ? names[0] : undefined;
  const hint = `supported: ${architectures.join(", ")}`;
  if (typeof name !== "string" || !architectures.includes(name))
    throw new SpecError("architecture_unsupported", `${path} has architecture ${name === undefined ? "none" : String(name)}`, { hint });
  if (config["model_type"] !== undefined && config["model_type"] !== "llama")
    throw new SpecError("architecture_unsupported", `${path} has model_type ${String(config["model_type"])} with architecture ${name}`, { hint });
  for (const [key, value] of fixed) {
    const given = config[key] ?? value;
    if (given !== value) throw new SpecError("architecture_unsupported", `${path} has ${key} = ${JSON.stringify(given)}`, { hint: `only ${key} = ${JSON.stringify(value)} is supported` });
  }
  if (name === "LlamaForSequenceClassification") checkOneLabel(config, path);
  return name as Architecture;
}

/** transformers writes labels as `id2label`, whose length is num_labels; its default is two. */
function checkOneLabel(config: Json, path: string): void {
  const labels = config["num_labels"] ?? (config["id2label"] === undefined ? 2 : Object.keys(config["id2label"] as object).length);
  if (labels !== 1) throw new SpecError("architecture_unsupported", `${path} is a classifier with ${String(labels)} labels`, { hint: "a reward model has one: num_labels 1" });
}

/** Since transformers 5 rotary settings lie in `rope_parameters`; before, in `rope_theta` and `rope_scaling`. */
function ropeTheta(config: Json, path: string): number {
  const settings = { ...((config["rope_scaling"] ?? {}) as Json), ...((config["rope_parameters"] ?? {}) as Json) };
  const type = settings["rope_type"] ?? settings["type"] ?? "default";
  if (type !== "default") throw new SpecError("architecture_unsupported", `${path} has rope_scaling of type ${String(type)}`, { hint: "only unscaled rotary embedding is supported" });
  return positive({ rope_theta: settings["rope_theta"] ?? config["rope_theta"] }, "rope_theta", path, 10000);
}

function positive(config: Json, key: string, path: string, fallback?: number): number {
  const value = config[key] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) throw new ArtifactError("checkpoint_invalid", `${path} has ${key} = ${JSON.stringify(value)}, which must be a positive number`);
  return value;
}

function positiveInt(config: Json, key: string, path: string, fallback?: number): number {
  const value = positive(config, key, path, fallback);
  if (!Number.isInteger(value)) throw new ArtifactError("checkpoint_invalid", `${path} has ${key} = ${value}, which must be a whole number`);
  return value;
}

/** A token id or a list of them. */
function ids(config: Json, key: string, path: string): number[] {
  const value = config[key] ?? [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((id): id is number => Number.isInteger(id) && (id as number) >= 0)) throw new ArtifactError("checkpoint_invalid", `${path} has ${key} = ${JSON.stringify(value)}, which is no token id`);
  return list;
}

function checkSizes(config: ModelConfig, path: string): void {
  if (config.heads % config.kvHeads !== 0)
    throw new ArtifactError("checkpoint_invalid", `${path} has ${config.heads} attention heads, which ${config.kvHeads} key/value heads do not divide`);
  if (config.headSize % 2 !== 0) throw new ArtifactError("checkpoint_invalid", `${path} has head_dim = ${config.headSize}, which must be even for rotary embedding`);
}

/** Keys in a fixed order, so that equal models have equal bytes. Written for transformers 4 and 5, both of which read `rope_theta`. */
export function formatConfig(config: ModelConfig): string {
  const classifier = config.architecture === "LlamaForSequenceClassification";
  const json = {
    architectures: [config.architecture],
    model_type: "llama",
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headSize,
    max_position_embeddings: config.maxPositions,
    rope_theta: config.ropeTheta,
    rms_norm_eps: config.rmsEpsilon,
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: config.tiedEmbeddings,
    bos_token_id: config.bosId ?? null,
    eos_token_id: config.eosIds.length > 1 ? config.eosIds : (config.eosIds[0] ?? null),
    pad_token_id: config.padId ?? null,
    ...(classifier ? { id2label: { 0: "LABEL_0" }, label2id: { LABEL_0: 0 } } : {}),
    torch_dtype: "float32",
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}
