import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from signtalk.landmarks.hand_angles import hand_angles, hand_columns, palm_directions
from signtalk.synthetic.body import Body, euler_matrices, pose_hands
from signtalk.synthetic.lexicon import HANDSHAPES

FINGER_JOINTS = slice(3, 15)


def made_hand(shape: str, seed: int | None = None) -> np.ndarray:
    """(21, 3) a hand of the made-up signers, its fingers up and its palm forward, or turned by chance."""
    wrists, upright = np.zeros((1, 2, 3)), np.broadcast_to(np.eye(3), (1, 2, 3, 3))
    hand = pose_hands(Body(), wrists, upright, np.broadcast_to(HANDSHAPES[shape], (1, 2, 12)))[0, 0]
    if seed is not None:
        hand = hand @ euler_matrices(*np.random.default_rng(seed).uniform(-3, 3, 3)).T
    return hand.astype(np.float32)


def by_cosines(hand: np.ndarray) -> np.ndarray:
    """The angles by another formula, finger by finger."""
    angles, bones = [], []
    for finger in range(5):
        points = hand[[0, *range(4 * finger + 1, 4 * finger + 5)]].astype(np.float64)
        bones.append([points[i + 1] - points[i] for i in range(4)])
        angles += [between(bones[-1][joint], bones[-1][joint + 1]) for joint in range(3)]
    return np.array(angles + [between(bones[i][1], bones[i + 1][1]) for i in range(4)])


def between(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.arccos(np.clip(first @ second / np.linalg.norm(first) / np.linalg.norm(second), -1, 1)))


@given(st.sampled_from(sorted(HANDSHAPES)), st.integers(0, 1000), st.floats(0.1, 20))
def test_angles_are_those_of_another_formula_and_do_not_depend_on_turn_or_size(
    shape: str, seed: int, size: float
) -> None:
    angles = hand_angles(made_hand(shape, seed) * np.float32(size))
    np.testing.assert_allclose(angles, by_cosines(made_hand(shape)), atol=5e-3)


def test_a_flat_hand_is_straight_and_a_fist_is_bent() -> None:
    assert hand_angles(made_hand("FLAT"))[FINGER_JOINTS].max() < 0.5
    assert hand_angles(made_hand("FIST"))[FINGER_JOINTS].min() > 0.8


def test_the_palm_of_an_upright_hand_faces_forward_and_its_fingers_point_up() -> None:
    outward, along = np.split(palm_directions(made_hand("FLAT"), is_left=True), 2)
    np.testing.assert_allclose(outward, [0, 0, 1], atol=0.15)
    np.testing.assert_allclose(along, [0, 1, 0], atol=0.15)


@given(st.sampled_from(sorted(HANDSHAPES)), st.integers(0, 1000))
def test_a_hand_and_its_mirror_image_as_the_other_hand_agree(shape: str, seed: int) -> None:
    hand = made_hand(shape, seed)
    mirror = np.array([-1, 1, 1], dtype=np.float32)
    columns, mirrored = hand_columns(hand, is_left=True), hand_columns(hand * mirror, is_left=False)
    np.testing.assert_allclose(mirrored[:19], columns[:19], atol=1e-5)
    np.testing.assert_allclose(mirrored[19:], columns[19:] * np.tile(mirror, 2), atol=1e-5)


def test_a_missing_finger_leaves_the_other_fingers_and_the_palm() -> None:
    hand = made_hand("FIVE")
    whole = hand_columns(hand, is_left=False)
    hand[9:13] = np.nan  # the middle finger
    columns = hand_columns(hand, is_left=False)
    missing = np.isnan(columns)
    assert np.flatnonzero(missing).tolist() == [6, 7, 8, 16, 17, 22, 23, 24]
    np.testing.assert_allclose(columns[~missing], whole[~missing])


def test_a_hand_of_one_point_has_no_angle_and_no_direction() -> None:
    np.testing.assert_array_equal(hand_columns(np.ones((3, 21, 3), dtype=np.float32), is_left=True), np.zeros((3, 25)))
