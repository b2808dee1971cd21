"""Epochs of TRL's trainers at the settings that are fastest on a CPU: single precision as Ratchet has it, no gradient checkpointing,
no logging, rows sorted by length or (SFT) packed, reference log-probabilities computed once. From rows on disk to a model on disk."""

import shutil

import serve

import datasets
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl import DPOConfig, DPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

# Without a cache, so that a run cannot reuse the tokens and reference log-probabilities of an earlier one.
datasets.disable_caching()

TRAINERS = {
    "dpo": (DPOTrainer, DPOConfig, AutoModelForCausalLM),
    "reward": (RewardTrainer, RewardConfig, AutoModelForSequenceClassification),
    "sft": (SFTTrainer, SFTConfig, AutoModelForCausalLM),
}


def row_length(row):
    """Length in characters, because these models' tokens are characters."""
    return len(row["prompt"]) + max(len(row[name]) for name in ("chosen", "rejected", "completion") if name in row)


def settings_of(work, rows, epochs, variant, out, log):
    optimizer = work["optimizer"]
    settings = {
        "output_dir": out,
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "per_device_train_batch_size": optimizer["batch"],
        "num_train_epochs": epochs,
        "learning_rate": optimizer["learningRate"],
        "lr_scheduler_type": optimizer["schedule"],
        "warmup_steps": 0,
        "adam_beta1": optimizer["betas"][0],
        "adam_beta2": optimizer["betas"][1],
        "adam_epsilon": optimizer["epsilon"],
        "weight_decay": optimizer["weightDecay"],
        "max_grad_norm": optimizer["clip"],
        "optim": "adamw_torch_fused",
        "max_length": optimizer["maxLength"],
        "logging_steps": 1 if log else 1_000_000,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        # Keeps the column of lengths.
        "remove_unused_columns": False,
        "train_sampling_strategy": "random" if variant == "random" else "group_by_length",
        "dataloader_pin_memory": False,
    }
    if work["task"] == "dpo":
        settings |= {"beta": work["beta"], "precompute_ref_log_probs": True, "precompute_ref_batch_size": optimizer["batch"]}
    if variant == "packed":
        # As many tokens per step as a batch of rows has, so that the number of steps is nearly the same.
        mean = sum(map(row_length, rows)) / len(rows)
        blocks = max(1, round(optimizer["batch"] * mean / optimizer["maxLength"]))
        settings |= {"packing": True, "per_device_train_batch_size": blocks, "train_sampling_strategy": "random"}
    return settings


def train(work, rows, epochs, variant, out, log=False):
    """Seconds to build the trainer (model, tokens), to train (with the reference, if the trainer computes it there), to save."""
    trainer_class, config_class, model_class = TRAINERS[work["task"]]
    with serve.Timer() as setup:
        tokenizer = serve.with_pad(AutoTokenizer.from_pretrained(work["model"]))
        options = {"num_labels": 1} if work["task"] == "reward" else {}
        model = model_class.from_pretrained(work["model"], dtype=torch.float32, **options)
        dataset = datasets.Dataset.from_list([{**row, "length": row_length(row)} for row in rows])
        if variant != "random":
            dataset = dataset.sort("length")  # the reference is computed in this order: hardly any padding
        if variant == "packed":
            dataset = dataset.remove_columns("length")
        trainer = trainer_class(
            model=model,
            args=config_class(**settings_of(work, rows, epochs, variant, out, log)),
            train_dataset=dataset,
            processing_class=tokenizer,
        )
    with serve.Timer() as training:
        trainer.train()
    with serve.Timer() as saving:
        trainer.save_model(out)
    history = trainer.state.log_history
    return {
        "seconds": setup.seconds + training.seconds + saving.seconds,
        "parts": {"setup": setup.seconds, "train": training.seconds, "save": saving.seconds},
        "amount": len(rows) * epochs,
        "steps": trainer.state.global_step,
        "losses": [entry["loss"] for entry in history if "loss" in entry],
    }


class Epoch:
    def __init__(self, work):
        self.work = work
        self.rows = serve.read_rows(work["rows"])
        self.variants = ["grouped", "random", *(["packed"] if work["task"] == "sft" else [])]

    def facts(self):
        """Losses of some steps on one batch. The order of rows does not matter, so they are the same in every variant."""
        probe = serve.read_rows(self.work["probe"])
        return self.run(probe, self.work["checkSteps"], "random", log=True)["losses"]

    def sample(self, variant, _trial):
        return self.run(self.rows, 1, variant)

    def run(self, rows, epochs, variant, log=False):
        try:
            return train(self.work, rows, epochs, variant, self.work["out"], log)
        finally:
            shutil.rmtree(self.work["out"], ignore_errors=True)


if __name__ == "__main__":
    serve.use_threads()
    serve.serve({"epoch": Epoch})
