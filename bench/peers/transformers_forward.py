"""generate() and plain forward passes of transformers."""

import serve

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer


def load(model_dir, model_class=AutoModelForCausalLM, **options):
    model = model_class.from_pretrained(model_dir, dtype=torch.float32, **options)
    return model.eval(), serve.with_pad(AutoTokenizer.from_pretrained(model_dir, padding_side="left"))


@torch.inference_mode()
def probe_logps(model, ids):
    """Log-probabilities of all tokens but the first, which show that two engines have the same model."""
    logits = model(torch.tensor([ids])).logits[0, :-1].float()
    return logits.log_softmax(-1).gather(1, torch.tensor(ids[1:])[:, None])[:, 0].tolist()


@torch.inference_mode()
def generate(model, tokenizer, prompts, samples, max_tokens, batch):
    """`samples` answers per prompt in batches of `batch` rows, as ids that include the end-of-sequence token."""
    answers = []
    per_batch = max(1, batch // samples)
    for start in range(0, len(prompts), per_batch):
        inputs = tokenizer(prompts[start : start + per_batch], return_tensors="pt", padding=True)
        output = model.generate(
            **inputs,
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            num_return_sequences=samples,
            max_new_tokens=max_tokens,
            pad_token_id=tokenizer.pad_token_id,
        )
        for row in output[:, inputs["input_ids"].shape[1] :].tolist():
            end = row.index(tokenizer.eos_token_id) + 1 if tokenizer.eos_token_id in row else len(row)
            answers.append(row[:end])
    return answers


class Generate:
    def __init__(self, work):
        self.work = work
        self.model, self.tokenizer = load(work["model"])
        rows = len(work["prompts"]) * work["samples"]
        # A prompt's samples stay in one batch. 64 rows were never the fastest.
        self.variants = [str(size) for size in (128, 256, 512) if work["samples"] <= size < rows] + [str(rows)]

    def facts(self):
        return probe_logps(self.model, self.work["probe"])

    def sample(self, variant, _trial):
        work = self.work
        with serve.Timer() as timer:
            answers = generate(self.model, self.tokenizer, work["prompts"], work["samples"], work["maxTokens"], int(variant))
        return {"seconds": timer.seconds, "amount": sum(map(len, answers))}


class Decode(Generate):
    """A fixed number of tokens for every prompt, `piece` at a time; the model never ends by itself."""

    def __init__(self, work):
        super().__init__(work)
        self.variants = [str(work["piece"])]


@torch.inference_mode()
def rewards(model, rows, pad_id, batch):
    """Rewards of rows of ids, computed in order of length."""
    scores = [0.0] * len(rows)
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        width = len(rows[places[-1]])
        ids = torch.tensor([rows[row] + [pad_id] * (width - len(rows[row])) for row in places])
        mask = torch.tensor([[1] * len(rows[row]) + [0] * (width - len(rows[row])) for row in places])
        for row, score in zip(places, model(input_ids=ids, attention_mask=mask).logits[:, 0].tolist()):
            scores[row] = score
    return scores


class Score:
    # 64 was the slowest.
    variants = ["16", "32"]

    def __init__(self, work):
        self.model, self.tokenizer = load(work["model"], AutoModelForSequenceClassification, num_labels=1)
        self.rows = [row["prompt_ids"] + row["ids"] for row in serve.read_rows(work["rows"])]
        self.probe = self.rows[: work["checkRows"]]
        self.trial = self.rows[: work["trialRows"]]

    def facts(self):
        return rewards(self.model, self.probe, self.tokenizer.pad_token_id, 16)

    def sample(self, variant, trial):
        with serve.Timer() as timer:
            scores = rewards(self.model, self.trial if trial else self.rows, self.tokenizer.pad_token_id, int(variant))
        return {"seconds": timer.seconds, "amount": len(scores)}


if __name__ == "__main__":
    serve.use_threads()
    serve.serve({"decode": Decode, "sampling": Generate, "score": Score})
