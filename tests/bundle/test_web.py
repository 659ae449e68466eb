import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made.small_run import SmallRun
from signtalk.bundle import web as web_export
from signtalk.bundle.bundle import open_bundle
from signtalk.bundle.web import check_portable, export_web, write_web_bundle
from signtalk.errors import ArtifactError, ExportRefusedError
from signtalk.extraction.models import _HAND_ROI, _MEMBERS, LANDMARKER_NAME
from signtalk.files import sha256_file
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import encode_clip
from signtalk.recognition.beam_search import DecodingOptions
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page with libraries of a few bytes, and a landmarker's models likewise."""
    source = tmp_path / "source"
    (source / "vendor").mkdir(parents=True)
    (source / "vendor" / "library.mjs").write_text("export {};")
    (source / "vendor" / "library.d.mts").write_text("export {};")
    (source / "index.html").write_text("<!doctype html>")
    monkeypatch.setattr(web_export, "PAGE", source)
    with zipfile.ZipFile(tmp_path / LANDMARKER_NAME, "w") as models:
        for name in (*_MEMBERS, _HAND_ROI):
            models.writestr(name, b"model")
    monkeypatch.setenv("SIGNTALK_MODELS", str(tmp_path))
    return source


def test_a_page_lists_all_its_files(small_run: SmallRun, page: Path, tmp_path: Path) -> None:
    out = tmp_path / "page"
    with open_bundle(small_run.bundle) as bundle:
        done = export_web(bundle, out)
        index = bundle.recognizer.index
    listed = json.loads((out / "files.json").read_text())["files"]
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} - {"files.json"}
    assert set(listed) == written
    assert "vendor/library.d.mts" not in written  # for the checker of types alone
    assert {"index.html", "vendor/library.mjs", "models/holistic_landmarker.task", "bundle/manifest.json"} <= written
    assert all(sha256_file(out / name) == file["sha256"] for name, file in listed.items())
    assert (done.num_files, done.num_bytes) == (len(written), sum((out / name).stat().st_size for name in written))
    config = json.loads((out / "bundle" / "config.json").read_text())
    assert config["index"]["num_references"] == len(index)
    embeddings = np.fromfile(out / "bundle" / "embeddings.bin", dtype="<f4").reshape(len(index), -1)
    np.testing.assert_array_equal(embeddings, index.embeddings)
    entries = json.loads((out / "bundle" / "sentences.json").read_text())["entries"]
    assert "signer_id" not in entries[0]
    frames = np.fromfile(out / "bundle" / "projections.bin", dtype="<f2").reshape(-1, index.projections.shape[2])
    first = entries[0]["num_frames"]
    np.testing.assert_array_equal(frames[:first], index.projections[0, :first])
    assert len(frames) == sum(entry["num_frames"] for entry in entries)


def test_a_page_replaces_an_earlier_one_and_nothing_else(small_run: SmallRun, page: Path, tmp_path: Path) -> None:
    out = tmp_path / "page"
    with open_bundle(small_run.bundle) as bundle:
        (page / "old.html").write_text("old")
        export_web(bundle, out)
        (page / "old.html").unlink()
        export_web(bundle, out)
        assert not (out / "old.html").exists()
        (out / "mine.txt").write_text("keep me")
        with pytest.raises(ArtifactError, match=r"holds mine\.txt, no part of an offline page"):
            export_web(bundle, out)
        assert (out / "mine.txt").read_text() == "keep me"
        with pytest.raises(ArtifactError, match="is a file"):
            export_web(bundle, out / "mine.txt")


def test_what_is_missing_is_told_before_anything_is_written(small_run: SmallRun, page: Path, tmp_path: Path) -> None:
    with open_bundle(small_run.bundle) as bundle:
        with pytest.raises(ArtifactError, match="signtalk models install"):
            export_web(bundle, tmp_path / "page", tmp_path / "none.task")
        (page / "vendor").rename(page / "elsewhere")
        with pytest.raises(ArtifactError, match="make web"):
            export_web(bundle, tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_what_the_page_cannot_answer_is_refused(small_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_bundle(small_run.bundle) as bundle:
        recognizer = bundle.recognizer
        check_portable(recognizer)
        for decision in (DecisionConfig.prototype(), DecisionConfig(gate=GateConfig(mode="prototype"))):
            with pytest.raises(ExportRefusedError, match="as the prototype did"):
                check_portable(recognizer.changed(decision=decision))
        monkeypatch.setattr(web_export, "MOST_PROJECTION_BYTES", 1000)
        with pytest.raises(ExportRefusedError, match="fewer clips a sentence"):
            check_portable(recognizer)


def test_golden_answers_are_the_recognizers(small_run: SmallRun, tmp_path: Path) -> None:
    with open_bundle(small_run.bundle) as bundle:
        num_golden = write_web_bundle(bundle, tmp_path / "web")
    golden = json.loads((tmp_path / "web" / "golden.json").read_text())
    assert len(golden["answers"]) == len(golden["num_frames"]) == num_golden
    assert {"outcome", "reason", "candidates", "translation", "motion_mean"} <= set(golden["answers"][0])
    assert (tmp_path / "web" / "golden.bin").stat().st_size == sum(12 + 2168 * n for n in golden["num_frames"])


def test_a_bundle_that_does_not_translate_ships_no_decoder(small_run: SmallRun, tmp_path: Path) -> None:
    with open_bundle(small_run.bundle) as bundle:
        decision = DecisionConfig(translate=False, decoding=DecodingOptions(max_tokens=5))
        bundle = replace(bundle, recognizer=bundle.recognizer.changed(decision=decision))
        write_web_bundle(bundle, tmp_path / "web")
    assert json.loads((tmp_path / "web" / "config.json").read_text())["model"]["decoder"] is None
    assert not (tmp_path / "web" / "sign_decoder.onnx").exists()


def test_a_clip_as_bytes_has_the_places_that_the_protocol_tells() -> None:
    landmarks = np.arange(2 * 169 * 3, dtype=np.float32).reshape(2, 169, 3)
    visibility = np.linspace(0, 1, 66, dtype=np.float32).reshape(2, 33)
    written = encode_clip(LandmarkClip(landmarks, visibility, np.array([0.5, 0.75]), None))
    assert written[:8] == b"SGT1\x02\x00\x00\x00"
    assert np.isnan(struct.unpack_from("<f", written, 8)[0])
    assert len(written) == 12 + 2 * 2168
    second = 12 + 2168
    assert struct.unpack_from("<d3f", written, second) == (0.75, *landmarks[1, 0].tolist())
    assert struct.unpack_from("<33f", written, second + 8 + 169 * 12) == tuple(visibility[1].tolist())


def test_the_command_tells_what_it_wrote(
    ask: Callable[..., Any], small_run: SmallRun, page: Path, tmp_path: Path
) -> None:
    report = ask("bundle", "web", small_run.bundle, tmp_path / "page", "--json")
    assert report["golden_clips"] == 8
    assert report["files"] == len(json.loads((tmp_path / "page" / "files.json").read_text())["files"])
    (tmp_path / "page" / "mine.txt").touch()
    assert "no part of an offline page" in ask("bundle", "web", small_run.bundle, tmp_path / "page", code=2).err
