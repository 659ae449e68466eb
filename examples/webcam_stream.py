#!/usr/bin/env python3
"""Sit before the camera and sign: each sentence is answered as it ends.

    python examples/webcam_stream.py sign_encoder_bundle.zip                  # the first camera (Linux), Ctrl-C ends it
    python examples/webcam_stream.py sign_encoder_bundle.zip long.mp4         # a video, as if it were a camera
    python examples/webcam_stream.py sign_encoder_bundle.zip long.npz         # landmarks that somebody extracted

Camera and video need `pip install '.[extract]'` and `signtalk models install`.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import signtalk
from signtalk.extraction.landmarker import MediaPipeLandmarker

Frame = tuple[object, float, object]


def camera_frames(source: str, **options: str) -> Iterator[Frame]:
    """Landmarks (169, 3), seconds and visibility (33,) of each picture."""
    import av

    tracker, began = MediaPipeLandmarker().tracker(), time.monotonic()
    with av.open(source, **options) as container:
        for picture in container.decode(video=0):
            seconds = time.monotonic() - began if options else float(picture.time)
            seen = tracker.track(picture.to_ndarray(format="rgb24"), int(seconds * 1000))
            yield seen.points, seconds, seen.visibility


def clip_frames(path: str) -> Iterator[Frame]:
    """The same of a file of landmarks."""
    clip = signtalk.read_clip(path)
    yield from zip(clip.landmarks, clip.timestamps_s, clip.visibility, strict=True)


def main(model_path: str, source: str = "") -> None:
    """Push frame after frame; most give no answer."""
    if not source:
        frames = camera_frames("/dev/video0", format="v4l2")
    else:
        frames = clip_frames(source) if Path(source).suffix == ".npz" else camera_frames(source)
    with signtalk.load(model_path) as model:
        stream = model.stream(aspect=4 / 3)
        for landmarks, seconds, visibility in frames:
            for answer in stream.push(landmarks, seconds, visibility):
                print(f"{seconds:.1f} s: {answer}", flush=True)
        for answer in stream.finish():
            print(f"at the end: {answer}")


if __name__ == "__main__":
    main(*sys.argv[1:])
