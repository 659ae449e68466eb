"""What the decision of a base is fitted on."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

import drawn_sets
from base_lessons import NEAR_EVERY, SENTENCES, strung_sentences
from drawn_sets import drawn_sentence_set, drawn_signs, encoded_clips
from made.clips import made_clip, waving
from oneshot import Yardstick
from signtalk.training.pretrain_config import PretrainConfig

SIGNS = [f"sign {number}" for number in range(13)]


def test_strung_sentences_are_unlike_but_for_the_near_ones() -> None:
    drawn = strung_sentences(SIGNS, np.random.default_rng(3))
    assert len(set(drawn)) == len(drawn) == SENTENCES
    assert all(first != second for each in drawn for first, second in pairwise(each))
    for number in range(NEAR_EVERY - 1, SENTENCES, NEAR_EVERY):
        before, near = drawn[number - 1], drawn[number]
        assert len(before) == len(near) and sum(a != b for a, b in zip(before, near, strict=True)) == 1


def test_made_up_sentences_are_signed_by_the_same_people_and_are_others_of_another_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drawn_sets, "_SENTENCES", 5)
    encoder = Yardstick()
    here, again, there = (drawn_sentence_set(encoder, seed, "a set") for seed in (5, 5, 6))
    assert here.name == "a set" and len(here.labels) == len(here.people) == len(here.encoded.embeddings)
    assert set(here.people) == {"0", "1", "2", "3"}
    assert np.array_equal(here.encoded.embeddings, again.encoded.embeddings)
    assert here.labels == again.labels and set(here.labels).isdisjoint(there.labels)


def test_of_two_nearly_equal_made_up_signs_one_is_in_the_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn_sets, "PretrainConfig", partial(PretrainConfig, unseen_groups=10))
    drawn = drawn_signs(Yardstick(), 5, "signs")
    assert len(drawn.labels) == len(drawn.people) == len(drawn.encoded.embeddings) > 10
    assert not any(int(label) % 2 for label in drawn.labels)


def test_clips_without_shoulders_are_left_out() -> None:
    seen = made_clip(waving(40, "left"), waving(40, "right"))
    blind = replace(seen, landmarks=np.full_like(seen.landmarks, np.nan))
    taught = encoded_clips(Yardstick(), "films", [("yes", "p", seen), ("no", "p", blind)])
    assert taught.labels == ("yes",) and np.isnan(taught.motions).all()
