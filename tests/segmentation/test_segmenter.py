"""The hysteresis against a reading of whole arrays, laws of the spans, and what a segmenter remembers."""

import itertools
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from made.clips import made_clip, resting
from signtalk.landmarks.clip import LandmarkClip, regular_timestamps
from signtalk.segmentation.activity import (
    FEATURE_NAMES,
    ActivityModel,
    clip_features,
    probabilities,
)
from signtalk.segmentation.fit import measure_segmenter
from signtalk.segmentation.segmenter import (
    Change,
    Hysteresis,
    Segmenter,
    SegmenterConfig,
    SegmenterSettings,
    Span,
    shipped_settings,
    spans_of,
)
from signtalk.segmentation.streams import StreamPlan, make_stream

PLAIN = SegmenterConfig(
    start_threshold=0.7, stop_threshold=0.4, rise_threshold=0.3, confirm_s=0.2, hold_s=0.5, lookback_s=1.0,
    shortest_s=0.5, longest_s=20.0,
)  # fmt: skip
# Signing is a hand above the chest: the first feature, higher_y, decides alone.
RAISED = ActivityModel(
    mean=(1.0,) + (0.0,) * 15,
    spread=(1.0,) * 16,
    hidden=((-8.0,) + (0.0,) * 15,),
    hidden_bias=(0.0,),
    output=(6.0,),
    output_bias=0.0,
)
SETTINGS = SegmenterSettings(model=RAISED, config=PLAIN)
UP, DOWN = [0.35, 0.4], [0.35, 0.75]


def clip_of(*pieces, fps=20.0):
    """Right hand up or down for so many seconds, one after the other."""
    way = np.concatenate([np.tile(place, (round(seconds * fps), 1)) for place, seconds in pieces])
    return made_clip(resting(len(way), "left"), way, fps=fps, hands=False)


def num_kept(segmenter):
    """Frames in memory, as the error about a span outside of it tells."""
    with pytest.raises(ValueError, match="are in memory") as error:
        segmenter.clip(Span(0.0, 0.0, -1, 0, 0.0))
    oldest, end = map(int, re.findall(r"(\d+) to (\d+) are in memory", str(error.value))[0])
    return end - oldest


def changes_of(values, times, config=PLAIN, finish=True, below=None):
    hysteresis = Hysteresis(config)
    frames = zip(values, times, below or [0.0] * len(values), strict=True)
    changes = [change for frame in frames for change in hysteresis.push(*frame)]
    return changes + (hysteresis.finish() if finish else [])


def ends(changes):
    return [(change.start_s, change.end_s) for change in changes if change.kind == "end"]


def mean_of(values, times, first, stop):
    """Each value times seconds over seconds; a frame stands for the time since the one before."""
    lasts = np.diff(times, prepend=times[0])[first:stop]
    total = lasts.sum()
    return float((np.array(values)[first:stop] * lasts).sum() / total) if total else 0.0


def oracle(values, times, below, config):
    """(start, end, mean, cause) of everything that started, from whole arrays, by docs/segmentation.md."""
    ends, at, free, tiny = [], 0, times[0], 1e-9
    while at < len(values):
        rise = next((i for i in range(at, len(values)) if values[i] >= config.rise_threshold), None)
        if rise is None:
            return ends
        fall = next((i for i in range(rise, len(values)) if values[i] < config.rise_threshold), len(values))
        confirmed = high = None
        for i in range(rise, fall):
            high = (i if high is None else high) if values[i] >= config.start_threshold else None
            if high is not None and times[i] - times[high] >= config.confirm_s - tiny:
                confirmed = i
                break
        if confirmed is None:
            at = fall + 1
            continue
        now = times[confirmed]
        start = max(times[rise], now - config.confirm_s - config.lookback_s) - config.start_shift_s
        start = min(max(start, free), now)
        end, counted, cause, last, low = times[-1], len(values), "end of stream", len(values) - 1, None
        for i in range(confirmed + 1, len(values)):
            low = None if values[i] >= config.stop_threshold else i if low is None else low
            if low is not None and times[i] - times[low] >= config.hold_s - tiny:
                end, counted, cause, last = times[low], low, "rest", i
                break
            if times[i] - start >= config.longest_s:
                end, counted, cause, last = times[i], i + 1, "longest", i
                break
        else:
            end = end if low is None else times[low]
        end = min(max(end - config.end_shift_s, start), times[last])
        mean = mean_of(values, times, rise, counted)
        low = mean_of(below, times, rise, counted)
        if end - start < config.shortest_s:
            cause = "too short"
        elif mean < config.least_mean:
            cause = "too faint"
        elif low > config.lowest_hand:
            cause = "too low"
        ends.append((start, end, mean, low, cause))
        at, free = last + 1, end
    return ends


