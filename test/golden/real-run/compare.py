# Compares a real run of the engine with TRL's, step by step: SFT, then a reward model and DPO from its result, on stories that the
# checkpoint wrote. From the repository root, after `npm run build`:
#   python3 test/golden/real-run/compare.py --model CHECKPOINT [--steps 60] [--out FOLDER]
# CHECKPOINT: a small model in Hugging Face layout that continues English text. Prints a table of largest differences; fails beyond LIMITS (baby-llama-105: docs/parity.md).
# ours.ts writes the rows, their order in the steps, and the engine's half. Each side continues from its own SFT model; the random head
# of the reward model is the engine's. The pad token must not be the end token, because transformers then reads rewards before it.
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "test/golden"))
from exact import arguments, exact

import torch
from datasets import Dataset
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl import DPOConfig, DPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

# What another order of summation may do. Weights: ‖difference‖ / ‖what training changed‖; the others relative above 1.
LIMITS = {"loss": 1e-3, "grad_norm": 1e-2, "weights": 1e-2, "answers": 1e-2}


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def tokenizer_of(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.unk_token
    return tokenizer


def copy_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


class Peer:
    """TRL's half, on the folder of ours.ts."""

    def __init__(self, model, out):
        self.model, self.out = model, out
        self.ours = json.loads((out / "ours.json").read_text())

    def train(self, stage, trainer, config, model, loss={}, **more):
        optimizer = {**self.ours["optimizer"], "learningRate": self.ours["stages"][stage]["learningRate"]}
        rows = lines(self.out / f"{self.ours['stages'][stage]['rows']}.jsonl")
        data = Dataset.from_list([rows[row] for batch in self.ours["plan"] for row in batch])
        settings = config(**arguments(optimizer, len(self.ours["plan"]), str(self.out / "trl")), **loss)
        made = exact(trainer)(model=model, args=settings, train_dataset=data, processing_class=tokenizer_of(self.model), **more)
        made.train()
        return made

    def run(self):
        """Yields for each stage its name, its finished trainer, and the weights at its start."""
        policy = AutoModelForCausalLM.from_pretrained(self.model, dtype=torch.float32)
        start = copy_of(policy)
        yield "sft", self.train("sft", SFTTrainer, SFTConfig, policy), start
        sft = copy_of(policy)
        # The engine's head on TRL's own SFT.
        judge = AutoModelForSequenceClassification.from_pretrained(self.out / "reward-start", dtype=torch.float32)
        judge.load_state_dict({**judge.state_dict(), **{name: value for name, value in sft.items() if name in judge.state_dict()}})
        start = copy_of(judge)
        yield "reward", self.train("reward", RewardTrainer, RewardConfig, judge), start
        reference = AutoModelForCausalLM.from_pretrained(self.model, dtype=torch.float32)
        reference.load_state_dict(sft)
        beta = self.ours["stages"]["dpo"]["task"]["beta"]
        yield "dpo", self.train("dpo", DPOTrainer, DPOConfig, policy, {"beta": beta}, ref_model=reference), sft


# ---------------------------------------------------------------- comparing


def relative(ours, theirs):
    return abs(ours - theirs) / max(1, abs(theirs))


def curve_differences(curve, trainer):
    """Largest differences over the steps. Metrics are those of ten steps in losses/make.py; here accuracies would turn on ties."""
    logs = trainer.recorder.logs
    assert len(curve) == len(logs) == len(trainer.losses), f"{len(curve)} steps of ours, {len(logs)} of TRL's"
    losses = [relative(mine["loss"], theirs) for mine, theirs in zip(curve, trainer.losses)]
    norms = [relative(mine["grad_norm"], theirs["grad_norm"]) for mine, theirs in zip(curve, logs)]
    return {"loss": max(losses), "grad_norm": max(norms)}


def weight_difference(folder, model, start):
    ours, theirs = load_file(folder / "model.safetensors"), model.state_dict()
    squares = lambda pairs: sum(((a - b).double() ** 2).sum() for a, b in pairs).sqrt().item()
    return squares((ours[name], theirs[name]) for name in ours) / squares((start[name], theirs[name]) for name in ours)


def answer_scores(model, tokenizer, rows, reward):
    """The rewards or sums of log-probabilities of held-out answers, chosen and rejected in turn."""
    scores = []
    for row in rows:
        prompt = tokenizer(row["prompt"])["input_ids"]
        for text in (row["chosen"], row["rejected"]):
            ids = tokenizer(row["prompt"] + text + tokenizer.eos_token, return_tensors="pt")["input_ids"]
            with torch.no_grad():
                logits = model.eval()(ids).logits
            logps = lambda: torch.log_softmax(logits[0, :-1].double(), -1).gather(-1, ids[0, 1:, None])[len(prompt) - 1 :].sum()
            scores.append(logits.item() if reward else logps().item())
    return scores


def differences(peer, stage, trainer, start, held):
    curve, scores = peer.ours["curves"][stage], peer.ours["scores"][stage]
    theirs = answer_scores(trainer.model, tokenizer_of(peer.model), held, stage == "reward")
    return {
        **curve_differences(curve, trainer),
        "weights": weight_difference(peer.out / stage, trainer.model, start),
        "answers": max(map(relative, scores, theirs)),
    }


def compare(peer, held):
    """Prints the table; returns the number of values beyond their limits."""
    failed = 0
    print("| stage | steps | loss, first → last | " + " | ".join(LIMITS) + " |\n" + "| --- " * (3 + len(LIMITS)) + "|")
    print("| limit |  |  | " + " | ".join(f"{limit:.0e}" for limit in LIMITS.values()) + " |")
    for stage, trainer, start in peer.run():
        found = differences(peer, stage, trainer, start, held)
        failed += sum(not found[name] <= limit for name, limit in LIMITS.items())
        print(f"| {stage} | {len(trainer.losses)} | {trainer.losses[0]:.4f} → {trainer.losses[-1]:.4f} | " + " | ".join(f"{found[name]:.1e}" for name in LIMITS) + " |", flush=True)
    return failed


def main():
    # One thread, because these models are small and threads that wait for each other are slower on a busy machine.
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--out", help="keeps everything in this folder; an engine's half that is there is compared again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(given.out or scratch).resolve()
        if not (out / "ours.json").exists():
            subprocess.run(["node", ROOT / "dist/test/golden/real-run/ours.js", given.model, out, str(given.steps)], check=True)
        sys.exit(1 if compare(Peer(given.model, out), lines(out / "held.jsonl")) else 0)


if __name__ == "__main__":
    main()
