"""What a camera makes of a body, and what a detector makes of the picture."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signtalk.landmarks.clip import HOLISTIC, PARTS
from signtalk.synthetic.body import Body, pose_body
from signtalk.synthetic.camera import Camera, TrackerErrors, project, smooth_noise, track
from signtalk.synthetic.signers import Habits, generator, make_signer
from signtalk.synthetic.signing import perform

FPS = 25.0
PERFECT = TrackerErrors(jitter=0, lost=0, swaps=0, jumps=0, face_lost=0)
LEFT, RIGHT = HOLISTIC.index["left_shoulder"], HOLISTIC.index["right_shoulder"]
HANDS = ("left_hand", "right_hand")
JOINTS = ("shoulder", "elbow", "wrist", "index", "hip")


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """(T, 169, 3) of a person who signs."""
    motion = perform(make_signer(0, "A", Habits()), ("DOCTOR", "PAIN"), FPS, generator(0, "test"))
    return pose_body(Body(), motion)


def upright(points: np.ndarray) -> np.ndarray:
    """One frame of the body with shoulders exactly level and facing the camera."""
    still = points[:1].copy()
    still[0, LEFT], still[0, RIGHT] = (0.5, 0, 0), (-0.5, 0, 0)
    return still


@given(scale=st.floats(0.1, 0.6), x=st.floats(0.2, 0.8), y=st.floats(0.2, 0.8), aspect=st.sampled_from([1.0, 4 / 3, 2]))
def test_the_shoulders_stand_at_their_place_and_size(scale: float, x: float, y: float, aspect: float) -> None:
    shoulders = np.zeros((1, 169, 3))
    shoulders[0, LEFT], shoulders[0, RIGHT] = (0.5, 0, 0), (-0.5, 0, 0)
    image = project(shoulders, Camera(scale=scale, centre=(x, y), aspect=aspect))[0]
    np.testing.assert_allclose((image[LEFT, :2] + image[RIGHT, :2]) / 2, (x, y), atol=1e-9)
    assert (image[LEFT, 0] - image[RIGHT, 0]) * aspect == pytest.approx(scale)


def test_depth_counts_from_hips_head_and_wrists(points: np.ndarray) -> None:
    image = project(points, Camera(yaw=0.3, pitch=0.1))
    np.testing.assert_allclose(image[:, 23:25, 2].mean(axis=1), 0, atol=1e-9)
    for hand in HANDS:
        np.testing.assert_allclose(image[:, PARTS[hand].start, 2], 0, atol=1e-9)
    assert np.abs(image[:, PARTS["face"], 2]).max() < 0.3, "not from the hips, which lie far off"


def test_what_is_nearer_looks_larger(points: np.ndarray) -> None:
    near, far = upright(points), upright(points)
    near[0, :, 2] -= 1.0
    wide = [np.ptp(project(body, Camera())[0, [LEFT, RIGHT], 0]) for body in (near, far)]
    assert wide[0] > 1.1 * wide[1]
    flat = [np.ptp(project(body, Camera(distance=1e6))[0, [LEFT, RIGHT], 0]) for body in (near, far)]
    assert flat[0] == pytest.approx(flat[1], rel=1e-4), "from afar there is no perspective"


def test_turning_round_a_signer_narrows_the_shoulders_on_both_sides_alike(points: np.ndarray) -> None:
    body = upright(points)
    widths = {yaw: np.ptp(project(body, Camera(yaw=yaw, distance=1e6))[0, [LEFT, RIGHT], 0]) for yaw in (-0.6, 0, 0.6)}
    assert widths[0.6] == pytest.approx(widths[0] * np.cos(0.6), rel=1e-4)
    assert widths[0.6] == pytest.approx(widths[-0.6], rel=1e-4)


def test_a_mirrored_body_before_the_mirrored_camera_is_the_mirrored_picture(points: np.ndarray) -> None:
    camera = Camera(yaw=0.25, pitch=0.1, roll=0.05, centre=(0.4, 0.5))
    opposite = replace(camera, yaw=-camera.yaw, roll=-camera.roll, centre=(1 - camera.centre[0], camera.centre[1]))
    mirror = np.where(HOLISTIC.mirror < 0, np.arange(169), HOLISTIC.mirror)
    image = project(points, camera)
    mirrored = project(points[:, mirror] * [-1, 1, 1], opposite)
    np.testing.assert_allclose(mirrored[..., 0], 1 - image[:, mirror, 0], atol=1e-9)
    np.testing.assert_allclose(mirrored[..., 1:], image[:, mirror, 1:], atol=1e-9)


def test_a_perfect_detector_gives_the_picture(points: np.ndarray) -> None:
    image = project(points, Camera(scale=0.2))  # all of the body in view
    landmarks, visibility = track(image, Camera(scale=0.2), PERFECT, FPS, generator(0, "t"))
    assert landmarks.dtype == visibility.dtype == np.float32
    np.testing.assert_array_equal(landmarks, image.astype(np.float32))
    assert visibility.shape == (len(image), 33)
    assert (visibility >= 0).all() and (visibility <= 1).all()
    assert visibility[:, LEFT].min() > 0.8 > 0.1 > visibility[:, HOLISTIC.index["left_knee"]].max()


def test_the_same_chance_sees_the_same_and_the_picture_stays(points: np.ndarray) -> None:
    image = project(points, Camera())
    before = image.copy()
    errors = TrackerErrors(swaps=0.05, jumps=0.1, face_lost=0.05)
    first, second = (track(image, Camera(), errors, FPS, generator(3, "t")) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert not np.array_equal(first[0], track(image, Camera(), errors, FPS, generator(4, "t"))[0], equal_nan=True)
    np.testing.assert_array_equal(image, before)


def test_parts_are_lost_as_a_whole_and_the_body_never(points: np.ndarray) -> None:
    image = project(np.tile(points, (6, 1, 1)), Camera())
    landmarks, visibility = track(image, Camera(), TrackerErrors(lost=4, face_lost=0.05), FPS, generator(0, "t"))
    for part in (*HANDS, "face"):
        lost = np.isnan(landmarks[:, PARTS[part]])
        assert 0 < lost.mean() < 1
        assert (lost.all(axis=(1, 2)) | ~lost.any(axis=(1, 2))).all()
    assert not np.isnan(landmarks[:, :25]).any()
    for hand, wrist in zip(HANDS, ("left_wrist", "right_wrist"), strict=True):
        lost = np.isnan(landmarks[:, PARTS[hand].start, 0])
        score = visibility[:, HOLISTIC.index[wrist]]
        assert score[lost].mean() < 0.75 * score[~lost].mean(), "and the pose is less sure of its wrist"


def test_a_hand_outside_the_picture_is_not_found(points: np.ndarray) -> None:
    image = project(points, Camera(scale=0.2))
    image[5:10, PARTS["right_hand"], 0] += 2
    landmarks, _ = track(image, Camera(scale=0.2), PERFECT, FPS, generator(0, "t"))
    assert np.isnan(landmarks[5:10, PARTS["right_hand"]]).all()
    assert not np.isnan(landmarks[5:10, PARTS["left_hand"]]).any()


def test_swapped_hands_change_names_for_a_moment(points: np.ndarray) -> None:
    image = project(points, Camera(scale=0.2))
    landmarks, _ = track(image, Camera(scale=0.2), replace(PERFECT, swaps=0.2), FPS, generator(0, "t"))
    left, right = (image[:, PARTS[hand]].astype(np.float32) for hand in HANDS)
    seen = landmarks[:, PARTS["left_hand"]]
    swapped, kept = ((seen == hand).all(axis=(1, 2)) for hand in (right, left))
    assert (swapped | kept).all() and swapped.any() and kept.any()
    np.testing.assert_array_equal(landmarks[swapped][:, PARTS["right_hand"]], left[swapped])


def test_shaking_is_in_shoulder_widths(points: np.ndarray) -> None:
    shakes = []
    for scale in (0.1, 0.2):
        camera = Camera(scale=scale)
        image = project(points, camera)
        landmarks, _ = track(image, camera, replace(PERFECT, jitter=0.01), FPS, generator(0, "t"))
        shakes.append(np.std((landmarks - image)[:, : HOLISTIC.index["left_wrist"], 1]) / scale)
    assert shakes[0] == pytest.approx(shakes[1], rel=1e-3)
    assert 0.005 < shakes[0] < 0.02


def test_smooth_noise_is_linear_between_its_knots() -> None:
    noise = smooth_noise(np.random.default_rng(0), 400, (3, 2), every=8)
    assert noise.shape == (400, 3, 2)
    bends = np.abs(np.diff(noise, n=2, axis=0)).max(axis=(1, 2)) > 1e-9
    assert 0.1 < bends.mean() < 0.3, "bends at a knot alone: one or two second differences of eight"
    assert 0.5 < noise.std() < 1.1
    assert np.abs(np.diff(noise, axis=0)).max() < 6 / 8


def test_fingers_sway_from_frame_to_frame_more_at_their_tips_and_the_body_does_not() -> None:
    image = np.full((400, len(HOLISTIC.names), 3), 0.5)
    landmarks, _ = track(image, Camera(), replace(PERFECT, finger_sway=0.01), FPS, generator(0, "t"))
    hand = landmarks[:, PARTS["left_hand"], 1] - landmarks[:, [PARTS["left_hand"].start], 1]
    knuckle, tip = hand[:, 5].std(), hand[:, 8].std()
    assert tip == pytest.approx(0.01 * Camera().scale, rel=0.15)
    assert knuckle < 0.3 * tip
    assert abs(np.corrcoef(hand[1:, 8], hand[:-1, 8])[0, 1]) < 0.15, "each frame anew"
    np.testing.assert_array_equal(landmarks[:, PARTS["pose"]], image[:, PARTS["pose"]].astype(np.float32))


def test_lost_hands_stay_lost_for_as_long_as_the_tracker_takes(points: np.ndarray) -> None:
    image = project(np.tile(points, (20, 1, 1)), Camera(scale=0.2))

    def lost(gap_s: float) -> tuple[int, int]:
        errors = replace(PERFECT, lost=1, gap_s=gap_s)
        gone = np.isnan(
            track(image, Camera(scale=0.2), errors, FPS, generator(0, "t"))[0][:, PARTS["left_hand"].start, 0]
        )
        return int(gone.sum()), int((np.diff(gone.astype(int)) == 1).sum())

    (frames, gaps), (long_frames, long_gaps) = lost(0.04), lost(0.4)
    assert frames / gaps == pytest.approx(1, abs=0.3)
    assert long_frames / long_gaps == pytest.approx(10, rel=0.4)


def test_a_depth_camera_finds_joints_and_the_middle_of_the_head(points: np.ndarray) -> None:
    image = project(points, Camera())
    perfect = replace(PERFECT, is_skeleton=True)
    landmarks, visibility = track(image, Camera(), perfect, FPS, generator(0, "skeleton"))
    found = np.isfinite(landmarks).all(axis=-1)
    assert (found == found[0]).all()
    assert not visibility[:, ~found[0, :33]].any()
    names = {HOLISTIC.names[place] for place in np.flatnonzero(found[0])}
    assert names == {"nose"} | {f"{side}_{joint}" for side in ("left", "right") for joint in JOINTS}
    ears = image[:, [HOLISTIC.index["left_ear"], HOLISTIC.index["right_ear"]]].mean(axis=1)
    np.testing.assert_allclose(landmarks[:, HOLISTIC.index["nose"]], ears, atol=1e-6)
    np.testing.assert_allclose(landmarks[:, LEFT], image[:, LEFT], atol=1e-6)


def test_a_depth_camera_measures_depth_as_well_as_the_rest(points: np.ndarray) -> None:
    image = project(points, Camera(aspect=1.0))
    shaking = replace(PERFECT, jitter=0.01)

    def spread(errors: TrackerErrors) -> np.ndarray:
        landmarks, _ = track(image, Camera(aspect=1.0), errors, FPS, generator(0, "depth"))
        off: np.ndarray = (landmarks - image)[:, LEFT].std(axis=0)
        return off

    seen, measured = spread(shaking), spread(replace(shaking, is_skeleton=True))
    np.testing.assert_allclose(measured[:2], seen[:2], rtol=1e-4)
    assert measured[2] == pytest.approx(seen[2] / 2.5, rel=1e-3)
