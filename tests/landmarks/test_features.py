from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from signtalk.errors import ClipError
from signtalk.landmarks.clip import HOLISTIC, LandmarkClip, regular_timestamps
from signtalk.landmarks.features import (
    FeatureConfig,
    bridge_gaps,
    derive,
    extract_features,
    frame_positions,
    hand_share,
    motion_energy,
    normalise_clip,
    resample,
    signing_speed,
    standardised_columns,
)
from signtalk.landmarks.hand_angles import hand_columns

FIXED = FeatureConfig(num_frames=16)


def made_clip(num_frames: int = 40, seed: int = 0, aspect: float | None = None, fps: float = 25.0) -> LandmarkClip:
    """A person whose left hand moves and whose shoulders stay apart."""
    rng = np.random.default_rng(seed)
    points = np.repeat(rng.uniform(0.3, 0.7, (1, len(HOLISTIC.names), 3)), num_frames, axis=0)
    points[:, HOLISTIC.index["left_shoulder"], :2] = (0.6, 0.4)
    points[:, HOLISTIC.index["right_shoulder"], :2] = (0.4, 0.4)
    phase = np.linspace(0, 2 * np.pi, num_frames)
    points[:, 33:54, 0] += 0.1 * np.sin(phase)[:, None]
    visibility = np.ones((num_frames, 33), dtype=np.float32)
    return LandmarkClip(points.astype(np.float32), visibility, regular_timestamps(num_frames, fps), aspect)


def moved(clip: LandmarkClip, scale: float, shift: float) -> LandmarkClip:
    points = clip.landmarks.copy()
    points = points * np.float32(scale) + np.float32(shift)
    return LandmarkClip(points, clip.visibility, clip.timestamps_s, clip.aspect)


@given(scale=st.floats(0.3, 3), shift=st.floats(-0.5, 0.5))
def test_where_and_how_large_a_person_stands_does_not_matter(scale: float, shift: float) -> None:
    clip = made_clip()
    expected = normalise_clip(clip, FIXED)
    np.testing.assert_allclose(normalise_clip(moved(clip, scale, shift), FIXED), expected, atol=2e-4)


def test_shoulders_are_one_unit_apart_around_the_origin() -> None:
    points = normalise_clip(made_clip(aspect=16 / 9), FIXED)
    layout = FIXED.layout
    np.testing.assert_allclose(points[:, layout.index["left_shoulder"]], np.tile([0.5, 0.0], (40, 1)), atol=1e-5)
    np.testing.assert_allclose(points[:, layout.index["right_shoulder"]], np.tile([-0.5, 0.0], (40, 1)), atol=1e-5)


def test_the_aspect_of_the_image_is_corrected() -> None:
    square, wide = made_clip(aspect=1.0), made_clip(aspect=2.0)
    y = FIXED.layout.index["nose"], 1
    # Twice as wide an image: shoulders are twice as far apart, so the same height is half as many widths.
    ratio = normalise_clip(wide, FIXED)[0][y] / normalise_clip(square, FIXED)[0][y]
    assert ratio == pytest.approx(0.5, abs=1e-5)


def test_the_input_is_not_changed_and_missing_stays_missing() -> None:
    clip = made_clip()
    clip.landmarks[10:30, 33:54] = np.nan
    before = clip.landmarks.copy()
    points = normalise_clip(clip, FIXED)
    np.testing.assert_array_equal(clip.landmarks, before)
    hand = FIXED.layout.index["left_hand_wrist"]
    assert np.isnan(points[10:30, hand]).all()
    assert not np.isnan(points[:10, hand]).any()


def test_without_shoulders_there_is_no_unit() -> None:
    clip = made_clip()
    clip.landmarks[:, HOLISTIC.index["left_shoulder"]] = np.nan
    with pytest.raises(ClipError, match="shoulders"):
        normalise_clip(clip, FIXED)


def bridged_by_loops(points: np.ndarray, max_gap: int) -> np.ndarray:
    result = points.copy()
    for column in range(points.shape[1]):
        seen = np.flatnonzero(~np.isnan(points[:, column, 0]))
        for frame in np.flatnonzero(np.isnan(points[:, column, 0])):
            earlier, later = seen[seen < frame], seen[seen > frame]
            low = earlier[-1] if len(earlier) else -1
            high = later[0] if len(later) else len(points)
            if not len(seen) or high - low - 1 > max_gap:
                continue
            if not len(earlier) or not len(later):
                result[frame, column] = points[later[0] if len(later) else earlier[-1], column]
            else:
                weight = (frame - low) / (high - low)
                result[frame, column] = points[low, column] * (1 - weight) + points[high, column] * weight
    return result


