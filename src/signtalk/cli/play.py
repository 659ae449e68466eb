"""`signtalk play`: a clip of landmarks as a GIF or MP4. PyAV is needed here alone, for videos in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signtalk.cli.console import ProgressBar, show, tell_notes
from signtalk.cli.options import Json, not_nan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from signtalk.landmarks.drawing import Picture, PicturePanel

_CODECS = ("libx264", "mpeg4")
_MOST_FPS = 30.0
"""A file's claimed rate is not believed: browsers write 1000."""


def play(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="Landmark file of any format, or a video.")],
    out: Annotated[Path, typer.Option(help="File to write, .gif or .mp4.")],
    beside: Annotated[
        Path | None, typer.Option(help="Second clip to show beside it, such as the matched reference.")
    ] = None,
    video: Annotated[Path | None, typer.Option(help="The video that the clip was taken from.")] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=1, max=120, callback=not_nan, help="Frames a second to write; the clip's, at most 30."),
    ] = None,
    clip_fps: Annotated[
        float,
        typer.Option(min=1, max=1000, callback=not_nan, help="Frame rate of files that do not know theirs."),
    ] = 30.0,
    smoothing_alpha: Annotated[
        float,
        typer.Option(min=1e-3, max=1, callback=not_nan, help="Smoothing of .npy files, as in `signtalk recognize`."),
    ] = 0.2,
    as_json: Json = False,
) -> None:
    """Draw a clip as a moving skeleton, beside a second clip and its video where they are given.

    Example: signtalk play clip.npz --beside reference.npz --video clip.mp4 --out clip.gif
    """
    from signtalk.errors import ConfigError
    from signtalk.extraction.reader import ClipReader
    from signtalk.landmarks.drawing import panels_in_step, side_by_side, write_gif

    if out.suffix.lower() not in (".gif", ".mp4"):
        raise ConfigError(f"--out {out}: expected a name that ends in .gif or .mp4")
    paths = (clip, *([beside] if beside else []))
    with ClipReader(clip_fps, smoothing_alpha) as reader:
        clips = [(path.name, reader.read(path)) for path in paths]
    tell_notes((note for _, each in clips for note in each.notes), as_json=False)
    panels = panels_in_step(clips, _video_panel(video) if video else None)
    num_frames, rate, pictures = side_by_side(panels, fps)
    with ProgressBar("drawing", hidden=as_json) as bar:
        write = write_gif if out.suffix.lower() == ".gif" else _write_mp4
        write(out, pictures, num_frames, rate, bar)
    show({"written": str(out), "frames": num_frames, "fps": round(rate, 3)}, as_json)


def _video_panel(path: Path) -> PicturePanel:
    """A video's frames, upright, decoded as they are shown."""
    from signtalk.extraction.video import read_frames, video_duration_s
    from signtalk.landmarks.drawing import PicturePanel

    frames = ((frame.timestamp_s, frame.image) for frame in read_frames(path))
    return PicturePanel(frames, video_duration_s(path), _MOST_FPS, path.name)


def _write_mp4(
    path: Path, frames: Iterator[Picture], num_frames: int, fps: float, progress: Callable[[int, int], None]
) -> None:
    """H.264 that browsers play, or MPEG-4 where the build has no encoder for it; atomically."""
    from fractions import Fraction

    from signtalk.errors import DataError
    from signtalk.extraction.video import pyav
    from signtalk.files import atomic_path

    av = pyav()
    codec = next((name for name in _CODECS if name in av.codecs_available), _CODECS[-1])
    rate = Fraction(fps).limit_denominator(1000)
    try:
        with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
            stream = container.add_stream(codec, rate=rate)
            stream.pix_fmt = "yuv420p"
            for done, picture in enumerate(frames, 1):
                if done == 1:
                    stream.height, stream.width = picture.shape[:2]
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                progress(done, num_frames)
            container.mux(stream.encode())
    except av.FFmpegError as error:
        raise DataError(f"{path}: the video cannot be written ({error})") from error