@st.composite
def watched(draw):
    """Probabilities and heights that stay a while, at uneven times, and any hysteresis."""
    run = st.tuples(st.floats(0, 1), st.integers(-4, 9), st.integers(1, 12))
    runs = draw(st.lists(run, min_size=1, max_size=15))
    values = [value for value, _, length in runs for _ in range(length)]
    below = [quarters / 4 for _, quarters, length in runs for _ in range(length)]
    steps = draw(st.lists(st.integers(1, 20), min_size=len(values), max_size=len(values)))
    start = draw(st.floats(0.05, 0.95))
    config = SegmenterConfig(
        start_threshold=start,
        stop_threshold=draw(st.floats(0.01, start)),
        rise_threshold=draw(st.floats(0.01, start)),
        **{name: draw(st.floats(0, 1)) for name in ("confirm_s", "hold_s", "lookback_s", "shortest_s")},
        **{name: draw(st.floats(-0.5, 0.5)) for name in ("start_shift_s", "end_shift_s")},
        least_mean=draw(st.floats(0, 0.7)),
        lowest_hand=draw(st.sampled_from((0.1, 0.77, 3.0))),
        longest_s=draw(st.floats(1.5, 6)),
    )
    return values, (np.cumsum(steps) / 60).tolist(), below, config


@given(watched())
def test_the_hysteresis_equals_a_reading_of_whole_arrays(given_) -> None:
    values, times, below, config = given_
    closed = [change for change in changes_of(values, times, config, below=below) if change.kind != "start"]
    expected = oracle(values, times, below, config)
    assert [change.cause for change in closed] == [each[4] for each in expected]
    np.testing.assert_allclose(
        [(change.start_s, change.end_s, change.mean, change.below) for change in closed],
        np.array([each[:4] for each in expected]).reshape(-1, 4) if expected else [],
        atol=1e-9,
    )


@given(watched())
def test_sentences_are_in_order_apart_and_within_the_stream(given_) -> None:
    values, times, below, config = given_
    changes = changes_of(values, times, config, below=below)
    kinds = [change.kind for change in changes]
    assert kinds[::2] == ["start"] * len(kinds[::2])
    assert len(kinds) % 2 == 0
    assert "start" not in kinds[1::2]
    for start, end in zip(changes[::2], changes[1::2], strict=True):
        assert start.start_s == end.start_s <= end.end_s <= times[-1]
        assert start.cause == ""
        assert 0 <= end.mean <= 1
    for before, after in zip(changes[1::2], changes[2::2], strict=False):
        assert before.end_s <= after.start_s
    for start, end in ends(changes):
        assert end - start >= config.shortest_s
        assert times[0] <= start


def test_a_sentence_is_put_back_to_its_rise_and_forward_to_its_drop() -> None:
    times = regular_timestamps(60, 10.0).tolist()
    values = [0.1] * 10 + [0.5] * 3 + [0.9] * 20 + [0.1] * 27
    assert changes_of(values, times) == [
        Change("start", 1.0, 1.5, pytest.approx((0.5 * 3 + 0.9 * 3) / 6), 0.0),
        Change("end", 1.0, 3.3, pytest.approx((0.5 * 3 + 0.9 * 20) / 23), 0.0, "rest"),
    ]
    shifted = PLAIN.model_copy(update={"start_shift_s": 0.1, "end_shift_s": 0.2})
    assert ends(changes_of(values, times, shifted)) == [(pytest.approx(0.9), pytest.approx(3.1))]


def test_a_short_drop_is_a_held_hand_and_a_long_one_is_rest() -> None:
    times = regular_timestamps(80, 10.0).tolist()
    for dropped, number in ((4, 1), (6, 2)):
        values = [0.0] * 10 + [0.9] * 20 + [0.0] * dropped + [0.9] * 20 + [0.0] * (30 - dropped)
        assert len(ends(changes_of(values, times))) == number


