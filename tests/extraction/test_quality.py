from dataclasses import replace

import numpy as np
import pytest

from made.clips import made_clip, resting, waving
from signtalk.extraction.hands import RepairCounts
from signtalk.extraction.quality import (
    MIN_CLIPS_FOR_FENCES,
    ImageFigures,
    fit_fences,
    measure_quality,
    quality_names,
    rank_clips,
)
from signtalk.extraction.trimming import find_signing, trim_clip
from signtalk.landmarks.clip import PARTS

IMAGE = ImageFigures(sharpness=300.0, brightness=120.0, num_people=1)


def quality_of(clip, margin_s=0.2):
    signing = find_signing(clip)
    return measure_quality(clip, trim_clip(clip, signing, margin_s)[0], signing, IMAGE, RepairCounts(1, 2, 3))


def made(rest=30, busy=60):
    right = np.concatenate([resting(rest, "right"), waving(busy, "right"), resting(rest, "right")])
    return made_clip(resting(len(right), "left"), right)


def test_figures_of_a_clip():
    clip = made()
    clip.landmarks[30:60, PARTS["right_hand"]] = np.nan
    clip.landmarks[30:36, PARTS["left_hand"]] = np.nan
    quality = quality_of(clip)
    assert quality.num_frames == pytest.approx(60 + 12, abs=4)
    assert quality.fps == pytest.approx(30)
    assert quality.signing_s == pytest.approx(2, abs=0.1)
    assert quality.trimmed_start_s == pytest.approx(0.8, abs=0.1)
    assert quality.trimmed_end_s == pytest.approx(0.8, abs=0.1)
    assert quality.pose == 1 and quality.face == 0
    assert quality.right_hand == pytest.approx(1 - 30 / quality.num_frames)
    assert quality.hand_in_signing == pytest.approx(0.5, abs=0.06)  # the left hand, which rests, does not count
    assert quality.visibility == pytest.approx(0.9)
    assert quality.hand_speed > 0.3
    assert (quality.doubles, quality.swaps, quality.jumps) == (1, 2, 3)
    assert (quality.sharpness, quality.brightness, quality.num_people) == (300, 120, 1)


def test_cropped_hands_are_counted_while_signing():
    clip = made()
    clip.landmarks[40:70, PARTS["right_hand"], 1] -= 0.6
    assert quality_of(clip).cropped_hands == pytest.approx(0.5, abs=0.1)
    assert quality_of(made()).cropped_hands == 0


def test_idle_and_handless_clips_have_reasons_without_comparison():
    fences = fit_fences([])
    idle = quality_of(made_clip(resting(60, "left"), resting(60, "right")))
    assert idle.signing_s == 0 and fences.reasons(idle) == ("nothing is signed: no hand moves or is held up",)
    handless = quality_of(made_clip(resting(60, "left"), waving(60, "right"), hands=False))
    assert fences.reasons(handless) == ("no hand is seen in any frame",)
    assert fences.reasons(quality_of(made())) == ()


def collection(num=40):
    random = np.random.default_rng(0)
    good = quality_of(made())
    return [
        replace(good, sharpness=300 * random.lognormal(0, 0.3), hand_in_signing=1 - abs(random.normal(0, 0.01)))
        for _ in range(num)
    ]


def test_what_stands_apart_is_found_and_the_usual_is_not():
    usual = collection()
    blurred, handless = replace(usual[0], sharpness=5.0), replace(usual[1], hand_in_signing=0.3)
    fences = fit_fences([*usual, blurred, handless])
    assert [fences.reasons(quality) for quality in usual] == [()] * len(usual)
    assert fences.reasons(blurred)[0].startswith("sharpness 5, under")
    assert fences.reasons(handless)[0].startswith("hand_in_signing 0.3, under")


def test_one_lost_frame_among_perfect_clips_is_no_outlier():
    perfect = [replace(quality, hand_in_signing=1.0) for quality in collection()]
    nearly = replace(perfect[0], hand_in_signing=0.98)
    assert fit_fences([*perfect, nearly]).reasons(nearly) == ()


def test_what_is_plainly_good_is_not_left_out_of_a_uniform_collection():
    good = quality_of(made())
    uniform = [replace(good, brightness=150.0 + i % 3, fps=30.0 + 0.01 * (i % 2), duration_s=3.0) for i in range(40)]
    for change in (
        {"brightness": 129.0}, {"brightness": 170.0}, {"fps": 17.0}, {"duration_s": 6.0}, {"duration_s": 1.2},
        {"sharpness": 120.0}, {"visibility": 0.75}, {"hand_in_signing": 0.85}, {"cropped_hands": 0.05},
    ):  # fmt: skip
        other = replace(uniform[0], **change)
        assert fit_fences([*uniform, other]).reasons(other) == (), change
    for change in ({"brightness": 20.0}, {"fps": 4.0}, {"duration_s": 60.0}, {"duration_s": 0.2}, {"sharpness": 5.0}):
        other = replace(uniform[0], **change)
        (reason,) = fit_fences([*uniform, other]).reasons(other)
        assert reason.startswith(next(iter(change)))


def test_few_clips_give_no_limits():
    assert fit_fences(collection(MIN_CLIPS_FOR_FENCES - 1)).low == {}
    assert fit_fences(collection(MIN_CLIPS_FOR_FENCES)).low != {}


def test_clips_are_ranked_best_first():
    good = quality_of(made())
    qualities = [
        replace(good, hand_in_signing=0.5, visibility=0.5),
        good,
        replace(good, signing_s=0.0),
        replace(good, jumps=9),
    ]
    assert rank_clips(qualities) == [1, 3, 0, 2]
    assert rank_clips([]) == []


def test_the_names_are_columns():
    assert quality_names()[0] == "num_frames" and "sharpness" in quality_names()


def test_a_clip_that_is_meant_to_be_idle_is_judged_by_its_picture_alone():
    good = quality_of(made())
    fences = fit_fences([good] * MIN_CLIPS_FOR_FENCES)
    idle = quality_of(made_clip(resting(60, "left"), resting(60, "right"), hands=False))
    assert fences.reasons(idle) and fences.reasons(idle, is_idle=True) == ()
    dark = replace(idle, brightness=5.0)
    (reason,) = fences.reasons(dark, is_idle=True)
    assert reason.startswith("brightness 5")
