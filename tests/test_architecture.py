"""The shape of the package: reading order, one-way imports, what needs no torch, file sizes, a test for each module.

A new module gets a line in MODULES where it stands in the flow of data. It may import what stands above it.
"""

import ast
import graphlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "signtalk"
MAX_LINES = 450

# In reading order. "o": must import without torch and the other packages of HEAVY; "T": needs them.
MODULES = {
    "errors": "o",
    "files": "o",
    "tokenizer": "o",
    "landmarks": "o",
    "holistic_points": "o",
    "pose_files": "o",
    "json_files": "o",
    "frame_files": "o",
    "parquet_files": "o",
    "prototype_files": "o",
    "clip_records": "o",
    "manifest": "o",
    "file_names": "o",
    "interchange": "o",
    "skeleton": "o",
    "lexicon": "o",
    "synthetic_body": "o",
    "synthetic_camera": "o",
    "synthetic_signers": "o",
    "synthetic_signing": "o",
    "synthetic_streams": "o",
    "synthetic": "o",
    "synthetic_hard": "o",
    "features": "o",
    "video": "o",
    "landmarker_models": "o",
    "landmarker": "o",
    "people": "o",
    "hand_repair": "o",
    "smoothing": "o",
    "trimming": "o",
    "activity": "o",
    "segmenter": "o",
    "segment_metrics": "o",
    "streams": "o",
    "segmenter_fit": "o",
    "clip_quality": "o",
    "extraction": "o",
    "extraction_inputs": "o",
    "extraction_worker": "o",
    "storage": "o",
    "extraction_guards": "o",
    "extraction_run": "o",
    "extraction_cluster": "o",
    "extraction_report": "o",
    "store": "o",
    "data_check": "o",
    "roles": "o",
    "splits": "o",
    "sampling": "o",
    "augment": "o",
    "hard_clips": "o",
    "batches": "T",
    "layers": "T",
    "encoders": "T",
    "text_decoder": "T",
    "text_encoder": "T",
    "model": "T",
    "losses": "T",
    "recipe": "T",
    "compiling": "o",
    "dtw": "o",
    "intervals": "o",
    "report_text": "o",
    "metrics": "o",
    "text_metrics": "T",
    "decoding": "o",
    "spelling": "o",
    "encoding": "o",
    "nearest": "o",
    "index_files": "o",
    "index": "o",
    "text_search": "o",
    "comparison": "o",
    "written": "o",
    "scoring": "o",
    "references": "o",
    "large_index": "o",
    "milvus_store": "o",
    "logistic": "o",
    "evidence": "o",
    "gate": "o",
    "translation": "o",
    "checkpoint": "T",
    "candidate_sets": "o",
    "recognizer": "o",
    "decision_files": "o",
    "validation": "T",
    "plots": "T",
    "run_folder": "T",
    "history": "T",
    "training": "T",
    "scoring_fit": "o",
    "calibration": "T",
    "evaluation_results": "T",
    "open_set": "T",
    "evaluation": "T",
    "report": "T",
    "stress_sources": "o",
    "stress_cases": "o",
    "stress": "o",
    "stress_report": "T",
    "signs": "o",
    "bundle_zip": "o",
    "golden_clips": "o",
    "onnx_graphs": "o",
    "bundle": "o",
    "model_card": "o",
    "wire": "o",
    "web_export": "o",
    "layered_index": "o",
    "enrolment": "o",
    "export_graphs": "T",
    "export_parity": "T",
    "export_variants": "T",
    "export": "T",
    "runs": "T",
    "export_run": "T",
    "live_session": "o",
    "question_queue": "o",
    "service_settings": "o",
    "service_schemas": "o",
    "service_model": "o",
    "service_metrics": "o",
    "service_errors": "o",
    "service_guards": "o",
    "service_stream": "o",
    "service": "o",
    "service_page": "o",
    "service_run": "o",
    "demo": "T",
    "console": "o",
    # The files of single commands, cli_*.py, stand here; they need no line of their own.
    "cli": "o",
}
COMMANDS = sorted(path.stem for path in PACKAGE.glob("cli_*.py"))

WITHOUT_OWN_TEST = {
    "console": "what the commands share; test_cli runs them",
    "evaluation_results": "holds results that test_evaluation makes and looks at",
    "synthetic_camera": "test_synthetic looks at what it gives",
    "synthetic_signers": "test_synthetic looks at what it gives",
    "synthetic_signing": "test_synthetic looks at what it gives",
    "__init__": "holds the version and public names",
    "__main__": "calls the command line, which test_cli runs",
} | dict.fromkeys(COMMANDS, "run through the command line by test_cli")

HEAVY = (
    "torch", "lightning", "pytorch_lightning", "pytorch_metric_learning", "transformers", "matplotlib", "scipy",
    "sklearn", "pandas", "jiwer", "sacrebleu", "onnx", "onnxscript", "tensorboard",
)  # fmt: skip

EXISTING = sorted(path.stem for path in PACKAGE.glob("*.py"))
ORDERED = [*(name for name in MODULES if name != "cli"), *COMMANDS, "cli", "__main__"]


def imported_modules(source: str) -> set[str]:
    """The modules of signtalk that a source imports anywhere, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import; write signtalk.<module>"
            names = [node.module or ""]
            if node.module == "signtalk":
                names = [f"signtalk.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("signtalk.")}
    return found & {*MODULES, *EXISTING}


IMPORTS = {name: imported_modules((PACKAGE / f"{name}.py").read_text(encoding="utf-8")) for name in EXISTING}


def test_the_reader_of_imports_sees_every_form() -> None:
    source = """
import signtalk.errors
import numpy, signtalk.files as f
from signtalk import landmarks, __version__
from signtalk.manifest import ClipRecord
def late():
    from signtalk.features import derive
"""
    assert imported_modules(source) == {"errors", "files", "landmarks", "manifest", "features"}


def test_every_file_is_in_the_list_and_every_name_is_a_file() -> None:
    assert set(EXISTING) - set(ORDERED) == {"__init__"}, "give new modules a line in MODULES"
    assert set(MODULES) - set(EXISTING) == set(), "listed and not there"


@pytest.mark.parametrize("name", [name for name in EXISTING if name != "__init__"])
def test_a_module_imports_only_modules_above_it(name: str) -> None:
    place = ORDERED.index(name)
    above = set(ORDERED[:place]) | (set(COMMANDS) if name in COMMANDS else set())
    assert IMPORTS[name] - above == set()


def test_no_module_imports_itself_through_others() -> None:
    order = list(graphlib.TopologicalSorter(IMPORTS).static_order())
    assert set(order) >= set(EXISTING)


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


def test_what_a_service_needs_imports_without_torch() -> None:
    light = [name for name, kind in MODULES.items() if kind == "o" and name in EXISTING]
    assert len(light) > 10
    assert failed_imports(["signtalk", *(f"signtalk.{name}" for name in [*light, *COMMANDS])]) == {}


def test_the_check_for_torch_can_fail() -> None:
    assert list(failed_imports(["json", "scipy", "matplotlib.pyplot"])) == ["scipy", "matplotlib.pyplot"]


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks"])
def test_no_file_is_too_long_to_read(folder: str) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert {path.name: length for path, length in lengths.items() if length > MAX_LINES} == {}


def test_every_module_has_its_test() -> None:
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")}
    assert set(EXISTING) - tested - set(WITHOUT_OWN_TEST) == set()
