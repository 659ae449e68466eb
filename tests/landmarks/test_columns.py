import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from signtalk.landmarks.clip import Layout
from signtalk.landmarks.columns import MIN_PALM, bone_directions, centred, hand_local

ARMS = Layout(tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", "elbow", "wrist")))


@given(length=st.floats(0.3, 3))
def test_bone_directions_do_not_depend_on_the_length_of_a_forearm(length: float) -> None:
    points = np.random.default_rng(0).normal(size=(2, 8, len(ARMS.names), 3)).astype(np.float32)
    longer = points.copy()
    elbow, wrist = ARMS.index["left_elbow"], ARMS.index["left_wrist"]
    longer[:, :, wrist] = points[:, :, elbow] + np.float32(length) * (points[:, :, wrist] - points[:, :, elbow])
    seen, grown = bone_directions(points, ARMS), bone_directions(longer, ARMS)
    assert seen.shape == (2, 8, 4, 3), "two bones of each arm; no tracker told the hands"
    np.testing.assert_allclose(grown, seen, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(seen, axis=-1), 1, atol=1e-5)


@given(size=st.floats(0.2, 5))
def test_a_hand_of_any_size_has_the_same_local_copy(size: float) -> None:
    hand = np.random.default_rng(1).normal(size=(1, 6, 21, 2)).astype(np.float32)
    hand[0, 2:4] = np.nan
    np.testing.assert_allclose(hand_local(np.float32(size) * hand + 3), hand_local(hand), rtol=1e-3, atol=1e-4)
    assert np.isnan(hand_local(hand)[0, 2:4]).all()


def test_a_hand_without_a_palm_is_not_blown_up() -> None:
    hand = np.zeros((1, 2, 21, 2), dtype=np.float32)
    hand[:, :, 8] = 0.1
    np.testing.assert_allclose(hand_local(hand)[:, :, 8], 0.1 / MIN_PALM)


def test_centred_coordinates_do_not_depend_on_where_a_landmark_usually_is() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(2, 8, 5, 3)).astype(np.float32)
    points[0, :3, 2] = points[:, :, 4] = np.nan
    moved = points + rng.normal(size=(2, 1, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(centred(moved), centred(points), atol=1e-5)
    expected = points.astype(np.float64)
    expected[:, :, :4] -= np.nanmean(expected[:, :, :4], axis=1, keepdims=True)
    np.testing.assert_allclose(centred(points), expected, atol=1e-5)
