"""Fits a segmenter on streams whose sentences are known: the activity model, then the thresholds of the hysteresis.

streams of training signers --fit_segmenter--> SegmenterSettings
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array
from signtalk.errors import DataError
from signtalk.segmentation.activity import FEATURE_NAMES, HIGHER_Y, ActivityModel, clip_features, probabilities
from signtalk.segmentation.metrics import SegmentScores, Spans, pooled, score_spans
from signtalk.segmentation.segmenter import Change, Hysteresis, SegmenterConfig, SegmenterSettings, spans_of
from signtalk.segmentation.streams import LabelledStream

HIDDEN_UNITS = 24
_NETWORKS = 2
"""Fitted from different starts and averaged: together they are one network of twice as many units."""
LABEL_DELAY_S = 0.12
"""The model is asked about this long ago: a movement can be told only once it has begun. `start_shift_s` and
`end_shift_s` give it back."""
_UNSURE_S = 0.1
"""Frames this near to a boundary teach nothing: nobody could say to which side they belong."""
_L2 = 4e-4
_ITERATIONS = 400
_MIN_SENTENCES = 20
_FALSE_PER_HOUR = 200.0
"""So many false sentences an hour of rest are as bad as every boundary off by more than a quarter of a second."""
_ENOUGH_FPS = 12.0
"""Neighbouring frames of a faster stream are so alike that the network need not read them all."""
_SHORTEST_PIECE_S = 1.0
_CHOICES: dict[str, tuple[float, ...]] = {
    "start_threshold": (0.5, 0.6, 0.7, 0.8, 0.9),
    "stop_threshold": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    "hold_s": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    "confirm_s": (0.1, 0.2, 0.3, 0.4),
    "rise_threshold": (0.05, 0.1, 0.2, 0.3, 0.4, 0.5),
    "lookback_s": (0.3, 0.6, 1.0, 1.5, 2.0),
    "shortest_s": (0.3, 0.4, 0.6, 0.8),
    "least_mean": (0.0, 0.5, 0.6, 0.7, 0.8),
}
_ROUNDS = 2
_KEPT = 0.995
"""Part of the sentences that are found and that stay when the lowest hands are taken for rest."""
_BELLY = 1.2
"""Shoulder widths below the shoulders: so low hands are heard even if nobody in the fit signs there."""
_Floats = npt.NDArray[np.floating]
_ALIKE: Mapping[str, float] = MappingProxyType({})
"""Shares of sources that count the same."""


@dataclass(frozen=True)
class SegmenterFit:
    """Fitted settings, and what they reach on the streams of the fit."""

    settings: SegmenterSettings
    scores: SegmentScores


@dataclass(frozen=True, eq=False)
class StreamLesson:
    """What a fit needs of a stream; the landmarks are not kept.

    Attributes:
        source: where it comes from; all sources count the same, however many streams each has.
        times: (T,) seconds.
        features: (T, 16) of each frame.
        spans: (S, 2) seconds of its sentences.
        duration_s: of the stream.
    """

    source: str
    times: npt.NDArray[np.float64]
    features: Float64Array
    spans: Spans
    duration_s: float


@dataclass(frozen=True, eq=False)
class Watched:
    """A stream after the model has watched it.

    Attributes:
        lesson: what is known of it.
        probabilities: (T,) of signing.
    """

    lesson: StreamLesson
    probabilities: Float64Array


def lesson_of(stream: LabelledStream, source: str = "") -> StreamLesson:
    """What a fit needs of a stream."""
    clip = stream.clip
    return StreamLesson(source, clip.timestamps_s, clip_features(clip), stream.spans, clip.duration_s)


def fit_segmenter(
    streams: Sequence[LabelledStream], fitted_by: str, progress: Callable[[int, int], None] | None = None
) -> SegmenterFit:
    """Fit model and thresholds on the same streams; measure them on other people's.

    Args:
        streams: of the training signers.
        fitted_by: what is written into the settings about their origin.
        progress: called with (streams read, streams in all).

    Raises:
        DataError: there are fewer than 20 sentences.
    """
    lessons = []
    for done, stream in enumerate(streams, 1):
        lessons.append(lesson_of(stream))
        if progress is not None:
            progress(done, len(streams))
    return fit_lessons(lessons, fitted_by)


def fit_lessons(lessons: Sequence[StreamLesson], fitted_by: str, shares: Mapping[str, float] = _ALIKE) -> SegmenterFit:
    """As `fit_segmenter`, of streams from one source or several.

    Args:
        lessons: of the training signers.
        fitted_by: what is written into the settings about their origin.
        shares: how much each source counts beside the others; 1.0 where nothing is told.

    Raises:
        DataError: there are fewer than 20 sentences.
    """
    num_sentences = sum(len(lesson.spans) for lesson in lessons)
    if num_sentences < _MIN_SENTENCES:
        raise DataError(f"{num_sentences} sentences to fit a segmenter on; expected {_MIN_SENTENCES} or more")
    model = fit_model(lessons, shares)
    watched = [Watched(lesson, probabilities(model, lesson.features)) for lesson in lessons]
    config, scores = fit_config(watched, shares)
    settings = SegmenterSettings(model=model, config=config, signing_mean=signing_mean(watched), fitted_by=fitted_by)
    return SegmenterFit(settings, scores)


def measure_segmenter(streams: Sequence[LabelledStream], settings: SegmenterSettings) -> SegmentScores:
    """Push every stream frame by frame through a `Segmenter`, as a camera would, and compare with what is known."""
    scores = []
    for stream in streams:
        spans = np.array([(span.start_s, span.end_s) for span in spans_of(stream.clip, settings)])
        scores.append(score_spans(spans.reshape(-1, 2), stream.spans, stream.clip.duration_s))
    return pooled(scores)


def signing_mean(watched: Sequence[Watched]) -> float:
    """Mean probability that tells the sentences from the rests between them, and keeps 99% of the sentences."""
    pieces: list[tuple[bool, float, float]] = []  # signing or rest, seconds, mean probability
    for each in watched:
        times, spans = each.lesson.times, each.lesson.spans
        bounds = np.concatenate([[times[0]], spans.ravel(), [times[-1]]])
        for number, (start, end) in enumerate(itertools.pairwise(bounds)):
            inside = (times >= start) & (times <= end)
            if inside.any():
                pieces.append((number % 2 == 1, end - start, float(each.probabilities[inside].mean())))
    signing, resting = _means(pieces, True), _means(pieces, False)
    between = np.unique(np.concatenate([signing, resting]))
    separation = [np.mean(signing >= x) - np.mean(resting >= x) for x in between]
    return round(min(float(between[int(np.argmax(separation))]), float(np.percentile(signing, 1))), 3)


def _means(pieces: Sequence[tuple[bool, float, float]], signing: bool) -> Float64Array:
    """Of the pieces of one kind that last a second; of all of them where none does, as with clips of single words."""
    of_kind = [(seconds, mean) for is_signing, seconds, mean in pieces if is_signing == signing]
    long = [mean for seconds, mean in of_kind if seconds >= _SHORTEST_PIECE_S]
    return np.array(long or [mean for _, mean in of_kind])


def frame_labels(lesson: StreamLesson) -> tuple[BoolArray, Float64Array]:
    """(T,) whether somebody signed LABEL_DELAY_S before each frame, and how much the frame counts, in seconds."""
    times = lesson.times - LABEL_DELAY_S
    inside = ((times[:, None] >= lesson.spans[:, 0]) & (times[:, None] <= lesson.spans[:, 1])).any(axis=1)
    weight = np.minimum(np.diff(times, prepend=times[0] - lesson.duration_s / len(times)), 0.5)
    if len(lesson.spans):
        away = np.abs(times[:, None] - lesson.spans.ravel()).min(axis=1)
        weight = np.where(away < _UNSURE_S, 0.0, weight)
    return np.asarray(inside), weight


def fit_model(lessons: Sequence[StreamLesson], shares: Mapping[str, float] = _ALIKE, seed: int = 0) -> ActivityModel:
    """Weights by logistic loss with a small L2 term; L-BFGS from a random start for each network.

    Signing and rest count the same in each source. Single precision is enough for the rows, and much quicker.

    Args:
        lessons: streams with known sentences.
        shares: how much each source counts beside the others; 1.0 where nothing is told.
        seed: of the first start.
    """
    from scipy.optimize import minimize  # an extra's dependency: serving does not need it

    rows, labels, weights = _frames(lessons, shares)
    mean, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-3)
    inputs = np.clip((rows - mean) / spread, -4, 4).astype(np.float32)
    known = (inputs, np.where(labels, 1, -1).astype(np.float32), weights.astype(np.float32))
    networks = []
    for number in range(_NETWORKS):
        start = np.random.default_rng(seed + number).normal(0, 0.3, HIDDEN_UNITS * (len(FEATURE_NAMES) + 2) + 1)
        options = {"maxiter": _ITERATIONS}
        networks.append(_unpacked(minimize(loss, start, known, jac=True, method="L-BFGS-B", options=options).x))
    hidden, bias, output, last = zip(*networks, strict=True)
    return ActivityModel(
        mean=tuple(np.round(mean, 5).tolist()),
        spread=tuple(np.round(spread, 5).tolist()),
        hidden=tuple(tuple(row) for row in np.concatenate(hidden).round(5).tolist()),
        hidden_bias=tuple(np.concatenate(bias).round(5).tolist()),
        output=tuple((np.concatenate(output) / _NETWORKS).round(5).tolist()),
        output_bias=round(float(np.mean(last)), 5),
    )


def _frames(
    lessons: Sequence[StreamLesson], shares: Mapping[str, float]
) -> tuple[Float64Array, BoolArray, Float64Array]:
    """(N, 16) features of the frames that are read, (N,) whether they are signing, (N,) how much they count."""
    rows, labels, weights, sources = [], [], [], []
    for lesson in lessons:
        step = max(1, round(len(lesson.times) / lesson.duration_s / _ENOUGH_FPS))
        signing, seconds = frame_labels(lesson)
        rows.append(lesson.features[::step])
        labels.append(signing[::step])
        weights.append(seconds[::step] * step)
        sources.append(np.full(len(rows[-1]), lesson.source))
    label, weight, source = np.concatenate(labels), np.concatenate(weights), np.concatenate(sources)
    names = np.unique(source)
    total = sum(shares.get(name, 1.0) for name in names)
    for side, name in itertools.product((label, ~label), names):
        part = side & (source == name)
        weight[part] *= 0.5 * shares.get(name, 1.0) / total / max(float(weight[part].sum()), 1e-9)
    return np.concatenate(rows), label, weight


def loss(flat: Float64Array, inputs: _Floats, sign: _Floats, weights: _Floats) -> tuple[float, Float64Array]:
    """Logistic loss with the L2 term, and its gradient.

    Args:
        flat: (H x 16 + 2 H + 1,) hidden weights, hidden biases, output weights, output bias.
        inputs: (T, 16) standardised features; all is computed in their precision.
        sign: (T,) 1.0 where somebody signs, -1.0 elsewhere.
        weights: (T,) how much each frame counts.
    """
    *parts_of, last = _unpacked(flat)
    hidden, bias, output = (part.astype(inputs.dtype) for part in parts_of)
    active = inputs @ hidden.T
    active += bias
    np.tanh(active, out=active)
    margin = sign * (active @ output + inputs.dtype.type(last))
    slope = -sign * weights / (1 + np.exp(np.clip(margin, -60, 60)))
    value = float((weights * np.logaddexp(0, -margin)).sum(dtype=np.float64) + _L2 * (flat[:-1] ** 2).sum() / 2)
    to_output = active.T @ slope
    back = (1 - active * active) * slope[:, None] * output
    parts = (back.T @ inputs, back.sum(axis=0), to_output, slope.sum(keepdims=True, dtype=np.float64))
    gradient = np.concatenate([part.ravel().astype(np.float64) for part in parts])
    gradient[:-1] += _L2 * flat[:-1]
    return value, gradient


def _unpacked(flat: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array, float]:
    size, units = len(FEATURE_NAMES), HIDDEN_UNITS
    hidden = flat[: units * size].reshape(units, size)
    return hidden, flat[units * size : units * (size + 1)], flat[units * (size + 1) : -1], float(flat[-1])


def fit_config(
    watched: Sequence[Watched], shares: Mapping[str, float] = _ALIKE
) -> tuple[SegmenterConfig, SegmentScores]:
    """The hysteresis with the best boundaries: one setting after the other, then the shifts, twice round.

    Last comes the lowest hand, which a search for boundaries would not find: few streams of a fit have hands so low.
    """
    best = SegmenterConfig(start_shift_s=LABEL_DELAY_S, end_shift_s=LABEL_DELAY_S)
    best_value = _value(watched, best, shares)
    for _ in range(_ROUNDS):
        for name, choices in _CHOICES.items():
            for choice in choices:
                values = best.model_dump() | {name: choice}
                if max(values["stop_threshold"], values["rise_threshold"]) > values["start_threshold"]:
                    continue
                config = SegmenterConfig.model_validate(values)
                value = _value(watched, config, shares)
                if value > best_value + 1e-9:
                    best, best_value = config, value
        best = _centred(watched, best)
        best_value = _value(watched, best, shares)
    best = best.model_copy(update={"lowest_hand": _lowest_hand(watched, best, shares)})
    return best, pooled(_scores(watched, best))


def _value(watched: Sequence[Watched], config: SegmenterConfig, shares: Mapping[str, float]) -> float:
    """What the fit maximises: boundaries within a quarter and half a second, whole sentences, few false ones."""
    scores, values = _scores(watched, config), []
    sources = sorted({each.lesson.source for each in watched})
    for source in sources:
        own = pooled([score for score, each in zip(scores, watched, strict=True) if each.lesson.source == source])
        right = own.boundary_f1(0.25) + own.boundary_f1(0.5) + own.found_share if own.num_true else 0.0
        values.append(right - own.false_per_hour / _FALSE_PER_HOUR)
    return float(np.average(values, weights=[shares.get(source, 1.0) for source in sources]))


def _centred(watched: Sequence[Watched], config: SegmenterConfig) -> SegmenterConfig:
    """With shifts that bring the median error of each side's boundaries within a second to zero."""
    errors: tuple[list[float], list[float]] = ([], [])
    for each in watched:
        spans = _spans(each, config)
        for side in (0, 1):
            for true in each.lesson.spans[:, side]:
                if len(spans):
                    error = float((spans[:, side] - true)[np.abs(spans[:, side] - true).argmin()])
                    errors[side].extend([error] if abs(error) <= 1.0 else [])
    moved = [float(np.median(side)) if side else 0.0 for side in errors]
    shifts = {"start_shift_s": config.start_shift_s + moved[0], "end_shift_s": config.end_shift_s + moved[1]}
    return config.model_copy(update={name: round(min(max(value, -1.0), 1.0), 3) for name, value in shifts.items()})


