# Writes losses.json and training.json, TRL's values for every loss, for losses.test.ts. From the repository root, after `npm run build`:
#   python3 -m venv .venv && .venv/bin/pip install -r test/golden/requirements.txt
#   .venv/bin/python test/golden/losses/make.py            writes both files
#   .venv/bin/python test/golden/losses/make.py --check    computes them again and compares with the files
# losses.json calls the trainers' loss code on given log-probabilities: the value of each loss and its gradient.
# training.json trains a small random Llama for ten steps with the trainers as they are: losses, gradient norms and metrics.
# Names of cases after --check: only these.
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from exact import arguments, exact

import datasets
import numpy as np
import torch
import transformers
import trl
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer
from trl.experimental.cpo import CPOConfig, CPOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

# Largest difference that --check accepts: another processor sums in another order, of which ten steps of sppo_hard make 3e-5.
TOLERANCE = 1e-4

# ---------------------------------------------------------------- rows

PAD, EOS, LETTERS = "<pad>", "<eos>", "abcdefghijklmnopqrstuvwxyz"
ROWS = [
    ("abc", "defg", "hi"), ("bcda", "eef", "ghijkl"), ("ca", "mnopqr", "s"), ("dddd", "tu", "vwxyz"),
    ("efghi", "a", "bcd"), ("ft", "zyxwv", "utsr"), ("gh", "ii", "kkkkkkk"), ("hello", "world", "word"),
]
# Prompts and completions that are eight tokens each with their end: four fill a packed block, in the order in which they are given.
EVEN_ROWS = [("abc", "defg"), ("bcda", "eef"), ("ca", "mnopq"), ("dddd", "tuv"), ("efghi", "jk"), ("f", "zyxwvu"), ("gh", "iikkl"), ("hello", "wo")]
MARGINS = [0.5, 0.0, 1.25, 0.25, 2.0, 0.75, 0.1, 1.0]
OPTIMIZER = {"learningRate": 3e-3, "betas": [0.9, 0.99], "epsilon": 1e-8, "weightDecay": 0.01, "clip": 1, "schedule": "linear", "warmup": 0.1, "epochs": 5, "batch": 4, "seed": "00000000000000aa", "maxLength": 32}
STEPS = 10
MODEL = {"vocabSize": 28, "hiddenSize": 32, "intermediateSize": 48, "layers": 2, "heads": 4, "kvHeads": 2, "headSize": 8, "maxPositions": 32, "ropeTheta": 10000, "rmsEpsilon": 1e-5}
POLICY_SEED, REFERENCE_SEED = 1, 2


def tokenizer():
    vocab = {token: index for index, token in enumerate([PAD, EOS, *LETTERS])}
    codec = Tokenizer(models.WordLevel(vocab, unk_token=PAD))
    codec.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=codec, pad_token=PAD, eos_token=EOS, unk_token=PAD)


def uniform(seed, tensor, count):
    """Numbers of [-1, 1) from integers alone, so that losses.test.ts makes the same bits."""
    with np.errstate(over="ignore"):
        x = np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed * 0x85EBCA6B + tensor * 0xC2B2AE35 & 0xFFFFFFFF)
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
        x = x ^ (x >> np.uint32(16))
    return x.astype(np.float64) / 2**31 - 1


def model_of(kind, seed):
    config = LlamaConfig(
        vocab_size=MODEL["vocabSize"], hidden_size=MODEL["hiddenSize"], intermediate_size=MODEL["intermediateSize"], num_hidden_layers=MODEL["layers"],
        num_attention_heads=MODEL["heads"], num_key_value_heads=MODEL["kvHeads"], head_dim=MODEL["headSize"], max_position_embeddings=MODEL["maxPositions"],
        rms_norm_eps=MODEL["rmsEpsilon"], rope_theta=MODEL["ropeTheta"], tie_word_embeddings=True, pad_token_id=0, eos_token_id=1, bos_token_id=None, num_labels=1,
    )
    model = kind(config).float()
    parameters = dict(model.named_parameters())
    for index, name in enumerate(sorted(parameters)):
        values = uniform(seed, index, parameters[name].numel())
        values = 1 + 0.1 * values if name.endswith("norm.weight") else 0.3 * values
        parameters[name].data.copy_(torch.from_numpy(values.astype(np.float32)).view_as(parameters[name]))
    return model


