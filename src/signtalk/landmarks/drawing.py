"""A clip of landmarks as moving pictures: skeletons side by side, beside the video where there is one.

    LandmarkClip -> SkeletonPanel ---- side_by_side -> (H, W, 3) uint8 frames -> write_gif, or an encoder
    LandmarkClip -> SkeletonPanel --|
    video frames -> PicturePanel  --|

Drawn with Pillow at twice the size and halved, which smooths the lines. What was not detected is not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from signtalk.arrays import FloatArray
from signtalk.errors import ConfigError, missing_extra
from signtalk.files import atomic_path
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Picture = npt.NDArray[np.uint8]
"""(H, W, 3) uint8, red, green, blue."""

Colour = tuple[int, int, int]
BACKGROUND: Colour = (18, 22, 30)
COLOURS: dict[str, Colour] = {
    "pose": (190, 198, 210), "left_hand": (255, 159, 28), "right_hand": (46, 196, 255), "face": (150, 160, 175),
}  # fmt: skip
TEXT_COLOUR: Colour = (225, 228, 235)
PANEL_SIZE = 480
MIN_VISIBILITY = 0.5
"""A pose landmark that the detector itself thinks hidden is not drawn."""
MAX_DURATION_S = 3600
MAX_GIF_FRAMES = 3000
"""Pillow keeps every frame of a GIF in memory."""

_SCALE = 2
_MARGIN = 0.08
_CAPTION = 28
_POSE_LINES = (
    ("left_shoulder", "right_shoulder"), ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"), ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"), ("left_hip", "right_hip"), ("mouth_left", "mouth_right"),
)  # fmt: skip
_POSE_DOTS = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_SHOWN_POSE = tuple(dict.fromkeys([name for line in _POSE_LINES for name in line] + list(_POSE_DOTS)))
_FINGERS = tuple((0 if i % 4 == 1 else i - 1, i) for i in range(1, 21))
_PALM = ((5, 9), (9, 13), (13, 17), (0, 17))


def _lines() -> tuple[tuple[int, int, str], ...]:
    pose = [(HOLISTIC.index[a], HOLISTIC.index[b], "pose") for a, b in _POSE_LINES]
    hands = [
        (PARTS[hand].start + a, PARTS[hand].start + b, hand)
        for hand in ("left_hand", "right_hand")
        for a, b in (*_FINGERS, *_PALM)
    ]
    return (*pose, *hands)


LINES = _lines()
"""(from, to, part): which landmarks of the HOLISTIC layout are joined, in drawing order."""
DOTS = [(int(i), "pose") for i in HOLISTIC.positions(_POSE_DOTS)] + [
    (i, part) for part in ("face", "left_hand", "right_hand") for i in range(PARTS[part].start, PARTS[part].stop)
]
_SHOWN = [*(int(i) for i in HOLISTIC.positions(_SHOWN_POSE)), *range(PARTS["left_hand"].start, PARTS["face"].stop)]


class Panel(Protocol):
    """Something that has a picture at every moment."""

    duration_s: float
    fps: float

    def picture(self, time_s: float) -> Picture:
        """(PANEL_SIZE + caption, width, 3) at this time; times are asked for in order, the last picture stays."""


class SkeletonPanel:
    """Draws a clip, the whole of its movement in view.

    Args:
        clip: what to draw; visible pose landmarks, hands and face, in the image's own aspect.
        caption: a line above it.
        start_s: when its first frame is shown; before that nobody is drawn.
    """

    def __init__(self, clip: LandmarkClip, caption: str = "", start_s: float = 0.0) -> None:
        self._times = clip.timestamps_s - clip.timestamps_s[0] + start_s
        self._points = _in_panel(clip)
        self._caption = caption
        self.duration_s, self.fps = start_s + clip.duration_s, clip.fps

    def picture(self, time_s: float) -> Picture:
        """The frame that is shown at this time, the last one after the end."""
        frame = int(np.searchsorted(self._times, time_s + 1e-9, side="right")) - 1
        return draw_points(self._points[frame] if frame >= 0 else np.full_like(self._points[0], np.nan), self._caption)


class PicturePanel:
    """Shows the frames of a video, as tall as a skeleton.

    Args:
        frames: (seconds, picture) in order of time; read as far as is asked for, one at a time.
        duration_s: how long it lasts.
        fps: its frame rate.
        caption: a line above it.

    Raises:
        ConfigError: there is no frame.
    """

    def __init__(
        self, frames: Iterable[tuple[float, Picture]], duration_s: float, fps: float, caption: str = ""
    ) -> None:
        self._frames = iter(frames)
        self._caption = caption
        self.duration_s, self.fps = duration_s, fps
        first = next(self._frames, None)
        if first is None:
            raise ConfigError("the video has no frame")
        self._start, self._shown = first[0], self._fitted(first[1])
        self._next = next(self._frames, None)

    def picture(self, time_s: float) -> Picture:
        """The frame that is shown at this time, the last one after the end."""
        latest = None
        while self._next is not None and self._next[0] - self._start <= time_s + 1e-9:
            latest, self._next = self._next[1], next(self._frames, None)
        if latest is not None:
            self._shown = self._fitted(latest)
        return self._shown

    def _fitted(self, picture: Picture) -> Picture:
        image = _pillow()
        height, width = picture.shape[:2]
        wide = max(2, min(4 * PANEL_SIZE, round(PANEL_SIZE * width / height)))
        fitted = image.fromarray(picture).resize((wide, PANEL_SIZE))
        framed = image.new("RGB", (wide, PANEL_SIZE + _CAPTION), BACKGROUND)
        framed.paste(fitted, (0, _CAPTION))
        _write_caption(framed, self._caption)
        return np.asarray(framed)


def panels_in_step(clips: Sequence[tuple[str, LandmarkClip]], film: PicturePanel | None = None) -> list[Panel]:
    """Panels for `side_by_side` in which the first clip moves as the person in its film does.

    A clip keeps the times of its film, so that what extraction trimmed at its beginning is waited for. The other clips
    begin with the first one, to be compared with it. Times beyond the film are another recording's: all begin at once.

    Args:
        clips: captions and clips; at least one.
        film: the video of the first clip.
    """
    start_s = 0.0
    if film is not None:
        first = float(clips[0][1].timestamps_s[0])
        start_s = first if 0 <= first < (film.duration_s or MAX_DURATION_S) else 0.0
    skeletons = [SkeletonPanel(clip, caption, start_s) for caption, clip in clips]
    return [film, *skeletons] if film is not None else [*skeletons]


def side_by_side(panels: Sequence[Panel], fps: float | None = None) -> tuple[int, float, Iterator[Picture]]:
    """Frames of all panels beside each other, until the longest has ended.

    Args:
        panels: at least one.
        fps: frames a second; the fastest panel's, at most 30, when not given.

    Returns:
        How many frames, their rate, and the frames, each (H, W, 3) uint8 with even sides, drawn as they are taken.

    Raises:
        ConfigError: a panel says that it lasts longer than an hour.
    """
    longest = max(panel.duration_s for panel in panels)
    if not longest <= MAX_DURATION_S:
        raise ConfigError(f"{longest:g} s to draw; expected at most {MAX_DURATION_S}, cut the recording into clips")
    rate = min(30.0, max(panel.fps for panel in panels)) if fps is None else fps
    num_frames = max(1, round(longest * rate))
    return num_frames, rate, (_joined([panel.picture(i / rate) for panel in panels]) for i in range(num_frames))


def draw_points(points: FloatArray, caption: str = "") -> Picture:
    """One frame of a skeleton.

    Args:
        points: (169, 2) pixels of a picture of PANEL_SIZE on a side, x right, y down; NaN = not drawn.
        caption: a line above it.

    Returns:
        (PANEL_SIZE + caption, PANEL_SIZE, 3) uint8.
    """
    from PIL import ImageDraw

    image = _pillow()
    canvas = image.new("RGB", (PANEL_SIZE * _SCALE, PANEL_SIZE * _SCALE), BACKGROUND)
    _draw(ImageDraw.Draw(canvas), points * _SCALE)
    framed = image.new("RGB", (PANEL_SIZE, PANEL_SIZE + _CAPTION), BACKGROUND)
    framed.paste(canvas.reduce(_SCALE), (0, _CAPTION))
    _write_caption(framed, caption)
    return np.asarray(framed)


def write_gif(
    path: Path, frames: Iterator[Picture], num_frames: int, fps: float, progress: Callable[[int, int], None]
) -> None:
    """Write an endless GIF, atomically.

    GIF counts hundredths of a second; the rate is kept on average by frames of unequal length.

    Args:
        path: of the GIF.
        frames: (H, W, 3) uint8 each.
        num_frames: how many there are.
        fps: frames a second.
        progress: called with the number of written frames and of all.

    Raises:
        ConfigError: more frames than fit into memory.
        DataError: the file cannot be written.
    """
    if num_frames > MAX_GIF_FRAMES:
        raise ConfigError(f"{num_frames} frames; a .gif takes {MAX_GIF_FRAMES}, choose .mp4 or a lower --fps")
    image = _pillow()
    ends = np.round(np.arange(num_frames + 1) * 100 / fps).astype(int)
    durations = (np.maximum(np.diff(ends), 1) * 10).tolist()
    palette = image.new("P", (1, 1))
    palette.putpalette(_palette())

    def quantized() -> Iterator[Any]:
        for done, frame in enumerate(frames, 1):
            yield image.fromarray(frame).quantize(palette=palette, dither=0)
            progress(done, num_frames)

    pictures = quantized()
    first = next(pictures)
    with atomic_path(path) as temporary:
        first.save(temporary, save_all=True, append_images=chain(pictures), duration=durations, loop=0, disposal=1)


def _palette() -> list[int]:
    """256 colours as red, green, blue: ours in eight steps from the background, and a cube of colours for videos."""
    ours = np.array([*COLOURS.values(), TEXT_COLOUR], dtype=np.float64)
    steps = np.arange(8)[:, None, None] / 7
    shades = np.array(BACKGROUND) * (1 - steps) + ours * steps
    cube = np.stack(np.meshgrid(*[np.arange(6) * 51] * 3, indexing="ij"), axis=-1)
    return [*np.rint(shades).astype(int).ravel().tolist(), *cube.ravel().tolist()]


def _in_panel(clip: LandmarkClip) -> FloatArray:
    """(T, 169, 2) pixels: one unit in both directions, the same view for all frames, nearly all points inside it."""
    points = clip.landmarks[..., :2] * np.array([1.0 if clip.aspect is None else clip.aspect, 1], dtype=np.float32)
    hidden = np.nan_to_num(clip.visibility, nan=1.0) < MIN_VISIBILITY
    points[:, PARTS["pose"]][hidden] = np.nan
    shown = points[:, _SHOWN].reshape(-1, 2)
    shown = shown[~np.isnan(shown[:, 0])]
    if len(shown) == 0:
        return points
    # A tracker's jump may not shrink the person to a dot.
    low, high = np.percentile(shown, [0.2, 99.8], axis=0)
    unit = float((high - low).max()) or 1.0
    centred = (points - (low + high) / 2) / unit * (1 - 2 * _MARGIN) + 0.5
    return np.asarray(centred * PANEL_SIZE, dtype=np.float32)


def _draw(draw: ImageDraw, points: FloatArray) -> None:
    seen = ~np.isnan(points[:, 0])
    # Far outside the picture Pillow would still walk along every pixel of a line.
    places = np.clip(np.nan_to_num(points), -PANEL_SIZE * _SCALE, 2 * PANEL_SIZE * _SCALE).tolist()
    for a, b, part in LINES:
        if seen[a] and seen[b]:
            width = 3 if part == "pose" else 2
            draw.line([*places[a], *places[b]], fill=COLOURS[part], width=width * _SCALE)
    for i, part in DOTS:
        if seen[i]:
            x, y = places[i]
            r = (1 if part == "face" else 2.5) * _SCALE
            draw.ellipse([x - r, y - r, x + r, y + r], fill=COLOURS[part])


def _write_caption(image: Any, caption: str) -> None:
    from PIL import ImageDraw, ImageFont

    if caption:
        font = ImageFont.load_default(15)
        draw = ImageDraw.Draw(image)
        text = " ".join(caption.split())[:200]
        while len(text) > 1 and draw.textlength(text, font=font) > image.width - 12:
            text = text[:-2].rstrip() + "…"
        draw.text((6, 5), text, fill=TEXT_COLOUR, font=font)


def _joined(pictures: Sequence[Picture]) -> Picture:
    """Side by side, a column or row added where a side is odd, which video encoders refuse."""
    joined = np.concatenate(pictures, axis=1)
    odd = joined.shape[0] % 2, joined.shape[1] % 2
    return np.pad(joined, ((0, odd[0]), (0, odd[1]), (0, 0)), mode="edge")


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_extra(error, "a picture") from error
    return Image
