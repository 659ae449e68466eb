import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from signtalk.threads import usable_cores, wait_passively

COMMAND = """
import json, os, sys
import signtalk.cli.main as command
loaded = [name for name in ("numpy", "torch") if name in sys.modules]
sys.argv = ["signtalk", "--version"]
try:
    command.main()
except SystemExit:
    pass
print(json.dumps([loaded, os.environ.get("OMP_WAIT_POLICY"), os.environ.get("OMP_NUM_THREADS")]))
"""


@pytest.mark.parametrize("given", [None, "ACTIVE"])
def test_every_command_waits_passively_unless_the_user_says_otherwise(given: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    environment |= {"OMP_WAIT_POLICY": given} if given else {}
    done = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, check=True, env=environment)
    loaded, policy, threads = json.loads(done.stdout.splitlines()[-1])
    assert loaded == []  # OpenMP would have read its settings before they were made
    assert policy == (given or "PASSIVE")
    assert threads is None  # how many is the libraries' own affair, and that of extraction and of the service


def test_the_python_door_waits_passively() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    code = (
        "import os, signtalk; before = os.environ.get('OMP_WAIT_POLICY'); signtalk.train; "
        "print(before, os.environ['OMP_WAIT_POLICY'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["None", "PASSIVE"]


def test_what_is_set_stays(monkeypatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    wait_passively()
    assert os.environ["OMP_WAIT_POLICY"] == "active"


@pytest.mark.parametrize(
    ("text", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("1000 100000", 1), ("900000 100000", 8), ("x", 8)],
)
def test_a_container_gets_what_its_quota_allows(tmp_path: Path, monkeypatch, text: str, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    (tmp_path / "cpu.max").write_text(f"{text}\n")
    assert usable_cores(tmp_path / "cpu.max") == cores
    assert usable_cores(tmp_path / "none") == 8