@given(seed=st.integers(0, 10_000), max_gap=st.integers(0, 6), missing=st.floats(0, 1))
def test_bridging_equals_the_loop(seed: int, max_gap: int, missing: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(12, 4, 2))
    points[rng.random((12, 4)) < missing] = np.nan
    np.testing.assert_allclose(bridge_gaps(points, max_gap), bridged_by_loops(points, max_gap), atol=1e-12)


def test_resampling_whole_clips_keeps_both_ends() -> None:
    positions, valid = frame_positions(np.array([40, 5, 1]), np.array([25.0, 30.0, 30.0]), FIXED)
    assert valid.all()
    np.testing.assert_allclose(positions[:, 0], 0)
    np.testing.assert_allclose(positions[:, -1], [39, 4, 0])


def test_resampling_by_rate_pads_short_clips_and_compresses_long_ones() -> None:
    config = FeatureConfig(num_frames=16, resampling="rate", target_fps=10.0)
    positions, valid = frame_positions(np.array([30, 300]), np.array([30.0, 30.0]), config)
    assert valid.sum(axis=1).tolist() == [10, 16]
    assert positions[0, 9] == pytest.approx(29)
    assert positions[1, 15] == pytest.approx(299)


def test_cropping_takes_the_middle() -> None:
    config = FeatureConfig.prototype()
    positions, valid = frame_positions(np.array([100, 10]), np.array([30.0, 30.0]), config)
    assert positions[0, 0] == 18
    assert positions[0, -1] == 81
    assert valid.sum(axis=1).tolist() == [64, 10]


def test_resample_interpolates_and_lets_the_nearer_frame_decide_at_gaps() -> None:
    rows = np.array([[[0.0, 0.0]], [[1.0, 2.0]], [[np.nan, np.nan]]], dtype=np.float32)
    features = resample(rows, np.array([0]), np.array([[0.0, 0.25, 1.0, 1.25, 1.75]]))
    np.testing.assert_allclose(features[0, :4, 0], [[0, 0], [0.25, 0.5], [1, 2], [1, 2]])
    assert np.isnan(features[0, 4]).all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_face": True},
        {"use_depth": True},
        {"num_differences": 0},
        {"use_hand_local": False},
        {"use_hands": False, "use_hand_local": False},
    ],
)
def test_features_are_finite_and_as_many_as_promised(options: dict[str, object]) -> None:
    config = FeatureConfig(num_frames=8, **options)
    clip = made_clip()
    clip.landmarks[5:25, 33:] = np.nan
    features = extract_features(clip, config)
    assert features.features.shape == (8, config.num_features)
    assert np.isfinite(features.features).all()
    assert standardised_columns(config).shape == (config.num_features,)


def test_differences_and_presence_are_what_they_say() -> None:
    config = FeatureConfig(num_frames=4, use_hands=False, use_hand_local=False, num_differences=2)
    points = np.random.default_rng(0).normal(size=(1, 4, 13, 2)).astype(np.float32)
    points[0, 2] = np.nan
    features = derive(points, np.ones((1, 4), dtype=np.bool_), config)[0]
    flat = points.reshape(4, 26)
    np.testing.assert_allclose(features[0, 26:52], flat[1] - flat[0], rtol=1e-6)
    np.testing.assert_allclose(features[1, 52:78], flat[3] - flat[1], rtol=1e-6)
    assert (features[1, 26:52] == 0).all()  # its partner is missing
    assert features[:, 78].tolist() == [1, 1, 0, 1]  # presence of the body


def test_angles_of_the_hands_stand_before_presence_and_need_no_column_of_depth() -> None:
    config = FeatureConfig(num_frames=16, use_hand_angles=True)
    clip = made_clip()
    features = extract_features(clip, config).features
    plain = extract_features(clip, FIXED).features
    assert (features.shape[1], config.num_features) == (plain.shape[1] + 50, plain.shape[1] + 50)
    np.testing.assert_array_equal(np.delete(features, slice(-54, -4), axis=1), plain)
    deep = clip.landmarks[0, 33:54] * np.array([1, 1, 1], dtype=np.float32)
    np.testing.assert_allclose(features[0, -54:-29], hand_columns(deep, is_left=True), atol=1e-4)
    flat = clip.landmarks.copy()
    flat[..., 2] = 0
    assert not np.allclose(extract_features(replace(clip, landmarks=flat), config).features, features)


