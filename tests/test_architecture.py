"""The shape of the package, derived from its files: rooms, one-way imports, what needs no torch, sizes, tests.

A new module touches no table here. A new room is a name in `ORDER`, at the place from which it may see.
"""

import ast
import graphlib
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "src" / "signtalk"
MAX_LINES = 450

# A room may import the rooms before it, and the root files.
ORDER = (
    "landmarks", "data", "synthetic", "extraction", "segmentation",
    "index", "recognition", "evaluation", "calibration",
    "models", "training",
    "bundle", "export", "service", "cli",
)  # fmt: skip
TORCH = {"models", "training", "export"}
ROOT = {"version", "errors", "files", "arrays", "compiling", "processes", "threads"}
# `signtalk` itself; of those inside the command line alone goes through it.
DOOR = {"", "_answers", "_api", "_base", "_clips", "_model", "_opened", "_runs", "_signers", "__main__", "client"}

# Rooms without torch are imported where none of these is to be had: a service is small.
HEAVY = (
    "torch", "lightning", "pytorch_lightning", "pytorch_metric_learning", "transformers", "matplotlib", "scipy",
    "sklearn", "pandas", "jiwer", "sacrebleu", "onnx", "onnxscript", "tensorboard",
)  # fmt: skip


def module_name(path: Path) -> str:
    """`index.files` for src/signtalk/index/files.py, `index` for its __init__.py, "" for that of the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = sorted(set(SOURCES) - DOOR - set(ORDER))


def room_of(module: str) -> str:
    """The room of a module; "" for a root file."""
    return module.split(".")[0] if "." in module or module in ORDER else ""


def imported_modules(source: str) -> set[str]:
    """The modules of signtalk that a source imports anywhere, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import; write signtalk.<room>.<module>"
            both = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= both & {f"signtalk.{name}" for name in SOURCES} or {node.module or ""}
    inside = {name for name in found if name.split(".")[0] == "signtalk"}
    return {name.removeprefix("signtalk").removeprefix(".") for name in inside}


IMPORTS = {name: imported_modules(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}


def test_the_reader_of_imports_sees_every_form() -> None:
    source = """
import signtalk.errors
import numpy, signtalk.files as f
from signtalk.landmarks import clip, features
from signtalk.data.manifest import ClipRecord
def late():
    from signtalk.recognition.dtw import alignment
"""
    told = {"errors", "files", "landmarks.clip", "landmarks.features", "data.manifest", "recognition.dtw"}
    assert imported_modules(source) == told


def test_the_rooms_are_those_of_the_order() -> None:
    assert {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()} == set(ORDER)
    assert {name for name in SOURCES if not room_of(name)} == ROOT | DOOR
    assert all(len(name.split(".")) <= 2 for name in SOURCES), "a room holds modules, no further rooms"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_rooms_before_its_own(name: str) -> None:
    room = room_of(name)
    before = ORDER[: ORDER.index(room) + 1] if room else ()
    allowed = ROOT | (DOOR if room == "cli" else set())
    rooms = {other: room_of(other) for other in IMPORTS[name] if other not in allowed}
    assert {other: of for other, of in rooms.items() if of not in before} == {}


def test_no_module_imports_itself_through_others() -> None:
    inside = {name: IMPORTS[name] - DOOR for name in MODULES}
    assert set(graphlib.TopologicalSorter(inside).static_order()) >= set(MODULES)


IMPORT_WITHOUT = """
import importlib, importlib.abc, json, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HEAVY:
            raise ImportError(f"{name} is not to be imported here")

HEAVY, NAMES = json.loads(sys.argv[1])
sys.meta_path.insert(0, Blocker())
failed = {}
for name in NAMES:
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed[name] = str(error)
print(json.dumps(failed))
"""


def failed_imports(names: list[str]) -> dict[str, str]:
    """What cannot be imported where the heavy packages are missing, and why."""
    arguments = [sys.executable, "-c", IMPORT_WITHOUT, json.dumps([HEAVY, names])]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120)
    failed: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return failed


def test_rooms_without_torch_import_without_it() -> None:
    light = [name for name in MODULES if room_of(name) not in TORCH]
    assert len(light) > 100
    assert failed_imports(["signtalk", *(f"signtalk.{name}" for name in light)]) == {}


def test_a_room_without_torch_imports_none_that_needs_it() -> None:
    """Inside functions too, but for the command line, whose commands load what they need."""
    torch_free = [name for name in MODULES if room_of(name) not in TORCH | {"cli"}]
    heavy = {name: {other for other in IMPORTS[name] if room_of(other) in TORCH} for name in torch_free}
    assert {name: others for name, others in heavy.items() if others} == {}


def test_the_check_for_torch_can_fail() -> None:
    assert list(failed_imports(["json", "scipy", "matplotlib.pyplot"])) == ["scipy", "matplotlib.pyplot"]


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks"])
def test_no_file_is_too_long_to_read(folder: str) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (PROJECT / folder).rglob("*.py")}
    assert {path.name: length for path, length in lengths.items() if length > MAX_LINES} == {}


def test_every_module_has_its_test() -> None:
    tests = PROJECT / "tests"
    expected = {
        name: tests / Path(*name.split(".")[:-1], f"test_{name.split('.')[-1]}.py")
        for name in MODULES
        if re.search(r"^(async )?(def|class) ", SOURCES[name].read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    assert {name: str(path.relative_to(tests)) for name, path in expected.items() if not path.is_file()} == {}


def public_names(path: Path) -> set[str]:
    """Functions, classes and constants that a module defines for others."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return {name for name in names if not name.startswith("_")}


OUTSIDE = sorted([*(PROJECT / "benchmarks").glob("*.py"), *(PROJECT / "examples").glob("*.py")])


@pytest.mark.parametrize("path", OUTSIDE, ids=[path.stem for path in OUTSIDE])
def test_what_benchmarks_and_examples_import_is_there(path: Path) -> None:
    """mypy does not read them, and most run for hours: a name that moved would be missed on the day it is needed."""
    missing = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("signtalk.")
        for alias in node.names
        if alias.name not in offered_names((node.module or "").removeprefix("signtalk."))
    ]
    assert missing == []


def offered_names(module: str) -> set[str]:
    """What a module defines for others, or hands on by its `__all__`; of a room its modules."""
    if module in ORDER:
        return {name.removeprefix(f"{module}.") for name in SOURCES if name.startswith(f"{module}.")}
    tree = ast.parse(SOURCES[module].read_text(encoding="utf-8"))
    handed_on = {
        part.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "__all__" for target in node.targets)
        for part in ast.walk(node.value)
        if isinstance(part, ast.Constant)
    }
    return public_names(SOURCES[module]) | handed_on


def test_no_public_name_is_defined_twice() -> None:
    """One meaning, one name; what a command of the line calls is named as the command is."""
    where: dict[str, list[str]] = defaultdict(list)
    for name in MODULES:
        if room_of(name) != "cli":
            for public in public_names(SOURCES[name]):
                where[public].append(name)
    assert {public: sorted(names) for public, names in where.items() if len(names) > 1} == {}


def test_the_readme_tells_what_each_room_is() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    for room in ORDER:
        line = ast.get_docstring(ast.parse(SOURCES[room].read_text(encoding="utf-8")))
        assert line is not None
        assert "\n" not in line
        assert re.search(rf"^\s*{room}/\s+{re.escape(line)}", readme, flags=re.MULTILINE), f"{room}: {line}"