def plan():
    """Row numbers in the engine's order."""
    code = f"""import {{ planBatches }} from "./dist/engine/train/batches.js";
      console.log(JSON.stringify(planBatches({len(ROWS)}, {json.dumps(OPTIMIZER)})));"""
    return json.loads(subprocess.run(["node", "--input-type=module", "-e", code], check=True, capture_output=True, text=True).stdout)


PLAN = plan()
ORDER = [row for batch in PLAN for row in batch]


def pairs(columns=lambda row: {}):
    return datasets.Dataset.from_list([{"prompt": ROWS[i][0], "chosen": ROWS[i][1], "rejected": ROWS[i][2], **columns(i)} for i in ORDER])


def is_desirable(row):
    return row % 3 != 1


def unpaired():
    return datasets.Dataset.from_list([{"prompt": ROWS[i][0], "completion": ROWS[i][1] if is_desirable(i) else ROWS[i][2], "label": is_desirable(i)} for i in ORDER])


def written(rows):
    return datasets.Dataset.from_list([{"prompt": rows[i][0], "completion": rows[i][1]} for i in ORDER])


# ---------------------------------------------------------------- the trainers


class OrpoOfAnswers(ORPOTrainer):
    """TRL's first term also counts the tokens of prompts; the paper's and the engine's count only answers."""

    def concatenated_forward(self, model, batch):
        chosen, rejected, chosen_logits, rejected_logits, _ = super().concatenated_forward(model, batch)
        tokens = (batch["chosen_labels"] != -100).sum(-1)
        return chosen, rejected, chosen_logits, rejected_logits, -(chosen * tokens).sum() / tokens.sum()


class LengthRegularised(DPOTrainer):
    """TRL has no R-DPO: it is `sigmoid` with β (l_c - l_r) moved by α (n_c - n_r), which a moved reference gives."""

    length_weight = 0.0

    def _compute_loss(self, model, inputs, return_outputs):
        inputs = dict(inputs)
        tokens_c, tokens_r = inputs["completion_mask"].sum(-1).chunk(2)
        if not self.precompute_ref_logps:
            inputs["ref_chosen_logps"], inputs["ref_rejected_logps"] = self.compute_ref_log_probs(self.ref_model, inputs)
        shift = self.length_weight / self.beta
        inputs["ref_chosen_logps"] = inputs["ref_chosen_logps"] - shift * tokens_c
        inputs["ref_rejected_logps"] = inputs["ref_rejected_logps"] - shift * tokens_r
        self.precompute_ref_logps, before = True, self.precompute_ref_logps
        try:
            return super()._compute_loss(model, inputs, return_outputs)
        finally:
            self.precompute_ref_logps = before


def dpo(losses, beta=0.1, trainer=DPOTrainer, alone=False, ld_alpha=None, **settings):
    """alone: one pair per micro-batch."""
    config = {"loss_type": [name for name, _ in losses], "loss_weights": [weight for _, weight in losses], "beta": beta, "ld_alpha": ld_alpha, **settings}
    # Means over the tokens of a micro-batch are not those over the tokens of a batch.
    without = ["entropy", "mean_token_accuracy", "logits/chosen", "logits/rejected"] if alone else []
    return {"config": DPOConfig, "trainer": trainer, "settings": config, "reference": True, "alone": alone, "without": without, "data": pairs}


def sft(rows=ROWS, **settings):
    return {"config": SFTConfig, "trainer": SFTTrainer, "settings": settings, "reference": False, "data": lambda: written(rows)}