def _lowest_hand(watched: Sequence[Watched], config: SegmenterConfig, shares: Mapping[str, float]) -> float:
    """Shoulder widths below the shoulders that keep so many of the sentences that are found, each source by share."""
    found: dict[str, list[float]] = {}
    for each in watched:
        starts, ends = each.lesson.spans.T
        right = [c.below for c in _found(each, config) if ((c.start_s < ends) & (starts < c.end_s)).any()]
        found.setdefault(each.lesson.source, []).extend(right)
    heights = np.array([height for own in found.values() for height in own])
    if not len(heights):
        return config.lowest_hand
    parts = [np.full(len(own), shares.get(source, 1.0) / max(len(own), 1)) for source, own in found.items()]
    order = np.argsort(heights)
    kept = np.cumsum(np.concatenate(parts)[order])
    lowest = float(heights[order][int(np.searchsorted(kept, _KEPT * kept[-1]))])
    return math.ceil(1000 * max(lowest, _BELLY)) / 1000  # rounded down it would not keep itself


def _found(watched: Watched, config: SegmenterConfig) -> list[Change]:
    """The sentences that the hysteresis finds."""
    hysteresis = Hysteresis(config)
    frames = zip(
        watched.probabilities.tolist(),
        watched.lesson.times.tolist(),
        watched.lesson.features[:, HIGHER_Y].tolist(),
        strict=True,
    )
    changes = [change for frame in frames for change in hysteresis.push(*frame)]
    return [change for change in [*changes, *hysteresis.finish()] if change.kind == "end"]


def _spans(watched: Watched, config: SegmenterConfig) -> npt.NDArray[np.float64]:
    """(S, 2) seconds that the hysteresis finds."""
    found = [(each.start_s, each.end_s) for each in _found(watched, config)]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _scores(watched: Sequence[Watched], config: SegmenterConfig) -> list[SegmentScores]:
    return [score_spans(_spans(each, config), each.lesson.spans, each.lesson.duration_s) for each in watched]
