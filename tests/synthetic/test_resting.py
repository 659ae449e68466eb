"""Made-up people who sign now and then: where their sentences are, and that they rest between."""

import numpy as np
import pytest

from signtalk.landmarks.clip import PARTS
from signtalk.synthetic.body import pose_body
from signtalk.synthetic.resting import perform_stream, rest
from signtalk.synthetic.signers import Habits, generator, make_signer
from signtalk.synthetic.signing import perform

SIGNER = make_signer(11, "A", Habits())
HELLO, TWO = ("DOCTOR",), ("PAIN", "WHERE")


def streamed(sentences=(HELLO, TWO), pauses=(2.0, 3.0, 1.0), holds=0.0, seed=0, fps=25.0):
    return perform_stream(SIGNER, sentences, pauses, fps, generator(seed, "test"), holds)


def leading_speed(motion, fps=25.0):
    """(T,) shoulder widths a second of the faster hand."""
    return np.linalg.norm(np.gradient(motion.reach, axis=0), axis=-1).max(axis=1) * fps


def test_sentences_are_in_order_with_their_pauses_between() -> None:
    motion, spans = streamed()
    assert spans.shape == (2, 2)
    assert (np.diff(spans.ravel()) > 0).all()
    assert spans[0, 0] > 2.0  # the arms go up after the pause
    assert spans[1, 0] - spans[0, 1] > 3.0
    duration = len(motion.reach) / 25
    assert duration == pytest.approx(spans[1, 1] + 1.0 + 0.5 / SIGNER.tempo, abs=0.1)


def test_hands_are_quick_in_sentences_and_not_between() -> None:
    signing, resting = [], []
    for seed in range(5):
        motion, spans = streamed(seed=seed, pauses=(2.0, 6.0, 2.0))
        speed, times = leading_speed(motion), np.arange(len(motion.reach)) / 25
        inside = ((times[:, None] >= spans[:, 0]) & (times[:, None] <= spans[:, 1])).any(axis=1)
        away = (np.abs(times[:, None] - spans.ravel()) > 1.0).all(axis=1)
        signing.append(np.median(speed[inside]))
        resting.append(np.median(speed[~inside & away]))
    assert min(signing) > 2 * max(resting)


def test_one_that_never_signs_has_no_sentence() -> None:
    motion, spans = streamed((), (8.0,))
    assert spans.shape == (0, 2)
    assert len(motion.reach) == pytest.approx(8 * 25, abs=25)


def test_holds_make_a_sentence_longer() -> None:
    lengths = [np.diff(streamed((TWO * 3,), (1.0, 1.0), holds=holds)[1]).item() for holds in (0.0, 1.0)]
    assert lengths[1] > lengths[0] + 6 * 0.25


def test_the_same_chance_gives_the_same_motion() -> None:
    (first, spans), (second, again) = streamed(seed=3), streamed(seed=3)
    np.testing.assert_array_equal(spans, again)
    np.testing.assert_array_equal(first.reach, second.reach)
    other, _ = streamed(seed=4)
    assert first.reach.shape != other.reach.shape or (first.reach != other.reach).any()


def test_a_pause_for_each_gap_is_asked_for() -> None:
    with pytest.raises(ValueError, match="argument"):
        streamed(pauses=(1.0, 1.0))


@pytest.mark.parametrize("duration", [0.5, 3.0, 10.0])
def test_a_rest_lasts_as_long_as_asked_and_is_slower_than_signing(duration) -> None:
    motion = rest(SIGNER, duration, 25.0, generator(1, "rest"))
    assert len(motion.reach) / 25 == pytest.approx(max(duration, 0.5), abs=3.0)
    signed = perform(SIGNER, TWO, 25.0, generator(1, "signs"))
    assert leading_speed(motion).mean() < 0.5 * leading_speed(signed).mean()
    assert np.isfinite(pose_body(SIGNER.body, motion)[:, PARTS["left_hand"].start :]).all()
