"""What a segmenter says it saw: the same spans as frame by frame, and a reason and advice where there is none."""

import re
from dataclasses import replace

import numpy as np
import pytest

from made.clips import made_clip, resting
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip
from signtalk.segmentation.activity import ActivityModel, clip_activity
from signtalk.segmentation.seen import Sentences, sentences_of
from signtalk.segmentation.segmenter import SegmenterConfig, SegmenterSettings, spans_of
from signtalk.segmentation.streams import StreamPlan, make_stream

# Signing is a hand above the chest: the first feature, higher_y, decides alone.
RAISED = ActivityModel(
    mean=(1.0,) + (0.0,) * 15,
    spread=(1.0,) * 16,
    hidden=((-8.0,) + (0.0,) * 15,),
    hidden_bias=(0.0,),
    output=(6.0,),
    output_bias=0.0,
)
CONFIG = SegmenterConfig(start_threshold=0.7, confirm_s=0.2, hold_s=0.5, shortest_s=0.6)
SETTINGS = SegmenterSettings(model=RAISED, config=CONFIG)
UP, CHEST, DOWN = [0.35, 0.2], [0.35, 0.502], [0.35, 0.75]
FPS = 20.0


def clip_of(*pieces, hands=True):
    """Right hand up or down for so many seconds, one after the other."""
    way = np.concatenate([np.tile(place, (round(seconds * FPS), 1)) for place, seconds in pieces])
    return made_clip(resting(len(way), "left"), way, fps=FPS, hands=hands)


def nothing(clip) -> Sentences:
    sentences = sentences_of(clip, SETTINGS)
    assert sentences == ()
    assert str(sentences) == sentences.nothing_found
    return sentences


def test_the_spans_are_those_of_a_stream_and_the_activity_that_of_the_clip() -> None:
    clip = make_stream(4, 2, StreamPlan(num_sentences=3, fps=12.0)).clip
    sentences = sentences_of(clip)
    assert sentences == spans_of(clip)
    assert len(sentences) >= 2
    assert sentences.nothing_found == ""
    assert str(sentences).splitlines() == [str(span) for span in sentences]
    settings = SETTINGS.model_copy(update={"config": CONFIG.model_copy(update={"start_threshold": 0.9})})
    assert sentences_of(clip, settings).seen.activity == clip_activity(clip, RAISED)
    assert sentences_of(clip, settings).seen.start_threshold == 0.9


def test_hands_that_stay_low_are_told_with_their_height() -> None:
    sentences = nothing(clip_of((DOWN, 3)))
    assert sentences.seen.highest_hand == pytest.approx(-(0.75 - 0.3) / 0.2)
    text = sentences.nothing_found
    assert re.search(r"no signing found in 3\.0 s: hands tracked in 100% of 60 frames", text)
    assert "at most 2.2 shoulder widths below the shoulders" in text
    assert re.search(r"highest activity 0\.\d\d where 0\.70 for 0\.2 s starts a sentence", text)
    assert "film down to the waist" in text


def test_a_raised_hand_that_is_not_enough_is_told_to_be_asked_as_a_whole() -> None:
    sentences = nothing(clip_of((CHEST, 3)))
    assert 0.1 < sentences.seen.highest_activity < 0.7
    assert "at most 1.0 shoulder widths below" in sentences.nothing_found
    assert "`signtalk recognize` takes it as it is" in sentences.nothing_found
    assert "fit-segmenter" in sentences.nothing_found


def test_what_was_too_short_is_told_with_its_time() -> None:
    sentences = nothing(clip_of((DOWN, 1), (UP, 0.4), (DOWN, 1)))
    assert [span.cause for span in sentences.seen.dropped] == ["too short"]
    assert re.search(r"1\.\d\d-1\.\d\d s looked like signing but was too short", sentences.nothing_found)
    assert "at most 0.5 shoulder widths above the shoulders" in sentences.nothing_found


def test_hands_that_are_rarely_tracked_are_told() -> None:
    sentences = nothing(clip_of((CHEST, 3), hands=False))
    assert sentences.seen.hands_share == 0.0
    assert "more light" in sentences.nothing_found


def test_nobody_and_nothing_are_told() -> None:
    clip = clip_of((UP, 1))
    without = clip.landmarks.copy()
    without[:, HOLISTIC.index["left_shoulder"]] = np.nan
    assert "both shoulders in none of 20 frames" in nothing(replace(clip, landmarks=without)).nothing_found
    empty = LandmarkClip(clip.landmarks[:0], clip.visibility[:0], clip.timestamps_s[:0])
    assert nothing(empty).nothing_found == "no signing found in 0.0 s: no frame. Give a clip with frames."
    wristless = clip.landmarks.copy()
    wristless[:, PARTS["left_hand"]] = wristless[:, PARTS["right_hand"]] = np.nan
    wristless[:, HOLISTIC.positions(("left_wrist", "right_wrist"))] = np.nan
    sentences = nothing(replace(clip, landmarks=wristless))
    assert sentences.seen.highest_hand is None
    assert "Film head, both shoulders and the hands" in sentences.nothing_found


def test_all_that_was_seen_is_ready_for_json() -> None:
    seen = sentences_of(clip_of((DOWN, 1), (UP, 2), (DOWN, 1)), SETTINGS).seen.to_dict()
    assert seen["num_frames"] == 80
    assert seen["person_share"] == seen["hands_share"] == 1.0
    assert set(seen["activity"]) == {"seconds", "share", "mean"}
    assert seen["dropped"] == ()
