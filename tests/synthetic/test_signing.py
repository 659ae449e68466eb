"""How a made-up person moves: curves through key poses, the courses of movements, signs that follow each other."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signtalk.synthetic.lexicon import BODY_LOCATIONS, DIRECTIONS, HEAD_LOCATIONS, signs
from signtalk.synthetic.signers import Habits, Signer, generator, make_signer
from signtalk.synthetic.signing import (
    PLACE,
    ROTATION,
    Performance,
    Track,
    add_sentence,
    begin,
    interpolate,
    movement,
    perform,
    perform_signs,
    place,
    sign_poses,
    to_motion,
)

ORDINARY = make_signer(0, "A", Habits(difficulty=0))
PERSON = make_signer(5, "D", Habits())
FPS = 30.0
KINDS = sorted({(sign.movement, sign.direction, sign.repeats) for sign in signs().values()})


@given(seed=st.integers(0, 500), count=st.integers(2, 8))
def test_a_curve_goes_through_its_keys_and_never_past_them(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    keys, rows = np.cumsum(rng.uniform(0.05, 1, count)), rng.normal(size=(count, 3))
    np.testing.assert_allclose(interpolate(keys, rows, keys), rows, atol=1e-9)
    for (start, stop), (low, high) in zip(pairwise(keys), pairwise(rows), strict=True):
        between = interpolate(keys, rows, np.linspace(start, stop, 30))
        assert (between >= np.minimum(low, high) - 1e-9).all() and (between <= np.maximum(low, high) + 1e-9).all()


def test_before_and_after_its_keys_a_curve_stands_still() -> None:
    keys, rows = np.array([1.0, 2.0, 4.0]), np.array([[0.0], [3.0], [1.0]])
    np.testing.assert_array_equal(interpolate(keys, rows, np.array([-5.0, 0.0, 9.0]))[:, 0], [0, 0, 1])
    times = np.linspace(0.99, 1.01, 3)
    assert np.ptp(interpolate(keys, rows, times)) < 0.001, "it leaves from rest"


@pytest.mark.parametrize(("kind", "direction", "repeats"), KINDS, ids=lambda value: str(value))
def test_a_movement_has_its_phases_in_order_and_stays_near(kind: str, direction: str, repeats: int) -> None:
    phase, course = movement(kind, direction, repeats)
    assert (phase[0], phase[-1]) == (0, 1) and (np.diff(phase) > 0).all()
    assert course.shape == (len(phase), 6)
    assert np.abs(course[:, :3]).max() < 0.5 and np.abs(course[:, 3:]).max() <= 1.3


@pytest.mark.parametrize("kind", ["circle", "tap", "shake", "twist", "nod", "wiggle"])
def test_a_repeated_movement_is_made_so_often(kind: str) -> None:
    turns = []
    for repeats in (1, 3):
        _, course = movement(kind, "out", repeats)
        column = int(np.argmax(np.ptp(course, axis=0)))
        values = course[:, column] - (course[:, column].min() + course[:, column].max()) / 2
        signs_of = np.sign(values[np.abs(values) > 1e-9])
        turns.append(int((np.diff(signs_of) != 0).sum()))
    assert turns[1] == turns[0] * 3 or turns[1] >= turns[0] + 4


def test_a_circle_turns_about_its_axis() -> None:
    for direction in ("out", "up", "side"):
        _, course = movement("circle", direction, 2)
        axis = np.array(DIRECTIONS[direction], dtype=np.float64)
        np.testing.assert_allclose(course[:, :3] @ axis, 0, atol=1e-9)
        np.testing.assert_allclose(np.linalg.norm(course[:, :3], axis=1), 0.15, atol=1e-9)


def test_places_on_the_body_grow_with_it_and_places_before_it_with_the_signing_space() -> None:
    for name in (*HEAD_LOCATIONS, *BODY_LOCATIONS):
        assert place(PERSON, name).shape == (3,)
        assert np.linalg.norm(place(PERSON, name) - place(ORDINARY, name)) < 0.7, name
    for name in BODY_LOCATIONS:
        np.testing.assert_allclose(place(ORDINARY, name), BODY_LOCATIONS[name], atol=1e-9, err_msg=name)


@pytest.mark.parametrize("gloss", sorted(signs())[::7])
def test_key_poses_are_in_order_of_time_with_unit_rotations(gloss: str) -> None:
    times, rows = sign_poses(signs()[gloss], PERSON, generator(0, gloss))
    assert times[0] == 0 and (np.diff(times) > 0).all()
    assert rows.shape == (len(times), 20) and np.isfinite(rows).all()
    np.testing.assert_allclose(np.linalg.norm(rows[:, ROTATION], axis=1), 1, atol=1e-9)
    again = sign_poses(signs()[gloss], PERSON, generator(0, gloss))[1]
    np.testing.assert_array_equal(rows, again)
    other = sign_poses(signs()[gloss], PERSON, generator(1, gloss))[1]
    assert rows.shape != other.shape or not np.array_equal(rows, other), "never twice the same"


def test_the_second_hand_of_an_alternating_sign_runs_the_other_way() -> None:
    sign = next(sign for sign in signs().values() if sign.hands == "alternate")
    one, other = (sign_poses(sign, PERSON, generator(0, "x"), opposite=way)[1] for way in (False, True))
    middle = (one[:, PLACE] + other[:, PLACE]) / 2
    np.testing.assert_allclose(np.ptp(middle, axis=0), 0, atol=1e-9)
    assert np.ptp(one[:, PLACE], axis=0).max() > 0.05


def test_a_pose_that_comes_too_early_is_put_right_after_the_last() -> None:
    track = Track()
    for time in (1.0, 0.5, 0.5, 2.0):
        track.add(time, np.zeros(1))
    assert (np.diff(track.times) > 0).all()
    assert (track.times[0], track.times[-1]) == (1.0, 2.0)


@pytest.mark.parametrize("person", [ORDINARY, PERSON], ids=["ordinary", "particular"])
def test_a_sentence_begins_and_ends_at_rest(person: Signer) -> None:
    motion = perform(person, ("DOCTOR", "PAIN", "WHERE"), FPS, generator(0, "s"))
    num_frames = len(motion.reach)
    for values, shape in (
        (motion.reach, (2, 3)), (motion.rotation, (2, 4)), (motion.fingers, (2, 12)), (motion.swivel, (2,)),
        (motion.head, (3,)), (motion.face, (3,)), (motion.torso, (3,)),
    ):  # fmt: skip
        assert values.shape == (num_frames, *shape) and np.isfinite(values).all()
    speed = np.linalg.norm(np.diff(motion.reach, axis=0), axis=-1).max(axis=1) * FPS
    assert speed[:5].max() < 0.3 < 1 < speed.max() and speed[-5:].max() < 0.3
    for end in (0, -1):
        np.testing.assert_allclose(motion.reach[end], np.tile(person.rest, (2, 1)), atol=0.25)


def test_the_leading_hand_is_the_left_one_of_a_left_handed_person() -> None:
    for letter, leading in (("A", 1), ("B", 0)):
        person = make_signer(0, letter, Habits())
        ways = np.zeros(2)
        for number in range(8):
            motion = perform(person, ("I", "NAME", "WHERE"), FPS, generator(number, "s"))
            ways += np.linalg.norm(np.diff(motion.reach, axis=0), axis=-1).sum(axis=0)
        assert np.argmax(ways) == leading


def test_the_same_chance_gives_the_same_motion_and_a_quick_person_is_done_earlier() -> None:
    plan = [signs()[gloss] for gloss in ("MOTHER", "SISTER", "CHILD", "PAIN")]
    first, second = (perform_signs(PERSON, plan, FPS, generator(0, "x")) for _ in range(2))
    np.testing.assert_array_equal(first.reach, second.reach)
    lengths = [
        len(perform_signs(replace(PERSON, tempo=tempo), plan, FPS, generator(0, "x")).reach) for tempo in (0.7, 1.4)
    ]
    assert lengths[0] > 1.5 * lengths[1]


def test_frame_rates_show_the_same_motion() -> None:
    still = make_signer(0, "A", Habits(difficulty=0))
    slow, fast = (perform(still, ("DOCTOR", "PAIN"), fps, generator(0, "x")) for fps in (15.0, 30.0))
    assert abs(len(fast.reach) - 2 * len(slow.reach)) <= 1
    count = min(len(slow.reach), len(fast.reach) // 2)
    np.testing.assert_allclose(slow.reach[:count], fast.reach[::2][:count], atol=0.08)  # the tremor alone differs


def test_a_sentence_of_several_moves_the_clock_on() -> None:
    rng = generator(0, "x")
    now = begin(PERSON, rng)
    spans = []
    for gloss in ("MOTHER", "PAIN"):
        now.clock += 1.0
        spans.append(add_sentence(now, [signs()[gloss]], PERSON, rng))
        assert spans[-1][1] < now.clock
    assert spans[0][0] > 1.0 and spans[1][0] > spans[0][1] + 1.0
    motion = to_motion(now, PERSON, FPS, rng)
    assert len(motion.reach) == pytest.approx(now.leading.times[-1] * FPS, abs=1)


def test_a_sign_that_is_held_lasts_until_its_hands_leave() -> None:
    person, plan = make_signer(0, "A", Habits()), [signs()["DOCTOR"], signs()["PAIN"]]

    def sign(holds: float) -> Performance:
        now = begin(person, generator(0, "t"))
        add_sentence(now, plan, person, generator(0, "t"), holds)
        return now

    held, plain = sign(1.0), sign(0.0)
    lengths = [np.diff(now.sign_spans_s)[:, 0] for now in (held, plain)]
    assert (lengths[0] > lengths[1] + 0.25).all()
    both = signs()["DOCTOR"].hands != "one"
    end = held.sign_spans_s[0][1]
    assert (end in held.other.times) == both
    assert end in held.leading.times
