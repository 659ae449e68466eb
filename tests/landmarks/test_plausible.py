"""What a clip cannot be is told, refused or put right; a usual clip passes as it is."""

from dataclasses import replace

import numpy as np
import pytest

from made.points import made_clip
from made.real import real_clips
from signtalk.errors import ClipError
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip, regular_timestamps
from signtalk.landmarks.plausible import checked_clip, implausibilities, in_fractions, notes_of_idle

HANDS = slice(PARTS["left_hand"].start, PARTS["right_hand"].stop)


def usual() -> LandmarkClip:
    return made_clip(num_frames=30)


def changed(points: np.ndarray) -> LandmarkClip:
    return replace(usual(), landmarks=points.astype(np.float32))


def kinds(clip: LandmarkClip) -> list[str]:
    return [doubt.kind for doubt in implausibilities(clip)]


def test_a_usual_clip_passes_as_it_is() -> None:
    clip = usual()
    assert implausibilities(clip) == ()
    assert checked_clip(clip, "a.npz") is clip


def test_a_person_upside_down_is_refused_and_one_who_lies_is_told() -> None:
    points = usual().landmarks.copy()
    points[..., 1] = 1 - points[..., 1]
    assert kinds(changed(points)) == ["upside_down"]
    with pytest.raises(ClipError, match=r"^a\.json: the person is upside down: y grows downwards"):
        checked_clip(changed(points), "a.json")
    body_alone = changed(points)
    body_alone.landmarks[:, :11] = np.nan  # without a head the hips tell
    body_alone.landmarks[:, PARTS["face"]] = np.nan
    assert kinds(body_alone) == ["upside_down"]
    turned = usual().landmarks.copy()
    turned[..., :2] = turned[..., [1, 0]] * [3 / 4, 4 / 3]
    assert kinds(changed(turned)) == ["on_its_side"]
    assert "lies on the side" in checked_clip(changed(turned), "a").notes[0]


def test_pixels_are_told_and_with_the_size_of_the_picture_put_right() -> None:
    pixels = changed(usual().landmarks * [1280.0, 720.0, 1.0])
    assert kinds(pixels) == ["pixels"]
    right = in_fractions(pixels, 1280, 720, "a.json")
    np.testing.assert_allclose(right.landmarks, usual().landmarks, rtol=1e-4, atol=1e-5)
    assert right.notes == ("a.json: its coordinates are pixels of a picture of 1280 x 720; taken as parts of it",)
    assert kinds(right) == []
    assert in_fractions(usual(), 1280, 720, "a.json").notes == ()


def test_depths_in_pixels_are_told_and_put_right() -> None:
    far = usual().landmarks * [1, 1, 1280.0]
    assert kinds(changed(far)) == ["depth"]
    right = in_fractions(changed(far), 1280, 720, "a.pose")
    np.testing.assert_allclose(right.landmarks, usual().landmarks, rtol=1e-4, atol=1e-5)
    assert "depths are pixels" in right.notes[0]
    shifted = usual().landmarks + np.array([0, 0, 25.0])
    assert kinds(changed(shifted)) == ["depth"]


@pytest.mark.parametrize(("fps", "expected"), [(1000.0, ["frame_rate"]), (2.0, ["frame_rate"]), (240.0, ["duration"])])
def test_times_that_no_camera_gives(fps: float, expected: list[str]) -> None:
    assert kinds(replace(usual(), timestamps_s=regular_timestamps(30, fps))) == expected


def test_a_recording_is_no_sentence() -> None:
    clip = made_clip(num_frames=1300, fps=10.0)
    assert kinds(clip) == ["duration"]


def test_points_far_outside_the_picture() -> None:
    assert kinds(changed(usual().landmarks * [4.0, 4.0, 1.0] - [0.0, 0.0, 0.0])) == ["outside"]
    legs = usual().landmarks.copy()
    legs[:, 25:33, 1] = 4.0  # which detectors guess
    assert kinds(changed(legs)) == []


