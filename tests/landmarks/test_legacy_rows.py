import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made.real import real_reader
from signtalk.errors import ClipError
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip, regular_timestamps
from signtalk.landmarks.legacy_rows import (
    PROTOTYPE_COLUMNS,
    frame_motion,
    from_prototype_rows,
    prototype_rows_of,
    smoothing_evidence,
    to_prototype_rows,
)

SHOULDERS_AND_HIPS = [11, 12, 23, 24]
LEGS = slice(25, 33)
HIPS = [23, 24]


def raw_clip(num_frames: int, rng: np.random.Generator, hide: bool = True, legs: bool = True) -> LandmarkClip:
    """A signer whose body sways, whose hands wander, and whose hands and face come and go."""
    steps = rng.normal(0, 0.01, (num_frames, 169, 3)).cumsum(axis=0)
    points = rng.uniform(0.2, 0.8, (1, 169, 3)) + steps
    points[:, SHOULDERS_AND_HIPS] = np.array([[0.62, 0.5, -0.1], [0.38, 0.5, -0.1], [0.57, 0.9, 0], [0.43, 0.9, 0]])
    points[:, SHOULDERS_AND_HIPS] += steps[:, SHOULDERS_AND_HIPS]
    visibility = rng.uniform(0.05, 1, (num_frames, 33))
    if hide:
        for part in ("left_hand", "right_hand", "face"):
            seen = np.repeat(rng.random(num_frames // 3 + 1) < 0.6, 3)[:num_frames]
            points[~seen, PARTS[part]] = np.nan
    if not legs:
        points[:, LEGS] = np.nan
        visibility[:, LEGS] = np.nan
    return LandmarkClip(points.astype(np.float32), visibility.astype(np.float32), regular_timestamps(num_frames, 30.0))


def split(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and visibility of rows, column by column as docs/contract.md 1.1 lists them."""
    points = np.empty((len(rows), 169, 3), rows.dtype)
    visibility = np.empty((len(rows), 33), rows.dtype)
    for i in range(33):
        points[:, i], visibility[:, i] = rows[:, 4 * i : 4 * i + 3], rows[:, 4 * i + 3]
    for i in range(33, 169):
        start = 132 + 3 * (i - 33)
        points[:, i] = rows[:, start : start + 3]
    return points, visibility


def torso_frame(clip: LandmarkClip) -> np.ndarray:
    """The clip's points about the torso of each frame, one at a time, in float64; missing stays NaN."""
    placed = clip.landmarks.astype(np.float64)
    for points in placed:
        a, b, c, d = np.nan_to_num(points[SHOULDERS_AND_HIPS])
        spans = [np.linalg.norm(a - b), np.linalg.norm(c - d), np.linalg.norm((a + b) / 2 - (c + d) / 2)]
        clear = sorted(span for span in spans if span > 1e-4)
        points -= (a + b + c + d) / 4
        points /= np.median(clear) if clear else 1.0
    return placed


def missing(clip: LandmarkClip) -> np.ndarray:
    return np.isnan(clip.landmarks[..., 0])


def test_rows_are_the_torso_frame_with_ghosts_then_an_exponential_average():
    clip = raw_clip(7, np.random.default_rng(0))
    expected = torso_frame(clip)
    zeros = LandmarkClip(np.nan_to_num(clip.landmarks), clip.visibility, clip.timestamps_s)
    ghosts = torso_frame(zeros)
    plain, visibility = split(to_prototype_rows(clip, alpha=1.0))
    np.testing.assert_allclose(np.where(missing(clip)[..., None], ghosts, expected), plain, atol=1e-5)
    np.testing.assert_array_equal(visibility, clip.visibility)
    smooth = to_prototype_rows(clip, alpha=1.0).astype(np.float64)
    for t in range(1, len(smooth)):
        smooth[t] = 0.2 * smooth[t] + 0.8 * smooth[t - 1]
    rows = to_prototype_rows(clip)
    np.testing.assert_allclose(rows, smooth, atol=1e-5)
    assert rows.shape == (7, PROTOTYPE_COLUMNS) and rows.dtype == np.float32


def test_the_input_is_kept():
    clip = raw_clip(5, np.random.default_rng(1))
    before = clip.landmarks.copy()
    rows = to_prototype_rows(clip)
    copy = rows.copy()
    from_prototype_rows(rows)
    smoothing_evidence(rows)
    np.testing.assert_array_equal(clip.landmarks, before)
    np.testing.assert_array_equal(rows, copy)


def test_a_frame_without_torso_stays_in_image_coordinates():
    clip = raw_clip(3, np.random.default_rng(2), hide=False)
    clip.landmarks[1, PARTS["pose"]] = np.nan
    points, _ = split(to_prototype_rows(clip, alpha=1.0))
    np.testing.assert_array_equal(points[1], np.nan_to_num(clip.landmarks[1]))


def test_a_torso_in_one_point_is_not_scaled():
    clip = raw_clip(1, np.random.default_rng(2), hide=False)
    clip.landmarks[0, SHOULDERS_AND_HIPS] = 0.5
    points, _ = split(to_prototype_rows(clip, alpha=1.0))
    np.testing.assert_allclose(points[0], clip.landmarks[0] - 0.5, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    num_frames=st.integers(1, 40),
    seed=st.integers(0, 10_000),
    alpha=st.sampled_from([0.05, 0.2, 0.5, 1.0]),
    legs=st.booleans(),
)
def test_unsmoothing_and_masking_recover_the_raw_clip(num_frames: int, seed: int, alpha: float, legs: bool):
    clip = raw_clip(num_frames, np.random.default_rng(seed), legs=legs)
    rows = to_prototype_rows(clip, alpha)
    recovered = from_prototype_rows(rows, fps=25.0, smoothing_alpha=alpha)
    np.testing.assert_array_equal(missing(recovered), missing(clip))
    np.testing.assert_allclose(recovered.landmarks, torso_frame(clip), atol=1e-4)
    np.testing.assert_allclose(recovered.visibility, clip.visibility, atol=1e-4)
    np.testing.assert_array_equal(recovered.prototype_rows, rows)
    assert recovered.fps == pytest.approx(25 if num_frames > 1 else 30)
    assert recovered.aspect is None


def test_a_hand_that_is_never_seen_is_never_found():
    clip = raw_clip(30, np.random.default_rng(3), hide=False)
    clip.landmarks[:, PARTS["right_hand"]] = np.nan
    presence = from_prototype_rows(to_prototype_rows(clip)).part_presence()
    assert {part: seen.mean() for part, seen in presence.items()} == {
        "pose": 1, "left_hand": 1, "right_hand": 0, "face": 1,
    }  # fmt: skip


def test_naive_reading_would_see_a_hand_that_is_not_there():
    """Guards the fixture: without unsmoothing the ghost is spread out, so the test above tests something."""
    clip = raw_clip(12, np.random.default_rng(4), hide=False)
    clip.landmarks[6:, PARTS["left_hand"]] = np.nan
    rows = to_prototype_rows(clip)
    points, _ = split(rows)
    assert np.ptp(points[8, PARTS["left_hand"]], axis=0).min() > 0.1
    assert not from_prototype_rows(rows).part_presence()["left_hand"][6:].any()


def test_hips_alone_are_found_missing_when_the_detector_agrees():
    clip = raw_clip(8, np.random.default_rng(5), hide=False)
    clip.landmarks[3:6, HIPS] = np.nan
    clip.visibility[3:6, HIPS] = np.nan
    recovered = from_prototype_rows(to_prototype_rows(clip))
    np.testing.assert_array_equal(missing(recovered), missing(clip))
    np.testing.assert_array_equal(np.isnan(recovered.visibility), np.isnan(clip.visibility))


def test_one_missing_landmark_is_found_where_another_ghost_marks_the_place():
    clip = raw_clip(8, np.random.default_rng(6), hide=False)
    clip.landmarks[:, 20] = np.nan
    clip.landmarks[4:, PARTS["face"]] = np.nan
    recovered = missing(from_prototype_rows(to_prototype_rows(clip)))
    assert recovered[4:, 20].all() and not recovered[:4, 20].any()


def test_frames_without_torso_become_missing_between_others():
    clip = raw_clip(9, np.random.default_rng(7), hide=False)
    clip.landmarks[4:6, PARTS["pose"]] = np.nan
    recovered = missing(from_prototype_rows(to_prototype_rows(clip)))
    assert recovered[4:6].all() and not np.delete(recovered, [4, 5], axis=0).any()


def test_a_clip_without_any_pose_keeps_its_hands():
    clip = raw_clip(9, np.random.default_rng(8), hide=False)
    clip.landmarks[:, PARTS["pose"]] = np.nan
    recovered = from_prototype_rows(to_prototype_rows(clip))
    np.testing.assert_array_equal(missing(recovered), missing(clip))
    np.testing.assert_allclose(recovered.landmarks, clip.landmarks, atol=1e-5)


def test_coordinates_stay_exact_over_a_thousand_frames():
    clip = raw_clip(1000, np.random.default_rng(9))
    recovered = from_prototype_rows(to_prototype_rows(clip))
    np.testing.assert_array_equal(missing(recovered), missing(clip))
    np.testing.assert_allclose(recovered.landmarks, torso_frame(clip), atol=1e-4)


def test_half_and_double_precision_files_are_read():
    rows = to_prototype_rows(raw_clip(6, np.random.default_rng(10), hide=False))
    exact = from_prototype_rows(rows)
    np.testing.assert_array_equal(from_prototype_rows(rows.astype(np.float64)).landmarks, exact.landmarks)
    assert from_prototype_rows(rows.astype(np.float16)).landmarks.dtype == np.float32


def test_motion_is_the_norm_over_all_columns_but_visibility():
    rows = np.random.default_rng(11).normal(size=(5, PROTOTYPE_COLUMNS)).astype(np.float32)
    expected = [0.0]
    for t in range(1, 5):
        squares = 0.0
        for column in range(PROTOTYPE_COLUMNS):
            if column >= 132 or column % 4 != 3:
                squares += (float(rows[t, column]) - float(rows[t - 1, column])) ** 2
        expected.append(squares**0.5)
    np.testing.assert_allclose(frame_motion(rows), expected, rtol=1e-12)


def test_rows_of_a_clip_are_its_own_where_it_has_them():
    clip = raw_clip(4, np.random.default_rng(12))
    rows = to_prototype_rows(clip, alpha=0.5)
    np.testing.assert_array_equal(prototype_rows_of(clip), to_prototype_rows(clip))
    np.testing.assert_array_equal(prototype_rows_of(from_prototype_rows(rows, smoothing_alpha=0.5)), rows)


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.3, 0.7, 1.0])
def test_evidence_measures_the_smoothing(alpha: float):
    clip = raw_clip(40, np.random.default_rng(13), hide=False)
    clip.landmarks[20:25, PARTS["left_hand"]] = np.nan
    evidence = smoothing_evidence(to_prototype_rows(clip, alpha))
    assert evidence.verdict == ("unsmoothed" if alpha == 1 else "smoothed")
    assert evidence.alpha == pytest.approx(alpha, abs=1e-3)
    # Each ghost frame counts until its shape has faded to nothing: unsmoothed that is the first alone.
    assert evidence.num_frames == (1 if alpha == 1 else 5)


@pytest.mark.parametrize("case", ["nothing vanishes", "never seen", "still", "one frame"])
def test_evidence_says_when_it_cannot_tell(case: str):
    clip = raw_clip(1 if case == "one frame" else 20, np.random.default_rng(14), hide=False)
    if case == "never seen":
        clip.landmarks[:, PARTS["left_hand"]] = np.nan
    if case == "still":
        clip.landmarks[:] = clip.landmarks[:1]
    for alpha in (0.2, 1.0):
        evidence = smoothing_evidence(to_prototype_rows(clip, alpha))
        assert (evidence.verdict, evidence.alpha, evidence.num_frames) == ("undecidable", None, 0)


def with_value(value: float, column: int = 200) -> np.ndarray:
    rows = to_prototype_rows(raw_clip(4, np.random.default_rng(0))).astype(np.float64)
    rows[2, column] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((4, 539), np.float32), r"shape \(4, 539\); expected floats \(T, 540\)"),
        (np.zeros(540, np.float32), r"shape \(540,\)"),
        (np.zeros((1, 4, 540), np.float32), "shape"),
        (np.zeros((4, 540), np.int64), "int64 array"),
        (np.zeros((4, 540), np.complex64), "complex64 array"),
        (np.zeros((0, 540), np.float32), "no frame"),
        (with_value(np.nan), "NaN or infinite values in 1 of 4 frames"),
        (with_value(np.inf), "NaN or infinite values in 1 of 4 frames"),
        (with_value(1e300), "NaN or infinite values in 1 of 4 frames"),
        (with_value(1e20), "absurd"),
        (with_value(-2e4, column=0), "absurd"),
        (with_value(1.5, column=7), "outside 0 to 1"),
        (with_value(-0.5, column=131), "outside 0 to 1"),
        (np.zeros((4, 540), np.float32), "nothing was detected"),
    ],
)
def test_each_unusable_array_is_a_clip_error_naming_the_file(rows: np.ndarray, message: str):
    with pytest.raises(ClipError, match=message) as caught:
        from_prototype_rows(rows, where="a/b.npy")
    assert str(caught.value).startswith("a/b.npy: ")


