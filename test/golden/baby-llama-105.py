# Writes baby-llama-105.json, transformers' values for the checkpoint ../shared/models/baby-llama-105, for baby-llama-105.test.ts.
# From the repository root:
#   python3 test/golden/baby-llama-105.py --model ../shared/models/baby-llama-105            writes the file
#   python3 test/golden/baby-llama-105.py --model ../shared/models/baby-llama-105 --check    computes it again and compares
# --model may also name an export of Ratchet with the same configuration, to compare it by hand.
import argparse
import json
import sys
from pathlib import Path

import torch
import transformers

FILE = Path(__file__).with_suffix(".json")
# Largest difference that --check accepts, because another processor sums in another order.
TOLERANCE = 1e-4
ROWS = [
    ("Tom had a kite.", " He liked to fly it in the park."),
    ("One day, Lily went to the park with a dog.", ' "Look!" she said. The dog ran fast.'),
    ("Once", " upon a time there was a cat"),
]


def computed(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return {"torch": torch.__version__, "transformers": transformers.__version__, "rows": [row_of(model, tokenizer, *row) for row in ROWS]}


def row_of(model, tokenizer, prompt, answer):
    prompt_ids = tokenizer(prompt)["input_ids"]
    ids = tokenizer(prompt + answer + tokenizer.eos_token)["input_ids"]
    assert ids[: len(prompt_ids)] == prompt_ids
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    logps = torch.log_softmax(logits.double(), -1)
    answer_logps = [logps[t - 1, ids[t]].item() for t in range(len(prompt_ids), len(ids))]
    return {
        "prompt": prompt,
        "answer": answer,
        "promptIds": prompt_ids,
        "answerIds": ids[len(prompt_ids) :],
        "answerLogps": [round(x, 6) for x in answer_logps],
        "firstLogits": [round(x, 6) for x in logits[len(prompt_ids) - 1].tolist()],
    }


def difference(old, new):
    """The largest difference of numbers between two rows; ids and texts must be equal."""
    same = ("prompt", "answer", "promptIds", "answerIds")
    assert [old[name] for name in same] == [new[name] for name in same], f"other ids for {new['prompt']!r}"
    return max(abs(a - b) for name in ("answerLogps", "firstLogits") for a, b in zip(old[name], new[name], strict=True))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    value = computed(given.model)
    if not given.check:
        FILE.write_text(json.dumps(value) + "\n")
        return
    worst = max(map(difference, json.loads(FILE.read_text())["rows"], value["rows"]))
    print(f"baby-llama-105 {worst:.1e}")
    sys.exit(0 if worst <= TOLERANCE else 1)


main()