def test_what_is_brief_or_faint_is_taken_back() -> None:
    times = regular_timestamps(40, 10.0).tolist()
    brief = [0.0] * 10 + [0.9] * 4 + [0.0] * 26
    assert [(c.kind, c.cause) for c in changes_of(brief, times)] == [("start", ""), ("cancel", "too short")]
    faint = [0.0] * 5 + [0.9] * 4 + [0.41] * 20 + [0.0] * 11
    strict = PLAIN.model_copy(update={"least_mean": 0.7})
    assert [(c.kind, c.cause) for c in changes_of(faint, times, strict)] == [("start", ""), ("cancel", "too faint")]


def test_what_hands_do_that_hang_is_taken_back() -> None:
    times = regular_timestamps(40, 10.0).tolist()
    values = [0.0] * 10 + [0.9] * 15 + [0.0] * 15
    careful = PLAIN.model_copy(update={"lowest_hand": 1.5})
    hanging = [2.0] * 10 + [1.9] * 10 + [1.0] * 5 + [2.0] * 15  # 1.6 on average until the drop
    changes = changes_of(values, times, careful, below=hanging)
    assert [(c.kind, c.cause) for c in changes] == [("start", ""), ("cancel", "too low")]
    assert changes[1].below == pytest.approx(1.6)
    raised = [2.0] * 10 + [1.9] * 5 + [1.0] * 10 + [2.0] * 15
    assert len(ends(changes_of(values, times, careful, below=raised))) == 1
    assert len(ends(changes_of(values, times, below=hanging))) == 1  # the default takes nothing back


def test_hands_that_stir_at_the_hips_are_no_sentence() -> None:
    clip = clip_of((DOWN, 1.0), (UP, 2.0), (DOWN, 2.0))
    assert len(spans_of(clip, SETTINGS)) == 1
    below = clip_features(clip)[:, FEATURE_NAMES.index("higher_y")]
    for lowest, number in ((below.min() - 0.1, 0), (below.max(), 1)):
        config = PLAIN.model_copy(update={"lowest_hand": float(lowest)})
        assert len(spans_of(clip, SETTINGS.model_copy(update={"config": config}))) == number


def test_signing_without_end_is_cut_into_pieces_that_touch() -> None:
    config = PLAIN.model_copy(update={"longest_s": 2.0})
    times = regular_timestamps(100, 10.0).tolist()
    changes = [change for change in changes_of([0.9] * 100, times, config) if change.kind == "end"]
    assert [change.cause for change in changes] == ["longest"] * (len(changes) - 1) + ["end of stream"]
    assert max(change.end_s - change.start_s for change in changes) <= 2.1 + 1e-9  # at most a frame longer
    gaps = [after.start_s - before.end_s for before, after in itertools.pairwise(changes)]
    assert max(gaps) <= 0.1 + 1e-9  # at most the frame between
    assert changes[0].start_s == 0


def test_the_stream_ends_a_sentence_and_then_there_is_none() -> None:
    hysteresis = Hysteresis(PLAIN)
    for frame in range(20):
        hysteresis.push(0.9, frame / 10)
    (change,) = hysteresis.finish()
    assert (change.kind, change.start_s, change.end_s, change.cause) == ("end", 0.0, 1.9, "end of stream")
    assert hysteresis.finish() == []
    assert hysteresis.state == "idle"


@pytest.mark.parametrize(
    "change",
    [
        {"stop_threshold": 0.8},
        {"rise_threshold": 0.8},
        {"start_threshold": 1.0},
        {"confirm_s": -0.1},
        {"hold_s": math.nan},
        {"longest_s": math.inf},
        {"shortest_s": 5.0, "longest_s": 5.0},
        {"hold": 1.0},
    ],
)
def test_a_hysteresis_that_makes_no_sense_is_refused(change) -> None:
    with pytest.raises(ValidationError):
        SegmenterConfig.model_validate(PLAIN.model_dump() | change)


# --- Segmenter ----------------------------------------------------------------------------------------------------


