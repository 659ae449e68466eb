from dataclasses import replace

import numpy as np
import pytest

from made.stress import made_sources
from signtalk.data.manifest import clip_of_record
from signtalk.evaluation.stress_cases import (
    EXPECTED,
    RECORDED,
    PlannedCase,
    part_texts,
    plan_cases,
    reordered_texts,
    spliced_texts,
)
from signtalk.landmarks.clip import PARTS, LandmarkClip
from signtalk.landmarks.features import motion_energy


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    return made_sources(tmp_path_factory.mktemp("stress") / "data")


@pytest.fixture(scope="module")
def cases(sources) -> dict[str, PlannedCase]:
    return {planned.case.name: planned for planned in plan_cases(sources)}


def test_every_case_of_made_up_data_has_queries_or_a_reason(sources, cases) -> None:
    assert len(cases) == len(plan_cases(sources)) == 32  # no name twice
    near = "unknown sentence, one word from a known one"
    assert {name: planned.not_run for name, planned in cases.items() if planned.not_run} in (
        {},
        {near: "no unknown sentence is a word, or the order of the words, from an indexed one"},
    )
    assert all(bool(planned.queries) != bool(planned.not_run) for planned in cases.values())
    assert all(planned.case.expected in EXPECTED for planned in cases.values())
    assert len(cases[RECORDED].queries) == len(sources.known)


def test_every_clip_can_be_made_and_comes_out_the_same_again(cases) -> None:
    for planned in cases.values():
        for query in planned.queries[:1]:
            clip, again = query.make(), query.make()
            assert isinstance(clip, LandmarkClip)
            np.testing.assert_array_equal(clip.landmarks, again.landmarks)


def test_a_changed_clip_is_another_clip(sources, cases) -> None:
    recorded = clip_of_record(sources.known[0])
    same = []
    for name, planned in cases.items():
        if planned.case.group == "changed recording":
            clip = planned.queries[0].make()
            if np.array_equal(clip.landmarks, recorded.landmarks, equal_nan=True):
                same.append(name)
    # This signer's hands stay within the wider view; the camera's own rate is one of the rates.
    assert set(same) <= {"near: 1.2 shoulder widths in view", "30 frames a second"}


def test_what_may_be_told_follows_from_what_is_shown(sources, cases) -> None:
    first = sources.known[0]
    recorded = cases[RECORDED].queries[0]
    assert (recorded.own_keys, recorded.texts[0]) == ((first.text_key,), first.sentence)
    assert set(recorded.texts) == {first.sentence, *first.variations}
    assert cases["first half of a sentence"].queries[0].texts == part_texts(first.sentence, begins=True)
    assert cases["second half of a sentence"].queries[0].texts == part_texts(first.sentence, begins=False)
    for name in ("idle, as recorded", "scratching", "first frame held", "another language, made up"):
        assert {(query.own_keys, query.texts) for query in cases[name].queries} == {((), ())}


def test_pairs_are_two_sentences_of_one_signer(sources, cases) -> None:
    by_clip = {record.clip_id: record for record in sources.known}
    for query in cases["two sentences in a row"].queries:
        first, second = query.own_keys
        assert first == by_clip[query.clip_id].text_key != second
        (text,) = query.texts
        assert text.startswith(by_clip[query.clip_id].sentence)
    pair = cases["two sentences in a row"].queries[0]
    assert pair.make().duration_s > clip_of_record(by_clip[pair.clip_id]).duration_s


def test_near_misses_are_no_indexed_sentence(sources, cases) -> None:
    known = {text for record in sources.known for text in record.variations}
    for name in ("one sign changed, made up", "two signs exchanged, made up"):
        for query in cases[name].queries:
            assert known.isdisjoint(
                query.texts
            )  # another sentence of the lexicon may come out; then its texts are right
            assert len(query.own_keys) == 1


def test_without_unknown_sentences_half_of_the_known_are_taken_out(sources) -> None:
    cases = plan_cases(replace(sources, unknown=()))
    (planned,) = [planned for planned in cases if planned.case.name.startswith("unknown sentence, trained")]
    assert len(planned.without) == 3
    assert {query.own_keys[0] for query in planned.queries} == planned.without
    assert not any(other.without for other in cases if other is not planned)


def test_one_word_from_a_known_sentence_is_told_by_the_texts(sources) -> None:
    record = sources.unknown[0]
    words = record.text_key.split()
    for known, near in ((words[:-1], True), (words[::-1], True), ([*words[:-2], "x", "y"], False)):
        cases = plan_cases(replace(sources, indexed=frozenset([" ".join(known)])))
        (planned,) = [planned for planned in cases if planned.case.subset]
        assert (record.clip_id in {query.clip_id for query in planned.queries}) == near


def test_real_signers_sign_no_near_misses(sources) -> None:
    cases = {planned.case.name: planned for planned in plan_cases(replace(sources, made_up=None))}
    assert not cases["one sign changed, made up"].queries
    assert "real signers" in cases["two signs exchanged, made up"].not_run
    assert "--other" in cases["another language"].not_run
    assert cases["middle third of another sentence"].queries


def test_clips_of_another_language_are_asked_where_they_are_given(sources) -> None:
    cases = {planned.case.name: planned for planned in plan_cases(replace(sources, other=sources.unknown))}
    assert [query.texts for query in cases["another language"].queries] == [()] * len(sources.unknown)
    assert "another language, made up" not in cases


def test_without_hand_points_nothing_takes_them_away(sources) -> None:
    def without_hands(record):
        clip = clip_of_record(record)
        landmarks = clip.landmarks.copy()
        landmarks[:, PARTS["left_hand"].start : PARTS["right_hand"].stop] = np.nan
        return replace(clip, landmarks=landmarks)

    planned = plan_cases(replace(sources, read=without_hands))
    assert sum("no hand points" in planned_case.not_run for planned_case in planned) == 4


def test_held_and_scratching_people_move_less_than_signers(sources, cases) -> None:
    signing = motion_energy(clip_of_record(sources.known[0]))
    held, scratching = (cases[name].queries[0].make() for name in ("first frame held", "scratching"))
    assert motion_energy(held) < motion_energy(scratching) < signing


def test_readings_of_cut_sentences() -> None:
    assert part_texts("I go home.", begins=True) == ("i", "i go")
    assert part_texts("I go home.", begins=False) == ("go home", "home")
    assert part_texts("Yes", begins=True) == ()
    # "large no | medium" with the cut through "no": it is seen twice, once or not at all.
    assert {"medium large no", "no medium large", "no medium large no", "medium large"} <= set(
        reordered_texts("large no medium")
    )
    assert "large no medium" not in reordered_texts("large no medium")
    spliced = spliced_texts("yes thank you", "large tea small")
    assert "yes tea you" in spliced
    assert "yes thank you" not in spliced and "" not in spliced
    assert "large tea small" not in spliced_texts("yes", "large tea small")
