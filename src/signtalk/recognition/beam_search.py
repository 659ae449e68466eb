"""From an encoder's memory to text: beam search over one small interface.

    memory (B, T', M) -> StepDecoder, one token at a time -> n-best token sequences with scores

The search never sees a network: a `StepDecoder` is a PyTorch decoder or an exported one in ONNX
Runtime. All clips and beams go through each step together, keys and values cached by the decoder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from signtalk.arrays import BoolArray, Float64Array, FloatArray, IntArray


class DecodingOptions(BaseModel, frozen=True, extra="forbid"):
    """How to search.

    Attributes:
        num_beams: sequences kept open a clip; 1 is greedy search.
        length_penalty: exponent of the length in the score (docs/contract.md 1.10); 0 compares plain log probabilities.
        max_tokens: most tokens of an answer, eos included; one cut there is not `finished`.
        min_tokens: fewest tokens before eos.
    """

    num_beams: int = Field(default=4, ge=1)
    length_penalty: float = Field(default=0.8, ge=0)
    max_tokens: int = Field(default=64, ge=1)
    min_tokens: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check(self) -> DecodingOptions:
        if self.min_tokens >= self.max_tokens:
            raise ValueError(f"min_tokens {self.min_tokens} leaves no room for eos within max_tokens {self.max_tokens}")
        return self


@dataclass(frozen=True)
class DecodingResult:
    """One decoded token sequence.

    Attributes:
        tokens: ids without sos and eos.
        score: total log probability / ((5 + n) / 6) ** length_penalty, n counting eos; higher is better.
        token_log_probs: natural logarithm of each token's probability, eos last when finished.
        finished: True if it ended with eos, False if `max_tokens` cut it.
    """

    tokens: tuple[int, ...]
    score: float
    token_log_probs: tuple[float, ...]
    finished: bool


class DecoderState(Protocol):
    """What a decoder remembers between steps, one row a sequence; never changed in place."""

    def select(self, rows: npt.NDArray[np.integer]) -> DecoderState:
        """The state of `rows` (B',) in their order, repeats allowed."""
        ...


class StepDecoder(Protocol):
    """A text decoder that is asked one token at a time; each takes the states that it gave itself."""

    @property
    def sos_id(self) -> int:
        """Id that every sequence starts with."""
        ...

    @property
    def eos_id(self) -> int:
        """Id that every sequence ends with."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids V."""
        ...

    def start(self, memory: FloatArray, memory_valid: BoolArray) -> DecoderState:
        """The state before the first token: memory (B, T', M) float32, memory_valid (B, T') True = real frame."""
        ...

    def step(self, tokens: IntArray, state: Any) -> tuple[FloatArray, DecoderState]:
        """Add one token a row, (B,) int64; gives (B, V) float32 log probabilities of the next, and the new state."""
        ...


_NOTHING = DecodingResult(tokens=(), score=-np.inf, token_log_probs=(), finished=False)
"""The answer where `min_tokens` forbids all that the decoder holds possible."""


@dataclass(frozen=True, eq=False)
class _Beams:
    """The open sequences of the clips that are still searched; A clips, w sequences each, n tokens.

    Attributes:
        clips: (A,) which clip of the batch.
        tokens: (A, w, n) ids, eos included.
        log_probs: (A, w, n) of each token.
        totals: (A, w) their sums; -inf marks a place that holds no open sequence. float64, so that
            long sums do not depend on the order of the batch.
    """

    clips: IntArray
    tokens: IntArray
    log_probs: Float64Array
    totals: Float64Array

    def of_clips(self, keep: BoolArray) -> _Beams:
        """The beams of some clips alone."""
        return _Beams(self.clips[keep], self.tokens[keep], self.log_probs[keep], self.totals[keep])


def beam_search(
    decoder: StepDecoder, memory: FloatArray, memory_valid: BoolArray, options: DecodingOptions
) -> list[list[DecodingResult]]:
    """The best answers that a beam search finds for each clip.

    At each step the `num_beams` most probable continuations of a clip's open sequences are kept; those
    that end with eos are finished. Equal ones go by the older sequence's rank, then by token id. A clip
    is done when none of its open sequences can still beat the worst of `num_beams` finished ones.

    Args:
        decoder: what gives the probabilities.
        memory: (B, T', M) float32.
        memory_valid: (B, T') bool, True = real frame.
        options: width, length penalty and bounds.

    Returns:
        For each clip at most `num_beams` and at least one result: finished ones by falling score, then,
        where too few finished within `max_tokens`, unfinished ones by falling score.

    Raises:
        ValueError: shapes that do not fit, or a decoder that gives NaN.
    """
    _check_memory(memory, memory_valid)
    num_clips = len(memory)
    if not num_clips:
        return []
    pools: list[list[DecodingResult]] = [[] for _ in range(num_clips)]
    beams = _Beams(
        clips=np.arange(num_clips, dtype=np.int64),
        tokens=np.full((num_clips, 1, 0), decoder.sos_id, dtype=np.int64),
        log_probs=np.zeros((num_clips, 1, 0)),
        totals=np.zeros((num_clips, 1)),
    )
    state = decoder.start(memory, memory_valid)
    last = np.full(num_clips, decoder.sos_id, dtype=np.int64)
    for length in range(1, options.max_tokens + 1):
        log_probs, state = decoder.step(last, state)
        allowed = _allowed(log_probs, decoder, may_end=length > options.min_tokens)
        beams, parents = _expand(beams, allowed, options.num_beams)
        beams = _finish(beams, pools, decoder.eos_id, options)
        searching = ~_done(beams, pools, options)
        beams, parents = beams.of_clips(searching), parents[searching]
        if not len(beams.clips):
            break
        rows = parents.ravel()
        # Sequences that all stay in their place need no copy of the caches, as in greedy search.
        state = state if np.array_equal(rows, np.arange(len(log_probs))) else state.select(rows)
        last = beams.tokens[:, :, -1].ravel()
    _add_unfinished(beams, pools, options)
    return [pool or [_NOTHING] for pool in pools]


def _check_memory(memory: FloatArray, memory_valid: BoolArray) -> None:
    if memory.ndim != 3 or memory_valid.shape != memory.shape[:2]:
        raise ValueError(
            f"memory of shape {memory.shape} and memory_valid {memory_valid.shape}; expected (B, T', M) and (B, T')"
        )


def _checked(log_probs: FloatArray) -> FloatArray:
    if np.isnan(log_probs).any():
        raise ValueError("the decoder gave NaN log probabilities; check that memory and weights are finite")
    return log_probs


def _allowed(log_probs: FloatArray, decoder: StepDecoder, *, may_end: bool) -> Float64Array:
    """(B, V) float64 log probabilities with -inf for sos, which no text holds, and for eos while it may not end."""
    allowed = _checked(log_probs).astype(np.float64)
    allowed[:, decoder.sos_id] = -np.inf
    if not may_end:
        allowed[:, decoder.eos_id] = -np.inf
    return allowed


def _expand(beams: _Beams, log_probs: Float64Array, num_beams: int) -> tuple[_Beams, IntArray]:
    """The best continuations of every clip.

    Returns:
        Beams of one more token, in falling order of their totals, at most `num_beams` a clip; and
        (A, w) the row of the decoder's state that each of them continues.
    """
    num_clips, width = beams.totals.shape
    vocabulary_size = log_probs.shape[1]
    totals = (beams.totals.ravel()[:, None] + log_probs).reshape(num_clips, width * vocabulary_size)
    best = _top(totals, num_beams)
    clip = np.arange(num_clips)[:, None]
    parent, token = np.divmod(best, vocabulary_size)
    rows = clip * width + parent
    grown = _Beams(
        clips=beams.clips,
        tokens=np.concatenate([beams.tokens[clip, parent], token[..., None]], axis=-1),
        log_probs=np.concatenate([beams.log_probs[clip, parent], log_probs[rows, token][..., None]], axis=-1),
        totals=totals[clip, best],
    )
    return grown, rows


def _top(scores: Float64Array, count: int) -> IntArray:
    """(R, min(count, N)) positions of the largest of (R, N) scores, falling, equal ones by position."""
    num_rows, num_scores = scores.shape
    if num_scores <= count:
        return np.argsort(-scores, axis=1, kind="stable")
    # A full stable sort costs ten times the search itself; a partition finds the smallest score that
    # is needed, and only what reaches it (a few more when scores are equal) is sorted.
    threshold = np.partition(scores, num_scores - count, axis=1)[:, num_scores - count, None]
    row, position = np.nonzero(scores >= threshold)
    order = np.lexsort((position, -scores[row, position], row))
    first = np.searchsorted(row, np.arange(num_rows))
    best: IntArray = position[order][first[:, None] + np.arange(count)]
    return best


def _length_divisor(num_tokens: int, length_penalty: float) -> float:
    """What a total log probability is divided by (docs/contract.md 1.10, after Wu et al. 2016, equation 14)."""
    return float(((5 + num_tokens) / 6) ** length_penalty)


def _result(beams: _Beams, place: tuple[int, int], options: DecodingOptions, *, finished: bool) -> DecodingResult:
    tokens, log_probs = beams.tokens[place].tolist(), beams.log_probs[place].tolist()
    return DecodingResult(
        tokens=tuple(tokens[:-1] if finished else tokens),
        score=float(beams.totals[place]) / _length_divisor(len(tokens), options.length_penalty),
        token_log_probs=tuple(log_probs),
        finished=finished,
    )


def _finish(beams: _Beams, pools: list[list[DecodingResult]], eos_id: int, options: DecodingOptions) -> _Beams:
    """Move the sequences that ended into their clip's pool of the best; the beams without them."""
    ended = (beams.tokens[:, :, -1] == eos_id) & np.isfinite(beams.totals)
    for a, k in zip(*np.nonzero(ended), strict=True):
        pool = pools[beams.clips[a]]
        pool.append(_result(beams, (a, k), options, finished=True))
        # The sort is stable: of equal scores the earlier one stays, the shorter one.
        pool.sort(key=lambda result: -result.score)
        del pool[options.num_beams :]
    return replace(beams, totals=np.where(ended, -np.inf, beams.totals))


def _done(beams: _Beams, pools: list[list[DecodingResult]], options: DecodingOptions) -> BoolArray:
    """(A,) True where going on cannot change the finished results.

    Let an open sequence have total t <= 0 after n tokens. Every later token adds a log probability
    <= 0, so what it grows into has a total t' <= t, and a length n' with n < n' <= max_tokens. The
    divisor d(n) grows with n as length_penalty >= 0, and t <= 0, hence t' / d(n') <= t / d(n') <=
    t / d(max_tokens). If that bound of the best open sequence is not above the worst of `num_beams`
    finished scores, none of them can enter the pool, where the older one stays when scores are equal.
    Sums and quotients of floats are monotone too, so that rounding does not break the argument.
    """
    bound = beams.totals.max(axis=1) / _length_divisor(options.max_tokens, options.length_penalty)
    full = np.array([len(pools[clip]) == options.num_beams for clip in beams.clips], dtype=bool)
    worst = np.array([pools[clip][-1].score if pools[clip] else -np.inf for clip in beams.clips])
    done: BoolArray = np.isneginf(bound) | (full & (bound <= worst))
    return done


def _add_unfinished(beams: _Beams, pools: list[list[DecodingResult]], options: DecodingOptions) -> None:
    """Fill up pools with what `max_tokens` cut, best first; the beams are in that order already."""
    for a, clip in enumerate(beams.clips):
        missing = options.num_beams - len(pools[clip])
        open_places = np.flatnonzero(np.isfinite(beams.totals[a]))[:missing]
        pools[clip].extend(_result(beams, (a, int(k)), options, finished=False) for k in open_places)