@pytest.mark.parametrize("alpha", [0.0, -0.2, 1.5, float("nan")])
def test_an_impossible_alpha_is_the_callers_mistake(alpha: float):
    with pytest.raises(ValueError, match="smoothing_alpha"):
        from_prototype_rows(np.zeros((4, 540), np.float32), smoothing_alpha=alpha)


@pytest.mark.real
@pytest.mark.parametrize("name", ["asl_sentences_3signers", "asl_words_17signers"])
@pytest.mark.slow
def test_real_files_give_back_what_the_detector_saw(name: str):
    signdata = real_reader()
    clips = signdata.load(name)
    for source in clips[:: max(1, len(clips) // 20)]:
        points, visibility = split(source.landmarks)
        raw = LandmarkClip(points, visibility, regular_timestamps(len(points), 20.0))
        written = signdata.to_prototype_features(source.landmarks)
        np.testing.assert_array_equal(to_prototype_rows(raw), written)
        recovered = from_prototype_rows(written)
        np.testing.assert_array_equal(missing(recovered), missing(raw))
        np.testing.assert_allclose(recovered.landmarks, torso_frame(raw), atol=1e-4)
        evidence = smoothing_evidence(written)
        assert evidence.verdict == "undecidable" or evidence.alpha == pytest.approx(0.2, abs=1e-3)


def test_the_columns_are_those_of_the_layout():
    assert 4 * 33 + 3 * (len(HOLISTIC.names) - 33) == PROTOTYPE_COLUMNS
