"""Records what transformers and PEFT compute when one setting of a checkpoint or an adapter changes.

    python3 test/golden/models/settings.py            writes settings.json and adapter-settings.json
    python3 test/golden/models/settings.py --check    computes everything anew and compares with the files

Each row has a base, the changed settings, and the number of its outputs in `outputs`; null means that transformers or PEFT cannot load
it, or loads it with new or missing weights. The weights are the base's own (make.py's `seeded`).
"""

import copy
import itertools
import json
import logging
import pathlib
import sys
import tempfile
import warnings

import peft
import safetensors.torch
import torch
import transformers

import make

HERE = pathlib.Path(__file__).resolve().parent
IDS = [3, 7, 1, 12, 5, 9, 2, 14, 6, 11, 4, 8, 13, 10]
REMOVE = "(removed)"

# ---------------------------------------------------------------- bases

SMALL = {
    "vocab_size": 17,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": None,
    "rope_theta": 1000.0,
}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}


def base(family, head="ForCausalLM", **options):
    return {"architectures": [family + head], "model_type": family.lower(), **SMALL, **options}


BASES = {
    "llama": base("Llama"),
    "mistral": base("Mistral", sliding_window=None),
    "qwen2": base("Qwen2"),
    "qwen3": base("Qwen3", head_dim=4),
    "llama-biases": base("Llama", attention_bias=True, mlp_bias=True),
    "llama-tied": base("Llama", tie_word_embeddings=True),
    "llama-llama3": base("Llama", rope_scaling=LLAMA3),
    "qwen2-reward": base("Qwen2", "ForSequenceClassification", num_labels=1),
}

# ---------------------------------------------------------------- changes

SWITCH = [True, False, None, 1, 0, "true", "false"]
SIZE = [0, -1, 1, 2, 3, 4, 8, 16, 17, 32, 48, 1.5, "16", None, True, [16]]
REAL = [0, -1, 1e-12, 0.02, 0.5, 1, 2, 4, 8, 1000, 1e30, "1", None, True]
ID = [0, 1, 5, 16, 17, 100, -1, 1.5, "2", None, [2], [2, 3], [], [2, "x"], [100]]
FOREIGN = [True, False, None, 0, 1, 2, 0.5, "x", [], [1], {}, {"x": 1}]
WINDOW = [None, 0, 1, 3, 4, 32, 63, 64, 4096, -1, True, False, "4"]
TYPES = ["full_attention", "sliding_attention", "chunked_attention", "linear_attention", "attention"]

