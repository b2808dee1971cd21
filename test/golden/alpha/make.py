# Writes alpha.json: Krippendorff's alpha (nominal) of random tables of labels by the package krippendorff, for
# alpha.test.ts. With --check it computes them again and compares with the file. A unit is a text with one letter a label.
import json
import random
import sys
from pathlib import Path

import krippendorff

FILE = Path(__file__).with_name("alpha.json")
CHOICES = "fstb"
TOLERANCE = 1e-12
# Units, labelers, share of missing labels, share of labels that are drawn instead of the unit's own choice.
TABLES = [(10, 2, 0, 0.3), (40, 3, 0.2, 0.5), (100, 5, 0.4, 0.7), (30, 2, 0.3, 0), (60, 4, 0.1, 1), (5, 3, 0.5, 0.2)]


def table(seed: int, units: int, labelers: int, missing: float, noise: float) -> list[str]:
    rng = random.Random(seed)
    rows = []
    for _ in range(units):
        own = rng.choice(CHOICES)
        row = [rng.choice(CHOICES) if rng.random() < noise else own for _ in range(labelers)]
        rows.append("".join(choice for choice in row if rng.random() >= missing))
    return rows


def alpha(rows: list[str], labelers: int) -> float:
    data = [[CHOICES.index(row[i]) if i < len(row) else float("nan") for row in rows] for i in range(labelers)]
    return float(krippendorff.alpha(reliability_data=data, level_of_measurement="nominal"))


cases = []
for seed, (units, labelers, missing, noise) in enumerate(TABLES):
    rows = table(seed, units, labelers, missing, noise)
    cases.append({"units": rows, "alpha": alpha(rows, labelers)})
if "--check" not in sys.argv:
    FILE.write_text(json.dumps(cases) + "\n")
elif any(
    have["units"] != case["units"] or abs(have["alpha"] - case["alpha"]) > TOLERANCE
    for have, case in zip(json.loads(FILE.read_text()), cases, strict=True)
):
    sys.exit("alpha.json differs")