def test_hands_far_from_their_wrists() -> None:
    exchanged = usual().landmarks.copy()
    exchanged[:, HANDS] = np.concatenate([exchanged[:, PARTS["right_hand"]], exchanged[:, PARTS["left_hand"]]], axis=1)
    assert kinds(changed(exchanged)) == ["hands_exchanged"] * 2
    assert "the left hand lies at the right wrist" in checked_clip(changed(exchanged), "a").notes[0]
    apart = usual().landmarks.copy()
    apart[:, PARTS["left_hand"], 0] += 0.4
    assert kinds(changed(apart)) == ["hands_apart"]
    elsewhere = usual().landmarks.copy()
    elsewhere[:, HANDS, :2] += 1.6
    with pytest.raises(ClipError, match="shoulder widths from the left wrist of the body"):
        checked_clip(changed(elsewhere), "a")


def test_points_in_another_order_are_refused() -> None:
    shuffled = usual().landmarks.copy()
    order = np.random.default_rng(3).permutation(21)
    shuffled[:, PARTS["left_hand"]] = shuffled[:, PARTS["left_hand"]][:, order]
    with pytest.raises(ClipError, match="the points of the left hand follow no finger"):
        checked_clip(changed(shuffled), "a")
    parts = np.concatenate([usual().landmarks[:, 33:75], usual().landmarks[:, :33], usual().landmarks[:, 75:]], axis=1)
    with pytest.raises(ClipError):
        checked_clip(changed(parts), "a")


def test_hands_that_were_never_found_and_nobody_at_all() -> None:
    handless = usual().landmarks.copy()
    handless[:, HANDS] = np.nan
    assert kinds(changed(handless)) == ["no_hands"]
    assert kinds(changed(np.full((30, len(HOLISTIC.names), 3), np.nan))) == ["no_shoulders", "no_hands"]


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    [
        "asl_words_3signers", "words_6people", "ksl_phrases_5sessions", "asl_words_17signers", "asl_medical_sentences",
        "isl_words_10signers_body",
    ],
)  # fmt: skip
def test_no_real_clip_is_refused_and_hardly_one_is_told(name: str) -> None:
    clips = [clip_of(each.landmarks) for each in real_clips(name)[::5]]
    doubts = [doubt for clip in clips for doubt in implausibilities(clip)]
    assert len(clips) > 100
    assert not [doubt for doubt in doubts if doubt.is_hopeless]
    # Detectors do call a hand the other one now and then.
    assert {doubt.kind for doubt in doubts} <= {"no_hands", "hands_exchanged", "mirrored", "padded"}
    assert sum(doubt.kind == "hands_exchanged" for doubt in doubts) <= 0.03 * len(clips)
    assert sum(doubt.kind in ("mirrored", "padded") for doubt in doubts) <= 0.01 * len(clips)


def clip_of(rows: np.ndarray) -> LandmarkClip:
    """A clip of (T, 540) raw rows, NaN = missing."""
    pose = rows[:, :132].reshape(-1, 33, 4)
    points = np.concatenate([pose[..., :3], rows[:, 132:].reshape(len(rows), -1, 3)], axis=1).astype(np.float32)
    points[np.isnan(points).any(axis=-1)] = np.nan
    visibility = np.clip(pose[..., 3], 0, 1).astype(np.float32)
    return LandmarkClip(points, visibility, regular_timestamps(len(rows), 20.0))


def test_a_clip_without_shoulders_is_refused() -> None:
    points = usual().landmarks.copy()
    points[:, 12] = np.nan
    with pytest.raises(ClipError, match="no frame shows both shoulders"):
        checked_clip(changed(points), "a")


def test_depths_in_another_unit_than_the_rest_are_told_and_put_right() -> None:
    normal = usual().landmarks.copy()
    normal[..., :2] = (normal[..., :2] - normal[:, 11:12, :2]) * [1 / 1280, 1 / 720]  # as units taken for pixels
    doubt = next(iter(implausibilities(changed(normal))))
    assert doubt.kind == "depth" and "x, y and z are in different units" in doubt.message
    assert kinds(in_fractions(changed(normal), 1280, 720, "a.pose")) == []