# Settings of the configuration classes that are sizes, numbers, switches or ids.
KINDS = {
    **dict.fromkeys(["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "max_position_embeddings", "original_max_position_embeddings", "max_window_layers", "pretraining_tp"], SIZE),
    **dict.fromkeys(["rms_norm_eps", "rope_theta", "attention_dropout", "initializer_range", "partial_rotary_factor"], REAL),
    **dict.fromkeys(["attention_bias", "mlp_bias", "tie_word_embeddings", "use_sliding_window", "use_cache", "return_dict", "output_hidden_states", "output_attentions", "is_encoder_decoder", "is_decoder", "add_cross_attention", "is_causal", "tie_encoder_decoder", "torchscript", "use_bfloat16", "use_mrope", "use_bidirectional_attention", "use_qk_norm"], SWITCH),
    **dict.fromkeys(["bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id", "unk_token_id"], ID),
    "sliding_window": WINDOW,
    "attention_chunk_size": WINDOW,
    "hidden_act": ["silu", "swish", "gelu", "gelu_new", "relu", "linear", None, 1, "x"],
    "layer_types": [None, [], ["full_attention"], *[[a, b] for a, b in itertools.product(TYPES, ["full_attention", "sliding_attention"])], "full_attention", [None, None], ["full_attention"] * 3],
    "architectures": [[], None, ["LlamaModel"], ["LlamaForCausalLM"], ["Qwen2ForCausalLM"], ["LlamaForCausalLM", "MistralForCausalLM"], "LlamaForCausalLM", [1]],
    "model_type": [REMOVE, None, "llama", "mistral", "qwen2", "qwen3", "gemma", "x"],
    "dtype": ["float32", "float16", "bfloat16", "float64", "int8", "x", None, 1],
    "torch_dtype": ["float32", "float16", "bfloat16", "float64", "int8", "x", None, 1],
    "id2label": [None, {}, {"0": "x"}, {"0": "a", "1": "b"}, {"0": "a", "1": "b", "2": "c"}, [], "x"],
    "label2id": [None, {}, {"x": 0}, {"a": 0, "b": 1}],
    "num_labels": [None, 0, 1, 2, 3, "1"],
    "problem_type": [None, "regression", "single_label_classification", "multi_label_classification", "x"],
    "per_layer_config": [None, {}, {"0": {"rms_norm_eps": 0.5}}, {"1": {"hidden_act": "gelu"}}, {"1": {"num_key_value_heads": 4}}],
    "quantization_config": [None, {}, {"bits": 4, "quant_method": "gptq"}, {"quant_method": "bitsandbytes", "load_in_8bit": True}],
    "auto_map": [None, {}, {"AutoModelForCausalLM": "modeling_x.X"}],
    "attn_implementation": ["eager", "sdpa", None],
    "_attn_implementation": ["eager", "sdpa", None],
    "transformers_version": ["4.30.0", "5.23.0", None],
    "transformers_weights": [None, "model.safetensors", "other.safetensors"],
    "_name_or_path": ["", "x/y"],
    "name_or_path": ["", "x/y"],
    "chunk_size_feed_forward": [0, 1, 4],
    "pruned_heads": [{}, {"0": [1]}],
    "tokenizer_class": [None, "LlamaTokenizer"],
    "task_specific_params": [None, {"x": {"max_length": 3}}],
    "tie_last_hidden_states": [None, True, False],
}
# Settings of other families and of tools, which these families' code may or may not read.
OTHERS = """attn_logit_softcapping final_logit_softcapping query_pre_attn_scalar logit_scale logits_scaling embedding_multiplier residual_multiplier
attention_multiplier scale_emb scale_depth dim_model_base clip_qkv qk_norm qk_layernorm use_qkv_bias qkv_bias o_bias no_bias norm_topk_prob
num_local_experts num_experts num_experts_per_tok moe_intermediate_size decoder_sparse_step mlp_only_layers shared_expert_intermediate_size
parallel_residual use_parallel_residual norm_type layer_norm_eps layer_norm_epsilon norm_epsilon hidden_activation activation_function
rope_interleaved rotary_pct rotary_dim rotary_emb_base rotary_base rope_local_base_freq no_rope_layers no_rope_layer_interval nope_layer_interval
attn_temperature_tuning attn_scale attention_out_bias attn_bias hidden_dropout hidden_dropout_prob resid_pdrop embd_pdrop attn_pdrop embd_layer_norm
classifier_dropout score_bias classifier_bias num_nextn_predict_layers num_mtp_layers sliding_window_pattern full_attn_mod local_attention layer_scale
quantization tensor_parallel unsloth_version unsloth_fixed seq_length max_sequence_length max_seq_len model_max_length tokenizer_model_max_length
neftune_noise_alpha vision_config text_config audio_config num_kv_heads n_head n_layer n_embd n_positions kv_channels ffn_dim_multiplier
multiple_of head_size use_cache_quantization use_flash_attn use_logn_attn use_dynamic_ntk pad_to_multiple_of softmax_scale custom_setting""".split()
GENERATION = {"temperature": [0.1], "top_p": [0.5], "top_k": [3], "do_sample": [True], "repetition_penalty": [1.3], "max_length": [3], "num_beams": [4], "no_repeat_ngram_size": [2], "suppress_tokens": [[1]], "bad_words_ids": [[[1]]]}

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
# Settings that are changed of the other bases.
OWN = {
    "llama-biases": ["attention_bias", "mlp_bias", "hidden_act"],
    "llama-tied": ["tie_word_embeddings", "vocab_size"],
    "llama-llama3": ["rope_theta", "original_max_position_embeddings", "max_position_embeddings", "partial_rotary_factor", "head_dim"],
    "qwen2-reward": ["architectures", "model_type", "id2label", "label2id", "num_labels", "problem_type", "pad_token_id", "tie_word_embeddings"],
}
ROPES = [
    None, {}, [], "linear", 4, True,
    {"type": "linear"}, {"type": "linear", "factor": 4}, {"rope_type": "linear", "factor": 4}, {"type": "linear", "rope_type": "default", "factor": 4},
    {"type": "default", "rope_type": "linear", "factor": 4}, {"type": "linear", "rope_type": "linear", "factor": 2.5}, {"type": "linear", "factor": 0.5},
    {"type": "linear", "factor": 0}, {"type": "linear", "factor": "4"}, {"type": "linear", "factor": None}, {"type": "linear", "factor": 4, "rope_theta": 50.0},
    {"type": "linear", "factor": 4, "original_max_position_embeddings": 8}, {"type": "linear", "factor": 4, "attention_factor": 2.0},
    {"type": "linear", "factor": 4, "partial_rotary_factor": 0.5}, {"type": "linear", "factor": 4, "partial_rotary_factor": 1.0}, {"type": "linear", "factor": 4, "x": 1},
    {"rope_type": "default"}, {"rope_type": "default", "rope_theta": 50.0}, {"rope_theta": 50.0}, {"rope_theta": None}, {"rope_theta": 0}, {"rope_theta": -5.0},
    {"rope_theta": 0.5}, {"rope_theta": 1e30}, {"rope_theta": "50"}, {"rope_type": "default", "factor": 4}, {"factor": 4}, {"type": "default", "factor": 1.0},
    {"rope_type": "default", "mrope_section": [1, 1]}, {"rope_type": "default", "partial_rotary_factor": 0.5}, {"rope_type": None, "rope_theta": 50.0}, {"type": None},
    {"type": "dynamic", "factor": 4}, {"type": "yarn", "factor": 4}, {"type": "yarn", "factor": 4, "original_max_position_embeddings": 16}, {"type": "proportional", "partial_rotary_factor": 0.5},
    {"type": "longrope", "short_factor": [1, 2], "long_factor": [2, 4], "original_max_position_embeddings": 16}, {"type": "su"}, {"type": "mrope", "mrope_section": [1, 1]}, {"type": "ntk", "factor": 2},
    {"full_attention": {"rope_type": "default", "rope_theta": 50.0}}, {"full_attention": {"rope_type": "linear", "factor": 4}, "sliding_attention": {"rope_type": "default"}},
    LLAMA3, {**LLAMA3, "rope_theta": 50.0}, {**LLAMA3, "factor": 1}, {**LLAMA3, "factor": 0}, {**LLAMA3, "low_freq_factor": 4.0}, {**LLAMA3, "low_freq_factor": 8.0}, {**LLAMA3, "low_freq_factor": 0},
    {**LLAMA3, "high_freq_factor": 2.0}, {**LLAMA3, "original_max_position_embeddings": 32}, {**LLAMA3, "original_max_position_embeddings": 0}, {**LLAMA3, "original_max_position_embeddings": None},
    {**LLAMA3, "attention_factor": 2.0}, {**LLAMA3, "beta_fast": 32.0}, {**LLAMA3, "x": 1}, {**LLAMA3, "partial_rotary_factor": 0.5},
    *[{key: value for key, value in LLAMA3.items() if key != absent} for absent in LLAMA3],
]


def rope_changes():
    for rope in ROPES:
        yield {"rope_scaling": rope}
        yield {"rope_parameters": rope}
        yield {"rope_parameters": rope, "rope_theta": REMOVE}
    some = [{}, {"rope_type": "default", "rope_theta": 50.0}, {"rope_type": "default", "rope_theta": 1000.0}, {"rope_type": "linear", "factor": 4}, {"type": "linear", "factor": 4}, {**LLAMA3}]
    for old, new in itertools.product(some, some):
        for theta in (1000.0, 50.0, REMOVE):
            yield {"rope_scaling": old, "rope_parameters": new, "rope_theta": theta}
    for outside in (8, 16, 32, None, "16"):
        for rope in (LLAMA3, {"type": "linear", "factor": 4}, {**LLAMA3, "original_max_position_embeddings": 32}):
            yield {"rope_scaling": rope, "original_max_position_embeddings": outside}


def changes_of(name):
    config = BASES[name]
    yield {}
    for key, values in KINDS.items():
        if name not in FAMILIES and key not in OWN[name]:
            continue
        if key in config:
            yield {key: REMOVE}
        for value in values:
            if value != REMOVE or key in config:
                yield {key: value}
    if name in FAMILIES:
        for key in OTHERS:
            for value in FOREIGN if name == "qwen3" and key in ("custom_setting", "quantization") else (True, 0.5):
                yield {key: value}
        for key, values in GENERATION.items():
            for value in values:
                yield {key: value}
        for window, maximum, layers in itertools.product((None, 3, 64), (None, True, False), (0, 1, 2)):
            yield {"use_sliding_window": maximum, "sliding_window": window, "max_window_layers": layers}
    if name in ("llama", "qwen3", "llama-llama3"):
        yield from rope_changes()
    if name == "qwen2-reward":
        for count, labels in itertools.product((REMOVE, None, 1, 2), (None, {"0": "x"}, {"0": "a", "1": "b"})):
            yield {"num_labels": count, "id2label": labels}


def changed(config, change):
    config = copy.deepcopy(config)
    for key, value in change.items():
        config.pop(key, None)
        if value != REMOVE:
            config[key] = copy.deepcopy(value)
    return config


# ---------------------------------------------------------------- outputs

LOADERS = {"ForCausalLM": transformers.AutoModelForCausalLM, "ForSequenceClassification": transformers.AutoModelForSequenceClassification}


def loader_of(config):
    return next(loader for suffix, loader in LOADERS.items() if config["architectures"][0].endswith(suffix))


def seeded_model(config):
    # A copy, because transformers changes the settings that it is given.
    options = {key: value for key, value in copy.deepcopy(config).items() if key not in ("architectures", "model_type")}
    parsed = transformers.AutoConfig.for_model(config["model_type"], **options)
    model = loader_of(config).from_config(parsed, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(make.seeded(name, parameter.shape))
    return model


def output_of(model):
    with torch.no_grad():
        logits = model(torch.tensor([IDS])).logits[0]
    last = logits if logits.ndim == 1 else logits[-1]
    return [float(f"{x:.8g}") for x in last.tolist()] if torch.isfinite(last).all() else None


def loaded(folder, loader):
    try:
        model, info = loader.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True, local_files_only=True)
    except Exception:
        return None
    if info["missing_keys"] or info["mismatched_keys"] or info["error_msgs"]:
        return None
    try:
        return output_of(model.eval())
    except Exception:
        return None


class Outputs:
    """Equal outputs are stored once."""

    def __init__(self):
        self.known = []

    def index(self, output):
        if output is None:
            return None
        for index, known in enumerate(self.known):
            if len(known) == len(output) and max(abs(a - b) for a, b in zip(known, output)) < 1e-6:
                return index
        self.known.append(output)
        return len(self.known) - 1


def settings():
    outputs, rows = Outputs(), []
    for name, config in BASES.items():
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            state = {key: value.contiguous() for key, value in seeded_model(config).state_dict().items() if not (config["tie_word_embeddings"] and key == "lm_head.weight")}
            safetensors.torch.save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
            for change in changes_of(name):
                (folder / "config.json").write_text(json.dumps(changed(config, change)))
                rows.append([name, change, outputs.index(loaded(folder, loader_of(config)))])
        print(name, len(rows), len(outputs.known), flush=True)
    return {"made": {"transformers": transformers.__version__}, "ids": IDS, "bases": BASES, "rows": rows, "outputs": outputs.known}


# ---------------------------------------------------------------- adapters

ADAPTER = {"r": 2, "lora_alpha": 3, "target_modules": ["q_proj", "up_proj"], "task_type": "CAUSAL_LM"}
ADAPTER_KINDS = {
    "r": [1, 4, 0, -1, None, "2", 1.5],
    "lora_alpha": [0, 1, 6, -3, 2.5, None, "3"],
    "target_modules": [["q_proj"], ["q_proj", "up_proj", "down_proj"], [], None, ".*(q_proj|up_proj)", "all-linear", ["self_attn.q_proj", "mlp.up_proj"], ["q_proj", "lm_head"], "q_proj"],
    "exclude_modules": [None, [], ["lm_head"], ["layers.0.mlp.up_proj"], ".*0.*"],
    "lora_dropout": [0.0, 0.1, 0.9, None],
    "fan_in_fan_out": SWITCH,
    "bias": ["none", "all", "lora_only", None, "x"],
    "use_rslora": SWITCH,
    "modules_to_save": [None, [], ["lm_head"], ["embed_tokens"], ["input_layernorm"]],
    "init_lora_weights": [True, False, None, "gaussian", "pissa", "pissa_niter_2", "olora", "orthogonal", "eva", "corda", "loftq", "mica", "lora_ga", "x"],
    "layers_to_transform": [None, 0, 1, [0], [0, 1], []],
    "layers_pattern": [None, "layers", ["layers"], []],
    "rank_pattern": [{}, None, {"q_proj": 1}, {"q_proj": 2}, {"x": 5}],
    "alpha_pattern": [{}, None, {"q_proj": 1}, {"q_proj": 3}, {"x": 5}],
    "megatron_config": [None, {}, {"x": 1}],
    "megatron_core": ["megatron.core", None, "x"],
    "trainable_token_indices": [None, [], [1, 2], {"embed_tokens": [1]}],
    "loftq_config": [{}, None, {"loftq_bits": 4}],
    "eva_config": [None, {}, {"rho": 2.0}],
    "corda_config": [None, {}, {"corda_method": "ipm"}],
    "lora_ga_config": [None, {}, {"direction": "ArBr"}],
    "use_dora": SWITCH,
    "velora_config": [None, {}, {"num_groups": 4}],
    "alora_invocation_tokens": [None, [], [9], [9, 2], [5], [3, 3]],
    "use_qalora": SWITCH,
    "qalora_group_size": [16, 2, None],
    "monteclora_config": [None, {}, {"num_samples": 4}],
    "layer_replication": [None, [], [[0, 2], [1, 2]], [[0, 1], [1, 2]]],
    "lora_bias": SWITCH,
    "target_parameters": [None, [], ["mlp.up_proj.weight"]],
    "use_bdlora": [None, {}, {"nblocks": 2, "target_modules_bd_a": ["q_proj"], "target_modules_bd_b": ["up_proj"]}],
    "arrow_config": [None, {}, {"top_k": 1}],
    "kasa_config": [None, {}, {"beta": 0.1}],
    "ensure_weight_tying": [True, False],
    "peft_type": ["LORA", "ADALORA", "LOHA", "IA3", None, "x"],
    "task_type": ["CAUSAL_LM", None, "SEQ_CLS", "SEQ_2_SEQ_LM", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION", "x"],
    "inference_mode": [True, False],
    "auto_mapping": [None, {}, {"base_model_class": "LlamaForCausalLM", "parent_library": "transformers.models.llama.modeling_llama"}],
    "peft_version": ["0.21.2", "0.5.0", None, "9.0"],
    "revision": [None, "main"],
    "runtime_config": [None, {"ephemeral_gpu_offload": False}, {"ephemeral_gpu_offload": True}],
    "base_model_class": ["x"],
    "enable_lora": [None, [True, False]],
    "merge_weights": [False, True],
    "custom_setting": FOREIGN,
}


def adapter_settings():
    outputs, rows = Outputs(), []
    config = BASES["llama"]
    model = peft.get_peft_model(seeded_model(config), peft.LoraConfig(**ADAPTER))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(make.seeded(make.own_name(key), parameter.shape))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model.save_pretrained(folder)
        path = folder / "adapter_config.json"
        stored = json.loads(path.read_text())
        stored["target_modules"] = sorted(stored["target_modules"])
        for change in [{}, *({key: value} for key, values in ADAPTER_KINDS.items() for value in [REMOVE, *values])]:
            if list(change.values()) == [REMOVE] and list(change)[0] not in stored:
                continue
            path.write_text(json.dumps(changed(stored, change)))
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                torch.manual_seed(0)  # some ways to begin an adapter draw random numbers, such as pissa_niter_2
                try:
                    output = output_of(peft.PeftModel.from_pretrained(seeded_model(config), folder).eval())
                except Exception:
                    output = None
            if any("missing adapter keys" in str(warning.message) for warning in caught):
                output = None
            rows.append([change, outputs.index(output)])
    print("adapters", len(rows), len(outputs.known), flush=True)
    return {"made": {"peft": peft.__version__}, "ids": IDS, "base": config, "adapter": stored, "rows": rows, "outputs": outputs.known}


# ---------------------------------------------------------------- files


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    transformers.logging.set_verbosity(logging.CRITICAL)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    for name, value in (("settings", settings()), ("adapter-settings", adapter_settings())):
        path = HERE / f"{name}.json"
        if "--check" in sys.argv:
            old, new = (expanded(json.loads(text)) for text in (path.read_text(), json.dumps(value)))
            worst, where = make.difference(old, new)
            assert worst < 1e-4, f"{name}{where} differs by {worst}"
            print(f"{name}: {len(value['rows'])} rows as stored (largest difference {worst:.1e})")
        else:
            write_file(path, value)


def expanded(value):
    """The rows with their outputs in place of the numbers of them, which depend on the last digits."""
    return [[*row[:-1], None if row[-1] is None else value["outputs"][row[-1]]] for row in value["rows"]]


def write_file(path, value):
    """One line for each row and output."""
    parts = [f'"{key}":{json.dumps(part)}' for key, part in value.items() if key not in ("rows", "outputs")]
    lists = [f'"{key}":[\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in value[key]) + "\n]" for key in ("rows", "outputs")]
    path.write_text("{" + ",\n".join([*parts, *lists]) + "}\n")


if __name__ == "__main__":
    main()
