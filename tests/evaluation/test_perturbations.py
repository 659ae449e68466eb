from dataclasses import replace

import numpy as np
import pytest

from signtalk.errors import ClipError
from signtalk.evaluation import perturbations
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip
from signtalk.landmarks.features import FeatureConfig, extract_features, motion_energy, normalise_clip
from signtalk.landmarks.legacy_rows import from_prototype_rows, to_prototype_rows
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips


@pytest.fixture(scope="module")
def clips() -> tuple[LandmarkClip, ...]:
    config = SyntheticConfig(num_sentences=2, num_signers=2, clips_per_sentence=(2, 2), num_idle=0)
    return tuple(made.clip for made in generate_clips(config))


@pytest.fixture(scope="module")
def clip(clips) -> LandmarkClip:
    return clips[0]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_dropped_frames_leave_the_others_and_their_times(clip: LandmarkClip) -> None:
    found = perturbations.without_frames(clip, 0.3, rng())
    assert found.num_frames == clip.num_frames - round(0.3 * clip.num_frames)
    kept = np.searchsorted(clip.timestamps_s, found.timestamps_s)
    np.testing.assert_array_equal(found.landmarks, clip.landmarks[kept])
    assert found.timestamps_s[0] == 0


def test_one_hand_is_lost_over_one_span(clip: LandmarkClip) -> None:
    whole = replace(clip, landmarks=np.nan_to_num(clip.landmarks))
    found = perturbations.without_hand(whole, 0.5, rng())
    lost = np.isnan(found.landmarks)
    hands = {name: lost[:, PARTS[name]].all(axis=(1, 2)) for name in ("left_hand", "right_hand")}
    gone = [frames for frames in hands.values() if frames.any()]
    assert len(gone) == 1
    where = np.flatnonzero(gone[0])
    assert len(where) == round(0.5 * clip.num_frames) == where[-1] - where[0] + 1
    assert lost.sum() == len(where) * 21 * 3
    assert not np.isnan(whole.landmarks).any()


def test_noise_is_in_shoulder_widths(clip: LandmarkClip) -> None:
    found = perturbations.with_noise(clip, 0.02, rng())
    width = np.nanmedian(np.linalg.norm(clip.landmarks[:, 11, :2] - clip.landmarks[:, 12, :2], axis=-1))
    assert np.nanstd(found.landmarks - clip.landmarks) == pytest.approx(0.02 * width, rel=0.05)
    np.testing.assert_array_equal(np.isnan(found.landmarks), np.isnan(clip.landmarks))


def test_cropped_ends_are_the_middle(clip: LandmarkClip) -> None:
    found, cut = perturbations.without_ends(clip, 0.1), round(0.1 * clip.num_frames)
    np.testing.assert_array_equal(found.landmarks, clip.landmarks[cut:-cut])


def shoulder_width(clip: LandmarkClip) -> float:
    square = clip.landmarks[:, 11:13, :2] * [clip.aspect, 1]
    return float(np.nanmedian(np.linalg.norm(square[:, 0] - square[:, 1], axis=-1)))


def test_both_hands_are_lost_together_and_the_wrists_stay(clip: LandmarkClip) -> None:
    found = perturbations.without_hands(clip, 0.3, rng())
    gone = np.isnan(found.landmarks[:, 33:75]).all(axis=(1, 2)) & ~np.isnan(clip.landmarks[:, 33:75]).all(axis=(1, 2))
    assert gone.sum() >= 1
    np.testing.assert_array_equal(found.landmarks[:, :33], clip.landmarks[:, :33])


def test_halves_put_together_are_the_clip(clip: LandmarkClip) -> None:
    first, second = perturbations.part(clip, 0, 0.5), perturbations.part(clip, 0.5, 1)
    whole = perturbations.joined(first, second, pause_s=0)
    np.testing.assert_array_equal(np.isnan(whole.landmarks), np.isnan(clip.landmarks))
    # The second half's signer is moved to where the first half's is: only the sway between the halves is lost.
    assert np.nanmax(np.abs(whole.landmarks - clip.landmarks)) < 0.15 * shoulder_width(clip)
    assert whole.num_frames == clip.num_frames


