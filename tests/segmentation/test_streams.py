"""Streams with known sentences: joined clips keep their frames, made-up ones are the same again, worse cameras."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made.clips import made_clip, resting, waving
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip, regular_timestamps
from signtalk.segmentation.streams import (
    LabelledStream,
    Recorded,
    StreamPlan,
    cut_stream,
    disturbed,
    join_clips,
    joined_signs,
    make_stream,
    recorded_streams,
    sentence_clips,
    thinned,
)

WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
SHOULDERS = HOLISTIC.positions(("left_shoulder", "right_shoulder"))


def signing(num_frames=50, fps=25.0):
    return made_clip(waving(num_frames, "left", fps), waving(num_frames, "right", fps), fps)


def still(num_frames=40, fps=25.0):
    return made_clip(resting(num_frames, "left"), resting(num_frames, "right"), fps, hands=False)


def speeds(points, fps):
    return np.linalg.norm(np.diff(points[:, WRISTS, :2], axis=0), axis=-1).max(axis=1) * fps


# --- joined -------------------------------------------------------------------------------------------------------


def test_a_joined_clip_stands_in_its_span_unchanged() -> None:
    clips = [signing(50), signing(30)]
    stream = join_clips(clips, [still()] * 3, [1.0, 2.0, 0.5], 25.0, signer_id="x")
    assert stream.signer_id == "x"
    assert stream.spans.shape == (2, 2)
    for clip, (start, end) in zip(clips, stream.spans, strict=True):
        first = round(start * 25)
        kept = stream.clip.landmarks[first : round(end * 25) + 1]
        np.testing.assert_allclose(kept, clip.landmarks, atol=1e-6)
    # 1 s of rest and 0.4 s of going up; then 0.4 s down, 2 s, 0.4 s up
    assert stream.spans[0, 0] == pytest.approx(1.4)
    assert stream.spans[1, 0] - stream.spans[0, 1] == pytest.approx(2.8 + 1 / 25)
    assert stream.clip.duration_s == pytest.approx(1.4 + 2.0 + 2.8 + 1.2 + 0.9, abs=0.05)


def test_hands_do_not_leap_where_clips_are_joined() -> None:
    fps = 25.0
    stream = join_clips([signing(), signing()], [still()] * 3, [1.0] * 3, fps)
    longest_way = 0.75 - 0.35 + 0.1  # image heights from rest to the top of the wave
    assert speeds(stream.clip.landmarks, fps).max() < 1.6 * longest_way / 0.4  # an eased way's highest speed is 1.5


def test_a_hand_that_rest_does_not_show_is_seen_on_the_half_of_the_way_near_its_clip() -> None:
    stream = join_clips([signing()], [still()] * 2, [1.0, 1.0], 25.0)
    seen = ~np.isnan(stream.clip.landmarks[:, PARTS["left_hand"].start, 0])
    first, last = (round(time * 25) for time in stream.spans[0])
    assert seen[first : last + 1].all()
    assert seen[first - 5 : first].all()
    assert not seen[: first - 5].any()
    assert not seen[last + 6 :].any()


def test_a_rest_stands_where_its_clip_does() -> None:
    small = replace(still(), landmarks=still().landmarks * np.float32(0.5))
    stream = join_clips([signing()], [small, small], [1.0, 1.0], 25.0)
    shoulders = stream.clip.landmarks[:, SHOULDERS, :2]
    np.testing.assert_allclose(shoulders, np.broadcast_to(shoulders[:1], shoulders.shape), atol=1e-5)


def test_clips_of_another_rate_are_brought_to_the_streams() -> None:
    stream = join_clips([signing(100, 50.0)], [still(20, 12.5)] * 2, [1.0, 1.0], 25.0)
    assert stream.clip.fps == pytest.approx(25.0)
    assert np.diff(stream.spans).item() == pytest.approx(2.0, abs=0.05)
    first = round(stream.spans[0, 0] * 25)
    np.testing.assert_allclose(stream.clip.landmarks[first + 3, WRISTS], signing(100, 50.0).landmarks[6, WRISTS])


def test_a_short_rest_is_played_back_and_forth() -> None:
    way = np.stack([np.full(10, 0.35), np.linspace(0.7, 0.75, 10)], axis=1)
    moving = made_clip(resting(10, "left"), way, 25.0, hands=False)
    stream = join_clips([signing()], [moving, moving], [2.0, 2.0], 25.0)
    heights = stream.clip.landmarks[:50, HOLISTIC.index["right_wrist"], 1]
    np.testing.assert_allclose(heights[:10], way[:, 1], atol=1e-6)
    np.testing.assert_allclose(heights[9:19], way[::-1, 1], atol=1e-6)
    np.testing.assert_allclose(heights[18:28], way[:, 1], atol=1e-6)


def test_rest_alone_holds_no_sentence() -> None:
    stream = join_clips([], [still(40)], [4.0], 25.0, signer_id="x")
    assert stream.spans.shape == (0, 2)
    assert stream.clip.num_frames == 100
    np.testing.assert_allclose(stream.clip.landmarks[:40], still(40).landmarks, atol=1e-6)


def test_signs_are_joined_to_a_sentence_in_the_place_of_the_first() -> None:
    small = replace(signing(30), landmarks=signing(30).landmarks * np.float32(0.5))
    sentence = joined_signs([signing(50), small], 0.2)
    assert sentence.num_frames == 50 + 5 + 30
    np.testing.assert_allclose(sentence.landmarks[:50], signing(50).landmarks, atol=1e-6)
    np.testing.assert_allclose(sentence.landmarks[55:, :, :2], signing(30).landmarks[..., :2], atol=1e-4)
    assert np.isfinite(sentence.landmarks[50:55, WRISTS]).all()
    assert speeds(sentence.landmarks, 25.0)[49:56].max() < 1.6 * 0.5 / 0.2
    np.testing.assert_array_equal(joined_signs([signing(50)], 0.2).landmarks, signing(50).landmarks)


def test_a_rest_for_each_gap_is_asked_for() -> None:
    with pytest.raises(ValueError, match="argument"):
        join_clips([signing()], [still()] * 2, [1.0], 25.0)


# --- made up ------------------------------------------------------------------------------------------------------


def test_a_made_up_stream_is_the_same_again_and_another_with_another_number() -> None:
    plan = StreamPlan(num_sentences=2)
    first, again, other = make_stream(1, 1, plan), make_stream(1, 1, plan), make_stream(1, 2, plan)
    np.testing.assert_array_equal(first.clip.landmarks, again.clip.landmarks)
    np.testing.assert_array_equal(first.spans, again.spans)
    assert (first.signer_id, other.signer_id) == ("1B", "1C")


def test_spans_lie_within_the_stream_with_the_pauses_asked_for() -> None:
    stream = make_stream(1, 0, StreamPlan(num_sentences=4, pauses_s=(1.0, 2.0), vary=True, one_handed=True))
    assert stream.spans.shape == (4, 2)
    assert (np.diff(stream.spans.ravel()) > 0).all()
    assert stream.spans[-1, 1] < stream.clip.timestamps_s[-1]
    assert (stream.spans[1:, 0] - stream.spans[:-1, 1] > 1.0).all()


def test_one_handed_sentences_leave_the_other_hand_down() -> None:
    for number in range(3):
        stream = make_stream(1, number, StreamPlan(num_sentences=3, one_handed=True, holds=0.0))
        inside = np.concatenate([clip.landmarks for clip in sentence_clips(stream)])
        heights = np.sort(np.nanmedian(inside[:, WRISTS, 1], axis=0))
        assert heights[1] - heights[0] > 0.1


# --- worse cameras ------------------------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.floats(0, 0.99), st.floats(1, 120))
def test_uneven_times_still_increase_and_stay_near(seed, uneven, fps) -> None:
    clip = LandmarkClip(
        np.zeros((60, 169, 3), np.float32), np.zeros((60, 33), np.float32), regular_timestamps(60, fps), None
    )
    times = disturbed(LabelledStream(clip, np.zeros((0, 2)), ""), np.random.default_rng(seed), uneven).clip.timestamps_s
    assert (np.diff(times) > 0).all()
    assert np.abs(times - clip.timestamps_s).max() <= 0.5 / fps + 1e-9


def test_lost_hands_are_lost_for_a_while_and_the_stream_before_is_not_changed() -> None:
    stream = join_clips([signing(250)], [still()] * 2, [1.0, 1.0], 25.0)
    before = stream.clip.landmarks.copy()
    worse = disturbed(stream, np.random.default_rng(0), lost_hands=0.5)
    np.testing.assert_array_equal(stream.clip.landmarks, before)
    lost = np.isnan(worse.clip.landmarks[:, 33, 0]) & ~np.isnan(before[:, 33, 0])
    assert 0.02 < lost.mean() < 0.8
    none = disturbed(stream, np.random.default_rng(0), without_hands=True)
    assert np.isnan(none.clip.landmarks[:, 33:75]).all()
    np.testing.assert_array_equal(none.clip.landmarks[:, :33], before[:, :33])


def test_watching_from_the_middle_keeps_what_is_left_of_a_sentence() -> None:
    stream = join_clips([signing(), signing()], [still()] * 3, [1.0] * 3, 25.0)
    middle = float(stream.spans[0].mean())
    late = cut_stream(stream, middle)
    assert late.clip.timestamps_s[0] >= middle
    np.testing.assert_allclose(late.spans, [[middle, stream.spans[0, 1]], stream.spans[1]])
    assert len(cut_stream(stream, float(stream.spans[0, 1])).spans) == 1
    early = cut_stream(stream, -np.inf, middle)
    assert early.clip.timestamps_s[-1] <= middle
    np.testing.assert_allclose(early.spans, [[stream.spans[0, 0], middle]])


def test_dropped_frames_leave_the_others_at_their_times() -> None:
    stream = join_clips([signing(250)], [still()] * 2, [1.0, 1.0], 25.0)
    worse = disturbed(stream, np.random.default_rng(0), dropped=0.3)
    assert 0.55 < worse.clip.num_frames / stream.clip.num_frames < 0.85
    kept = np.searchsorted(stream.clip.timestamps_s, worse.clip.timestamps_s - 1e-6)
    np.testing.assert_array_equal(worse.clip.landmarks, stream.clip.landmarks[kept])
    np.testing.assert_array_equal(worse.spans, stream.spans)


def test_a_slow_camera_sees_one_frame_in_four() -> None:
    stream = join_clips([signing()], [still()] * 2, [1.0, 1.0], 24.0)
    slow = thinned(stream, 4)
    np.testing.assert_array_equal(slow.clip.landmarks, stream.clip.landmarks[::4])
    assert slow.clip.fps == pytest.approx(6.0, rel=0.05)
    np.testing.assert_array_equal(slow.spans, stream.spans)


def test_sentences_of_a_stream_are_its_clips() -> None:
    clips = [signing(50), signing(30)]
    stream = join_clips(clips, [still()] * 3, [1.0] * 3, 25.0)
    for cut, clip in zip(sentence_clips(stream), clips, strict=True):
        np.testing.assert_allclose(cut.landmarks, clip.landmarks, atol=1e-6)


def test_recorded_streams_take_each_clip_once_and_the_recorded_rest() -> None:
    clips = [signing(20 + 5 * i) for i in range(6)]
    rest = replace(still(), landmarks=still().landmarks + np.float32(0.001))
    streams = recorded_streams(Recorded("s", clips, [rest]), 0, 2, (25.0, 50.0), num_sentences=4)
    assert [len(stream.spans) for stream in streams] == [4, 4]
    assert [round(stream.clip.fps) for stream in streams] == [25, 50]
    lasted = np.diff(streams[0].spans)[:, 0].round(2)
    assert len(set(lasted.tolist())) == 4
    few = recorded_streams(Recorded("s", clips[:2], []), 0, 1)
    assert len(few[0].spans) == 2