def pair_task(terms, beta=0.1, **more):
    return {"kind": "dpo", "beta": beta, "losses": [{"weight": 1, **term} for term in terms], **more}


# name → (our task, TRL's trainer and settings)
CASES = {
    **{
        name: (pair_task([{"type": name}]), dpo([(name, 1)]))
        for name in ["sigmoid", "hinge", "ipo", "nca_pair", "bco_pair", "sppo_hard", "apo_zero", "apo_down", "sft", "sigmoid_norm"]
    },
    **{
        name: (pair_task([{"type": name, "labelSmoothing": smoothing}]), dpo([(name, 1)], label_smoothing=smoothing))
        for name, smoothing in [("robust", 0.1), ("exo_pair", 1e-3), ("aot", 0.1), ("aot_unpaired", 0.05)]
    },
    # TRL's `sigmoid` takes a smoothing and does not use it; its `aot` does, and of one pair alone that is cDPO.
    "cdpo": (pair_task([{"type": "cdpo", "labelSmoothing": 0.1}]), dpo([("aot", 1)], label_smoothing=0.1, alone=True)),
    "discopop": (pair_task([{"type": "discopop", "tau": 0.05}]), dpo([("discopop", 1)], discopop_tau=0.05)),
    "rdpo": (
        pair_task([{"type": "rdpo", "lengthWeight": 0.02}]),
        # A moved reference moves the rewards too.
        dpo([("sigmoid", 1)], trainer=type("R", (LengthRegularised,), {"length_weight": 0.02}))
        | {"without": ["rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies"]},
    ),
    "rpo": (pair_task([{"type": "sigmoid"}, {"type": "sft", "weight": 0.2}]), dpo([("sigmoid", 1), ("sft", 0.2)])),
    "ld-dpo": (pair_task([{"type": "sigmoid"}, {"type": "sft", "weight": 0.5}], ldAlpha=0.4), dpo([("sigmoid", 1), ("sft", 0.5)], ld_alpha=0.4)),
    "simpo": (
        pair_task([{"type": "simpo", "gamma": 0.5}], beta=2),
        {"config": CPOConfig, "trainer": CPOTrainer, "settings": {"loss_type": "simpo", "beta": 2, "simpo_gamma": 0.5, "cpo_alpha": 0.0}, "reference": False, "data": pairs},
    ),
    "orpo": (pair_task([{"type": "orpo"}]), {"config": ORPOConfig, "trainer": OrpoOfAnswers, "settings": {"beta": 0.1}, "reference": False, "data": pairs}),
    "kto": (
        {"kind": "kto", "beta": 0.1, "desirableWeight": 1, "undesirableWeight": 1.5},
        {"config": KTOConfig, "trainer": KTOTrainer, "settings": {"beta": 0.1, "desirable_weight": 1.0, "undesirable_weight": 1.5}, "reference": True, "data": unpaired},
    ),
    "reward": ({"kind": "reward"}, {"config": RewardConfig, "trainer": RewardTrainer, "settings": {}, "reference": False, "data": pairs}),
    "reward-margin-centering": (
        {"kind": "reward", "margin": True, "centering": 0.01},
        {
            "config": RewardConfig, "trainer": RewardTrainer, "settings": {"center_rewards_coefficient": 0.01}, "reference": False,
            "data": lambda: pairs(lambda row: {"margin": MARGINS[row]}),
        },
    ),
    "sft-completion": ({"kind": "sft", "promptMask": True}, sft()),
    "sft-whole": ({"kind": "sft", "promptMask": False}, sft(completion_only_loss=False)),
    # A block of TRL's is a batch of the engine's: both see to it that no row reads another.
    "sft-packed": (
        {"kind": "sft", "promptMask": True},
        sft(EVEN_ROWS, packing=True, packing_strategy="bfd", per_device_train_batch_size=1, gradient_accumulation_steps=1) | {"rows": "evenRows"},
    ),
}


