"""A split turned: who stands aside, and that the test and what is held out stay out of every turn."""

import pytest

from made.records import full_grid, made_manifest, made_record
from signtalk.data.rotation import rotated_splits
from signtalk.data.splits import SplitConfig, make_split
from signtalk.errors import ConfigError

HELD_OUT = SplitConfig(test_signers=("E",), holdout_sentences=0.3, val_fraction=0.2)
MANIFEST = made_manifest(full_grid(20, "ABCDE", idle=2))


@pytest.mark.parametrize("config", [HELD_OUT, HELD_OUT.model_copy(update={"val_signers": ("D",)})])
@pytest.mark.parametrize("turns", [2, 3])
def test_everybody_who_trains_stands_aside_once_and_nothing_of_the_test_is_seen(
    config: SplitConfig, turns: int
) -> None:
    split = make_split(MANIFEST, config)
    splits = rotated_splits(split, MANIFEST, turns)
    training = sorted({record.signer_id for record in split.records(MANIFEST, "train")})
    assert len(splits) == turns
    assert sorted(signer for each in splits for signer in each.config.val_signers) == training
    tested = set(split.clips("test", "test_unknown", "test_idle", "enroll", "unused"))
    held_out = {record.text_key for record in split.records(MANIFEST, "val_unknown", "test_unknown")}
    for each in splits:
        aside = set(each.config.val_signers)
        assert not tested & set(each.clips("train", "val", "val_unknown", "train_idle", "val_idle"))
        assert {record.signer_id for record in each.records(MANIFEST, "train", "train_idle")}.isdisjoint(aside)
        assert {record.signer_id for record in each.records(MANIFEST, "val", "val_unknown", "val_idle")} == aside
        assert held_out.isdisjoint(record.text_key for record in each.records(MANIFEST, "train", "val"))
        learnt = [record for record in MANIFEST.records if split.roles[record.clip_id] in ("train", "val")]
        assert set(each.clips("train")) == {record.clip_id for record in learnt if record.signer_id not in aside}


def test_a_sentence_that_only_those_aside_sign_is_unknown_in_their_turn() -> None:
    own = [made_record("only A says so", "A", take) for take in (0, 1)]
    manifest = made_manifest([*full_grid(6, "ABC"), *own])
    split = make_split(manifest, SplitConfig(test_signers=("C",), val_fraction=0.1))
    first, second = rotated_splits(split, manifest, 2)
    assert first.config.val_signers == ("A",)
    assert {first.roles[record.clip_id] for record in own} == {"val_unknown"}
    assert {second.roles[record.clip_id] for record in own} == {"train"}


def test_more_turns_than_people_are_as_many_as_people() -> None:
    split = make_split(MANIFEST, HELD_OUT)
    assert [each.config.val_signers for each in rotated_splits(split, MANIFEST, 99)] == [("A",), ("B",), ("C",), ("D",)]


def test_one_person_or_none_cannot_rotate() -> None:
    pair = made_manifest(full_grid(6, "AB"))
    with pytest.raises(ConfigError, match="1 people train"):
        rotated_splits(make_split(pair, SplitConfig(test_signers=("B",))), pair, 2)
    by_sentence = SplitConfig(protocol="unseen_sentence")
    with pytest.raises(ConfigError, match="data split --test-signer"):
        rotated_splits(make_split(MANIFEST, by_sentence), MANIFEST, 2)