def test_raised_hands_are_sentences_of_their_frames() -> None:
    clip = clip_of((DOWN, 2), (UP, 2), (DOWN, 3), (UP, 1.5), (DOWN, 2))
    sentences = spans_of(clip, SETTINGS)
    assert [(round(span.start_s, 1), round(span.end_s, 1)) for span in sentences] == [
        (pytest.approx(2, abs=0.15), pytest.approx(4, abs=0.15)),
        (pytest.approx(7, abs=0.15), pytest.approx(8.5, abs=0.15)),
    ]
    for span in sentences:
        times = clip.timestamps_s
        assert times[span.first] >= span.start_s - 1e-9
        assert span.first == 0 or times[span.first - 1] < span.start_s
        assert times[span.stop - 1] <= span.end_s + 1e-9 < times[span.stop]
        cut = span.cut(clip)
        np.testing.assert_array_equal(cut.timestamps_s, times[span.first : span.stop])
        assert cut.aspect == clip.aspect


def test_a_span_reads_well_and_can_be_written_as_json() -> None:
    (span,) = spans_of(clip_of((DOWN, 2), (UP, 2), (DOWN, 3)), SETTINGS)
    assert str(span) == f"{span.start_s:.2f}-{span.end_s:.2f} s"
    assert Span(**json.loads(json.dumps(span.to_dict()))) == span


def test_events_tell_the_frames_at_once_and_the_same_as_the_whole_clip() -> None:
    clip = clip_of((DOWN, 1), (UP, 2), (DOWN, 2), (UP, 0.5), (DOWN, 1), (UP, 2))
    settings = SETTINGS.model_copy(update={"config": PLAIN.model_copy(update={"shortest_s": 1.0})})
    segmenter, kinds, spans = Segmenter(settings, clip.aspect), [], []
    probability = probabilities(RAISED, clip_features(clip))
    for number in range(clip.num_frames):
        time = float(clip.timestamps_s[number])
        for event in segmenter.push(clip.landmarks[number], time, clip.visibility[number]):
            kinds.append(event.kind)
            assert segmenter.state == ("signing" if event.kind == "start" else "idle")
            if event.kind == "end":
                spans.append(event.span)
                kept, cut = segmenter.clip(event.span), event.span.cut(clip)
                np.testing.assert_array_equal(kept.landmarks, cut.landmarks)
                np.testing.assert_array_equal(kept.visibility, cut.visibility)
                np.testing.assert_array_equal(kept.timestamps_s, cut.timestamps_s)
        assert segmenter.probability == pytest.approx(probability[number])
    for event in segmenter.finish():
        kinds.append(event.kind)
        spans.append(event.span)
        assert segmenter.clip(event.span).num_frames == event.span.stop - event.span.first
    assert kinds == ["start", "end", "start", "cancel", "start", "end"]
    assert tuple(spans) == spans_of(clip, settings)


def test_a_stream_watched_in_pieces_is_the_stream_watched_at_once() -> None:
    clip = make_stream(4, 2, StreamPlan(num_sentences=3)).clip
    segmenter, events = Segmenter(aspect=clip.aspect), []
    for piece in np.array_split(np.arange(clip.num_frames), 7):
        for number in piece:
            events += segmenter.push(clip.landmarks[number], float(clip.timestamps_s[number]))
    events += segmenter.finish()
    assert tuple(event.span for event in events if event.kind == "end") == spans_of(clip)
    assert len(spans_of(clip)) >= 2


def test_when_the_clock_started_does_not_matter() -> None:
    clip = make_stream(4, 3, StreamPlan(num_sentences=2)).clip
    later = spans_of(replace(clip, timestamps_s=clip.timestamps_s + 1000))
    for before, after in zip(spans_of(clip), later, strict=True):
        assert (before.first, before.stop, before.cause) == (after.first, after.stop, after.cause)
        assert after.start_s == pytest.approx(before.start_s + 1000, abs=1e-6)


@pytest.mark.parametrize("fps", [12.0, 50.0])
def test_the_shipped_settings_find_unseen_people_at_any_rate(fps) -> None:
    streams = [make_stream(77, number, StreamPlan(num_sentences=4, fps=fps)) for number in range(4)]
    scores = measure_segmenter(streams, shipped_settings())
    assert scores.boundary_f1(0.5) > 0.75
    assert scores.found_share > 0.8


