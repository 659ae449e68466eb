"""The batched search against a plain one: one clip, no cache, no early stop, every candidate sorted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from made.decoding import greedy_decode, text_log_prob, total_log_prob
from signtalk.recognition.beam_search import DecodingOptions, DecodingResult, beam_search

SOS, EOS = 1, 2


@dataclass(frozen=True)
class PrefixState:
    """Clip key and tokens so far of each row: a state that caches nothing."""

    rows: tuple
    selected: list

    def select(self, rows):
        self.selected.append(np.asarray(rows).tolist())
        return PrefixState(tuple(self.rows[i] for i in rows), self.selected)


@dataclass
class PrefixDecoder:
    """Asks a function of (clip key, tokens so far); the key is the first number of the clip's memory."""

    probabilities: callable
    vocabulary_size: int
    sos_id: int = SOS
    eos_id: int = EOS
    num_steps: int = 0
    selected: list = field(default_factory=list)

    def start(self, memory, memory_valid):
        return PrefixState(tuple((int(key), ()) for key in memory[:, 0, 0]), self.selected)

    def step(self, tokens, state):
        assert tokens.dtype == np.int64
        assert tokens.shape == (len(state.rows),)
        self.num_steps += 1
        rows = tuple((key, (*prefix, int(token))) for (key, prefix), token in zip(state.rows, tokens, strict=True))
        log_probs = np.stack([self.probabilities(*row) for row in rows]).astype(np.float32)
        return log_probs, PrefixState(rows, state.selected)


def memory_of(keys):
    return np.array(keys, dtype=np.float32).reshape(-1, 1, 1), np.ones((len(keys), 1), dtype=bool)


def random_probabilities(seed, vocabulary_size, eos_bonus=0.0, steps_of_half=False):
    """A random language; `steps_of_half` makes log probabilities multiples of 0.5, so that many totals are equal."""

    def probabilities(key, prefix):
        logits = np.random.default_rng([seed, key, *prefix]).normal(scale=2.0, size=vocabulary_size)
        logits[EOS] += eos_bonus
        log_probs = logits - np.log(np.exp(logits).sum())
        return (np.floor(2 * log_probs) / 2 if steps_of_half else log_probs).astype(np.float32)

    return probabilities


def plain_beam_search(probabilities, key, options):
    divisor = lambda log_probs: ((5 + len(log_probs)) / 6) ** options.length_penalty  # noqa: E731
    opened, finished = [((), ())], []
    for length in range(1, options.max_tokens + 1):
        candidates = []
        for tokens, log_probs in opened:
            for token, log_prob in enumerate(probabilities(key, (SOS, *tokens)).tolist()):
                if token != SOS and not (token == EOS and length <= options.min_tokens) and log_prob > -np.inf:
                    candidates.append(((*tokens, token), (*log_probs, log_prob)))
        candidates = sorted(candidates, key=lambda c: -sum(c[1]))[: options.num_beams]
        opened = [c for c in candidates if c[0][-1] != EOS]
        for tokens, log_probs in candidates:
            if tokens[-1] == EOS:
                finished.append(DecodingResult(tokens[:-1], sum(log_probs) / divisor(log_probs), log_probs, True))
        finished = sorted(finished, key=lambda result: -result.score)[: options.num_beams]
    cut = [DecodingResult(tokens, sum(lps) / divisor(lps), lps, False) for tokens, lps in opened]
    return (finished + cut)[: options.num_beams]


def plain_greedy(probabilities, key, options):
    tokens, log_probs = [], []
    while len(log_probs) < options.max_tokens:
        row = np.array(probabilities(key, (SOS, *tokens)), dtype=float)
        row[SOS] = -np.inf
        if len(tokens) < options.min_tokens:
            row[EOS] = -np.inf
        best = int(row.argmax())
        log_probs.append(row[best])
        if best == EOS:
            return tuple(tokens), log_probs, True
        tokens.append(best)
    return tuple(tokens), log_probs, False


def assert_same(found, expected):
    assert [(r.tokens, r.finished) for r in found] == [(r.tokens, r.finished) for r in expected]
    np.testing.assert_allclose([r.score for r in found], [r.score for r in expected], rtol=0, atol=1e-4)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.token_log_probs, other.token_log_probs, rtol=0, atol=1e-4)


OPTIONS = st.builds(
    lambda num_beams, length_penalty, max_tokens, min_tokens: DecodingOptions(
        num_beams=num_beams,
        length_penalty=length_penalty,
        max_tokens=max_tokens,
        min_tokens=min(min_tokens, max_tokens - 1),
    ),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.8, 2.0]),
    st.integers(1, 7),
    st.integers(0, 3),
)


