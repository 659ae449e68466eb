"""What answers behind the service."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.service import signing
from made.small_run import SmallRun
from signtalk.bundle.bundle import open_bundle
from signtalk.errors import ClipError, ConfigError
from signtalk.landmarks.clip import LandmarkClip
from signtalk.recognition.enrolment import NewSentence
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.promise import Policy
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.recognition.signer_fit import fit_signer
from signtalk.service.model import Question, Reply, ServiceModel
from signtalk.service.taught import TaughtSentences


def shortened(clip: LandmarkClip) -> LandmarkClip:
    """Without its first frames, so that it is no clip that the index holds."""
    return LandmarkClip(clip.landmarks[9:], clip.visibility[9:], clip.timestamps_s[9:], clip.aspect)


def test_one_bad_clip_does_not_touch_the_others(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    bad = LandmarkClip(np.full_like(clip.landmarks, np.nan), clip.visibility, clip.timestamps_s, None)
    with open_bundle(small_run.bundle) as bundle:
        model = ServiceModel(bundle)
        model.warm_up()
        alone = model.answer([Question(clip)])[0]
        first, second, third = model.answer([Question(bad), Question(clip, 2), Question(bad)])
        assert isinstance(first, ClipError)
        assert isinstance(third, ClipError)
        assert isinstance(second, Reply)
        assert isinstance(alone, Reply)
        assert [line["sentence"] for line in second.answer["candidates"]] == [
            line["sentence"] for line in alone.answer["candidates"][:2]
        ]
        assert all(isinstance(each, ClipError) for each in model.answer([Question(bad)] * 2))


@pytest.mark.parametrize("policy", ["strict", "research"])
def test_answers_tell_whether_their_promise_is_proven(policy: Policy, small_run: SmallRun, tmp_path: Path) -> None:
    (_, first), (_, second), *_ = signing(small_run.data)
    gate = GateConfig(threshold=0.0, motion_floor=0.0, precision_asked=0.98, precision_reached=True, num_accepted=50)
    with open_bundle(small_run.bundle) as bundle:
        recognizer = bundle.recognizer.changed(decision=DecisionConfig(gate=gate, translate=False))
        model = ServiceModel(replace(bundle, recognizer=recognizer).under(policy), tmp_path / "ward")
        model.enroll(NewSentence("The kettle whistles."), [shortened(first)])
        replies = model.answer([Question(second), Question(shortened(first))])
    known, enrolled = (each.answer for each in replies if isinstance(each, Reply))
    assert known["outcome"] == "answer"
    assert known["promise"] == {
        "population": "trained", "proven": True, "precision_asked": 0.98, "precision_found": None,
        "precision_lower_bound": None, "num_clips": 50, "least_words": 1,
        "least_sentences": 1,
    }  # fmt: skip
    assert (enrolled["promise"]["population"], enrolled["promise"]["proven"]) == ("enrolled", False)
    assert enrolled["outcome"] == {"strict": "choices", "research": "answer"}[policy]
    assert enrolled["candidates"][0]["sentence"] == "The kettle whistles."


def test_a_person_who_is_known_is_answered_beside_others_and_encoded_as_all_are(small_run: SmallRun) -> None:
    (_, first), (_, second), *_ = signing(small_run.data)
    with open_bundle(small_run.bundle) as bundle:
        model, recognizer = ServiceModel(bundle), bundle.recognizer
        plain = [each for each in model.answer([Question(first), Question(second)]) if isinstance(each, Reply)]
        text = plain[0].answer["candidates"][1]["sentence"]
        signer = fit_signer(plain[0].encoded, [text], recognizer.index, recognizer.tokenizer)
        replies = model.answer([Question(first, signer=signer), Question(second)])
        own, other = (each for each in replies if isinstance(each, Reply))
        known = recognizer.knowing(signer).recognize([first])[0]
    assert own.answer["candidates"][0]["similarity"] == pytest.approx(known.candidates[0].similarity, abs=1e-5)
    assert own.answer["candidates"][0]["text_score"] != plain[0].answer["candidates"][0]["text_score"]
    assert other.answer["candidates"] == plain[1].answer["candidates"]
    np.testing.assert_array_equal(own.encoded.projections, plain[0].encoded.projections)


def test_the_recogniser_is_kept_while_nothing_changes(small_run: SmallRun, tmp_path: Path) -> None:
    (_, first), (_, second), *_ = signing(small_run.data)
    with open_bundle(small_run.bundle) as bundle:
        model = ServiceModel(bundle, tmp_path / "ward")
        before = model.recognizer
        assert model.recognizer is before
        model.enroll(NewSentence("The kettle whistles."), [first])
        after = model.recognizer
        assert after is not before
        assert model.recognizer is after
        assert len(after.index) == len(before.index) + 1
        model.enroll(NewSentence("The kettle whistles."), [second])
        taught = TaughtSentences(model)
        assert len(taught.forget("the kettle whistles!", undo=False)["clip_ids"]) == 2
        with pytest.raises(ConfigError, match="no enrolled sentence"):
            taught.forget("the kettle whistles", undo=False)


def test_changes_of_several_threads_are_all_kept(small_run: SmallRun, tmp_path: Path) -> None:
    clips = [shortened(clip) for _, clip in signing(small_run.data, 6)]
    with open_bundle(small_run.bundle) as bundle:
        model = ServiceModel(bundle, tmp_path / "ward")
        threads = [
            threading.Thread(target=model.enroll, args=(NewSentence(f"sentence {number}"), [clip]))
            for number, clip in enumerate(clips)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(model.recognizer.index) == len(bundle.recognizer.index) + len(clips)


def test_without_a_personal_index_nothing_is_enrolled(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with open_bundle(small_run.bundle) as bundle:
        model = ServiceModel(bundle)
        with pytest.raises(ConfigError, match="--index"):
            model.enroll(NewSentence("x"), [clip])
        with pytest.raises(ConfigError, match="--index"):
            TaughtSentences(model).forget("x", undo=True)
        with pytest.raises(ConfigError, match="--index"):
            model.keeping()
