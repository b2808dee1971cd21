"""JSON lines over stdin and stdout: how every peer is driven. One request, one reply; the peer loads once and times on demand.

    {"call": "start", "work": {...}}               loads, and computes the numbers that must agree with Ratchet's
    {"call": "sample", "variant": V, "trial": T}   does the work once and times it; a trial only compares variants, and may do a part of it
"""

import json
import os
import sys
import time
import traceback

# Set before torch is imported, because torch reads them once.
THREADS = os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("MKL_NUM_THREADS", THREADS)
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def use_threads():
    """As many threads as Ratchet has, inside one operation."""
    import torch

    torch.set_num_threads(int(THREADS))
    torch.set_num_interop_threads(1)


class Timer:
    """`with Timer() as timer: ...; timer.seconds`"""

    def __enter__(self):
        self.began = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.began


def read_rows(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def with_pad(tokenizer):
    """A pad token that is in no row. If the end token padded, transformers would read rewards before it."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.unk_token
    return tokenizer


def serve(kinds):
    """kinds: by kind of work a class with `__init__(work)`, `facts()`, `variants` and `sample(variant, trial)`."""
    # Output of libraries goes to stderr, because stdout has the protocol.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    loaded = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["call"] == "start":
                loaded = None  # frees the previous model first
                loaded = kinds[request["work"]["kind"]](request["work"])
                reply = {"result": {"facts": loaded.facts(), "variants": loaded.variants}}
            else:
                reply = {"result": loaded.sample(request["variant"], request["trial"])}
        except Exception as error:
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
