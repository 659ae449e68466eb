import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made.small_run import SmallRun
from signtalk.bundle.bundle import open_bundle
from signtalk.bundle.golden import (
    GOLDEN_CLIPS_NAME,
    compare_answers,
    make_golden_clips,
    read_golden_clips,
    replay_golden_clips,
    same_ranking,
    write_golden_clips,
)
from signtalk.errors import ArtifactError
from signtalk.landmarks.features import FeatureConfig, extract_features
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig


def test_golden_clips_are_a_few_made_up_ones_with_one_at_rest() -> None:
    clips = make_golden_clips()
    assert len(clips) == 4
    assert "idle1A" in clips
    assert all(clip.num_frames > 15 for clip in clips.values())
    again = make_golden_clips()
    for name, clip in clips.items():
        np.testing.assert_array_equal(clip.landmarks, again[name].landmarks)


@pytest.mark.parametrize(
    "config",
    [
        FeatureConfig(),
        FeatureConfig(preset="prototype", resampling="crop"),
        FeatureConfig(use_depth=True, frontal=True, use_hands=False, use_hand_local=False, use_pose_hands=True),
    ],
)
def test_every_kind_of_features_can_be_made_of_them(config: FeatureConfig) -> None:
    for clip in make_golden_clips().values():
        assert np.isfinite(extract_features(clip, config).features).all()


def test_clips_and_answers_are_read_exactly_as_they_were_written(small_run: SmallRun, tmp_path: Path) -> None:
    clips = make_golden_clips()
    with open_bundle(small_run.bundle) as bundle:
        write_golden_clips(tmp_path / "golden.json", clips, bundle.recognizer)
        answers = bundle.recognizer.recognize(list(clips.values()))
        read, written = read_golden_clips(tmp_path / "golden.json")
        assert list(read) == list(clips)
        for name, clip in clips.items():
            np.testing.assert_array_equal(read[name].landmarks, clip.landmarks)
            np.testing.assert_array_equal(read[name].visibility, clip.visibility)
            np.testing.assert_array_equal(read[name].timestamps_s, clip.timestamps_s)
            assert read[name].aspect == clip.aspect
        assert written == json.loads(json.dumps([answer.to_dict() for answer in answers]))
        assert max(replay_golden_clips(tmp_path / "golden.json", bundle.recognizer).values()) < 1e-4
    assert (tmp_path / "golden.json").stat().st_size < 1_500_000


def changed(answer: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    copy = json.loads(json.dumps(answer))
    place: Any = copy
    *parents, last = path.split(".")
    for name in parents:
        place = place[int(name) if name.isdecimal() else name]
    place[last] = value
    return copy


@pytest.mark.slow
def test_clips_are_replayed_under_the_policy_that_they_were_answered_under(small_run: SmallRun, tmp_path: Path) -> None:
    path, gate = tmp_path / "golden.json", GateConfig(threshold=0.0, motion_floor=0.0)  # nothing has proven it
    with open_bundle(small_run.bundle) as bundle:
        strict = bundle.recognizer.changed(decision=DecisionConfig(gate=gate))
    research = strict.changed(decision=strict.decision.under("research"))
    for recognizer, outcome in ((strict, "choices"), (research, "answer")):
        write_golden_clips(path, make_golden_clips(), recognizer)
        assert {answer["outcome"] for answer in read_golden_clips(path)[1]} == {outcome}
        for other in (strict, research):
            assert max(replay_golden_clips(path, other).values()) < 1e-4
    older = json.loads(path.read_text())
    del older["policy"]  # earlier versions named none, and answered all the same
    path.write_text(json.dumps(older))
    assert max(replay_golden_clips(path, strict).values()) < 1e-4


def test_a_text_that_an_older_version_showed_may_be_held_back(small_run: SmallRun) -> None:
    with open_bundle(small_run.bundle) as bundle:
        (answer,) = bundle.recognizer.recognize([next(iter(make_golden_clips().values()))])
    assert answer.text is None
    told = {**answer.to_dict(), "outcome": "answer", "text": answer.translation, "text_source": "translation"}
    assert max(compare_answers(told, answer).values()) == 0
    with pytest.raises(ValueError, match="translation is"):
        compare_answers({**told, "translation": "another text"}, answer)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("reason", "tired", "reason is '.*'; expected 'tired'"),
        ("outcome", "answer!", "outcome is"),
        ("translation", "another text", "translation is"),
        ("num_possible", 99, "num_possible"),
        ("candidates.0.text_key", "something else", "candidates"),
        ("candidates.1.similarity", 9.0, "candidates"),
        ("translation_confidence", None, "translation_confidence is .*; expected None"),
    ],
)
def test_another_answer_is_told(path: str, value: object, message: str, small_run: SmallRun) -> None:
    with open_bundle(small_run.bundle) as bundle:
        clips, answers = read_golden_clips(bundle.folder / GOLDEN_CLIPS_NAME)
        (answer,) = bundle.recognizer.recognize([next(iter(clips.values()))])
    assert max(compare_answers(answers[0], answer).values()) < 1e-4
    assert compare_answers(changed(answers[0], "confidence", answer.confidence + 0.25), answer)[
        "confidence"
    ] == pytest.approx(0.25)
    with pytest.raises(ValueError, match=message):
        compare_answers(changed(answers[0], path, value), answer)


def test_a_replay_names_the_clip(small_run: SmallRun, tmp_path: Path) -> None:
    with open_bundle(small_run.bundle) as bundle:
        content = json.loads((bundle.folder / GOLDEN_CLIPS_NAME).read_text())
        path = tmp_path / "golden.json"
        path.write_text(json.dumps(changed(content, "clips.2.answer.sentence", "What?")))
        with pytest.raises(ArtifactError, match=rf"golden\.json: clip {content['clips'][2]['name']}: sentence is"):
            replay_golden_clips(path, bundle.recognizer)
        del content["clips"][0]["answer"]["candidates"]
        path.write_text(json.dumps(content))
        with pytest.raises(ArtifactError, match=r"the answer to clip .* is damaged"):
            replay_golden_clips(path, bundle.recognizer)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "golden clips of format None"),
        ('{"format_version": 2}', "golden clips of format 2"),
        ('{"format_version": 1}', "damaged"),
        ('{"format_version": 1, "landmark_names": ["nose"], "clips": []}', "other landmarks"),
    ],
)
def test_damage_is_told(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.write_text(content)
    with pytest.raises(ArtifactError, match=message):
        read_golden_clips(path)


LIST = [("a", 0.9), ("b", 0.8), ("c", 0.8), ("d", 0.2)]


@pytest.mark.parametrize(
    ("found", "same"),
    [
        (LIST, True),
        ([("a", 0.9004), ("b", 0.8), ("c", 0.7996), ("d", 0.2)], True),
        ([("a", 0.9), ("c", 0.8), ("b", 0.8), ("d", 0.2)], True),  # a tie
        ([("a", 0.9), ("b", 0.8), ("c", 0.8), ("e", 0.2)], True),  # a tie with the last
        ([("b", 0.9), ("a", 0.8), ("c", 0.8), ("d", 0.2)], False),
        ([("a", 0.9), ("b", 0.8), ("e", 0.8), ("d", 0.2)], False),
        ([("a", 0.9), ("b", 0.8), ("c", 0.8), ("d", 0.3)], False),
        ([("a", 0.9), ("b", 0.8), ("c", 0.8)], False),
        ([], False),
    ],
)
def test_lists_are_the_same_but_for_ties(found: list[tuple[str, float]], same: bool) -> None:
    assert same_ranking(LIST, found, 1e-3) is same
    assert same_ranking([], [], 1e-3)
