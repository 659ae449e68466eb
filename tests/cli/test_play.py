"""`play` as a command: in step with the video, and its failures."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from made.commands import run_cli
from made.points import made_clip
from signtalk.landmarks.clip import load_clip, save_clip

Patch, Capture = pytest.MonkeyPatch, pytest.CaptureFixture[str]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    save_clip(tmp_path / "a.npz", made_clip(num_frames=8, fps=20))
    return tmp_path / "a.npz"


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


def frames_of(path: Path) -> np.ndarray:
    """(T, H, W, 3) uint8 of a film."""
    av = pytest.importorskip("av")
    with av.open(str(path)) as video:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)])


def heights(pictures: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """(T,) mean row of a colour in each picture, NaN where it is not in view."""
    means = []
    for picture in pictures[:, ::2, ::2].astype(np.int16):
        rows = np.nonzero((np.abs(picture - np.array(colour, dtype=np.int16)) < 70).all(axis=-1))[0]
        means.append(rows.mean() if len(rows) > 3 else np.nan)
    return np.array(means)


@pytest.mark.slow
def test_the_skeleton_moves_with_a_video_whose_beginning_was_trimmed(tmp_path: Path, monkeypatch: Patch) -> None:
    from made.videos import RED, WORKER, signing, write_video
    from signtalk.extraction.reader import ClipReader
    from signtalk.extraction.worker import GuardConfig
    from signtalk.landmarks.drawing import COLOURS

    video = write_video(tmp_path / "a.mp4", signing(130, rest=45))
    with ClipReader(guard=GuardConfig(command=(sys.executable, str(WORKER)))) as reader:
        save_clip(tmp_path / "a.npz", reader.read(video))
    trimmed_s = load_clip(tmp_path / "a.npz").timestamps_s[0]
    assert trimmed_s > 1
    out = tmp_path / "out.mp4"
    assert run_cli(monkeypatch, "play", tmp_path / "a.npz", "--video", video, "--fps", 10, "--out", out) == 0
    pictures = frames_of(out)
    film, skeleton = pictures[:, 28:, :720], pictures[:, 28:, 720:]
    wrist, hand = heights(film, RED), heights(skeleton, COLOURS["right_hand"])
    assert np.isnan(hand[: int(trimmed_s * 10)]).all(), "nobody was followed there"
    both = slice(int(trimmed_s * 10) + 1, 33)
    assert np.corrcoef(wrist[both], hand[both])[0, 1] > 0.99


def test_a_clip_of_other_times_than_its_video_begins_at_once(clip: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    from dataclasses import replace

    from made.videos import signing, write_video

    late = replace(load_clip(clip), timestamps_s=load_clip(clip).timestamps_s + 1e6)
    save_clip(clip, late)
    video = write_video(tmp_path / "v.mp4", signing(6))
    assert run_cli(monkeypatch, "play", clip, "--video", video, "--out", tmp_path / "o.mp4") == 0
    pictures = frames_of(tmp_path / "o.mp4")
    assert len(pictures) < 30 and (pictures[0, 28:, 720:].max(axis=-1) > 120).any()
