"""Who the made-up people are: the same ones for one seed, different from each other, and no caricatures."""

from dataclasses import fields

import numpy as np
import pytest

from signtalk.synthetic.body import Body
from signtalk.synthetic.lexicon import signs, variants
from signtalk.synthetic.signers import LEFT_HANDED, SIGNER_LETTERS, Habits, Signer, generator, make_signer

SEEDS = range(20)
NOBODY_PARTICULAR = Habits(difficulty=0, detector_errors=0)


def numbers(signer: Signer) -> np.ndarray:
    """All figures of a person in one row."""
    flat: list[float] = []
    for part in (signer, signer.body, signer.camera, signer.tracker):
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, int | float | tuple | np.ndarray):
                flat += np.ravel(value).tolist()
    return np.array(flat, dtype=np.float64)


def test_chance_follows_from_seed_and_names_alone() -> None:
    assert generator(1, "a", 2).random() == generator(1, "a", 2).random()
    draws = {generator(*key).random() for key in ((1, "a"), (2, "a"), (1, "b"), (1, "a", "b"))}
    assert len(draws) == 4


@pytest.mark.parametrize("letter", SIGNER_LETTERS)
def test_a_letter_is_the_same_person_every_time(letter: str) -> None:
    first, second = make_signer(7, letter, Habits()), make_signer(7, letter, Habits())
    np.testing.assert_array_equal(numbers(first), numbers(second))
    assert (first.variants, first.left_handed) == (second.variants, second.left_handed)
    assert not np.array_equal(numbers(first), numbers(make_signer(8, letter, Habits())))


def test_people_differ_and_one_is_left_handed() -> None:
    people = [make_signer(0, letter, Habits()) for letter in SIGNER_LETTERS]
    assert [person.signer_id for person in people if person.left_handed] == [LEFT_HANDED]
    for name in ("tempo", "size", "turn", "elbow", "linger"):
        assert len({getattr(person, name) for person in people}) == len(people)
    assert len({person.body for person in people}) == len({person.camera for person in people}) == len(people)
    assert len({person.variants for person in people}) == len(people)


def test_nobody_is_a_caricature() -> None:
    ordinary = Body()
    for seed in SEEDS:
        for letter in SIGNER_LETTERS:
            person = make_signer(seed, letter, Habits())
            for bone in fields(Body):
                ratio = getattr(person.body, bone.name) / getattr(ordinary, bone.name)
                assert np.exp(-1.801 * 0.07) < ratio < np.exp(1.801 * 0.07)
            assert np.exp(-1.801 * 0.18) < person.tempo < np.exp(1.801 * 0.18)
            assert abs(person.camera.yaw) < 0.361 and abs(person.turn) < 0.361
            assert 0 <= person.linger <= 1 and 0 <= person.switch <= 0.04
            assert all(0.4 < place < 0.7 for place in person.camera.centre)


def test_without_difficulty_everybody_is_the_same_right_handed_person() -> None:
    people = [make_signer(seed, letter, NOBODY_PARTICULAR) for seed in (0, 1) for letter in SIGNER_LETTERS]
    for person in people:
        np.testing.assert_array_equal(numbers(person), numbers(people[0]))
        assert not person.left_handed and person.variants == frozenset()
    assert people[0].tempo == people[0].size == people[0].variation == 1
    assert people[0].camera_today(generator(0, "today")) == people[0].camera, "and sits in the same place every day"


def test_difficulty_scales_what_is_particular() -> None:
    for letter in SIGNER_LETTERS:
        plain, mild, much = (make_signer(0, letter, Habits(difficulty=d)) for d in (0.0, 0.5, 1.0))
        for name in ("turn", "elbow"):
            half, whole = (getattr(person, name) - getattr(plain, name) for person in (mild, much))
            assert half == pytest.approx(whole / 2)
        assert np.log(mild.tempo) == pytest.approx(np.log(much.tempo) / 2)
        assert mild.variants <= much.variants


@pytest.mark.parametrize("share", [0.0, 0.15, 0.6])
def test_a_share_of_the_signs_is_made_in_another_way(share: float) -> None:
    person = make_signer(3, "C", Habits(variant_share=share))
    assert len(person.variants) == round(share * len(signs()))
    for gloss in signs():
        assert person.sign(gloss) == (variants() if gloss in person.variants else signs())[gloss]


def test_the_camera_is_elsewhere_every_day_and_never_far_away() -> None:
    person = make_signer(0, "A", Habits())
    days = [person.camera_today(generator(0, "day", i)) for i in range(200)]
    assert len(set(days)) == len(days)
    assert {day.aspect for day in days} == {person.camera.aspect}
    yaws = np.array([day.yaw for day in days])
    assert yaws.mean() == pytest.approx(person.camera.yaw, abs=0.02)
    assert yaws.std() == pytest.approx(0.06, rel=0.2)
    centres = np.array([day.centre for day in days])
    np.testing.assert_allclose(centres.mean(axis=0), person.camera.centre, atol=0.01)


def test_the_detectors_errors_are_scaled_as_asked() -> None:
    few, many = (make_signer(0, "A", Habits(detector_errors=errors)).tracker for errors in (1.0, 3.0))
    for field in fields(few):
        # How deep hands are, and how long a lost one stays lost, is no error that happens more often.
        times = 1 if field.name in ("hand_depth", "gap_s") else 3
        assert getattr(many, field.name) == pytest.approx(times * getattr(few, field.name))
