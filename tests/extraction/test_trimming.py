import numpy as np
import pytest

from made.clips import made_clip, resting, waving
from signtalk.extraction.trimming import find_signing, trim_clip
from signtalk.landmarks.clip import HOLISTIC


def rest_wave_rest(fps=30.0, before=1.0, busy=2.0, after=0.5, shake=0.0):
    counts = [round(s * fps) for s in (before, busy, after)]
    right = np.concatenate([resting(counts[0], "right"), waving(counts[1], "right", fps), resting(counts[2], "right")])
    left = resting(len(right), "left")
    noise = np.random.default_rng(0).normal(size=(2, *right.shape)) * shake
    return made_clip(left + noise[0], right + noise[1], fps=fps)


@pytest.mark.parametrize("fps", [10.0, 30.0, 120.0])
@pytest.mark.parametrize("shake", [0.0, 0.002])
def test_idle_ends_are_found_at_any_frame_rate(fps, shake):
    signing = find_signing(rest_wave_rest(fps, shake=shake))
    assert signing.start / fps == pytest.approx(1.0, abs=0.11)
    assert signing.stop / fps == pytest.approx(3.0, abs=0.11)


def test_a_pause_inside_is_kept():
    right = np.concatenate([waving(30, "right"), resting(60, "right"), waving(30, "right")])
    signing = find_signing(made_clip(resting(120, "left"), right))
    assert (signing.start, signing.stop) == (0, 120)
    assert not signing.active[50:80].any()


def test_a_hand_held_up_still_is_signing():
    right = np.tile([0.4, 0.45], (60, 1))
    signing = find_signing(made_clip(resting(60, "left"), right))
    assert signing.active.all() and (signing.start, signing.stop) == (0, 60)


def test_rest_alone_is_no_signing_and_stays_whole():
    clip = made_clip(resting(60, "left"), resting(60, "right"))
    signing = find_signing(clip)
    assert not signing.is_any
    assert trim_clip(clip, signing, 0.2)[0] is clip


def test_a_twitch_is_no_signing():
    clip = rest_wave_rest(busy=0.1)
    assert not find_signing(clip).is_any


def test_without_shoulders_nothing_is_judged():
    clip = rest_wave_rest()
    clip.landmarks[:, HOLISTIC.positions(("left_shoulder",))] = np.nan
    assert not find_signing(clip).is_any


def test_lost_wrists_end_nothing():
    clip = rest_wave_rest()
    clip.landmarks[60:64, HOLISTIC.index["right_wrist"]] = np.nan
    signing = find_signing(clip)
    assert (signing.start < 35) and (signing.stop > 85)


def test_trimming_keeps_a_margin_and_the_videos_times():
    clip = rest_wave_rest()
    signing = find_signing(clip)
    kept, start = trim_clip(clip, signing, 0.2)
    assert start == signing.start - 6
    assert kept.num_frames == signing.stop - signing.start + 12
    assert np.array_equal(kept.timestamps_s, clip.timestamps_s[start : start + kept.num_frames])
    assert np.array_equal(kept.landmarks, clip.landmarks[start : start + kept.num_frames], equal_nan=True)


def test_a_margin_beyond_the_clip_ends_with_it():
    clip = rest_wave_rest()
    kept, start = trim_clip(clip, find_signing(clip), 100.0)
    assert start == 0 and kept.num_frames == clip.num_frames


def test_one_frame():
    assert not find_signing(made_clip(waving(1, "left"), waving(1, "right"))).is_any