def test_angles_without_hands_are_refused() -> None:
    with pytest.raises(ValidationError, match="use_hand_angles needs use_hands"):
        FeatureConfig(use_hands=False, use_hand_local=False, use_hand_angles=True)


def test_padding_is_zero() -> None:
    config = FeatureConfig(num_frames=16, resampling="rate", target_fps=10.0)
    features = extract_features(made_clip(num_frames=20, fps=25.0), config)
    assert features.valid.sum() == 8
    assert (features.features[8:] == 0).all()


def test_motion_does_not_depend_on_the_frame_rate_or_the_camera() -> None:
    slow = motion_energy(made_clip(num_frames=50, fps=25.0))
    fast = motion_energy(made_clip(num_frames=100, fps=50.0))
    assert fast == pytest.approx(slow, rel=0.02)
    assert motion_energy(moved(made_clip(num_frames=50), 0.5, 0.2)) == pytest.approx(slow, rel=1e-3)
    still = made_clip(num_frames=2)
    still.landmarks[1] = still.landmarks[0]
    assert motion_energy(still) == 0.0


def test_a_trembling_tracker_is_no_faster_at_a_higher_frame_rate() -> None:
    def trembling(fps: float) -> float:
        still = made_clip(num_frames=round(4 * fps), fps=fps)
        points = np.repeat(still.landmarks[:1], still.num_frames, axis=0)
        points[..., :2] += np.random.default_rng(0).normal(0, 0.002, points[..., :2].shape).astype(np.float32)
        return motion_energy(LandmarkClip(points, still.visibility, still.timestamps_s))

    assert trembling(60.0) == pytest.approx(trembling(15.0), rel=0.25)


def test_hands_that_are_hardly_seen_have_no_speed_for_a_network_that_reads_them() -> None:
    body = FeatureConfig(use_hands=False, use_hand_local=False)
    clip = made_clip(num_frames=50)
    hands = [HOLISTIC.index[name] for name in HOLISTIC.names if "_hand_" in name]
    for num_seen, is_enough in ((10, True), (9, False)):
        points = clip.landmarks.copy()
        points[num_seen:, hands] = np.nan
        seldom = replace(clip, landmarks=points)
        assert hand_share(seldom, FeatureConfig()) == num_seen / 50 and hand_share(seldom, body) == 1.0
        speed = motion_energy(seldom)
        assert speed > 0.1 and signing_speed(seldom, FeatureConfig()) == (speed if is_enough else 0.0)
        assert signing_speed(seldom, body) == extract_features(seldom, body).motion == speed


def test_one_frame_is_enough_and_none_is_not() -> None:
    features = extract_features(made_clip(num_frames=1), FIXED)
    assert np.isfinite(features.features).all()
    assert features.motion == 0.0
    clip = made_clip(num_frames=1)
    empty = LandmarkClip(clip.landmarks[:0], clip.visibility[:0], clip.timestamps_s[:0])
    with pytest.raises(ClipError, match="no frame"):
        extract_features(empty, FIXED)


def test_the_prototype_preset_keeps_the_rows_of_its_files() -> None:
    rows = np.random.default_rng(0).normal(size=(10, 540)).astype(np.float32)
    clip = made_clip(num_frames=10)
    clip = LandmarkClip(clip.landmarks, clip.visibility, clip.timestamps_s, None, rows)
    features = extract_features(clip, FeatureConfig.prototype())
    np.testing.assert_array_equal(features.features[:10], rows)
    assert not features.valid[10:].any()
    raw = extract_features(made_clip(num_frames=10), FeatureConfig.prototype())
    assert raw.features.shape == (64, 540)
    columns = standardised_columns(FeatureConfig.prototype())
    assert not columns[3:132:4].any()
    assert columns.sum() == 540 - 33


def test_settings_that_do_not_fit_are_refused() -> None:
    for wrong in ({"preset": "prototype"}, {"use_hands": False}, {"num_frames": 0}, {"speed": 3}):
        with pytest.raises(ValidationError):
            FeatureConfig(**wrong)


BODY = FeatureConfig(
    num_frames=16, use_hands=False, use_hand_local=False, use_pose_hands=True, use_depth=True, frontal=True
)


