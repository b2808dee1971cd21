"""Computes transformers' values for small models of every family and option that the engine supports.

    python3 test/golden/models/make.py            writes NAME.json for every variant, and the two checkpoints in 16 bits
    python3 test/golden/models/make.py --check    computes everything anew and compares: with the files, and with the engine's own
                                                  checkpoints and gradients (needs a build: node infra/build.mjs)

Weights are not stored: a weight is a hash of its tensor's name and its place (seeded.ts has the same arithmetic), a number of 24 bits,
so that both sides have the same float32. Versions are those of ../requirements.txt; a change of a file needs a sentence in its commit.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile
import zlib

import numpy
import peft
import safetensors.torch
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
STEPS = 10
LEARNING_RATE = 3e-3
NEW_TOKENS = 16
PROJECTIONS = 8

# ---------------------------------------------------------------- variants: config.json as a folder would hold it

BASE = {
    "vocab_size": 61,
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "bos_token_id": 1,
    "eos_token_id": None,
    "pad_token_id": None,
}


def variant(family, model_type, **options):
    return {"architectures": [f"{family}ForCausalLM"], "model_type": model_type, **BASE, **options}


LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
VARIANTS = {
    "llama": variant("Llama", "llama", tie_word_embeddings=True),
    # Six heads of 10 on a width of 48, two key/value heads; every bias; an epsilon that matters; theta under its old key.
    "llama-biases": variant(
        "Llama",
        "llama",
        hidden_size=48,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=10,
        attention_bias=True,
        mlp_bias=True,
        rms_norm_eps=0.02,
        rope_theta=500000.0,
    ),
    "llama-linear-rope": variant("Llama", "llama", num_key_value_heads=1, rope_theta=10000.0, rope_scaling={"type": "linear", "factor": 4.0}),
    "llama-llama3-rope": variant("Llama", "llama", num_key_value_heads=2, head_dim=16, rope_parameters={"rope_theta": 500000.0, **LLAMA3}),
    "mistral": variant("Mistral", "mistral", num_attention_heads=8, num_key_value_heads=2, head_dim=6, sliding_window=None, rope_theta=1000000.0),
    # A vocabulary beyond the width at which products change their kernel.
    "qwen2": variant("Qwen2", "qwen2", vocab_size=2053, num_key_value_heads=2, tie_word_embeddings=True, use_sliding_window=False, sliding_window=32, rope_theta=1000000.0, rms_norm_eps=1e-6),
    "qwen3": variant("Qwen3", "qwen3", num_key_value_heads=2, head_dim=16, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
    "qwen3-biases": variant("Qwen3", "qwen3", num_key_value_heads=1, head_dim=12, attention_bias=True, tie_word_embeddings=True, rope_theta=10000.0),
}
# Saved by transformers, so that its own files are read: weights in 16 bits, one of them cut into shards.
SAVED = {
    "qwen2-bfloat16-shards": (variant("Qwen2", "qwen2", num_key_value_heads=2), torch.bfloat16, "8KB"),
    "llama-float16": (variant("Llama", "llama", num_key_value_heads=2, rope_parameters={"rope_theta": 10000.0, **LLAMA3}), torch.float16, "1GB"),
}

# Adapters on seeded models: rank, alpha, targets. Some targets share a matrix with projections that have none.
LORA = {
    "lora-llama": ("llama-biases", 4, 8, ["q_proj", "v_proj"]),
    "lora-qwen2": ("qwen2", 2, 6, ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]),
    "lora-qwen3": ("qwen3", 3, 3, ["k_proj", "o_proj", "up_proj"]),
}

# ---------------------------------------------------------------- seeded numbers


def hashes(name, count):
    x = (numpy.arange(count, dtype=numpy.uint64) * 0x9E3779B9 + zlib.crc32(name.encode())) & 0xFFFFFFFF
    for shift, factor in ((16, 0x21F0AAAD), (15, 0x735A2D97)):
        x = ((x ^ (x >> shift)) * factor) & 0xFFFFFFFF
    return x ^ (x >> 15)


def seeded(name, shape):
    """Norms around 1, biases within a quarter, matrices within a half."""
    unit = (hashes(name, math.prod(shape)) >> 8).astype(numpy.float64) / 2**24 - 0.5
    values = 1 + unit / 2 if name.endswith("norm.weight") else unit / 2 if name.endswith(".bias") else unit
    return torch.from_numpy(values.astype(numpy.float32)).reshape(shape)


def signs(name, count):
    """PROJECTIONS rows of +1 and -1."""
    bits = hashes(f"{name}:signs", count)
    return torch.from_numpy(numpy.stack([(bits >> k & 1).astype(numpy.float64) * 2 - 1 for k in range(PROJECTIONS)]))


def rows_of(vocabulary):
    rows = []
    for index, (length, prompt) in enumerate(((9, 3), (14, 6), (25, 2))):
        ids = [int(x) % (vocabulary - 2) + 2 for x in hashes(f"row {index}", length)]
        rows.append({"ids": ids, "promptLength": prompt})
    return rows


# ---------------------------------------------------------------- models


def load(config, kind="CausalLM"):
    classes = {"CausalLM": transformers.AutoModelForCausalLM, "SequenceClassification": transformers.AutoModelForSequenceClassification}
    options = {key: value for key, value in config.items() if key not in ("architectures", "model_type")}
    parsed = transformers.AutoConfig.for_model(config["model_type"], **options, **({"num_labels": 1} if kind != "CausalLM" else {}))
    model = classes[kind].from_config(parsed, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(seeded(name, parameter.shape))
    return model


def logits_of(model, ids):
    return model(torch.tensor([ids])).logits[0]


def answer_loss(model, rows):
    """The mean over all answer tokens of all rows of -ln p."""
    losses = []
    for row in rows:
        logps = torch.log_softmax(logits_of(model, row["ids"]), -1)
        losses += [-logps[t - 1, row["ids"][t]] for t in range(row["promptLength"], len(row["ids"]))]
    return torch.stack(losses).mean()


def scored(model, reward_model, rows):
    out = []
    for row in rows:
        ids = row["ids"]
        with torch.no_grad():
            logits = logits_of(model, ids)
            reward = reward_model(torch.tensor([ids])).logits[0, 0].item()
        logps = torch.log_softmax(logits.double(), -1)
        out.append({**row, "lastLogits": logits[-1].tolist(), "logps": [logps[t - 1, ids[t]].item() for t in range(1, len(ids))], "reward": reward})
    return out


def gradients_of(model, rows):
    model.zero_grad()
    answer_loss(model, rows).backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.requires_grad}


def sketch(name, gradient):
    """The norm and a few projections on random signs, from which the norm of the difference of two gradients can be estimated."""
    flat = gradient.double().flatten()
    return {"norm": flat.norm().item(), "projections": (signs(name, len(flat)) @ flat).tolist()}


def losses_of(model, rows):
    """SFT on all rows in every step: AdamW, decay on matrices only, clipped by the global norm, constant rate."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": 0.01},
        {"params": [p for p in trained if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = answer_loss(model, rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def decoded(model, rows):
    out = []
    for row in rows:
        prompt = row["ids"][: row["promptLength"]]
        with torch.no_grad():
            made = model.generate(torch.tensor([prompt]), max_new_tokens=NEW_TOKENS, do_sample=False, use_cache=True, output_logits=True, return_dict_in_generate=True, pad_token_id=0)
        for logits in made.logits:
            best = logits[0].topk(2).values
            assert best[0] - best[1] > 1e-4, "two tokens are nearly equally likely: a rounding would change the ids"
        out.append({"promptIds": prompt, "ids": made.sequences[0, len(prompt) :].tolist()})
    return out


def golden(config, weights=None):
    """`weights`: state of a saved model; seeded ones otherwise."""
    model, reward_model = load(config), load(config, "SequenceClassification")
    if weights is not None:
        model.load_state_dict(weights)
        reward_model.load_state_dict({**{k: v for k, v in weights.items() if k != "lm_head.weight"}, "score.weight": seeded("score.weight", (1, config["hidden_size"]))})
    rows = rows_of(config["vocab_size"])
    made = {
        "made": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "config": config,
        "rows": scored(model, reward_model, rows),
        "gradients": {name: sketch(name, gradient) for name, gradient in gradients_of(model, rows).items()},
        "decoded": decoded(model, rows),
    }
    return {**made, "losses": losses_of(model, rows)}


def saved(name, folder):
    """Saves a seeded model in 16 bits and returns its weights as saved."""
    config, dtype, shard = SAVED[name]
    model = load(config).to(dtype)
    model.config.architectures = config["architectures"]
    model.save_pretrained(folder, max_shard_size=shard)
    (folder / "generation_config.json").unlink()
    return config, {key: value.float() for key, value in model.state_dict().items()}


# ---------------------------------------------------------------- LoRA

def adapted(name):
    """A seeded model with a seeded adapter, with the names of Ratchet's files."""
    base, rank, alpha, targets = LORA[name]
    settings = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM")
    model = peft.get_peft_model(load(VARIANTS[base]), settings)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(seeded(own_name(key), parameter.shape))
    return model


def own_name(key):
    return key.removeprefix("base_model.model.").replace(".default.", ".")


def golden_lora(name):
    base, rank, alpha, targets = LORA[name]
    model = adapted(name)
    rows = rows_of(VARIANTS[base]["vocab_size"])
    made = {
        "made": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__, "peft": peft.__version__},
        "base": base,
        "settings": {"rank": rank, "alpha": alpha, "targets": targets},
        "gradients": {own_name(key): sketch(own_name(key), gradient) for key, gradient in gradients_of(model, rows).items()},
        "losses": losses_of(model, rows),
    }
    merged = adapted(name).merge_and_unload()
    with torch.no_grad():
        return {**made, "rows": [{**row, "lastLogits": logits_of(merged, row["ids"])[-1].tolist()} for row in rows]}


def save_adapter(name, folder):
    adapted(name).save_pretrained(folder)
    (folder / "README.md").unlink()


# ---------------------------------------------------------------- rotary tables at positions far beyond the models'

POSITIONS = [0, 1, 63, 1000, 8191, 32767, 131071]


def rotary():
    tables = []
    for parameters in ({"rope_theta": 10000.0}, {"rope_theta": 1000000.0}, {"rope_theta": 10000.0, "rope_type": "linear", "factor": 4.0}, {"rope_theta": 500000.0, **LLAMA3, "original_max_position_embeddings": 8192}):
        config = variant("Llama", "llama", head_dim=128, max_position_embeddings=131072, rope_parameters={"rope_type": "default", **parameters})
        module = load(config).model.rotary_emb
        cos, sin = module(torch.zeros(1), torch.tensor([POSITIONS]))
        tables.append({"config": config, "positions": POSITIONS, "cos": cos[0, :, :64:3].tolist(), "sin": sin[0, :, :64:3].tolist()})
    return tables


# ---------------------------------------------------------------- files


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def write(name, value):
    (HERE / f"{name}.json").write_text(json.dumps(rounded(value), separators=(",", ":")) + "\n")


def make():
    for name, config in VARIANTS.items():
        write(name, golden(config))
    for name in SAVED:
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
        write(name, golden(*saved(name, folder)))
    for name in LORA:
        write(name, golden_lora(name))
    save_adapter("lora-qwen3", HERE / "lora-qwen3")
    write("rotary", rotary())


# ---------------------------------------------------------------- check


def difference(old, new, path=""):
    """The largest difference between two JSON values, and where; anything but numbers must be equal."""
    if isinstance(old, float) and isinstance(new, (int, float)) or isinstance(new, float) and isinstance(old, int):
        return abs(old - new) / max(1.0, abs(old)), path
    if isinstance(old, (dict, list)) and type(old) is type(new) and len(old) == len(new):
        pairs = [(key, value, new[key]) for key, value in old.items()] if isinstance(old, dict) else [(i, a, b) for i, (a, b) in enumerate(zip(old, new))]
        return max((difference(a, b, f"{path}/{key}") for key, a, b in pairs), default=(0.0, path))
    assert old == new, f"{path}: {old} in the file, {new} now"
    return 0.0, path


def check_files(name, value):
    stored = json.loads((HERE / f"{name}.json").read_text())
    stored.pop("made", None) if isinstance(stored, dict) else None
    value.pop("made", None) if isinstance(value, dict) else None
    worst, where = difference(stored, rounded(value))
    assert worst < 1e-4, f"{name}{where} differs by {worst}"
    return worst


def check_engine(name, config, ours):
    """Compares the engine's files, read by transformers: every weight, and every element of every gradient."""
    model = load(config)
    state = model.state_dict()
    bits = {"F32": 24, "F16": 11, "BF16": 8}
    for dtype, precision in bits.items():
        read, info = transformers.AutoModelForCausalLM.from_pretrained(ours / name / dtype, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
        assert not any(info.values()), f"{name} {dtype}: {info}"
        for key, value in read.state_dict().items():
            assert ((value - state[key]).abs() <= state[key].abs() * 2.0**-precision).all(), f"{name} {dtype} {key}"
        if dtype == "F32":
            ids = rows_of(config["vocab_size"])[0]["ids"]
            assert torch.equal(logits_of(read, ids), logits_of(model, ids)), f"{name}: config.json of the engine means another model"
    gradients = safetensors.torch.load_file(ours / name / "gradients.safetensors")
    worst = 0.0
    for key, value in gradients_of(model, rows_of(config["vocab_size"])).items():
        worst = max(worst, ((gradients.pop(key) - value).abs().max() / value.abs().max()).item())
    assert not gradients, f"{name}: the engine has gradients for {list(gradients)}"
    assert worst < 1e-3, f"{name}: gradients differ by {worst}"
    return worst


def check_adapter(name, ours):
    """Compares the engine's adapter, read by PEFT, and its merged model, read by transformers."""
    base = LORA[name][0]
    model = adapted(name)
    read = peft.PeftModel.from_pretrained(load(VARIANTS[base]), ours / name / "adapter")
    merged = transformers.AutoModelForCausalLM.from_pretrained(ours / name / "merged", dtype=torch.float32, attn_implementation="eager")
    ids = rows_of(VARIANTS[base]["vocab_size"])[2]["ids"]
    with torch.no_grad():
        assert torch.equal(logits_of(read, ids), logits_of(model, ids)), f"{name}: the engine's adapter is another"
        worst = (logits_of(merged, ids) - logits_of(model, ids)).abs().max().item()
    assert worst < 1e-4, f"{name}: the merged model differs by {worst}"
    return worst


def check():
    with tempfile.TemporaryDirectory() as folder:
        ours = pathlib.Path(folder)
        subprocess.run(["node", ROOT / "dist/test/golden/models/write-ours.js", ours], check=True)
        for name, config in VARIANTS.items():
            print(f"{name:24} files {check_files(name, golden(config)):.1e}  engine's gradients {check_engine(name, config, ours):.1e}")
        for name in SAVED:
            print(f"{name:24} files {check_files(name, golden(*saved(name, ours))):.1e}")
        for name in LORA:
            print(f"{name:24} files {check_files(name, golden_lora(name)):.1e}  engine's merged model {check_adapter(name, ours):.1e}")
        print(f"{'rotary':24} files {check_files('rotary', rotary()):.1e}")


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    check() if "--check" in sys.argv[1:] else make()
