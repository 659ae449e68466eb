"""Sources of the segmenter's fit and measures: hands down, slow cameras, idle clips, videos played again and again."""

import numpy as np
import pytest

import segmentation_sources as sources
from made.clips import made_clip, resting, waving
from signtalk.errors import DataError
from signtalk.landmarks.clip import save_clip


def test_hands_down_are_told_from_hands_waved() -> None:
    assert sources.hands_down(made_clip(resting(20, "left"), resting(20, "right")))
    assert not sources.hands_down(made_clip(resting(20, "left"), waving(20, "right")))


def test_made_up_people_are_seen_by_slow_cameras_too(monkeypatch) -> None:
    monkeypatch.setattr(sources, "_NUM_MADE_UP", 1)
    slow, usual = sources.made_up(4.5)[0], sources.made_up(18.0)[0]
    assert slow.clip.fps == pytest.approx(4.5, rel=0.05)
    np.testing.assert_allclose(slow.spans, usual.spans)
    assert [len(stream.spans) for stream in sources.resting(5.0, 2)] == [0, 0]


def test_idle_clips_are_played_for_half_a_minute() -> None:
    clip = made_clip(resting(20, "left"), resting(20, "right"), 20.0)
    (stream,) = sources.idling({"x": [clip]}, 10.0)
    assert stream.clip.duration_s == pytest.approx(30, abs=0.2)
    assert (stream.signer_id, len(stream.spans)) == ("x", 0)


def test_a_video_before_a_camera_is_seen_round_after_round_from_any_moment() -> None:
    clip = made_clip(waving(60, "left"), waving(60, "right"), 30.0)
    live, other = (sources.watched_live(clip, 4.5, 5, np.random.default_rng(seed)) for seed in (0, 1))
    assert live.num_frames == pytest.approx(4.5 * 5 * 2.0, rel=0.15)
    gaps = np.diff(live.timestamps_s) * 4.5
    assert gaps.min() >= 2 / 3 - 1e-9
    assert gaps.max() <= 4 / 3 + 1e-9
    assert live.timestamps_s[0] != other.timestamps_s[0]
    for landmarks, time in zip(live.landmarks, live.timestamps_s, strict=True):
        np.testing.assert_array_equal(landmarks, clip.landmarks[int(time % 2.0 * 30 + 1e-6)])
    np.testing.assert_allclose(sources.every_round(clip, 2), [[0, 2], [2, 4]])


def test_videos_are_read_from_what_is_kept(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SIGNTALK_DATA", str(tmp_path))
    with pytest.raises(DataError, match="no video"):
        list(sources.video_clips(None))
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "isl_Hello.mp4").write_bytes(b"not read")
    save_clip(tmp_path / "kept" / "isl_Hello.npz", made_clip(waving(20, "left"), waving(20, "right")))
    ((name, clip),) = sources.video_clips(tmp_path / "kept")
    assert (name, clip.num_frames) == ("isl_Hello", 20)
