"""Videos that tests make themselves, and a landmarker that reads them: no model, no real person.

A frame is grey; its signer is a red square (the right wrist) above the middle of the picture. `HANG` and `CRASH`
frames make the made-up tracker hang or end its process, as decoders do with files that nobody foresaw.
"""

import os
import signal
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from signtalk.extraction.landmarker import FrameLandmarks, PersonBox
from signtalk.landmarks.clip import HOLISTIC, PARTS

av = pytest.importorskip("av", reason="videos need PyAV: pip install 'signtalk[extract]'")
WIDTH, HEIGHT = 96, 64
RED, BLUE, GREEN = (250, 20, 20), (20, 20, 250), (20, 250, 20)
HANG = np.full((HEIGHT, WIDTH, 3), BLUE, dtype=np.uint8)
CRASH = np.full((HEIGHT, WIDTH, 3), GREEN, dtype=np.uint8)
BLACK = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)


def signer_frame(x=0.4, y=0.5, size=(WIDTH, HEIGHT)):
    """A grey picture with a red square of 16 pixels around (x, y), in image widths and heights."""
    image = np.full((size[1], size[0], 3), 128, dtype=np.uint8)
    column, row = int(x * size[0]), int(y * size[1])
    image[max(row - 8, 0) : row + 8, max(column - 8, 0) : column + 8] = RED
    return image


def signing(num_frames, rest=0, x=0.4, size=(WIDTH, HEIGHT)):
    """Frames in which the wrist rests low, moves up and down once a second, and rests again."""
    busy = num_frames - 2 * rest
    heights = [0.9] * rest + [0.5 + 0.3 * np.sin(2 * np.pi * t / 30) for t in range(busy)] + [0.9] * rest
    return [signer_frame(x, y, size) for y in heights]


def write_video(path, frames, fps=30, codec="mpeg4", pix_fmt="yuv420p", times_ms=None, container=None, sound=False):
    """Encode frames; `times_ms` gives each its own time in a time base of 1/1000."""
    with av.open(str(path), "w", format=container) as output:
        if sound:
            _add_sound(output)
        if frames:
            stream = output.add_stream(codec, rate=fps)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt, stream.bit_rate = pix_fmt, 2_000_000
            if times_ms is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            for number, image in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts = number if times_ms is None else int(times_ms[number])
                frame.time_base = Fraction(1, fps) if times_ms is None else Fraction(1, 1000)
                output.mux(stream.encode(frame))
            output.mux(stream.encode())
    return path


def _add_sound(output):
    stream = output.add_stream("aac", rate=16000, layout="mono")
    for number in range(20):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, number * 1024
        output.mux(stream.encode(frame))
    output.mux(stream.encode())


def rotate_flag(path, height):
    """Set the MP4's display matrix to a quarter turn clockwise, as a phone held upright does."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    values = (0, 1 << 16, 0, (-1 << 16) & 0xFFFFFFFF, 0, 0, height << 16, 0, 1 << 30)
    data[place : place + 36] = b"".join(value.to_bytes(4, "big") for value in values)
    path.write_bytes(data)


class RedSquareLandmarker:
    """Finds the red square: a whole body around the picture's middle, whose right hand it is."""

    name = "red squares 1"
    models_sha256 = "0" * 64

    def __init__(self, frame_s=0.0, kills_guard=False):
        self.frame_s, self.kills_guard = frame_s, kills_guard

    def tracker(self):
        return _RedSquareTracker(self.frame_s, self.kills_guard)

    def find_people(self, image):
        if np.allclose(image[0, 0], BLUE, atol=60):  # so that the tracker alone hangs and crashes
            return []
        people = []
        for start, stop in ((0, image.shape[1] // 2), (image.shape[1] // 2, image.shape[1])):
            rows, columns = np.nonzero(_red(image[:, start:stop]))
            if len(rows) > 50:
                x, y = (columns.mean() + start) / image.shape[1], rows.mean() / image.shape[0]
                box = np.array([x - 0.1, 0.1, x + 0.1, 0.6], dtype=np.float32)
                people.append(PersonBox(box, np.array([[x, 0.9], [x, y]], dtype=np.float32)))
        return people


class _RedSquareTracker:
    def __init__(self, frame_s, kills_guard):
        self._frame_s, self._kills_guard = frame_s, kills_guard
        self._last = -1

    def track(self, image, timestamp_ms):
        assert timestamp_ms > self._last, "times must increase within a clip"
        self._last = timestamp_ms
        time.sleep(self._frame_s)
        corner = image[0, 0]
        if np.allclose(corner, BLUE, atol=60):
            time.sleep(1000)
        if np.allclose(corner, GREEN, atol=60):
            if self._kills_guard:
                os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        points = np.full((len(HOLISTIC.names), 3), np.nan, dtype=np.float32)
        visibility = np.full(33, np.nan, dtype=np.float32)
        rows, columns = np.nonzero(_red(image))
        if len(rows) > 20:
            x, y = columns.mean() / image.shape[1], rows.mean() / image.shape[0]
            points[PARTS["pose"]] = (0.5, 0.6, 0.0)
            points[:11, 1] = 0.15  # the head
            for name, place in {
                "left_shoulder": (0.6, 0.3), "right_shoulder": (0.4, 0.3), "left_hip": (0.58, 0.8),
                "right_hip": (0.42, 0.8), "left_wrist": (0.7, 0.95), "right_wrist": (x, y),
            }.items():  # fmt: skip
                points[HOLISTIC.index[name], :2] = place
            spread = np.linspace(0, 0.06, 21)
            points[PARTS["right_hand"]] = np.stack([x + spread, y - spread, 0 * spread], axis=1)
            visibility[:] = 0.9
        return FrameLandmarks(points, visibility)

    def close(self):
        pass


def _red(image):
    wide = image.astype(np.int16)
    return (wide[..., 0] > 150) & (wide[..., 1] < 110) & (wide[..., 2] < 110)


WORKER = Path(__file__).with_name("worker.py")


def small_set(folder, num=4):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(num):
        write_video(folder / f"{number + 1}A.mp4", signing(40 + 5 * number, x=0.35 + 0.03 * number))
    table = folder.parent / "m.csv"
    lines = [f"{number + 1},Sentence {number + 1}" for number in range(num)]
    table.write_text("sentence_id,sentence\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return table


def contents(out):
    """All files of a data folder by name, without its journal."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and ".signtalk" not in path.parts
    }