def test_no_frame_no_person_and_no_hand_are_no_sentence() -> None:
    clip = clip_of((UP, 3))
    none = LandmarkClip(clip.landmarks[:0], clip.visibility[:0], clip.timestamps_s[:0])
    assert spans_of(none) == ()
    assert Segmenter().finish() == []
    assert spans_of(replace(clip, landmarks=np.full_like(clip.landmarks, np.nan))) == ()
    one = LandmarkClip(clip.landmarks[:1], clip.visibility[:1], clip.timestamps_s[:1])
    assert spans_of(one, SETTINGS) == ()


@pytest.mark.slow
def test_a_thousand_seconds_of_rest_keep_memory_bounded_and_the_ear_open() -> None:
    segmenter = Segmenter(SETTINGS)
    config = PLAIN
    most = math.ceil(5 * (config.longest_s + config.confirm_s + config.lookback_s + config.hold_s + 2))
    rest, signing = clip_of((DOWN, 0.1)).landmarks[0], clip_of((UP, 0.1)).landmarks[0]
    kept = set()
    for number in range(5000):
        assert segmenter.push(rest, number / 5) == []
        kept.add(num_kept(segmenter))
    assert most <= max(kept) <= most + 1 < 5000
    events = [event for number in range(20) for event in segmenter.push(signing, 1000 + number / 10)]
    events += [event for number in range(20) for event in segmenter.push(rest, 1002 + number / 10)]
    assert [event.kind for event in events] == ["start", "end"]
    assert events[1].span.first == pytest.approx(5000, abs=3)
    assert segmenter.clip(events[1].span).num_frames == events[1].span.stop - events[1].span.first


def test_a_stream_faster_than_the_memory_is_cut_before_frames_are_lost() -> None:
    config = PLAIN.model_copy(update={"longest_s": 1.0})
    segmenter = Segmenter(SETTINGS.model_copy(update={"config": config}))
    frame, ended = clip_of((UP, 0.1)).landmarks[0], 0
    for number in range(1000):
        for event in segmenter.push(frame, number / 400):  # 282 frames are kept, for 0.7 s
            if event.kind == "end":
                ended += 1
                assert segmenter.clip(event.span).num_frames == event.span.stop - event.span.first
    assert ended == 3


def test_frames_that_are_gone_are_not_given() -> None:
    segmenter = Segmenter(SETTINGS)
    frame = clip_of((DOWN, 0.1)).landmarks[0]
    segmenter.push(frame, 0.0)
    with pytest.raises(ValueError, match="0 to 1 are in memory"):
        segmenter.clip(Span(0, 1, 0, 2, 0.5))
    with pytest.raises(ValueError, match="frames 1 to 1"):
        segmenter.clip(Span(0, 1, 1, 1, 0.5))
    segmenter.reset()
    with pytest.raises(ValueError, match="0 to 0 are in memory"):
        segmenter.clip(Span(0, 0, 0, 1, 0.5))


def test_reset_forgets_the_stream() -> None:
    clip = clip_of((DOWN, 1), (UP, 2), (DOWN, 2))
    segmenter, rounds = Segmenter(SETTINGS, clip.aspect), []
    for _ in range(2):
        events = []
        for frame, time in zip(clip.landmarks[:50], clip.timestamps_s, strict=False):
            events += segmenter.push(frame, float(time))
        assert segmenter.state == "signing"
        rounds.append(events)
        segmenter.reset()
        assert (segmenter.state, num_kept(segmenter), segmenter.probability) == ("idle", 0, 0.0)
    assert rounds[0] == rounds[1] != []


def test_what_is_no_frame_is_refused_and_leaves_no_trace() -> None:
    segmenter = Segmenter(SETTINGS)
    frame = clip_of((UP, 0.1)).landmarks[0]
    segmenter.push(frame, 1.0)
    for landmarks, time, seen in ((frame[:-1], 2.0, None), (frame[:, :2], 2.0, None), (frame, 2.0, np.ones(3))):
        with pytest.raises(ValueError, match="expected"):
            segmenter.push(landmarks, time, seen)
    for time in (1.0, 0.0, math.nan):
        with pytest.raises(ValueError, match="times must increase"):
            segmenter.push(frame, time)
    assert num_kept(segmenter) == 1