def world() -> np.ndarray:
    points = usual().landmarks.copy()
    points[:, :33] -= points[:, 23:25].mean(axis=1, keepdims=True)
    return points


def test_world_landmarks_are_refused_and_points_about_the_hips_are_told() -> None:
    about_hips = usual().landmarks - usual().landmarks[:, 23:25].mean(axis=1, keepdims=True)
    assert kinds(changed(about_hips)) == ["world"]
    assert "not pose_world_landmarks" in checked_clip(changed(about_hips), "a").notes[0]
    each_about_its_own = world()
    for part in ("left_hand", "right_hand"):
        each_about_its_own[:, PARTS[part]] -= each_about_its_own[:, PARTS[part]].mean(axis=1, keepdims=True)
    with pytest.raises(ClipError, match="world landmarks"):
        checked_clip(changed(each_about_its_own), "a")


def test_a_hand_of_which_many_points_are_never_seen_is_told() -> None:
    points = usual().landmarks.copy()
    points[:, 33 + 15 : 33 + 21] = np.nan
    (doubt,) = implausibilities(changed(points))
    assert doubt.kind == "partial_hand" and "6 of the 21 points of the left hand" in doubt.message
    points[:, 33 + 15] = usual().landmarks[:, 33 + 15]
    assert implausibilities(changed(points)) == ()


def test_one_frame_is_told() -> None:
    clip = usual()
    one = replace(clip, landmarks=clip.landmarks[4:5], visibility=clip.visibility[4:5], timestamps_s=np.zeros(1))
    assert kinds(one) == ["one_frame"]


def test_x_that_is_mirrored_while_the_sides_are_not_is_told() -> None:
    mirrored = usual().landmarks.copy()
    mirrored[..., 0] = 1 - mirrored[..., 0]
    assert kinds(changed(mirrored)) == ["mirrored"]
    sides = [HOLISTIC.mirror[place] if HOLISTIC.mirror[place] >= 0 else place for place in range(75)]
    mirrored[:, :75] = mirrored[:, sides]  # as a detector sees a mirrored picture
    assert kinds(changed(mirrored)) == []


@pytest.mark.parametrize(("fill", "told"), [(np.nan, "are empty"), (None, "are the same as the one before them")])
def test_frames_that_only_fill_a_clip_up_are_told(fill: float | None, told: str) -> None:
    points = usual().landmarks.copy()
    points[20:] = points[19] if fill is None else fill
    (doubt,) = implausibilities(changed(points))
    assert doubt.kind == "padded" and doubt.message.startswith(f"the last 10 of 30 frames {told}")
    points[20:25] = usual().landmarks[20:25]
    assert implausibilities(changed(points)) == ()


def test_rest_is_no_fault_of_an_idle_clip() -> None:
    points = usual().landmarks.copy()
    points[10:] = points[9]
    points[:, HANDS] = np.nan
    assert kinds(changed(points)) == ["padded", "no_hands"]
    told = checked_clip(changed(points), "a").notes
    assert len(told) == 2 and checked_clip(changed(points), "a", is_idle=True).notes == ()
    assert notes_of_idle((*told, "a: the person lies on the side")) == ("a: the person lies on the side",)


def test_hands_that_are_told_from_their_wrists_on_are_seen() -> None:
    points = usual().landmarks.copy()
    for side in ("left", "right"):
        hand = points[:, PARTS[f"{side}_hand"]]
        points[:, PARTS[f"{side}_hand"]] = hand - hand[:, :1]
        points[:, PARTS[f"{side}_hand"].start] = np.nan  # formats without NaN write what is missing as zeros
    doubts = implausibilities(changed(points))
    assert {"partial_hand", "hands_apart"} <= {doubt.kind for doubt in doubts}
    assert any("the wrist of the left hand is never seen while its fingers are" in doubt.message for doubt in doubts)
