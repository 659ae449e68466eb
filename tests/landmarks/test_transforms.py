import numpy as np
import pytest

from made.points import made_clip
from signtalk.landmarks import transforms
from signtalk.landmarks.clip import PARTS, LandmarkClip
from signtalk.landmarks.legacy_rows import from_prototype_rows, to_prototype_rows
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips


@pytest.fixture(scope="module")
def clips() -> tuple[LandmarkClip, ...]:
    config = SyntheticConfig(num_sentences=2, num_signers=2, clips_per_sentence=(2, 2), num_idle=0)
    return tuple(recording.clip for recording in generate_clips(config))


@pytest.fixture(scope="module")
def clip(clips: tuple[LandmarkClip, ...]) -> LandmarkClip:
    return clips[0]


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_speed_changes_the_length_and_not_the_frame_rate(clip: LandmarkClip, factor: float) -> None:
    changed = transforms.at_speed(clip, factor)
    assert changed.num_frames == round(clip.num_frames / factor)
    assert changed.fps == pytest.approx(clip.fps)
    np.testing.assert_array_equal(changed.landmarks[[0, -1]], clip.landmarks[[0, -1]])
    assert changed.visibility.shape == (changed.num_frames, 33)


def test_another_frame_rate_keeps_the_duration(clip: LandmarkClip) -> None:
    changed = transforms.at_frame_rate(clip, 12.0)
    assert changed.fps == pytest.approx(12.0)
    assert abs(changed.duration_s - clip.duration_s) <= 1 / 12 + 1e-6
    half = transforms.at_frame_rate(clip, clip.fps / 2)
    np.testing.assert_allclose(half.landmarks, clip.landmarks[::2], atol=1e-6)


def test_mirroring_exchanges_sides_and_twice_is_nothing(clip: LandmarkClip) -> None:
    changed = transforms.mirrored(clip)
    expected = clip.landmarks[:, PARTS["left_hand"]].copy()
    expected[..., 0] = 1 - expected[..., 0]
    np.testing.assert_array_equal(changed.landmarks[:, PARTS["right_hand"]], expected)
    np.testing.assert_array_equal(changed.visibility[:, 15], clip.visibility[:, 16])
    twice = transforms.mirrored(changed)
    np.testing.assert_allclose(twice.landmarks, clip.landmarks, atol=1e-6)
    np.testing.assert_array_equal(twice.visibility, clip.visibility)


def test_frames_are_selected_with_their_times(clip: LandmarkClip) -> None:
    frames = np.array([0, 3, 4, 9])
    few = transforms.selected(clip, frames)
    np.testing.assert_array_equal(few.landmarks, clip.landmarks[frames])
    np.testing.assert_array_equal(few.timestamps_s, clip.timestamps_s[frames])
    assert few.aspect == clip.aspect


def test_between_two_frames_values_are_mixed_and_beside_a_gap_the_nearer_decides() -> None:
    clip = made_clip()
    read = transforms.read_at(clip, np.array([3.5, 1.4, 1.6]), 10.0)
    nose = clip.landmarks[:, 0]
    np.testing.assert_allclose(read.landmarks[0, 0], (nose[3] + nose[4]) / 2, atol=1e-6)
    np.testing.assert_array_equal(read.landmarks[1, 0], nose[1])
    assert np.isnan(read.landmarks[2, 0]).all()
    assert read.fps == pytest.approx(10.0)


def test_a_signer_is_put_where_another_one_is(clips: tuple[LandmarkClip, ...]) -> None:
    model = clips[0]
    for clip in clips[1:]:
        moved = transforms.placed_like(clip, model)
        assert moved.aspect == model.aspect and moved.num_frames == clip.num_frames
        own, wanted = transforms.in_one_unit(moved)[0], transforms.in_one_unit(model)[0]
        assert transforms.shoulder_width(own) == pytest.approx(transforms.shoulder_width(wanted), rel=1e-4)
        middle = transforms.shoulder_middle(wanted)[:2]
        np.testing.assert_allclose(transforms.shoulder_middle(own)[:2], middle, atol=1e-4)


def test_of_nobody_width_and_place_are_zero() -> None:
    nobody = np.full((2, 169, 3), np.nan)
    assert transforms.shoulder_width(nobody) == 0.0
    np.testing.assert_array_equal(transforms.shoulder_middle(nobody), np.zeros(3))


def test_a_clip_of_the_prototype_gets_rows_of_its_changed_points(clip: LandmarkClip) -> None:
    recorded = from_prototype_rows(to_prototype_rows(clip), clip.fps)
    changed = transforms.with_points(recorded, recorded.landmarks * 2)
    assert changed.prototype_rows is not None
    np.testing.assert_array_equal(changed.prototype_rows, to_prototype_rows(changed))
    assert transforms.with_points(clip, clip.landmarks).prototype_rows is None


def test_nothing_changes_the_clip_that_it_is_given(clip: LandmarkClip) -> None:
    before = clip.landmarks.copy()
    transforms.mirrored(clip).landmarks[:] = 0
    transforms.selected(clip, np.arange(3)).landmarks[:] = 0
    transforms.at_speed(clip, 2.0).landmarks[:] = 0
    np.testing.assert_array_equal(clip.landmarks, before)
