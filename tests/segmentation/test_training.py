"""Streams for a fit: of many kinds, the same again, and true to what was recorded."""

import numpy as np

from made.clips import made_clip, resting, waving
from signtalk.landmarks.clip import HOLISTIC
from signtalk.segmentation.streams import Recorded
from signtalk.segmentation.training import resting_streams, training_streams, varied_streams

WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
FPS = 20.0


def recorded(rests=False):
    signs = [made_clip(waving(16 + i, "left", FPS), waving(16 + i, "right", FPS), FPS) for i in range(8)]
    rest = made_clip(resting(40, "left"), resting(40, "right"), FPS, hands=False)
    return Recorded("x", signs, [rest] if rests else [])


def test_training_streams_are_of_many_kinds_and_the_same_again() -> None:
    streams = list(training_streams(5, 12))
    assert [len(stream.spans) == 0 for stream in streams[::6]] == [True, True]
    assert len({round(stream.clip.fps) for stream in streams}) >= 3
    assert len({stream.signer_id for stream in streams}) == 12
    tracked = [bool((~np.isnan(stream.clip.landmarks[:, 33:75])).any()) for stream in streams]
    assert 0 < sum(tracked) < 12
    np.testing.assert_array_equal(next(training_streams(5, 1)).clip.landmarks, streams[0].clip.landmarks)


def test_people_who_rest_sign_nothing_at_any_rate() -> None:
    streams = list(resting_streams(5, 12))
    assert all(len(stream.spans) == 0 for stream in streams)
    assert all(28 < stream.clip.duration_s < 32 for stream in streams)
    assert len({round(stream.clip.fps) for stream in streams}) >= 3
    np.testing.assert_array_equal(next(resting_streams(5, 1)).clip.landmarks, streams[0].clip.landmarks)


def test_varied_streams_are_the_same_again_and_others_for_another_person() -> None:
    first, again = (list(varied_streams(recorded(), 3, 4)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.clip.landmarks, other.clip.landmarks)
        np.testing.assert_array_equal(one.spans, other.spans)
    someone = Recorded("y", recorded().clips, [])
    assert next(varied_streams(someone, 3, 1)).clip.num_frames != first[0].clip.num_frames


def test_varied_streams_are_as_various_as_cameras() -> None:
    streams = list(varied_streams(recorded(rests=True), 0, 48))
    rates = [stream.clip.num_frames / stream.clip.duration_s for stream in streams]
    assert min(rates) < 6
    assert max(rates) > 25
    assert [number for number, stream in enumerate(streams) if not len(stream.spans)][:2] == [7, 15]
    lasted = np.concatenate([np.diff(stream.spans)[:, 0] for stream in streams])
    assert lasted.min() < 1.0
    assert lasted.max() > 3.0
    tracked = [bool(np.isfinite(stream.clip.landmarks[:, 33:75]).any()) for stream in streams if len(stream.spans)]
    assert 0 < sum(tracked) < len(tracked)
    begun = [stream.spans[0, 0] <= stream.clip.timestamps_s[0] + 0.5 for stream in streams if len(stream.spans)]
    ended = [stream.spans[-1, 1] >= stream.clip.timestamps_s[-1] - 0.5 for stream in streams if len(stream.spans)]
    assert any(begun)
    assert any(ended)
    for stream in streams:
        assert (np.diff(stream.clip.timestamps_s) > 0).all()
        assert (np.diff(stream.spans.ravel()) >= 0).all()


def test_in_some_streams_one_hand_rests() -> None:
    one_handed = 0
    for stream in varied_streams(recorded(), 0, 12):
        if len(stream.spans):
            times = stream.clip.timestamps_s[:, None]
            inside = ((times >= stream.spans[:, 0]) & (times <= stream.spans[:, 1])).any(axis=1)
            spread = np.nanstd(stream.clip.landmarks[inside][:, WRISTS, 1], axis=0)
            one_handed += bool(spread.min() < 0.35 * spread.max())
    assert 1 <= one_handed <= 9