def test_a_joined_clip_is_one_person_before_one_camera(clips: tuple[LandmarkClip, ...]) -> None:
    first, second = clips[0], clips[-1]  # other people, cameras and frame rates
    found = perturbations.joined(first, second, pause_s=0.5)
    assert (found.aspect, found.fps) == (first.aspect, pytest.approx(first.fps))
    assert found.duration_s == pytest.approx(first.duration_s + second.duration_s + 0.5, abs=0.1)
    np.testing.assert_array_equal(found.landmarks[: first.num_frames], first.landmarks)
    later = perturbations.part(found, 1 - second.duration_s / found.duration_s + 0.02, 1)
    assert shoulder_width(later) == pytest.approx(shoulder_width(first), rel=0.05)
    config = FeatureConfig()
    alone = normalise_clip(second, config)[-1]
    np.testing.assert_allclose(normalise_clip(found, config)[-1], alone, atol=0.1)  # what is signed stays as it was


def test_exchanged_halves_begin_with_the_second(clip: LandmarkClip) -> None:
    found, half = perturbations.halves_exchanged(clip), round(0.5 * clip.num_frames)
    np.testing.assert_array_equal(found.landmarks[: clip.num_frames - half], clip.landmarks[half:])
    assert found.num_frames > clip.num_frames  # the way between


