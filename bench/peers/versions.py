"""Which peers this environment has: a JSON object of package to version, null where one is missing."""

import importlib.metadata
import json
import platform

PACKAGES = ["torch", "transformers", "trl", "datasets", "accelerate", "llama_cpp_python", "gguf", "numpy"]


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


print(json.dumps({"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}))
