"""Peak memory of the dense step, in a process of its own: `memory.py WORK.json` prints {idle, peak, facts} in bytes."""

import json
import sys

import serve
from dpo_step import DpoStep


def status(name):
    """A line of /proc/self/status in bytes."""
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


serve.use_threads()
with open(sys.argv[1], encoding="utf-8") as file:
    work = json.load(file)
idle = status("VmRSS")
facts = DpoStep(work).facts()
print(json.dumps({"idle": idle, "peak": status("VmHWM"), "facts": facts}))
