import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from signtalk.synthetic.body import (
    Body,
    euler_matrices,
    hand_quaternion,
    quaternion_product,
    rotation_matrices,
    solve_arm,
)


@given(seed=st.integers(0, 1000))
def test_the_arms_keep_their_lengths_and_reach_what_can_be_reached(seed: int) -> None:
    rng = np.random.default_rng(seed)
    body = Body()
    targets = rng.normal(0, 1.5, (20, 2, 3))
    shoulders = np.zeros_like(targets)
    elbow, wrist = solve_arm(body, targets, rng.uniform(-0.5, 0.5, (20, 2)))
    del shoulders
    spans = np.linalg.norm(wrist - elbow, axis=-1)
    assert np.ptp(spans) < 1e-6


def test_rotations_are_rotations() -> None:
    matrices = euler_matrices(np.array([0.3]), np.array([-0.2]), np.array([0.1]))
    np.testing.assert_allclose(matrices[0] @ matrices[0].T, np.eye(3), atol=1e-9)
    rng = np.random.default_rng(0)
    a, b = (q / np.linalg.norm(q) for q in rng.normal(size=(2, 4)))
    left = rotation_matrices(quaternion_product(a, b))
    np.testing.assert_allclose(left, rotation_matrices(a) @ rotation_matrices(b), atol=1e-9)


def test_a_hand_points_where_it_is_told() -> None:
    fingers, palm = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    matrix = rotation_matrices(hand_quaternion(fingers, palm))
    assert np.isclose(np.abs(matrix.T @ fingers).max(), 1, atol=1e-6)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
