import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signtalk.landmarks.augment import AugmentConfig, augment_points, warp_positions
from signtalk.landmarks.features import FeatureConfig

CONFIG = FeatureConfig(num_frames=20, use_face=True)


def points(seed: int = 0, batch: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    clips = rng.normal(size=(batch, 20, *CONFIG.row_shape)).astype(np.float32)
    clips[rng.random(clips.shape[:3]) < 0.2] = np.nan
    return clips


def test_no_augmentation_changes_nothing() -> None:
    before = points()
    np.testing.assert_allclose(
        augment_points(before, CONFIG, AugmentConfig.none(), np.random.default_rng(0)), before, atol=1e-6
    )
    positions = np.tile(np.linspace(0, 9, 20), (3, 1))
    same = warp_positions(positions, np.full(3, 10), AugmentConfig.none(), np.random.default_rng(0))
    np.testing.assert_allclose(same, positions)


@given(seed=st.integers(0, 1000))
def test_missing_points_stay_missing_and_the_input_is_kept(seed: int) -> None:
    before = points(seed)
    kept = before.copy()
    config = AugmentConfig(mirror_probability=0)
    after = augment_points(before, CONFIG, config, np.random.default_rng(seed))
    np.testing.assert_array_equal(before, kept)
    assert np.isnan(after[np.isnan(before)]).all()
    assert after.dtype == np.float32


def test_mirroring_twice_gives_the_input_back() -> None:
    def mirrored(clips):
        config = AugmentConfig.none().model_copy(update={"mirror_probability": 1.0})
        return augment_points(clips, CONFIG, config, np.random.default_rng(0))

    before = points()
    once = mirrored(before)
    left, right = CONFIG.layout.index["left_hand_thumb_tip"], CONFIG.layout.index["right_hand_thumb_tip"]
    np.testing.assert_allclose(once[:, :, left, 0], -before[:, :, right, 0], atol=1e-6)
    np.testing.assert_allclose(mirrored(once), before, atol=1e-6)


@given(seed=st.integers(0, 1000), shift=st.integers(0, 4))
def test_warping_keeps_the_order_and_stays_in_the_clip(seed: int, shift: int) -> None:
    num_frames = np.array([40, 7, 1])
    positions = np.linspace(0, 1, 20)[None] * (num_frames - 1)[:, None]
    config = AugmentConfig(temporal_shift=shift)
    warped = warp_positions(positions, num_frames, config, np.random.default_rng(seed))
    assert (np.diff(warped, axis=1) >= -1e-9).all()
    assert (warped >= 0).all()
    assert (warped <= (num_frames - 1)[:, None]).all()


ACTS = {
    "noise": {"noise": 0.1, "noise_probability": 1.0},
    "yaw": {"yaw_degrees": 30.0, "yaw_probability": 1.0},
    "mirror": {"mirror_probability": 1.0},
    "scale": {"affine_probability": 1.0, "scale": 0.3},
    "shear": {"affine_probability": 1.0, "shear": 0.3},
    "rotation": {"affine_probability": 1.0, "rotation_degrees": 20.0},
    "shift": {"affine_probability": 1.0, "shift": 0.3},
    "hand_shift": {"hand_shift": 0.2},
    "hand_scale": {"hand_scale": 0.3},
    "hand_dropout": {"hand_dropout": 1.0},
    "finger_dropout": {"finger_dropout": 1.0},
    "frame_dropout": {"frame_dropout": 0.3, "frame_dropout_probability": 1.0},
    "time_mask": {"time_mask": 0.5, "time_mask_probability": 1.0},
}


@pytest.mark.parametrize("name", ACTS)
def test_every_setting_acts(name: str) -> None:
    before = points()
    config = AugmentConfig.none().model_copy(update=ACTS[name])
    after = augment_points(before, CONFIG, config, np.random.default_rng(1))
    assert not np.array_equal(after, before, equal_nan=True)


@pytest.mark.parametrize(
    "change", [{"time_warp": 0.5, "time_warp_probability": 1.0}, {"trim": 0.2}, {"temporal_shift": 3}]
)
def test_every_setting_of_time_acts(change: dict[str, float]) -> None:
    positions = np.tile(np.linspace(0, 39, 20), (4, 1))
    config = AugmentConfig.none().model_copy(update=change)
    assert not np.allclose(warp_positions(positions, np.full(4, 40), config, np.random.default_rng(2)), positions)


def test_a_rotation_keeps_distances() -> None:
    before = np.random.default_rng(0).normal(size=(2, 5, *CONFIG.row_shape)).astype(np.float32)
    config = AugmentConfig.none().model_copy(update={"affine_probability": 1.0, "rotation_degrees": 45.0})
    after = augment_points(before, CONFIG, config, np.random.default_rng(3))
    np.testing.assert_allclose(
        np.linalg.norm(after[:, :, 0] - after[:, :, 9], axis=-1),
        np.linalg.norm(before[:, :, 0] - before[:, :, 9], axis=-1),
        rtol=1e-4,
    )


def test_the_prototypes_rows_keep_their_visibility() -> None:
    config = FeatureConfig.prototype()
    rows = np.random.default_rng(0).normal(size=(4, 10, 540, 1)).astype(np.float32)
    rows[:, :, 132:195] = 0  # a hand that was never seen
    once = AugmentConfig.prototype().model_copy(update={"frame_dropout": 0.0})
    after = augment_points(rows, config, once, np.random.default_rng(1))
    np.testing.assert_array_equal(after[:, :, 3:132:4], rows[:, :, 3:132:4])
    assert (after[:, :, 132:195] == 0).all()
    assert not np.allclose(after, rows)
