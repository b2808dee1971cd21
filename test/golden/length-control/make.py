# Writes length-control.json, the length-controlled win rates of small sets of verdicts, for length-control.test.ts. From the repository root:
#   .venv/bin/python test/golden/length-control/make.py            writes the file
#   .venv/bin/python test/golden/length-control/make.py --check    computes it again and compares with the file
# PyTorch minimises the loss that docs/promotion.md states by L-BFGS in double precision; length-control.ts uses Newton's method. Resamples repeat prompts, as given.
import json
import sys
from pathlib import Path

import numpy as np
import torch

PATH = Path(__file__).resolve().parent / "length-control.json"
RIDGE = 0.01
TOLERANCE = 1e-7


def verdicts(seed, prompts, per_prompt, rate, longer, per_token, kind):
    random = np.random.default_rng(seed)
    rows = []
    for prompt in range(prompts):
        for _ in range(per_prompt):
            candidate, incumbent = random.integers(12, 36, 2) + [longer, 0]
            logit = np.log(rate / (1 - rate)) + per_token * (candidate - incumbent)
            chance = 1 / (1 + np.exp(-logit))
            answer = {"choice": float(random.random() < chance), "tie": float(random.choice([0, 0.5, 1], p=[0.75 * (1 - chance), 0.25, 0.75 * chance])), "probability": round(float(chance), 6)}[kind]
            rows.append([f"p{prompt}", answer, int(candidate), int(incumbent)])
    return rows


CASES = {
    "choices": verdicts(1, 12, 4, 0.58, -3, 0.1, "choice"),
    "ties": verdicts(2, 12, 4, 0.5, 0, 0.1, "tie"),
    "probabilities": verdicts(3, 12, 4, 0.42, 3, 0.1, "probability"),
    "all won": [[f"p{i}", 1.0, 20 + i % 3, 20] for i in range(20)],
    "the longer one always wins": [[f"p{i}", float(i % 2), 20 + (5 if i % 2 else -4), 20] for i in range(20)],
    "equal lengths": verdicts(4, 6, 4, 0.7, 0, 0.0, "choice"),
    "one difference": [[f"p{i}", float(i % 3 == 0), 25, 20] for i in range(12)],
    "one verdict": [["p0", 1.0, 30, 20]],
}
CASES["equal lengths"] = [[prompt, answer, 20, 20] for prompt, answer, *_ in CASES["equal lengths"]]


def fit(x, y, counts):
    coefficients = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([coefficients], max_iter=2000, tolerance_grad=1e-12, tolerance_change=1e-16, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        logits = coefficients[0] + coefficients[1] * x
        value = (counts * torch.nn.functional.binary_cross_entropy_with_logits(logits, y, reduction="none")).sum() + RIDGE / 2 * (coefficients ** 2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return [float(value) for value in coefficients.detach()]


def solved(rows):
    difference = np.array([candidate - incumbent for _, _, candidate, incumbent in rows], dtype=np.float64)
    x = torch.tensor(np.tanh(difference / (difference.std() or 1)))
    y = torch.tensor([answer for _, answer, _, _ in rows], dtype=torch.float64)
    prompts = sorted({prompt for prompt, *_ in rows})
    drawn = np.bincount(np.random.default_rng(0).integers(0, len(prompts), len(prompts)), minlength=len(prompts))
    counts = torch.tensor([float(drawn[prompts.index(prompt)]) for prompt, *_ in rows], dtype=torch.float64)
    return {"verdicts": rows, "whole": fit(x, y, torch.ones_like(y)), "drawn": [int(count) for count in drawn], "resample": fit(x, y, counts)}


if __name__ == "__main__":
    cases = {name: solved(rows) for name, rows in CASES.items()}
    if "--check" not in sys.argv:
        PATH.write_text(json.dumps({"ridge": RIDGE, "cases": cases}) + "\n")
        sys.exit(0)
    recorded = json.loads(PATH.read_text())["cases"]
    assert {name: case["verdicts"] for name, case in recorded.items()} == CASES
    worst = max(abs(a - b) for name, case in cases.items() for which in ("whole", "resample") for a, b in zip(case[which], recorded[name][which]))
    print("agrees" if worst <= TOLERANCE else f"differs by {worst:.1e}")
    sys.exit(0 if worst <= TOLERANCE else 1)