def trainer_of(spec, folder):
    micro = 1 if spec.get("alone") else OPTIMIZER["batch"]
    settings = spec["config"](**(arguments(OPTIMIZER, STEPS, folder, micro) | spec["settings"]))
    reference = {"ref_model": model_of(LlamaForCausalLM, REFERENCE_SEED)} if spec["reference"] else {}
    kind = LlamaForSequenceClassification if spec["trainer"] is RewardTrainer else LlamaForCausalLM
    return exact(spec["trainer"])(model=model_of(kind, POLICY_SEED), args=settings, train_dataset=spec["data"](), processing_class=tokenizer(), **reference)


def train(spec):
    with tempfile.TemporaryDirectory() as folder:
        trainer = trainer_of(spec, folder)
        trainer.train()
        accumulated = 1 if spec["settings"].get("packing") else trainer.args.gradient_accumulation_steps
        losses = np.array(trainer.losses).reshape(STEPS, accumulated).mean(-1).tolist()
        skipped = {"loss", "grad_norm", "learning_rate", "epoch", *spec.get("without", [])}
        # Only of the first and the last step, so that the file stays small.
        logs = trainer.recorder.logs
        metrics = [{name: value for name, value in log.items() if name not in skipped} for log in (logs[0], logs[-1])]
        return {"losses": losses, "gradNorms": [log["grad_norm"] for log in logs], "metrics": metrics}


# ---------------------------------------------------------------- losses on given log-probabilities


def sums():
    """Per-token log-probabilities of 4 pairs, chosen first, under policy and reference; answers of 1 to 6 tokens."""
    lengths = [4, 2, 6, 1, 3, 6, 2, 5]
    table = lambda seed: [[-2 - 1.9 * value for value in uniform(seed, row, length)] for row, length in enumerate(lengths)]
    return lengths, table(3), table(4)


def padded(rows):
    out = torch.zeros(len(rows), max(map(len, rows)))
    for index, row in enumerate(rows):
        out[index, : len(row)] = torch.tensor(row)
    return out


def outputs(logps, mask):
    """The parts of the output of a model with TRL's fused head that losses and metrics read."""
    zeros = torch.zeros_like(logps)
    return SimpleNamespace(log_probs=logps * mask, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool())


def stub(*answers):
    """A model that returns one answer after the other."""
    waiting = list(answers)
    return lambda **_: waiting.pop(0)


def value_and_gradient(name, spec):
    lengths, policy, reference = sums()
    mask = padded([[1.0] * length for length in lengths])
    leaf, fixed = padded(policy).requires_grad_(), padded(reference)
    with tempfile.TemporaryDirectory() as folder:
        trainer = trainer_of(spec, folder)
        # One prompt token before each answer, whose log-probability has no place among the shifted ones.
        whole = torch.cat([torch.ones(len(lengths), 1), mask], -1).long()
        completion = whole.clone()
        completion[:, 0] = 0
        batch = {"input_ids": whole, "attention_mask": whole, "completion_mask": completion}
        rows = slice(0, 4)
        if name == "simpo":
            chosen, rejected = ((leaf * mask).sum(-1) / mask.sum(-1)).chunk(2)
            loss = trainer.cpo_loss(chosen, rejected)[0].mean()
        elif name == "orpo":
            chosen, rejected = ((leaf * mask).sum(-1) / mask.sum(-1)).chunk(2)
            loss = -(leaf * mask)[rows].sum() / mask[rows].sum() - trainer.odds_ratio_loss(chosen, rejected)[0].mean()
        elif name == "kto":
            # The second half are the mismatched answers.
            half, rest = slice(0, 4), slice(4, 8)
            trainer.ref_model = stub(outputs(fixed[rest], mask[rest]), outputs(fixed[half], mask[half]))
            kto = {key: value[half] for key, value in batch.items()} | {f"KL_{key}": value[rest] for key, value in batch.items()}
            loss = trainer._compute_loss(stub(outputs(leaf[rest], mask[rest]), outputs(leaf[half], mask[half])), kto | {"label": torch.tensor([True, False, False, True])}, False)
        elif spec.get("alone"):
            loss = torch.stack([pair_loss(trainer, leaf, fixed, mask, batch, [pair, pair + 4]) for pair in range(4)]).mean()
        else:
            loss = pair_loss(trainer, leaf, fixed, mask, batch, list(range(8)))
        loss.backward()
    # Every token of an answer has the gradient of its sum; none where the loss does not see it.
    return {"loss": loss.item(), "gradient": leaf.grad[:, 0].tolist()}


