"""`import`, `export-clips` and `play` as commands, and their failures."""

import json
from pathlib import Path

import numpy as np
import pytest

from made.commands import run_cli
from made.points import made_clip
from signtalk.data.manifest import load_manifest
from signtalk.landmarks.clip import save_clip
from signtalk.synthetic.dataset import SyntheticConfig, write_dataset

Patch, Capture = pytest.MonkeyPatch, pytest.CaptureFixture[str]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    save_clip(tmp_path / "a.npz", made_clip(num_frames=8, fps=20))
    return tmp_path / "a.npz"


def test_out_and_in_again_is_a_folder_that_is_checked_and_packed(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    write_dataset(tmp_path / "data", SyntheticConfig(num_sentences=2, num_signers=3))
    sent, back = tmp_path / "sent", tmp_path / "back"
    assert run_cli(monkeypatch, "export-clips", tmp_path / "data", "--format", "mp-data", "--out", sent, "--json") == 0
    num_clips = json.loads(capsys.readouterr().out)["clips"]
    (sent / "idle" / "0" / "3.npy").write_bytes(b"damaged")
    assert run_cli(monkeypatch, "import", sent, "--format", "mp-data", "--out", back, "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done["clips"] == num_clips - 1 == len(load_manifest(back, strict=True).records)
    assert [problem["kind"] for problem in done["left_out"]] == ["bad_clip"]
    assert run_cli(monkeypatch, "data", "pack", back, "--out", tmp_path / "store", "--strict") == 0
    assert run_cli(monkeypatch, "import", sent, "--format", "mp-data", "--out", tmp_path / "no", "--strict") == 2
    assert "3.npy" in capsys.readouterr().err
    assert run_cli(monkeypatch, "import", sent, "--format", "xml", "--out", tmp_path / "no") == 2
    assert "pose, json, mp-data, parquet" in " ".join(capsys.readouterr().err.split())


def test_a_clip_plays_beside_another(clip: Path, tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    image = pytest.importorskip("PIL.Image")
    rows = np.random.default_rng(0).normal(size=(5, 540)).astype("f4")
    rows[:, 3:132:4] = 0.9
    np.save(tmp_path / "b.npy", rows)
    out = tmp_path / "out.gif"
    assert run_cli(monkeypatch, "play", clip, "--beside", tmp_path / "b.npy", "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"written": str(out), "frames": 12, "fps": 30.0}
    with image.open(out) as gif:
        assert gif.size == (960, 508) and gif.n_frames >= 8


def test_a_clip_plays_beside_its_video(clip: Path, tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    av = pytest.importorskip("av")
    for name, options in (("first.mp4", ()), ("second.mp4", ("--video", tmp_path / "first.mp4", "--fps", 10))):
        assert run_cli(monkeypatch, "play", clip, *options, "--out", tmp_path / name) == 0
    with av.open(str(tmp_path / "second.mp4")) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert [frame.shape for frame in frames] == [(508, 934, 3)] * 4
    skeleton, copy = frames[1][:, 454:], frames[1][:, :454]  # the first film is shown as its own video here
    assert (skeleton.max(axis=-1) > 120).any() and (copy.max(axis=-1) > 120).any()
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 100)
    assert run_cli(monkeypatch, "play", clip, "--video", tmp_path / "bad.mp4", "--out", tmp_path / "c.mp4") == 2
    assert "bad.mp4: not a readable video" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "c.mp4").exists()


def test_a_kind_of_file_that_is_not_written_is_refused(clip: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    assert run_cli(monkeypatch, "play", clip, "--out", tmp_path / "a.avi") == 2
    assert run_cli(monkeypatch, "play", tmp_path / "none.npz", "--out", tmp_path / "a.gif") == 2
