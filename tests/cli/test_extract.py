"""`signtalk extract` and `signtalk models`, with the made-up landmarker in the place of MediaPipe."""

import json
import subprocess
import sys

import pytest

from made.commands import run_cli
from made.full_disk import is_one_line, small_disk
from made.landmarker_bundle import made_bundle
from made.videos import WORKER, signing, small_set, write_video
from signtalk.data.manifest import load_manifest
from signtalk.extraction import worker as extraction_worker
from signtalk.files import TEMPORARY_PREFIX, read_csv
from signtalk.landmarks.clip import load_clip


@pytest.fixture
def made_up_worker(monkeypatch):
    """The command line with the made-up worker as its default."""
    real = extraction_worker.GuardConfig
    monkeypatch.setattr(
        extraction_worker, "GuardConfig", lambda **options: real(command=(sys.executable, str(WORKER)), **options)
    )


def two_videos(folder):
    folder.mkdir()
    write_video(folder / "1A.mp4", signing(40))
    (folder / "2A.mp4").write_bytes(b"")
    table = folder.parent / "m.csv"
    table.write_text("sentence_id,sentence\n1,Hello\n2,Good bye\n3,Nobody\n", encoding="utf-8")
    return table


def test_extract_makes_a_data_folder(monkeypatch, capsys, tmp_path, made_up_worker):
    table = two_videos(tmp_path / "v")
    arguments = ["extract", tmp_path / "v", "--metadata", table, "--out", tmp_path / "out", "--workers", 1]
    assert run_cli(monkeypatch, *arguments, "--smooth", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["clips"], said["failed"], said["missing"], said["done_before"]) == (1, 1, 1, 0)
    assert said["failed_videos"][0]["kind"] == "unusable" and said["notes"] == []
    assert load_manifest(tmp_path / "out").records[0].sentence == "Hello"
    assert (tmp_path / "out" / "contact_sheet.png").is_file() and (tmp_path / "out" / "extraction_report.md").is_file()
    assert run_cli(monkeypatch, *arguments, "--smooth") == 0
    shown = capsys.readouterr().out
    assert "done_before: 2" in shown and "unusable: 2A" in shown
    assert read_csv(tmp_path / "out" / "missing_videos.csv")[1][0]["sentence"] == "Nobody"


def test_extract_without_a_table_says_that_texts_are_missing(monkeypatch, capsys, tmp_path, made_up_worker):
    two_videos(tmp_path / "v")
    assert run_cli(monkeypatch, "extract", tmp_path / "v", "--out", tmp_path / "out") == 0
    assert "some clips have no sentence" in capsys.readouterr().err


def test_extract_into_a_storage(monkeypatch, capsys, tmp_path, made_up_worker):
    table = two_videos(tmp_path / "v")
    arguments = ["extract", tmp_path / "v", "--metadata", table, "--out", tmp_path / "out"]
    assert run_cli(monkeypatch, *arguments, "--storage", f"file://{tmp_path}/far", "--json") == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 1
    assert load_manifest(tmp_path / "far", strict=True).records[0].sentence == "Hello"
    assert (tmp_path / "far" / "contact_sheet.png").is_file() and not (tmp_path / "out" / "clips").exists()
    assert run_cli(monkeypatch, *arguments, "--storage", "somewhere") == 2
    assert "expected a URL such as s3://" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "says"), [
    (["extract", "{}/none", "--out", "{}/out"], "no such folder"),
    (["extract", "{0}", "--out", "{0}/out", "--cluster", "tcp://127.0.0.1:9", "--workers", "2"], "as many are used"),
    (["models", "install", "--from", "{}/none.task"], "not a landmarker bundle"),
])  # fmt: skip
def test_mistakes_are_one_line(monkeypatch, capsys, tmp_path, arguments, says):
    assert run_cli(monkeypatch, *[text.format(tmp_path) for text in arguments]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


def test_models_install_takes_a_file(monkeypatch, capsys, tmp_path):
    source = made_bundle(tmp_path / "official.task")
    assert run_cli(monkeypatch, "models", "install", "--from", source, "--to", tmp_path / "models") == 0
    captured = capsys.readouterr()
    assert str(tmp_path / "models") in captured.out and "SIGNTALK_MODELS" in captured.err
    assert (tmp_path / "models" / "holistic_landmarker.task").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("kilobytes", [8, 128, 256])
@pytest.mark.slow
def test_a_full_disk_is_one_line_and_what_is_done_stays_whole(monkeypatch, capsys, tmp_path, made_up_worker, kilobytes):
    small_set(tmp_path / "videos", 6)
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        arguments = ["extract", tmp_path / "videos", "--out", disk / "data", "--workers", 1, "--json"]
        assert run_cli(monkeypatch, *arguments) == 2
        error = capsys.readouterr().err
        assert is_one_line(error) and "No space left on device" in error and str(disk) in error
        assert not [path for path in disk.rglob("*") if path.name.startswith(TEMPORARY_PREFIX)]
        for path in disk.rglob("*.npz"):
            load_clip(path)
        subprocess.run(["mount", "-o", "remount,size=32m", str(disk)], check=True)  # somebody made room
        assert run_cli(monkeypatch, *arguments) == 0
        assert json.loads(capsys.readouterr().out)["clips"] == 6