@settings(max_examples=150, deadline=None)
@given(
    options=OPTIONS,
    seed=st.integers(0, 1000),
    vocabulary_size=st.integers(4, 7),
    eos_bonus=st.sampled_from([-6.0, 0.0, 2.0, 8.0]),
    steps_of_half=st.booleans(),
    keys=st.lists(st.integers(0, 50), min_size=1, max_size=5),
)
def test_search_equals_the_plain_one(options, seed, vocabulary_size, eos_bonus, steps_of_half, keys):
    probabilities = random_probabilities(seed, vocabulary_size, eos_bonus, steps_of_half)
    found = beam_search(PrefixDecoder(probabilities, vocabulary_size), *memory_of(keys), options)
    assert len(found) == len(keys)
    for key, results in zip(keys, found, strict=True):
        assert_same(results, plain_beam_search(probabilities, key, options))


@settings(max_examples=60, deadline=None)
@given(options=OPTIONS, seed=st.integers(0, 1000), steps_of_half=st.booleans())
def test_one_beam_is_greedy(options, seed, steps_of_half):
    probabilities = random_probabilities(seed, 5, 1.0, steps_of_half)
    keys = [3, 1, 4]
    decoder = PrefixDecoder(probabilities, 5)
    greedy = greedy_decode(decoder, *memory_of(keys), options)
    one_beam = beam_search(decoder, *memory_of(keys), options.model_copy(update={"num_beams": 1}))
    assert one_beam == [[result] for result in greedy]
    for key, result in zip(keys, greedy, strict=True):
        tokens, log_probs, finished = plain_greedy(probabilities, key, options)
        assert (result.tokens, result.finished) == (tokens, finished)
        np.testing.assert_allclose(result.token_log_probs, log_probs, rtol=0, atol=1e-6)


def table_decoder(table, vocabulary_size):
    """Probabilities written out by prefix; what is not named is impossible."""

    def probabilities(key, prefix):
        row = np.full(vocabulary_size, -np.inf)
        for token, probability in table.get(prefix, {}).items():
            row[token] = np.log(probability)
        return row

    return PrefixDecoder(probabilities, vocabulary_size)


A, B, C = 3, 4, 5
GARDEN_PATH = {(SOS,): {A: 0.6, B: 0.4}, (SOS, A): {C: 0.5, B: 0.5}, (SOS, B): {EOS: 1.0}}
GARDEN_PATH |= {(SOS, A, C): {EOS: 1.0}, (SOS, A, B): {EOS: 1.0}}


def test_a_beam_finds_what_greed_misses_and_scores_it_as_written():
    options = DecodingOptions(num_beams=2, length_penalty=0.8, max_tokens=5)
    best, second = beam_search(table_decoder(GARDEN_PATH, 6), *memory_of([0]), options)[0]
    assert best.tokens == (B,)
    assert best.score == pytest.approx(np.log(0.4) / (7 / 6) ** 0.8, abs=1e-6)
    assert total_log_prob(best) == pytest.approx(np.log(0.4), abs=1e-6)
    assert best.token_log_probs == pytest.approx((np.log(0.4), 0.0), abs=1e-6)
    # Both go on with probability 0.3; the smaller id wins.
    assert second.tokens == (A, B)
    assert greedy_decode(table_decoder(GARDEN_PATH, 6), *memory_of([0]), options)[0].tokens == (A, B)


def test_the_length_penalty_prefers_longer_texts():
    table = {(SOS,): {EOS: 0.5, A: 0.5}, (SOS, A): {A: 1.0}, (SOS, A, A): {EOS: 0.9, A: 0.1}}
    table |= {(SOS, A, A, A): {EOS: 1.0}}
    for length_penalty, expected in ((0.0, ()), (2.0, (A, A))):
        options = DecodingOptions(num_beams=2, length_penalty=length_penalty, max_tokens=4)
        assert beam_search(table_decoder(table, 4), *memory_of([0]), options)[0][0].tokens == expected


