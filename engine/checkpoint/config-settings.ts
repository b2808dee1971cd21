// Which settings of a config.json may stand there without being computed. A setting that is in no list here
// and is not read by config.ts is refused by name: the model may need something that the engine does not do.
// test/golden/models/settings.py compares with transformers, setting by setting.
import type { Family } from "../model/families.ts";
import { unsupported } from "./config-values.ts";
import type { Json } from "./config-values.ts";
import { isEmpty, show } from "./read-json.ts";

/** Read by config.ts and config-rope.ts. */
const READ = [
  "architectures",
  "model_type",
  "vocab_size",
  "hidden_size",
  "intermediate_size",
  "num_hidden_layers",
  "num_attention_heads",
  "num_key_value_heads",
  "head_dim",
  "max_position_embeddings",
  "original_max_position_embeddings",
  "rope_theta",
  "rope_scaling",
  "rope_parameters",
  "rms_norm_eps",
  "attention_bias",
  "mlp_bias",
  "tie_word_embeddings",
  "bos_token_id",
  "eos_token_id",
  "pad_token_id",
  "num_labels",
  "id2label",
];

/** Names, versions, and how a library computes, prints or starts a training: they change no number here. */
const HARMLESS = [
  "_name_or_path",
  "name_or_path",
  "_commit_hash",
  "_attn_implementation",
  "_attn_implementation_autoset",
  "_attn_implementation_internal",
  "_experts_implementation_internal",
  "attn_implementation",
  "use_sdpa",
  "use_flash_attention",
  "use_flash_attn",
  "transformers_version",
  "transformers.js_config",
  "unsloth_fixed",
  "unsloth_version",
  "is_llama_config",
  "initializer_range",
  "gradient_checkpointing",
  "neftune_noise_alpha",
  "return_dict",
  "output_attentions",
  "output_hidden_states",
  "torchscript",
  "use_bfloat16",
  "chunk_size_feed_forward",
  "tie_last_hidden_states",
  "keys_to_ignore_at_inference",
  "label2id",
  "problem_type",
  "finetuning_task",
  "task_specific_params",
  "tokenizer_class",
  "tokenizer_model_max_length",
  "tokenizer_padding_side",
  "model_max_length",
  "max_sequence_length",
  "max_seq_len",
  "seq_length",
  "prefix",
  "is_decoder",
  "tie_encoder_decoder",
  "tf_legacy_loss",
  "max_window_layers",
  "sep_token_id",
  "unk_token_id",
  "decoder_start_token_id",
];

/**
 * Settings of generation that older versions of transformers wrote into config.json. transformers 5 drops
 * them, and a campaign's spec says how to sample.
 */
const GENERATION = [
  "assistant_confidence_threshold",
  "assistant_lookbehind",
  "bad_words_ids",
  "begin_suppress_tokens",
  "diversity_penalty",
  "do_sample",
  "early_stopping",
  "encoder_no_repeat_ngram_size",
  "encoder_repetition_penalty",
  "epsilon_cutoff",
  "eta_cutoff",
  "exponential_decay_length_penalty",
  "forced_bos_token_id",
  "forced_eos_token_id",
  "length_penalty",
  "max_length",
  "max_new_tokens",
  "min_length",
  "no_repeat_ngram_size",
  "num_assistant_tokens",
  "num_assistant_tokens_schedule",
  "num_beam_groups",
  "num_beams",
  "num_return_sequences",
  "output_scores",
  "remove_invalid_values",
  "repetition_penalty",
  "return_dict_in_generate",
  "suppress_tokens",
  "target_lookbehind",
  "temperature",
  "top_k",
  "top_p",
  "typical_p",
  "use_cache",
];

/** Settings with supported values. Absent and null mean the first. */
const ALLOWED: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ["silu"],
  attention_dropout: [0],
  classifier_dropout: [0],
  partial_rotary_factor: [1],
  quantization_config: [null],
  pretraining_tp: [1],
  // Transformers 4 writes `torch_dtype`, transformers 5 `dtype`. The engine computes in float32 for each.
  torch_dtype: ["float32", "float16", "bfloat16", "float64"],
  dtype: ["float32", "float16", "bfloat16", "float64"],
};

const KNOWN = new Set([...READ, ...HARMLESS, ...GENERATION, ...Object.keys(ALLOWED), "is_causal"]);

/** `config` has the family's defaults. Throws architecture_unsupported for a setting that is not computed. */
export function checkSettings(config: Json, family: Family, path: string): void {
  for (const [key, values] of Object.entries(ALLOWED)) {
    const given = config[key] ?? values[0];
    if (!values.includes(given))
      throw unsupported(path, `${key} = ${show(given)}`, `only ${values.map(show).join(", ")} is supported`);
  }
  // transformers reads null as false here.
  if ("is_causal" in config && config["is_causal"] !== true)
    throw unsupported(path, `is_causal = ${show(config["is_causal"])}`, "only is_causal = true is supported");
  checkWindow(config, family, path);
  for (const [key, value] of Object.entries(config))
    if (!KNOWN.has(key) && !WINDOW.includes(key) && !isEmpty(value))
      throw unsupported(
        path,
        `${key} = ${show(value)}`,
        `the engine does not know ${key}. If the model computes the same without it, remove it from the file`,
      );
}

const WINDOW = ["sliding_window", "use_sliding_window", "layer_types"];

function checkWindow(config: Json, { window }: Family, path: string): void {
  const hint = "only full attention is supported: no sliding window in use";
  const maxPositions = config["max_position_embeddings"] as number;
  for (const key of [window, "use_sliding_window"]) {
    const given = config[key] ?? false;
    // A window that is not shorter than the context masks nothing.
    const unused = given === false || (key === "sliding_window" && (given as number) >= maxPositions);
    if (!unused) throw unsupported(path, `${key} = ${show(given)}`, hint);
  }
  const types = config["layer_types"] ?? undefined;
  if (types === undefined) return;
  const full = (type: unknown): boolean => type === "full_attention";
  if (!Array.isArray(types)) throw unsupported(path, `layer_types = ${show(types)}`, hint);
  if (!types.every(full)) {
    const other: unknown = types.find((type) => !full(type));
    throw unsupported(path, `layer_types with ${show(other)}`, hint);
  }
  if (types.length !== config["num_hidden_layers"])
    throw unsupported(path, `layer_types of ${types.length} layers`, "give one for each layer, or none");
}