def turned(clip: LandmarkClip, degrees: float) -> LandmarkClip:
    """The same person, turned about the vertical axis."""
    angle = np.deg2rad(degrees)
    points = clip.landmarks.astype(np.float64)
    x, z = points[..., 0].copy(), points[..., 2].copy()
    points[..., 0], points[..., 2] = np.cos(angle) * x - np.sin(angle) * z, np.sin(angle) * x + np.cos(angle) * z
    return LandmarkClip(points.astype(np.float32), clip.visibility, clip.timestamps_s, clip.aspect)


@pytest.mark.parametrize("degrees", [-50, 20, 70])
def test_frontal_undoes_a_turn_of_the_body(degrees: float) -> None:
    clip = made_clip()
    clip.landmarks[:, HOLISTIC.positions(("left_shoulder", "right_shoulder")), 2] = 0.5  # faces the camera
    expected = normalise_clip(clip, BODY)
    np.testing.assert_allclose(normalise_clip(turned(clip, degrees), BODY), expected, atol=2e-4)
    layout = BODY.layout
    assert (
        abs(float(expected[0, layout.index["left_shoulder"], 2] - expected[0, layout.index["right_shoulder"], 2]))
        < 1e-5
    )
    away = BODY.model_copy(update={"frontal": False})
    assert not np.allclose(normalise_clip(turned(clip, degrees), away), normalise_clip(clip, away), atol=0.05)


def test_a_clip_without_the_depth_of_its_shoulders_is_not_turned() -> None:
    clip = made_clip()
    points = clip.landmarks.copy()
    points[:, HOLISTIC.index["left_shoulder"], 2] = np.nan
    flat = LandmarkClip(points, clip.visibility, clip.timestamps_s, clip.aspect)
    without = BODY.model_copy(update={"frontal": False})
    np.testing.assert_allclose(normalise_clip(flat, BODY)[:, 0, :2], normalise_clip(flat, without)[:, 0, :2], atol=1e-6)


@pytest.mark.parametrize("change", [{"use_hands": True}, {"use_face": True}, {"use_depth": False}])
def test_frontal_is_refused_where_depth_has_several_origins(change: dict[str, bool]) -> None:
    with pytest.raises(ValidationError, match="frontal needs use_depth"):
        FeatureConfig.model_validate({**BODY.model_dump(), **change})


def test_a_bone_without_an_end_is_zero() -> None:
    config = BODY.model_copy(update={"use_bones": True})
    points = np.ones((1, 4, len(config.layout.names), 3), dtype=np.float32)
    points[:, :, config.layout.index["left_wrist"]] = np.nan
    features = derive(points, np.ones((1, 4), dtype=np.bool_), config)
    assert np.isfinite(features).all()
    bones = slice(points.shape[2] * 3, points.shape[2] * 3 + 6 * 3)
    assert not features[..., bones].any()


def test_centred_columns_are_the_coordinates_once_more() -> None:
    config = BODY.model_copy(update={"use_centred": True, "num_differences": 0})
    points = np.random.default_rng(0).normal(size=(2, 8, len(config.layout.names), 3)).astype(np.float32)
    valid = np.ones((2, 8), dtype=np.bool_)
    valid[1, 6:] = False
    columns = derive(points, valid, config)
    width = len(config.layout.names) * 3
    assert columns.shape[-1] == derive(points, valid, BODY.model_copy(update={"num_differences": 0})).shape[-1] + width
    means = np.stack([points[0].mean(axis=0), points[1, :6].mean(axis=0)])[:, None]
    expected = np.where(valid[..., None, None], points - means, 0).reshape(2, 8, width)
    np.testing.assert_allclose(columns[..., width : 2 * width], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["use_bones", "use_pose_hands", "use_hand_angles", "use_centred"])
def test_the_prototype_preset_takes_no_further_columns(name: str) -> None:
    with pytest.raises(ValidationError, match="the prototype preset passes its columns"):
        FeatureConfig.model_validate({**FeatureConfig.prototype().model_dump(), name: True})


def test_a_mirrored_picture_is_not_taken_for_a_back() -> None:
    clip = made_clip()
    points = clip.landmarks.copy()
    points[..., 0] = 1 - points[..., 0]
    mirrored = LandmarkClip(points, clip.visibility, clip.timestamps_s, clip.aspect)
    depth = normalise_clip(clip, BODY)[..., 2]
    assert np.corrcoef(normalise_clip(mirrored, BODY)[..., 2].ravel(), depth.ravel())[0, 1] > 0