def test_the_middle_is_the_other_clip(clips: tuple[LandmarkClip, ...]) -> None:
    config = FeatureConfig()
    clip, other = clips[0], clips[-1]
    found = normalise_clip(perturbations.with_middle_of(clip, other), config)
    thirds = normalise_clip(perturbations.part(clip, 0, 1 / 3), config), normalise_clip(clip, config)
    np.testing.assert_allclose(found[5], thirds[0][5], atol=0.1)
    np.testing.assert_allclose(found[-5], thirds[1][-5], atol=0.1)
    middle = normalise_clip(perturbations.part(other, 1 / 3, 2 / 3), config)
    apart = [np.nanmean(np.abs(frame - middle[len(middle) // 2])) for frame in found]
    assert len(found) / 3 < np.argmin(apart) < 2 * len(found) / 3


def test_who_is_held_still_hardly_moves(clip: LandmarkClip) -> None:
    found = perturbations.held_still(clip, 2.0, rng())
    assert found.duration_s == pytest.approx(2.0, abs=0.05)
    assert motion_energy(found) < 0.15 < motion_energy(clip)
    again = perturbations.held_still(clip, 2.0, rng())
    np.testing.assert_array_equal(found.landmarks, again.landmarks)


def test_scratching_moves_one_hand_to_a_place_and_back(clip: LandmarkClip) -> None:
    found = perturbations.scratching(clip, rng())
    still = perturbations.held_still(clip, 3.5, rng())
    moved = np.linalg.norm(found.landmarks - still.landmarks, axis=-1)
    arms = {side: np.nanmax(moved[:, HOLISTIC.index[f"{side}_wrist"]]) for side in ("left", "right")}
    assert sum(far > 0.3 * shoulder_width(clip) for far in arms.values()) == 1
    side = max(arms, key=arms.__getitem__)
    assert moved[0, HOLISTIC.index[f"{side}_wrist"]] == moved[-1, HOLISTIC.index[f"{side}_wrist"]] == 0
    hand = found.landmarks[:, PARTS[f"{side}_hand"].start, :2] - found.landmarks[:, HOLISTIC.index[f"{side}_wrist"], :2]
    assert np.nanmax(np.abs(hand)) < 0.05  # the hand stays at its wrist
    assert motion_energy(found) > 0.15


@pytest.mark.parametrize("gone", ["shoulders", "wrists"])
def test_nobody_to_hold_or_scratch_is_told(clip: LandmarkClip, gone: str) -> None:
    landmarks = clip.landmarks.copy()
    landmarks[:, HOLISTIC.positions((f"left_{gone[:-1]}", f"right_{gone[:-1]}"))] = np.nan
    with pytest.raises(ClipError, match=gone[:-1]):
        perturbations.scratching(replace(clip, landmarks=landmarks), rng())


def test_far_away_nothing_is_finer_than_a_pixel(clip: LandmarkClip) -> None:
    found = perturbations.from_afar(clip, 3)
    step = 3 * shoulder_width(clip) / perturbations.PIXELS
    steps = found.landmarks * [clip.aspect, 1, clip.aspect] / step
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    wide = np.nanmax(np.abs((found.landmarks - clip.landmarks) * [clip.aspect, 1, clip.aspect]))
    assert 0.4 * step < wide < 0.51 * step


def test_near_the_camera_hands_leave_the_picture(clip: LandmarkClip) -> None:
    wide, near = perturbations.from_near(clip, 50), perturbations.from_near(clip, 0.8)
    np.testing.assert_array_equal(wide.landmarks, clip.landmarks)
    np.testing.assert_array_equal(near.landmarks[:, :33], clip.landmarks[:, :33])
    middle = clip.landmarks[:, 11:13, :2].mean(axis=1)
    away = np.abs((clip.landmarks[:, 54, :2] - middle) * [clip.aspect, 1]) / shoulder_width(clip)
    inside, outside = away.max(axis=1) < 0.75, away[:, 0] > 0.85
    outside |= (clip.landmarks[:, 54, 1] > middle[:, 1]) & (away[:, 1] > 0.85)
    assert inside.any() and outside.any()
    assert not np.isnan(near.landmarks[inside, 54]).any()
    assert np.isnan(near.landmarks[outside, 54:75]).all()


def test_a_camera_on_the_other_side_of_a_known_body(clip: LandmarkClip) -> None:
    """A rigid turn keeps every distance between points in space, and a full turn of angles cancels out."""
    pose = clip.landmarks[:, :33].astype(np.float64) * [clip.aspect, 1, clip.aspect]
    for change in (perturbations.turned, perturbations.rolled):
        found = change(clip, 25.0)
        moved = found.landmarks[:, :33] * [clip.aspect, 1, clip.aspect]
        np.testing.assert_allclose(
            np.linalg.norm(moved[:, 15] - moved[:, 11], axis=-1),
            np.linalg.norm(pose[:, 15] - pose[:, 11], axis=-1),
            rtol=1e-3,
        )
        assert np.nanmax(np.abs(moved - pose)) > 0.1
        back = change(found, -25.0)
        np.testing.assert_allclose(back.landmarks, clip.landmarks, atol=2e-2)
    turned = perturbations.turned(clip, 25.0)
    np.testing.assert_array_equal(turned.landmarks[..., 1], clip.landmarks[..., 1])  # the vertical stays


def test_the_depth_of_a_hand_turns_with_its_wrist(clip: LandmarkClip) -> None:
    """A hand whose z counts from its wrist stays at the wrist of a pose whose z counts from the hips."""
    found = perturbations.turned(clip, 40.0)
    for side in ("left", "right"):
        hand, wrist = PARTS[f"{side}_hand"].start, HOLISTIC.index[f"{side}_wrist"]
        before = clip.landmarks[:, hand, 0] - clip.landmarks[:, wrist, 0]
        after = found.landmarks[:, hand, 0] - found.landmarks[:, wrist, 0]
        np.testing.assert_allclose(after, np.cos(np.deg2rad(40)) * before, atol=0.02)


def test_prototype_rows_follow_the_points(clip: LandmarkClip) -> None:
    """A clip of a prototype's file keeps being one: the rows are those of the changed clip, of its length."""
    file = from_prototype_rows(to_prototype_rows(clip), fps=clip.fps)
    config = FeatureConfig.prototype()
    found = perturbations.part(file, 0, 0.5)
    assert found.prototype_rows is not None
    assert found.prototype_rows.shape == (found.num_frames, 540)
    assert not np.array_equal(extract_features(found, config).features, extract_features(file, config).features)
    nose = slice(0, 4)  # detected in every frame; where nothing was detected, the place of the ghost is not kept
    np.testing.assert_allclose(found.prototype_rows[:, nose], file.prototype_rows[: found.num_frames, nose], atol=1e-3)
