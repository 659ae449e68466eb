"""The rules of the protocols, checked on tables of every shape against the words of docs/contract.md 3."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from made.records import full_grid, made_record
from signtalk.data.manifest import ClipRecord
from signtalk.data.roles import ROLES, SplitConfig, deal_roles


def by_role(records: list[ClipRecord], config: SplitConfig) -> dict[str, list[ClipRecord]]:
    dealt = deal_roles(records, config)
    grouped: dict[str, list[ClipRecord]] = {role: [] for role in ROLES}
    for record in records:
        grouped[dealt.roles[record.clip_id]].append(record)
    return grouped


def texts(records: list[ClipRecord]) -> set[str]:
    return {record.text_key for record in records}


def signers(records: list[ClipRecord]) -> set[str]:
    return {record.signer_id for record in records}


@st.composite
def tables(draw: st.DrawFn) -> list[ClipRecord]:
    cells = st.tuples(st.integers(0, 12), st.sampled_from("ABCD"), st.integers(0, 2))
    records = [made_record(f"s{i}", who, take) for i, who, take in draw(st.sets(cells, min_size=1, max_size=60))]
    idle = draw(st.sets(st.tuples(st.sampled_from("ABCD"), st.integers(0, 3)), max_size=8))
    return records + [made_record("", who, take, idle=True) for who, take in idle]


fractions = st.sampled_from([0.0, 0.15, 0.4])
unseen_signer_configs = st.builds(
    SplitConfig,
    test_signers=st.sampled_from([("A",), ("A", "B")]),
    val_signers=st.sampled_from([(), ("C",)]),
    val_fraction=fractions,
    new_clip_fraction=fractions,
    holdout_sentences=fractions,
    holdout_validation=st.sampled_from([None, 0.0, 0.15]),
    seed=st.integers(0, 5),
)
unseen_sentence_configs = st.builds(
    SplitConfig,
    protocol=st.just("unseen_sentence"),
    val_fraction=fractions,
    new_clip_fraction=fractions,
    holdout_sentences=fractions,
    test_size=fractions,
    seed=st.integers(0, 5),
)


@given(records=tables(), config=unseen_signer_configs | unseen_sentence_configs)
@settings(max_examples=150, deadline=None)
def test_laws_that_hold_for_every_protocol(records: list[ClipRecord], config: SplitConfig) -> None:
    dealt = deal_roles(records, config)
    assert sorted(dealt.roles) == sorted(record.clip_id for record in records)
    roles = by_role(records, config)
    trained = texts(roles["train"])
    for role in ("val", "test", "test_new_clip"):
        assert texts(roles[role]) <= trained
    for role in ("val_unknown", "test_unknown", "enroll"):
        assert not texts(roles[role]) & trained
    assert not texts(roles["val_unknown"]) & (texts(roles["test_unknown"]) | texts(roles["enroll"]))
    assert texts(roles["test_unknown"]) == texts(roles["enroll"])
    idle = [record for role in ("train_idle", "val_idle", "test_idle") for record in roles[role]]
    assert sorted(r.clip_id for r in idle) == sorted(r.clip_id for r in records if r.is_idle)
    assert sum(dealt.reasons.values()) == len(roles["unused"])


@given(records=tables(), config=unseen_signer_configs)
@settings(max_examples=100, deadline=None)
def test_test_and_validation_signers_are_never_trained_on(records: list[ClipRecord], config: SplitConfig) -> None:
    roles = by_role(records, config)
    tested, validated = set(config.test_signers), set(config.val_signers)
    for role in ("train", "enroll", "test_new_clip", "train_idle"):
        assert not signers(roles[role]) & (tested | validated)
    for role in ("test", "test_unknown", "test_idle"):
        assert signers(roles[role]) <= tested
    for role in ("val", "val_unknown", "val_idle"):
        assert not signers(roles[role]) & tested
        if validated:
            assert signers(roles[role]) <= validated
    # Nothing a test signer signed is dropped where training knows the sentence.
    trained = texts(roles["train"])
    assert not [r for r in roles["unused"] if r.signer_id in tested and r.text_key in trained]


@given(records=tables(), config=unseen_signer_configs | unseen_sentence_configs, shuffler=st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_table_does_not_matter(records, config, shuffler) -> None:
    shuffled = list(records)
    shuffler.shuffle(shuffled)
    assert deal_roles(shuffled, config).roles == deal_roles(records, config).roles


def test_a_known_table_is_dealt_as_written_out() -> None:
    # A is tested. s0: everyone; s1: A and B; s2: A alone; s3: C alone.
    records = [made_record("s0", who) for who in "ABC"] + [made_record("s1", who) for who in "AB"]
    records += [made_record("s2", "A"), made_record("s3", "C"), made_record("", "A", idle=True)]
    dealt = deal_roles(records, SplitConfig(test_signers=("A",), val_fraction=0))
    assert dealt.roles == {
        "s0-A-0": "test",
        "s0-B-0": "train",
        "s0-C-0": "train",
        "s1-A-0": "test",
        "s1-B-0": "train",
        "s2-A-0": "unused",
        "s3-C-0": "train",
        "rest-A-0": "test_idle",
    }
    assert dealt.reasons == {"no training signer signs this sentence": 1}


def test_the_same_text_under_several_ids_is_one_sentence() -> None:
    records = full_grid(6, "AB", takes=2)
    same = [made_record("Where is it?", "A"), made_record("where is it", "B"), made_record("WHERE IS IT", "C")]
    config = SplitConfig(test_signers=("C",), val_fraction=0)
    assert deal_roles(records + same, config).roles["WHERE IS IT-C-0"] == "test"


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, 0), (0.001, 1), (0.15, 6), (0.5, 20), (0.99, 30)])
def test_val_takes_its_part_and_leaves_every_sentence_a_clip(fraction: float, expected: int) -> None:
    roles = by_role(full_grid(10, "ABCDE"), SplitConfig(test_signers=("E",), val_fraction=fraction))
    assert len(roles["val"]) == expected
    assert len(texts(roles["train"])) == 10
    assert len(roles["train"]) == 40 - expected


def test_val_takes_a_second_clip_of_a_sentence_only_after_one_of_each() -> None:
    roles = by_role(full_grid(10, "ABCDE"), SplitConfig(test_signers=("E",), val_fraction=0.35))
    assert sorted(Counter(record.text_key for record in roles["val"]).values()) == [1] * 6 + [2] * 4


def test_val_prefers_sentences_that_keep_a_clip_by_another_signer() -> None:
    alone = [made_record(f"alone{i}", "A", take) for i in range(20) for take in range(3)]
    shared = [made_record(f"shared{i}", who) for i in range(5) for who in "AB"]
    tested = [made_record("shared0", "T")]
    roles = by_role(alone + shared + tested, SplitConfig(test_signers=("T",), val_fraction=5 / 70))
    assert texts(roles["val"]) == {f"shared{i}" for i in range(5)}
    more = by_role(alone + shared + tested, SplitConfig(test_signers=("T",), val_fraction=9 / 70))
    assert len([r for r in more["val"] if r.text_key.startswith("alone")]) == 4


def test_sentences_of_one_clip_stay_in_training() -> None:
    records = [made_record(f"one{i}", "A") for i in range(30)] + full_grid(3, "AT")
    roles = by_role(records, SplitConfig(test_signers=("T",), val_fraction=0.4, new_clip_fraction=0.4))
    assert roles["val"] == roles["test_new_clip"] == []
    assert len(roles["train"]) == 33


def test_new_clips_are_taken_besides_val() -> None:
    config = SplitConfig(test_signers=("E",), val_fraction=0.1, new_clip_fraction=0.2)
    roles = by_role(full_grid(20, "ABCDE"), config)
    assert (len(roles["val"]), len(roles["test_new_clip"]), len(roles["train"])) == (8, 16, 56)


def test_held_out_sentences_are_halved_between_validation_and_test() -> None:
    config = SplitConfig(test_signers=("D",), holdout_sentences=0.2, val_fraction=0)
    roles = by_role(full_grid(50, "ABCD"), config)
    assert len(texts(roles["test_unknown"])) == len(texts(roles["val_unknown"])) == 5
    assert len(roles["test_unknown"]) == 5
    assert len(roles["enroll"]) == len(roles["val_unknown"]) == 15
    assert len(roles["unused"]) == 5  # the test signer's clips of the sentences held out for validation
    assert len(texts(roles["test"])) == 40


def test_validation_sentences_can_be_another_share_than_the_test_ones() -> None:
    config = SplitConfig(test_signers=("D",), holdout_sentences=0.3, holdout_validation=0.1, val_fraction=0)
    roles = by_role(full_grid(20, "ABCD"), config)
    assert len(texts(roles["test_unknown"])) == 6
    assert len(texts(roles["val_unknown"])) == 2
    assert len(texts(roles["test"])) == 12


def test_validation_holds_out_sentences_that_cost_the_headline_nothing() -> None:
    records = full_grid(40, "AB") + [made_record(f"s{i}", "T") for i in range(20)]
    roles = by_role(records, SplitConfig(test_signers=("T",), holdout_sentences=0.2))
    assert texts(roles["val_unknown"]) <= {f"s{i}" for i in range(20, 40)}
    assert roles["unused"] == []
    assert (len(roles["test"]), len(roles["test_unknown"])) == (16, 4)


def test_known_and_unknown_validation_clips_come_from_the_same_people() -> None:
    config = SplitConfig(test_signers=("D",), val_signers=("C",), holdout_sentences=0.2)
    dealt = deal_roles(full_grid(50, "ABCD", idle=2), config)
    roles = by_role(full_grid(50, "ABCD", idle=2), config)
    assert signers(roles["val"]) == signers(roles["val_unknown"]) == signers(roles["val_idle"]) == {"C"}
    assert dealt.reasons == {
        "validation signer, sentence held out for the test": 5,
        "test signer, sentence held out for validation": 5,
        "training signer, sentence held out for validation": 10,
    }


def test_unseen_sentence_enrols_some_clips_of_a_held_out_sentence_and_asks_the_others() -> None:
    config = SplitConfig(protocol="unseen_sentence", test_size=0.2, val_fraction=0, holdout_sentences=0.1)
    roles = by_role(full_grid(20, "ABC"), config)
    assert len(texts(roles["test_unknown"])) == 4
    asked, enrolled = defaultdict(set), defaultdict(set)
    for record in roles["test_unknown"]:
        asked[record.text_key].add(record.signer_id)
    for record in roles["enroll"]:
        enrolled[record.text_key].add(record.signer_id)
    for key in asked:
        assert len(asked[key]) == 1
        assert asked[key] | enrolled[key] == set("ABC")
    assert len(texts(roles["val_unknown"])) == 2
    assert len(roles["test"]) == 0


@pytest.mark.parametrize(("takes", "enrolled", "asked"), [(2, 1, 1), (3, 2, 1), (5, 2, 3)])
def test_unseen_sentence_works_with_one_person_or_nobody_known(takes: int, enrolled: int, asked: int) -> None:
    records = full_grid(10, " ", takes=takes)
    roles = by_role(records, SplitConfig(protocol="unseen_sentence", test_size=0.1, val_fraction=0))
    assert (len(roles["enroll"]), len(roles["test_unknown"])) == (enrolled, asked)


def test_unseen_sentence_keeps_sentences_of_one_clip_in_training() -> None:
    records = [made_record(f"one{i}", "A") for i in range(20)] + [made_record("two", "A"), made_record("two", "B")]
    roles = by_role(records, SplitConfig(protocol="unseen_sentence", test_size=0.5))
    assert texts(roles["test_unknown"]) == {"two"}
    assert len(roles["train"]) == 20


def test_idle_clips_go_by_signer_and_by_part() -> None:
    records = full_grid(4, "ABT", idle=10)
    roles = by_role(records, SplitConfig(test_signers=("T",), val_fraction=0.2))
    assert [len(roles[role]) for role in ("train_idle", "val_idle", "test_idle")] == [16, 4, 10]
    roles = by_role(records, SplitConfig(protocol="unseen_sentence", val_fraction=0.2, test_size=0.1))
    assert [len(roles[role]) for role in ("train_idle", "val_idle", "test_idle")] == [21, 6, 3]


def test_another_seed_draws_others() -> None:
    records = full_grid(50, "ABCD")
    one, two = (
        deal_roles(records, SplitConfig(test_signers=("D",), holdout_sentences=0.2, seed=seed)).roles for seed in (1, 2)
    )
    assert one != two
    assert Counter(one.values()) == Counter(two.values())


def test_an_added_sentence_moves_few_others() -> None:
    config = SplitConfig(test_signers=("D",), holdout_sentences=0.1)
    before = deal_roles(full_grid(100, "ABCD"), config).roles
    after = deal_roles([*full_grid(100, "ABCD"), *(made_record("new", who) for who in "ABCD")], config).roles
    assert sum(before[clip_id] != after[clip_id] for clip_id in before) < 20


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"test_signers": ("A", "B"), "val_signers": ("B",)}, "test_signers and in val_signers"),
        ({"protocol": "unseen_sentence", "test_signers": ("A",)}, "by sentence alone"),
        ({"protocol": "unseen_sentence", "holdout_validation": 0.1}, "by test_size and holdout_sentences alone"),
        ({"protocol": "unseen_sentence", "val_signers": ("A",)}, "by sentence alone"),
        ({"val_fraction": 1.0}, "less than 1"),
        ({"holdout_sentences": -0.1}, "greater than or equal to 0"),
        ({"test_part": 0.1}, "Extra inputs"),
        ({"protocol": "unseen_clip"}, "unseen_sentence"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings_: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SplitConfig(**settings_)
