"""Peak memory of dense steps and of a checkpoint after the first, in a process of its own: `memory.py WORK.json` prints {idle, peak, facts} in bytes."""

import json
import sys
import tempfile

import serve

import torch
from dpo_step import DpoStep


def status(name):
    """A value of /proc/self/status, in bytes."""
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


serve.use_threads()
with open(sys.argv[1], encoding="utf-8") as file:
    work = json.load(file)
idle = status("VmRSS")
dense = DpoStep(work)
facts = [dense.step()]
with tempfile.TemporaryFile() as file:
    torch.save({"model": dense.model.state_dict(), "optimizer": dense.optimizer.state_dict()}, file)
facts += [dense.step() for _ in range(work["checkSteps"] - 1)]
print(json.dumps({"idle": idle, "peak": status("VmHWM"), "facts": facts}))
