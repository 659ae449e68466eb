import shutil
from pathlib import Path

import pytest

from conftest import SmallRun
from signtalk.errors import ArtifactError
from signtalk.files import read_json
from signtalk.manifest import load_manifest
from signtalk.runs import Run, index_run


def test_indexing_again_gives_the_same_decision(small_run: SmallRun) -> None:
    before = read_json(small_run.run / "decision.json")
    report = index_run(Run.open(small_run.run), load_manifest(small_run.data))
    assert read_json(small_run.run / "decision.json") == before
    assert report["num_references"] == len(Run.open(small_run.run).index())


def test_what_is_missing_or_damaged_is_told(small_run: SmallRun, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such checkpoint"):
        Run.open(tmp_path)
    for name in ("best.safetensors", "split.json"):
        shutil.copy(small_run.run / name, tmp_path / name)
    run = Run.open(tmp_path)
    with pytest.raises(ArtifactError, match="no such file"):
        run.decision()
    (tmp_path / "decision.json").write_text('{"decision": {"scoring": {"speed": 1}}}')
    with pytest.raises(ArtifactError, match="damaged"):
        run.decision()
    with pytest.raises(ArtifactError):
        run.index()
