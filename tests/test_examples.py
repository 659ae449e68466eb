"""The programs of examples/ run, on made-up clips."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import signtalk
from made.service import KEY, json_of, running_service
from made.small_run import SmallRun

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run_example(name: str, *arguments: object, **environment: str) -> str:
    """What an example prints."""
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def clips_of(small_run: SmallRun, role: str) -> list[Path]:
    roles = json.loads((small_run.run / "split.json").read_text(encoding="utf-8"))["roles"]
    return [small_run.data / "clips" / f"{clip_id}.npz" for clip_id in sorted(roles) if roles[clip_id] == role]


def test_each_begins_with_the_command_that_runs_it_and_fits_a_screen() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    programs = [*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.sh")]
    assert len(programs) == 6
    for path in [*programs, *EXAMPLES.glob("*.ipynb")]:
        assert f"]({path.name})" in readme
    for path in programs:
        text = path.read_text(encoding="utf-8")
        assert f" examples/{path.name} " in "\n".join(text.splitlines()[:8]), path.name
        assert len(text.splitlines()) <= 60, path.name


@pytest.mark.slow
def test_recognise(small_run: SmallRun) -> None:
    clips = clips_of(small_run, "test")[:2]
    lines = run_example("recognise.py", small_run.bundle, *clips).splitlines()
    assert lines[0].startswith("<signtalk.Model")
    with signtalk.load(small_run.bundle) as model:
        assert f"{clips[0]}: {model.recognize(clips[0])}" in lines


@pytest.mark.slow
def test_enrol(small_run: SmallRun, tmp_path: Path) -> None:
    query, clip = clips_of(small_run, "test_unknown")[0], clips_of(small_run, "enroll")[0]
    said = run_example("enrol.py", small_run.bundle, tmp_path / "ward-3", "The pump beeps", query, clip)
    assert "'The pump beeps' now has 1 clips" in said
    assert next(line.split(":")[0] for line in said.splitlines() if "mind" not in line) == "before"
    with signtalk.load(small_run.bundle, index=tmp_path / "ward-3") as model:
        assert "The pump beeps" not in {listed.sentence for listed in model.sentences}


@pytest.mark.slow
def test_webcam_stream_reads_a_file_as_if_it_were_a_camera(small_run: SmallRun) -> None:
    said = run_example("webcam_stream.py", small_run.bundle, clips_of(small_run, "test")[0])
    assert all(line.split(": ")[0] == "at the end" or line.split(": ")[0].endswith(" s") for line in said.splitlines())
    assert said.strip()  # a clip of one sentence has one


@pytest.mark.slow
def test_train_on_your_clips(small_run: SmallRun, tmp_path: Path) -> None:
    said = run_example(
        "train_on_your_clips.py", small_run.data, tmp_path / "run", "--test-signer", "C", "--recipe", "tiny",
        "--epochs", "1",
    )  # fmt: skip
    assert "bundle: " in said
    assert (tmp_path / "run" / "report" / "report.json").is_file()
    assert any((tmp_path / "run" / "shipped").glob("*.zip"))


@pytest.mark.slow
def test_both_clients_of_a_service(small_run: SmallRun, tmp_path: Path) -> None:
    clip = clips_of(small_run, "test_unknown")[0]
    as_json = tmp_path / "clip.json"
    as_json.write_text(json.dumps(json_of(signtalk.read_clip(clip))), encoding="utf-8")
    with running_service(small_run.bundle, "--index", tmp_path / "ward-3", key=KEY) as (address, _):
        said = run_example("service_client.py", f"http://{address}", clip)
        if shutil.which("curl"):
            command = ["sh", str(EXAMPLES / "service_client.sh"), f"http://{address}", str(as_json)]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=120, check=False,
                env={**os.environ, "SIGNTALK_KEY": KEY},
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert [line for line in done.stdout.splitlines() if line.endswith(":")] == [
                "ready:", "what it says:", "clips of that meaning:", "taught:",
            ]  # fmt: skip
    with signtalk.load(small_run.bundle) as model:
        answer = model.recognize(clip)
    expected = answer.reason or answer.text or answer.choices[0].sentence
    assert expected in said


def test_the_client_needs_no_signtalk() -> None:
    assert "import signtalk" not in (EXAMPLES / "service_client.py").read_text(encoding="utf-8")
    assert np.dtype([("time_s", "<f8"), ("landmarks", "<f4", (169, 3)), ("visibility", "<f4", (33,))]).itemsize == 2168


def test_the_notebook_runs_and_holds_no_output(small_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = json.loads((EXAMPLES / "first_steps.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("SIGNTALK_DEMO", str(small_run.out))
    names: dict[str, Any] = {}
    for number, cell in enumerate(cells, start=1):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    assert names["enrolled"].sentence == "The pump beeps"
