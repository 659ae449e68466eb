import numpy as np
import pytest

from made.videos import BLACK, RedSquareLandmarker, signer_frame, signing, write_video
from signtalk.errors import ClipError
from signtalk.extraction.clip import ExtractionConfig, extract_clip, extract_to_file
from signtalk.extraction.smoothing import SmoothingConfig
from signtalk.files import load_array
from signtalk.landmarks.clip import HOLISTIC, PARTS, load_clip, load_provenance, save_clip
from signtalk.landmarks.features import FeatureConfig, extract_features
from signtalk.landmarks.legacy_rows import to_prototype_rows

LANDMARKER = RedSquareLandmarker()
WHOLE = ExtractionConfig(trim=False)


def test_a_video_becomes_a_clip_with_its_own_times_and_shape(tmp_path):
    video = write_video(tmp_path / "a.mp4", signing(60), fps=25)
    extracted = extract_clip(video, LANDMARKER, WHOLE)
    clip = extracted.clip
    assert clip.num_frames == extracted.numbers.num_frames == 60
    assert clip.aspect == pytest.approx(1.5) and clip.fps == pytest.approx(25)
    wrist = clip.landmarks[:, HOLISTIC.index["right_wrist"], 1]
    assert np.allclose(wrist, 0.5 + 0.3 * np.sin(2 * np.pi * np.arange(60) / 30), atol=0.04)
    assert np.isnan(clip.landmarks[:, PARTS["left_hand"]]).all()
    assert extracted.quality.right_hand == 1 and extracted.quality.num_people == 1
    assert extracted.quality.brightness == pytest.approx(128, abs=10)


def test_idle_ends_are_cut_and_interior_frames_are_not(tmp_path):
    video = write_video(tmp_path / "a.mp4", signing(120, rest=30))
    clip = extract_clip(video, LANDMARKER, ExtractionConfig()).clip
    assert 60 <= clip.num_frames < 90
    assert clip.timestamps_s[0] == pytest.approx(0.8, abs=0.2)
    assert np.allclose(np.diff(clip.timestamps_s), 1 / 30, atol=2e-3)


def test_smoothing_changes_values_and_not_times(tmp_path):
    video = write_video(tmp_path / "a.mp4", signing(40))
    plain = extract_clip(video, LANDMARKER, WHOLE).clip
    smoothed = extract_clip(video, LANDMARKER, ExtractionConfig(trim=False, smoothing=SmoothingConfig())).clip
    assert np.array_equal(plain.timestamps_s, smoothed.timestamps_s)
    assert not np.array_equal(plain.landmarks, smoothed.landmarks, equal_nan=True)


def test_a_person_who_enters_late_is_missing_before(tmp_path):
    clip = extract_clip(write_video(tmp_path / "a.mp4", [BLACK] * 20 + signing(40)), LANDMARKER, WHOLE).clip
    assert np.isnan(clip.landmarks[:20]).all() and not np.isnan(clip.landmarks[20:, 0]).any()


def test_nobody_in_view_is_told(tmp_path):
    with pytest.raises(ClipError, match="nobody is seen in any of its 10 frames"):
        extract_clip(write_video(tmp_path / "a.mp4", [BLACK] * 10), LANDMARKER, WHOLE)


def test_of_two_people_the_one_who_moves_is_followed(tmp_path):
    def both(t):
        still, moving = signer_frame(0.25, 0.5), signer_frame(0.75, 0.5 + 0.2 * np.sin(t / 9))
        image = still.copy()
        image[:, 48:] = moving[:, 48:]
        return image

    extracted = extract_clip(write_video(tmp_path / "a.mp4", [both(t) for t in range(120)]), LANDMARKER, WHOLE)
    assert extracted.quality.num_people == 2
    x = extracted.clip.landmarks[:, HOLISTIC.index["right_wrist"], 0]
    assert np.allclose(x, 0.75, atol=0.03)
    y = extracted.clip.landmarks[:, HOLISTIC.index["right_wrist"], 1]
    assert y.max() - y.min() == pytest.approx(0.4, abs=0.1)


