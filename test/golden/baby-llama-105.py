# Writes baby-llama-105.json: what transformers computes for the checkpoint of ../shared/models/baby-llama-105, for
# engine/score/golden.test.ts. From the repository root:
#   python3 test/golden/baby-llama-105.py ../shared/models/baby-llama-105 > test/golden/baby-llama-105.json
# With another folder: any checkpoint of the same configuration, to compare an export of ours by hand.
import json
import sys

import torch
import transformers

ROWS = [
    ("Tom had a kite.", " He liked to fly it in the park."),
    ("One day, Lily went to the park with a dog.", ' "Look!" she said. The dog ran fast.'),
    ("Once", " upon a time there was a cat"),
]

folder = sys.argv[1]
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
rows = []
for prompt, answer in ROWS:
    prompt_ids = tokenizer(prompt)["input_ids"]
    ids = tokenizer(prompt + answer + tokenizer.eos_token)["input_ids"]
    assert ids[: len(prompt_ids)] == prompt_ids
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    logps = torch.log_softmax(logits.double(), -1)
    answer_logps = [logps[t - 1, ids[t]].item() for t in range(len(prompt_ids), len(ids))]
    rows.append(
        {
            "prompt": prompt,
            "answer": answer,
            "promptIds": prompt_ids,
            "answerIds": ids[len(prompt_ids) :],
            "answerLogps": [round(x, 6) for x in answer_logps],
            "firstLogits": [round(x, 6) for x in logits[len(prompt_ids) - 1].tolist()],
        }
    )
json.dump({"torch": torch.__version__, "transformers": transformers.__version__, "rows": rows}, sys.stdout)
print()
