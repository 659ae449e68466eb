"""What the decision of a base is fitted on."""

from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import base_lessons
import drawn_sets
from base_lessons import NEAR_EVERY, SENTENCES, STRUNG, strung_sentences, taught_sets
from drawn_sets import drawn_sentence_set, drawn_signs, encoded_clips
from made.clips import made_clip, waving
from made.data_folder import data_folder
from oneshot import Yardstick
from signtalk.calibration.unseen_signs import AT_REST
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


def test_signs_rests_and_sentences_of_a_set_stand_under_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(drawn_sets, "_SENTENCES", 2)
    monkeypatch.setattr(drawn_sets, "_WAYS_PEOPLE", 2)
    monkeypatch.setattr(drawn_sets, "PretrainConfig", partial(PretrainConfig, unseen_groups=4))
    monkeypatch.setattr(base_lessons, "SENTENCES", 6)
    manifests = [data_folder(tmp_path / name) for name in (*STRUNG, "others")]
    sets = taught_sets(Yardstick(), manifests, tmp_path / "stores")
    assert [each.name for each in sets] == ["made up", "made up", "made up", *STRUNG, *STRUNG, "others"]
    _, _, ways, signs, strung, others = sets
    assert set(Counter(zip(ways.labels, ways.people, strict=True)).values()) == {4} and len(set(ways.labels)) == 24
    texts = {record.text_key for record in manifests[0].records if not record.is_idle}
    assert set(signs.labels) == set(others.labels) == texts | {AT_REST} and np.isfinite(signs.motions).all()
    assert len(set(strung.labels)) == 6 and set(strung.people) == {"A", "B"}
