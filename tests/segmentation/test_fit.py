"""The fit of a segmenter: gradient against differences, labels by hand, thresholds on probabilities that are known."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from made.clips import made_clip, resting
from signtalk.errors import DataError
from signtalk.landmarks.clip import LandmarkClip
from signtalk.segmentation.activity import FEATURE_NAMES, HIGHER_Y, clip_features, probabilities
from signtalk.segmentation.fit import (
    HIDDEN_UNITS,
    LABEL_DELAY_S,
    StreamLesson,
    Watched,
    fit_config,
    fit_lessons,
    fit_model,
    fit_segmenter,
    frame_labels,
    lesson_of,
    loss,
    measure_segmenter,
    signing_mean,
)
from signtalk.segmentation.segmenter import SegmenterConfig
from signtalk.segmentation.streams import LabelledStream, StreamPlan, make_stream

SIZE = len(FEATURE_NAMES)


def empty_stream(spans, num_frames=400, fps=20.0):
    """A stream of which only times and sentences matter."""
    way = resting(num_frames, "right")
    return LabelledStream(made_clip(way, way, fps, hands=False), np.array(spans, dtype=np.float64).reshape(-1, 2), "x")


def lesson(spans, num_frames=400, features=None, source=""):
    """What a fit reads of such a stream."""
    clip = empty_stream(spans, num_frames).clip
    rows = np.zeros((num_frames, SIZE)) if features is None else features
    return StreamLesson(
        source, clip.timestamps_s, rows, np.array(spans, dtype=np.float64).reshape(-1, 2), clip.duration_s
    )


def known(spans, late=LABEL_DELAY_S, num_frames=400, source=""):
    """Probabilities that are right, but late."""
    of_stream = lesson(spans, num_frames, source=source)
    times = of_stream.times - late
    inside = ((times[:, None] >= of_stream.spans[:, 0]) & (times[:, None] <= of_stream.spans[:, 1])).any(axis=1)
    return Watched(of_stream, np.where(inside, 0.95, 0.02))


def test_the_gradient_equals_differences() -> None:
    rng = np.random.default_rng(0)
    inputs, sign = rng.normal(0, 1, (30, SIZE)), rng.choice([-1.0, 1.0], 30)
    weights, flat = rng.uniform(0, 0.1, 30), rng.normal(0, 0.3, HIDDEN_UNITS * (SIZE + 2) + 1)
    _, gradient = loss(flat, inputs, sign, weights)
    by_differences = approx_fprime(flat, lambda at: loss(at, inputs, sign, weights)[0], 1e-7)
    np.testing.assert_allclose(gradient, by_differences, atol=1e-5)


def test_labels_are_late_and_unsure_near_a_boundary() -> None:
    of_stream = lesson([(2.0, 4.0), (8.0, 9.0)])
    labels, weights = frame_labels(of_stream)
    for i, time in enumerate(of_stream.times.tolist()):
        then = time - LABEL_DELAY_S
        assert labels[i] == (2 <= then <= 4 or 8 <= then <= 9)
        near = min(abs(then - boundary) for boundary in (2, 4, 8, 9)) < 0.1
        assert weights[i] == pytest.approx(0.0 if near else 0.05)


def test_frames_after_a_gap_count_half_a_second_at_most() -> None:
    stream = empty_stream([], num_frames=4)
    clip = LandmarkClip(stream.clip.landmarks, stream.clip.visibility, np.array([0, 0.1, 5.0, 5.1]))
    labels, weights = frame_labels(lesson_of(LabelledStream(clip, stream.spans, "x")))
    assert not labels.any()
    assert weights[1:] == pytest.approx([0.1, 0.5, 0.1])


def test_a_model_learns_what_can_be_told() -> None:
    spans = [(2.0, 4.0), (8.0, 12.0)]
    labels, _ = frame_labels(lesson(spans))
    features = np.random.default_rng(0).normal(0, 1, (400, SIZE))
    features[:, 3] += 6 * labels
    lessons = [lesson(spans, features=features)]
    model = fit_model(lessons)
    signing = probabilities(model, features) >= 0.5
    assert (signing == labels).mean() > 0.97
    assert model == fit_model(lessons)


def test_a_source_of_few_streams_counts_as_much_as_one_of_many() -> None:
    spans = [(2.0, 4.0), (8.0, 12.0)]
    rng = np.random.default_rng(0)
    labels, _ = frame_labels(lesson(spans))

    def telling(column, source):
        features = rng.normal(0, 1, (400, SIZE))
        features[:, column] += 3 * labels
        return lesson(spans, features=features, source=source)

    few, many = telling(3, "few"), [telling(5, "many") for _ in range(12)]
    alone = [replace(each, source="") for each in (few, *many)]

    def right(lessons):
        return float(((probabilities(fit_model(lessons), few.features) >= 0.5) == labels).mean())

    assert right([few, *many]) > right(alone) + 0.02


def test_thresholds_are_chosen_for_each_source_alike() -> None:
    usual = [known([(2.0, 4.0), (7.0, 9.5), (13.0, 17.0)], source="usual") for _ in range(6)]
    faint = known([(3.0, 6.0), (9.0, 12.0)], source="faint")
    faint = replace(faint, probabilities=np.where(faint.probabilities > 0.5, 0.55, 0.02))
    config, scores = fit_config([*usual, faint])
    assert config.start_threshold <= 0.55
    assert scores.found_share == 1.0


def test_thresholds_give_back_the_delay_and_find_every_boundary() -> None:
    spans = [[(2.0, 4.0), (7.0, 9.5), (13.0, 17.0)], [(1.0, 3.0), (5.0, 6.5)]]
    config, scores = fit_config([known(each) for each in spans])
    assert scores.boundary_f1(0.25) == 1.0
    assert config.start_shift_s == pytest.approx(LABEL_DELAY_S, abs=0.06)  # a frame lasts 0.05 s
    assert config.end_shift_s == pytest.approx(LABEL_DELAY_S, abs=0.06)


def test_flickers_are_learned_to_be_none() -> None:
    watched = known([(2.0, 5.0), (8.0, 12.0)])
    flickering = watched.probabilities.copy()
    flickering[320:324] = 0.95  # 0.2 s, of no sentence
    flickering[60:64] = 0.02  # 0.2 s within one
    _, scores = fit_config([replace(watched, probabilities=flickering)])
    assert (scores.num_found, scores.false, scores.boundary_f1(0.25)) == (2, 0, 1.0)


def test_the_lowest_hand_is_that_of_nearly_all_sentences_found() -> None:
    def at(height, source, num_streams=1):
        watched = known([(2.0, 4.0), (7.0, 9.5)], source=source)
        features = watched.lesson.features.copy()
        features[:, HIGHER_Y] = height
        return [replace(watched, lesson=replace(watched.lesson, features=features))] * num_streams

    assert fit_config(at(1.7, "low"))[0].lowest_hand == pytest.approx(1.7, abs=0.002)
    assert fit_config(at(0.1, "high"))[0].lowest_hand == 1.2  # who signs high may sign lower another day
    sources = [*at(1.3, "low", 10), *at(0.1, "high", 2)]
    assert fit_config(sources)[0].lowest_hand == pytest.approx(1.3, abs=0.002)
    assert fit_config(sources, {"low": 0.001})[0].lowest_hand == 1.2
    assert fit_config([*at(0.1, "high"), *at(1.7, "low")])[1].found_share == 1.0


def test_the_mean_of_signing_lies_between_rest_and_signing() -> None:
    watched = [known([(2.0, 4.0), (7.0, 9.5)]), known([(3.0, 6.0)])]
    assert 0.02 < signing_mean(watched) < 0.95


def test_sentences_under_a_second_have_a_mean_of_signing_too() -> None:
    assert 0.02 < signing_mean([known([(2.0, 2.8), (7.0, 7.9)])]) < 0.95


def test_shifts_stay_what_a_settings_file_may_hold() -> None:
    late = known([(3.0, 5.0), (9.0, 11.0), (15.0, 17.0)], late=1.08)
    config, _ = fit_config([late])
    assert SegmenterConfig.model_validate(config.model_dump()) == config


def test_too_few_sentences_are_refused() -> None:
    with pytest.raises(DataError, match="2 sentences to fit a segmenter on; expected 20 or more"):
        fit_segmenter([empty_stream([(2.0, 4.0), (7.0, 9.0)])], "test")


def test_a_fit_of_lessons_is_the_fit_of_their_streams() -> None:
    streams = [make_stream(seed, seed, StreamPlan(num_sentences=5, fps=8.0)) for seed in range(4)]
    fit = fit_lessons([lesson_of(stream, "a") for stream in streams], "a test")
    assert fit.settings == fit_segmenter(streams, "a test").settings


@pytest.mark.slow
def test_a_small_fit_finds_other_peoples_sentences() -> None:
    plan = StreamPlan(num_sentences=4, fps=12.0)
    reports = []
    fit = fit_segmenter(
        [make_stream(seed, seed, plan) for seed in range(6)],
        "a test",
        lambda done, total: reports.append((done, total)),
    )
    assert reports == [(done, 6) for done in range(1, 7)]
    assert fit.settings.fitted_by == "a test"
    assert fit.scores.num_true == 24
    others = [make_stream(50 + seed, seed, plan) for seed in range(3)]
    assert measure_segmenter(others, fit.settings).boundary_f1(1.0) > 0.7
    rest = [make_stream(60, 0, StreamPlan(num_sentences=0, fps=12.0, pauses_s=(20.0, 20.1)))]
    assert measure_segmenter(rest, fit.settings).num_true == 0
    for row, stream in itertools.product(fit.settings.model.hidden, others[:1]):
        assert len(row) == clip_features(stream.clip).shape[1]
