"""Clips and frames as bytes."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made.wire import made_clip
from signtalk.errors import ClipError
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import FRAME_BYTES, clip_of_frames, decode_clip, decode_frames, encode_clip


@given(st.integers(1, 5), st.integers(0, 99), st.sampled_from([None, 0.5, 1.5]))
def test_a_clip_survives_the_way(num_frames: int, seed: int, aspect: float | None) -> None:
    clip = made_clip(num_frames, seed, aspect)
    back = decode_clip(encode_clip(clip))
    np.testing.assert_array_equal(back.landmarks, clip.landmarks)
    np.testing.assert_array_equal(back.visibility, clip.visibility)
    np.testing.assert_allclose(back.timestamps_s, clip.timestamps_s)
    assert back.aspect == clip.aspect


def test_the_layout_is_that_of_the_protocol() -> None:
    """Read by hand, as another language would."""
    clip = made_clip(2)
    data = encode_clip(clip)
    assert data[:4] == b"SGT1"
    assert struct.unpack_from("<I", data, 4) == (2,)
    assert struct.unpack_from("<f", data, 8) == (1.5,)
    second = 12 + 2168
    assert struct.unpack_from("<d", data, second) == (0.04,)
    assert struct.unpack_from("<f", data, second + 8 + 4 * 3 * 12)[0] == clip.landmarks[1, 12, 0]
    assert struct.unpack_from("<f", data, second + 8 + 4 * 3 * 169 + 4 * 5)[0] == clip.visibility[1, 5]
    assert FRAME_BYTES == 2168


def test_times_begin_at_zero() -> None:
    late = LandmarkClip(made_clip().landmarks, made_clip().visibility, 100 + np.arange(3) / 25, 1.0)
    np.testing.assert_allclose(decode_clip(encode_clip(late)).timestamps_s, [0, 0.04, 0.08])


@given(st.binary(max_size=5000))
def test_any_bytes_are_a_clip_or_a_clear_error(data: bytes) -> None:
    for given_bytes in (data, b"SGT1" + data, b"SGT1" + struct.pack("<If", 1, 1.0) + (data * 2168)[:2168]):
        try:
            assert decode_clip(given_bytes).num_frames > 0
        except ClipError as error:
            assert "clip" in str(error)


def test_what_is_announced_is_not_believed() -> None:
    data = b"SGT1" + struct.pack("<If", 10**9, 1.0)
    with pytest.raises(ClipError, match="at most 2000"):
        decode_clip(data, max_frames=2000)
    with pytest.raises(ClipError, match="12 bytes; expected"):
        decode_clip(data)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("time_s", np.nan, "no number"), ("time_s", 1e12, "beyond"), ("landmarks", np.inf, "absurd"),
     ("landmarks", 1e30, "absurd"), ("time_s", 0.0, "increase")],
)  # fmt: skip
def test_absurd_values_are_refused(name: str, value: float, said: str) -> None:
    frames = decode_frames(encode_clip(made_clip())[12:])
    frames[name][1:] = value
    with pytest.raises(ClipError, match=said):
        clip_of_frames(frames, 1.0)


def test_a_clip_of_nothing_is_none() -> None:
    frames = decode_frames(encode_clip(made_clip())[12:])
    frames["landmarks"] = np.nan
    with pytest.raises(ClipError, match="nothing was detected"):
        clip_of_frames(frames, None)
    with pytest.raises(ClipError, match="aspect"):
        clip_of_frames(decode_frames(encode_clip(made_clip())[12:]), 50.0)


def test_a_frame_of_a_stream_may_show_nothing() -> None:
    frames = decode_frames(encode_clip(made_clip())[12:])
    frames["landmarks"] = np.nan
    frames["visibility"] = 7.0
    again = decode_frames(frames.tobytes())
    assert np.isnan(again["landmarks"]).all()
    assert (again["visibility"] == 1).all()


@pytest.mark.parametrize("size", [0, 1, 2167, 2169])
def test_a_message_holds_whole_frames(size: int) -> None:
    with pytest.raises(ClipError, match="frames of 2168"):
        decode_frames(bytes(size))
