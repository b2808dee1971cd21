"""Prints the versions of the peers as a JSON object by package; null for a missing package."""

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