def test_a_file_tells_what_it_was_made_from_and_is_not_made_twice(tmp_path):
    video = write_video(tmp_path / "a.mp4", signing(40))
    path, rows = tmp_path / "a.npz", tmp_path / "a.npy"
    seen: list[int] = []
    first = extract_to_file(video, path, LANDMARKER, WHOLE, lambda: seen.append(1))
    assert len(seen) > 40
    stored = load_provenance(path)
    assert stored["landmarker"] == LANDMARKER.name and stored["models_sha256"] == LANDMARKER.models_sha256
    assert stored["config"] == WHOLE.model_dump(mode="json") and len(stored["video_sha256"]) == 64
    before = path.read_bytes()
    seen.clear()
    again = extract_to_file(video, path, LANDMARKER, WHOLE, lambda: seen.append(1), rows)
    assert (again.numbers, again.quality, again.clip.notes) == (first.numbers, first.quality, first.clip.notes)
    assert not seen and path.read_bytes() == before
    assert np.array_equal(load_array(rows), to_prototype_rows(load_clip(path)))
    extract_to_file(video, path, LANDMARKER, ExtractionConfig(trim_margin_s=0.1), lambda: seen.append(1))
    assert seen  # other settings, so it is made again


def test_another_or_a_damaged_file_in_its_place_is_made_again(tmp_path):
    video = write_video(tmp_path / "a.mp4", signing(30))
    path = tmp_path / "a.npz"
    extract_to_file(video, path, LANDMARKER, WHOLE)
    good = path.read_bytes()
    for bad in (good[:100], b""):
        path.write_bytes(bad)
        extract_to_file(video, path, LANDMARKER, WHOLE)
        assert path.read_bytes() == good
    save_clip(path, load_clip(path))
    assert load_provenance(path) == {}
    extract_to_file(video, path, LANDMARKER, WHOLE)
    assert path.read_bytes() == good


def test_a_video_that_is_missing_is_told(tmp_path):
    (tmp_path / "dangling.mp4").symlink_to(tmp_path / "gone.mp4")
    for name in ("none.mp4", "dangling.mp4"):
        with pytest.raises(ClipError, match=rf"{name}: cannot be read \(No such file"):
            extract_to_file(tmp_path / name, tmp_path / "a.npz", LANDMARKER, WHOLE)


def test_one_frame_is_a_clip(tmp_path):
    assert (
        extract_clip(write_video(tmp_path / "a.mp4", signing(1)), LANDMARKER, ExtractionConfig()).clip.num_frames == 1
    )


def test_a_clip_goes_through_the_features(tmp_path):
    clip = extract_clip(write_video(tmp_path / "a.mp4", signing(60)), LANDMARKER, ExtractionConfig()).clip
    features = extract_features(clip, FeatureConfig())
    assert np.isfinite(features.features).all() and features.motion > 0.1


class UpsideDown(RedSquareLandmarker):
    """As a telephone held upside down that told nobody."""

    def tracker(self):
        upright = super().tracker()

        class Turned:
            def track(self, image, timestamp_ms):
                frame = upright.track(image, timestamp_ms)
                frame.points[..., 1] = 1 - frame.points[..., 1]
                return frame

            def close(self):
                upright.close()

        return Turned()


def test_what_can_never_be_recognised_is_no_clip_and_leaves_no_file(tmp_path):
    video = write_video(tmp_path / "a.mp4", signing(40))
    with pytest.raises(ClipError, match=r"a\.mp4: the person is upside down"):
        extract_to_file(video, tmp_path / "clips" / "a.npz", UpsideDown(), WHOLE)
    assert list(tmp_path.rglob("*.npz")) == []


def test_what_is_odd_is_told_of_a_clip_that_is_kept(tmp_path):
    assert extract_clip(write_video(tmp_path / "a.mp4", signing(40)), LANDMARKER, WHOLE).clip.notes == ()
    slow = extract_clip(write_video(tmp_path / "b.mp4", signing(10), fps=3), LANDMARKER, WHOLE)
    assert "3 frames a second" in slow.clip.notes[0]
