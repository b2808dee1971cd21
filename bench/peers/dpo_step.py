"""The dense step: DPO on full-length rows in PyTorch and transformers, without compilation, AdamW fused."""

import serve

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM


def matmul_flops(size=1024, repeats=8):
    """Floating-point operations per second of a large product: an upper bound for training."""
    a, b = torch.rand(2, size, size)
    a @ b
    with serve.Timer() as timer:
        for _ in range(repeats):
            a @ b
    return 2 * size**3 * repeats / timer.seconds


class DpoStep:
    """rows: pairs of token ids of one length, the whole batch of every step."""

    # The faster attention kernel on a CPU depends on the size.
    variants = ["sdpa", "eager"]

    def __init__(self, work):
        self.work = work
        rows = serve.read_rows(work["rows"])
        self.ids = torch.tensor([row["chosen"] for row in rows] + [row["rejected"] for row in rows])
        # Shifted by one: position t predicts token t + 1, and answers begin at promptLength.
        starts = torch.tensor([row["promptLength"] for row in rows] * 2)
        self.mask = torch.arange(1, self.ids.shape[1]) >= starts[:, None]
        self.load(self.variants[0])

    def load(self, variant):
        self.variant = variant
        self.model = AutoModelForCausalLM.from_pretrained(self.work["model"], dtype=torch.float32, attn_implementation=variant)
        self.model.train()
        self.model.config.use_cache = False
        # As in Ratchet and in transformers' Trainer: matrices decay, norms do not.
        named = list(self.model.named_parameters())
        settings = self.work["optimizer"]
        groups = [
            {"params": [p for _, p in named if p.ndim > 1], "weight_decay": settings["weightDecay"]},
            {"params": [p for _, p in named if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=settings["learningRate"], betas=tuple(settings["betas"]), eps=settings["epsilon"], fused=True)
        with torch.no_grad():
            self.reference = self.logps()

    def logps(self):
        logits = self.model(input_ids=self.ids, use_cache=False).logits[:, :-1]
        targets = self.ids[:, 1:]
        tokens = logits.gather(2, targets[..., None])[..., 0] - logits.logsumexp(-1)
        return (tokens * self.mask).sum(1)

    def step(self):
        ratios = self.work["beta"] * (self.logps() - self.reference)
        chosen, rejected = ratios.chunk(2)
        loss = -F.logsigmoid(chosen - rejected).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.work["optimizer"]["clip"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()

    def facts(self):
        """Losses of the first steps."""
        return [self.step() for _ in range(self.work["checkSteps"])]

    def sample(self, variant, _trial):
        if variant != self.variant:
            self.load(variant)
            self.step()
        with serve.Timer() as timer:
            for _ in range(self.work["steps"]):
                self.step()
        return {"seconds": timer.seconds, "amount": self.ids.numel() * self.work["steps"], "matmulFlops": matmul_flops()}


if __name__ == "__main__":
    serve.use_threads()
    serve.serve({"dpo-step": DpoStep})
