"""One whole iteration as a plain script of transformers and TRL: sample, score, pair, two epochs of DPO, sample and score the
validation prompts. `iteration.py WORK.json BATCH` prints {facts, tokens, parts}; BATCH is the rows of one call of generate()."""

import json
import os
import shutil
import sys

import serve
import trl_epoch
from transformers_forward import generate, load, rewards

from transformers import AutoModelForSequenceClassification


def score(reward_model, tokenizer, prompts, answers, samples):
    prompt_ids = [tokenizer(prompt)["input_ids"] for prompt in prompts]
    rows = [prompt_ids[index // samples] + answer for index, answer in enumerate(answers)]
    return rewards(reward_model, rows, tokenizer.pad_token_id, 32)


def best_against_worst(tokenizer, prompts, answers, scores, samples):
    """For each prompt the answers with the highest and the lowest reward, as text."""
    pairs = []
    for index, prompt in enumerate(prompts):
        group = sorted(range(index * samples, (index + 1) * samples), key=lambda row: scores[row])
        worst, best = group[0], group[-1]
        if scores[worst] != scores[best]:
            text = lambda row: tokenizer.decode(answers[row], skip_special_tokens=True)
            pairs.append({"prompt": prompt, "chosen": text(best), "rejected": text(worst)})
    return pairs


def main():
    serve.use_threads()
    with open(sys.argv[1], encoding="utf-8") as file:
        work = json.load(file)
    batch = int(sys.argv[2])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with serve.Timer() as generating:
        policy, tokenizer = load(work["policy"])
        answers = generate(policy, tokenizer, work["prompts"], work["samples"], work["maxTokens"], batch)
    with serve.Timer() as scoring:
        reward_model, _ = load(work["reward"], AutoModelForSequenceClassification, num_labels=1)
        scores = score(reward_model, tokenizer, work["prompts"], answers, work["samples"])
    pairs = best_against_worst(tokenizer, work["prompts"], answers, scores, work["samples"])
    with serve.Timer() as training:
        task = {"task": "dpo", "model": work["policy"], "beta": work["beta"], "optimizer": work["optimizer"]}
        # The first loss shows that both sides start from the same weights.
        trained = trl_epoch.train(task, pairs, work["optimizer"]["epochs"], "grouped", work["out"], log=True)
    with serve.Timer() as evaluating:
        policy, _ = load(work["out"])
        samples = work["validationSamples"]
        held_out = generate(policy, tokenizer, work["validation"], samples, work["maxTokens"], batch)
        score(reward_model, tokenizer, work["validation"], held_out, samples)
    shutil.rmtree(work["out"], ignore_errors=True)
    reply = {
        "facts": [len(answers), len(pairs), trained["steps"], trained["losses"][0]],
        "tokens": sum(map(len, answers + held_out)),
        "parts": {"generate": generating.seconds, "score": scoring.seconds, "train": training.seconds, "evaluate": evaluating.seconds},
    }
    replies.write(json.dumps(reply) + "\n")
    replies.flush()


if __name__ == "__main__":
    main()