def test_search_stops_as_soon_as_nothing_can_improve():
    at_once = {(SOS,): {EOS: 0.9, A: 0.1}}
    decoder = table_decoder(at_once, 4)
    options = DecodingOptions(num_beams=1, max_tokens=30)
    assert beam_search(decoder, *memory_of([0]), options)[0][0].tokens == ()
    assert decoder.num_steps == 1
    # After two steps two texts are finished, the worse with log(0.4) = -0.92. Still open is 0.012, which
    # can win by length alone: log(0.012) / (35 / 6) ** 0.8 = -1.08 says no, / (65 / 6) ** 0.8 = -0.66 says yes.
    table = {(SOS,): {A: 0.6, EOS: 0.4}, (SOS, A): {EOS: 0.98, A: 0.02}}
    for max_tokens, num_steps in ((30, 2), (60, 3)):
        decoder = table_decoder(table, 4)
        options = DecodingOptions(num_beams=2, length_penalty=0.8, max_tokens=max_tokens)
        results = beam_search(decoder, *memory_of([0]), options)[0]
        assert [result.tokens for result in results] == [(A,), ()]
        assert decoder.num_steps == num_steps


def test_finished_clips_leave_the_batch_and_greedy_copies_no_cache():
    def probabilities(key, prefix):
        row = np.full(4, -9.0)
        row[EOS if len(prefix) > key else A] = 0.0
        return row

    decoder = PrefixDecoder(probabilities, 4)
    results = greedy_decode(decoder, *memory_of([3, 1, 2]), DecodingOptions())
    assert [len(result.tokens) for result in results] == [3, 1, 2]
    assert decoder.num_steps == 4
    assert decoder.selected == [[0, 2], [0]]


def test_max_tokens_cuts_and_min_tokens_delays():
    endless = PrefixDecoder(lambda key, prefix: np.log([0.01, 0.01, 0.08, 0.9]), 4)
    (result,) = greedy_decode(endless, *memory_of([0]), DecodingOptions(max_tokens=3))
    assert (result.tokens, result.finished, len(result.token_log_probs)) == ((A, A, A), False, 3)
    silent = PrefixDecoder(lambda key, prefix: np.log([0.01, 0.02, 0.9, 0.07]), 4)
    (result,) = greedy_decode(silent, *memory_of([0]), DecodingOptions(max_tokens=3, min_tokens=2))
    assert (result.tokens, result.finished) == ((A, A), True)


def test_sos_is_never_said():
    (result,) = greedy_decode(
        PrefixDecoder(lambda key, prefix: np.log([0.01, 0.9, 0.05, 0.04]), 4), *memory_of([0]), DecodingOptions()
    )
    assert result.tokens == ()


def test_a_decoder_that_can_only_end_gives_an_empty_unfinished_answer():
    decoder = table_decoder({(SOS,): {EOS: 1.0}}, 4)
    results = beam_search(decoder, *memory_of([0]), DecodingOptions(min_tokens=1))
    assert results == [[DecodingResult(tokens=(), score=-np.inf, token_log_probs=(), finished=False)]]


def test_an_empty_batch_gives_no_answers():
    decoder = table_decoder({}, 4)
    assert beam_search(decoder, np.zeros((0, 1, 1), np.float32), np.zeros((0, 1), bool), DecodingOptions()) == []


def test_found_texts_score_what_the_search_said():
    decoder = PrefixDecoder(random_probabilities(5, 6, 1.0), 6)
    found = [r for r in beam_search(decoder, *memory_of([8]), DecodingOptions(max_tokens=9))[0] if r.finished]
    assert len(found) == 4
    scores = [text_log_prob(decoder, *memory_of([8]), result.tokens) for result in found]
    np.testing.assert_allclose(scores, [total_log_prob(result) for result in found], rtol=0, atol=1e-5)


def test_callers_mistakes_are_named():
    decoder = PrefixDecoder(random_probabilities(0, 4), 4)
    memory, valid = memory_of([0, 1])
    with pytest.raises(ValueError, match=r"expected \(B, T', M\)"):
        beam_search(decoder, memory[:, 0], valid, DecodingOptions())
    with pytest.raises(ValueError, match=r"memory_valid \(1, 1\)"):
        beam_search(decoder, memory, valid[:1], DecodingOptions())


def test_nan_is_refused():
    decoder = PrefixDecoder(lambda key, prefix: np.full(4, np.nan), 4)
    with pytest.raises(ValueError, match="NaN log probabilities"):
        greedy_decode(decoder, *memory_of([0]), DecodingOptions())


@pytest.mark.parametrize(
    "settings_", [{"num_beams": 0}, {"length_penalty": -0.1}, {"max_tokens": 2, "min_tokens": 2}, {"beams": 3}]
)
def test_impossible_options_are_refused(settings_):
    with pytest.raises(ValidationError):
        DecodingOptions(**settings_)