def pair_loss(trainer, leaf, fixed, mask, batch, rows):
    trainer.precompute_ref_logps = True
    reference = (fixed * mask)[rows].sum(-1).chunk(2)
    inputs = {key: value[rows] for key, value in batch.items()} | {"ref_chosen_logps": reference[0], "ref_rejected_logps": reference[1]}
    return trainer._compute_loss(stub(outputs(leaf[rows], mask[rows])), inputs, False)


# ---------------------------------------------------------------- files


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


def made(names):
    """Both files, with all cases or with the named ones."""
    wanted = {name: case for name, case in CASES.items() if not names or name in names}
    versions = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__, "trl": trl.__version__}
    lengths, policy, reference = sums()
    given = {"tokens": lengths, "logps": [sum(row) for row in policy], "reference": [sum(row) for row in reference], "desirable": [1, 0, 0, 1]}
    # Weights per token, reward models and SFT are only in training.json.
    alone = {name: case for name, case in wanted.items() if name != "ld-dpo" and case[0]["kind"] in ("dpo", "kto")}
    losses = {"versions": versions, **given, "cases": {name: {"task": task, **value_and_gradient(name, spec)} for name, (task, spec) in alone.items()}}
    ids = tokenizer()
    encode = lambda text: ids(text)["input_ids"]
    rows = [{"prompt": encode(p), "chosen": encode(c + EOS), "rejected": encode(r + EOS), "margin": MARGINS[i], "desirable": is_desirable(i)} for i, (p, c, r) in enumerate(ROWS)]
    even = [{"prompt": encode(p), "chosen": encode(c + EOS)} for p, c in EVEN_ROWS]
    training = {"versions": versions, "model": MODEL, "seeds": {"policy": POLICY_SEED, "reference": REFERENCE_SEED}, "optimizer": OPTIMIZER, "plan": PLAN, "rows": rows, "evenRows": even}
    training["cases"] = {name: {"task": task, **({"rows": spec["rows"]} if "rows" in spec else {}), **train(spec)} for name, (task, spec) in wanted.items()}
    return {"losses.json": rounded(losses), "training.json": rounded(training)}


def difference(a, b):
    """The largest difference of two numbers in the same place, relative above 1; infinite if the structures differ."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return max((difference(a[key], b[key]) for key in a), default=0)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return max(map(difference, a, b), default=0)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) / max(1, abs(a))
    return 0 if a == b else float("inf")


if __name__ == "__main__":
    options = sys.argv[1:]
    files = made([name for name in options if name != "--check"])
    if not options:
        for name, content in files.items():
            (HERE / name).write_text(json.dumps(content) + "\n")
        sys.exit(0)
    worst = 0
    for name, content in files.items():
        recorded = json.loads((HERE / name).read_text())
        if recorded["versions"] != content["versions"]:
            print(f"{name}: recorded with {recorded['versions']}, now {content['versions']}")
        for case, values in content["cases"].items():
            error = difference(values, recorded["cases"].get(case))
            worst = max(worst, error)
            print(f"{name} {case}: {error:.1e}")
    print("agrees" if worst <= TOLERANCE else f"differs by {worst:.1e}")
    sys.exit(0 if worst <= TOLERANCE else 1)
