"""Code run where some packages cannot be imported, as on a machine where they were never installed."""

import json
import subprocess
import sys

_PRELUDE = """
import importlib.abc, json, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

BLOCKED, ARGUMENTS = json.loads(sys.argv[1])
sys.meta_path.insert(0, Blocker())
"""
WITHOUT_TORCH = ("torch", "lightning", "pytorch_lightning", "pytorch_metric_learning", "tensorboard", "safetensors")


def ran_without(blocked: tuple[str, ...], code: str, *arguments: object) -> str:
    """What `code` prints in a process without the packages `blocked`; it finds `arguments` in the list ARGUMENTS."""
    given = json.dumps([blocked, [str(argument) for argument in arguments]])
    done = subprocess.run(
        [sys.executable, "-c", _PRELUDE + code, given], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
