"""Answers in parts against answers at once."""

from dataclasses import replace

import numpy as np
import pytest

from made.answers import trained_clips
from made.small_run import SmallRun
from signtalk.evaluation import answered
from signtalk.evaluation.answered import answer_asked, ranks_asked
from signtalk.recognition import recognizer as recognizing
from signtalk.recognition.asked import Asked
from signtalk.recognition.recognizer import Recognizer


@pytest.fixture(scope="module")
def asked(small_run: SmallRun) -> tuple[Recognizer, Asked]:
    """A recognizer that lacks the sentence of the first clip, and clips under names that it does not know."""
    recognizer, trained = trained_clips(small_run)
    records = tuple(replace(record, clip_id=f"asked {record.clip_id}") for record in trained.records)
    index = recognizer.index.without_sentences({trained.keys[0]})
    decision = recognizer.decision.model_copy(update={"translate": False})
    return recognizer.changed(index=index, decision=decision), Asked(records, trained.encoded, trained.motions)


def test_answers_in_parts_are_those_at_once(asked: tuple[Recognizer, Asked], monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer, clips = asked
    monkeypatch.setattr(answered, "RANKED_AT_ONCE", 3)
    parts = answer_asked(recognizer, clips)
    whole = recognizer.answer(clips.encoded, clips.motions, clips.own_ids, num_candidates=1)
    assert [answer.candidates[0].text_key for answer in parts.answers] == [
        answer.candidates[0].text_key for answer in whole.answers
    ]
    np.testing.assert_allclose(parts.confidences, whole.confidences, atol=1e-6)
    np.testing.assert_array_equal(parts.ranks, whole.ranking.ranks_of(clips.keys))
    np.testing.assert_array_equal(parts.right, parts.ranks == 1)
    np.testing.assert_array_equal(parts.accepted, [answer.accepted for answer in whole.answers])


def test_the_own_and_the_best_other_score_are_told_apart(asked: tuple[Recognizer, Asked]) -> None:
    recognizer, clips = asked
    told = answer_asked(recognizer, clips)
    ranking = recognizer.rank(clips.encoded, clips.own_ids)
    first = ranking.scores[:, 0]
    np.testing.assert_allclose(np.where(told.right, told.own_scores, told.other_scores), first, atol=1e-6)
    missing = np.array([key == clips.keys[0] for key in clips.keys])
    assert missing.any() and np.isnan(told.own_scores[missing]).all() and (told.ranks[missing] == 0).all()
    assert (told.own_scores[told.right] >= told.other_scores[told.right]).all()


def test_ranks_in_parts_are_those_at_once(asked: tuple[Recognizer, Asked], monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer, clips = asked
    monkeypatch.setattr(recognizing, "RANKED_AT_ONCE", 3)
    ranks = recognizer.rank(clips.encoded, clips.own_ids).ranks_of(clips.keys)
    np.testing.assert_array_equal(ranks_asked(recognizer, clips), np.where(ranks > 0, ranks, np.inf))


def test_clips_may_be_asked_without_other_references(asked: tuple[Recognizer, Asked]) -> None:
    recognizer, clips = asked
    without = [recognizer.index.clips_of(key) for key in clips.keys]
    assert not answer_asked(recognizer, clips, without).ranks.any()
