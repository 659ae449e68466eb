"""What an extraction gave, for people: a page of figures and a sheet of pictures.

ExtractionResult -> write_extraction_report -> extraction_report.md, contact_sheet.png
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from signtalk.clip_quality import MIN_CLIPS, SHARES, rank_clips
from signtalk.errors import ClipError, MissingExtraError
from signtalk.extraction_run import ExtractedVideo, ExtractionResult
from signtalk.files import atomic_path, write_text
from signtalk.landmarks import HAND_POINTS, PARTS, POSE_NAMES, LandmarkClip, load_clip
from signtalk.video import VideoFrame, read_frames

if TYPE_CHECKING:
    from PIL import Image

REPORT_NAME = "extraction_report.md"
SHEET_NAME = "contact_sheet.png"
_SHEET_CLIPS = 3
_SHEET_FRAMES = 5
_CELL_HEIGHT = 240
_MAX_ROWS = 50
_SHOWN = (
    "duration_s", "fps", "signing_s", "trimmed_start_s", "trimmed_end_s", "pose", "left_hand", "right_hand", "face",
    "hand_in_signing", "visibility", "hand_speed", "cropped_hands", "sharpness", "brightness",
)  # fmt: skip
_BODY_LINES = tuple(
    (POSE_NAMES.index(a), POSE_NAMES.index(b))
    for a, b in (
        ("left_shoulder", "right_shoulder"), ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
        ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"), ("left_shoulder", "left_hip"),
        ("right_shoulder", "right_hip"), ("left_hip", "right_hip"),
    )
)  # fmt: skip
# A hand's wrist, then four joints a finger: each finger is a chain from the wrist.
_HAND_LINES = tuple(
    (0 if joint == finger else joint - 1, joint)
    for finger in range(1, len(HAND_POINTS), 4)
    for joint in range(finger, finger + 4)
)
_COLOURS = {"pose": (255, 255, 255), "left_hand": (0, 220, 90), "right_hand": (255, 140, 0), "face": (90, 170, 255)}


def write_extraction_report(result: ExtractionResult, out: Path) -> tuple[Path, ...]:
    """Write the page and, where a clip was made, the sheet into the data folder.

    Raises:
        DataError: they cannot be written.
        MissingExtraError: Pillow is not installed.
    """
    written = []
    if result.clips:
        written.append(out / SHEET_NAME)
        write_contact_sheet(result.clips, written[0])
    written.insert(0, out / REPORT_NAME)
    write_text(written[0], extraction_markdown(result))
    return tuple(written)


def extraction_markdown(result: ExtractionResult) -> str:
    """The page: counts, the spread of each figure with its limits, what failed and what stands apart."""
    people = sum(clip.quality.num_people > 1 for clip in result.clips)
    lines = [
        "# Extraction",
        "",
        f"* clips: {len(result.clips)}, of which {len(result.rejected)} of low quality",
        f"* videos without a clip: {len(result.failed)}",
        f"* clips with several people in view: {people}",
        "",
    ]
    if result.clips:
        lines += [*_figures(result), f"![clips, best first]({SHEET_NAME})", ""]
    kinds = Counter(problem.kind for problem in result.failed)
    failed = [f"| {_cell(p.clip_id)} | {p.kind} | {_cell(p.message)} |" for p in result.failed]
    title = "Without a clip: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    lines += _listed(title, "| clip | kind | reason |\n|---|---|---|", failed)
    low = [f"| {_cell(clip.job.clip_id)} | {_cell('; '.join(clip.reasons))} |" for clip in result.rejected]
    lines += _listed("Of low quality", "| clip | reasons |\n|---|---|", low)
    several = [f"| {_cell(c.job.clip_id)} | {c.quality.num_people} |" for c in result.clips if c.quality.num_people > 1]
    lines += _listed("Several people in view; the signer was chosen", "| clip | people |\n|---|---|", several)
    return "\n".join(lines)


def _figures(result: ExtractionResult) -> list[str]:
    """A row a figure: its spread over the clips, and the limits that were fitted."""
    fitted = "limits: Tukey's outer fences of these clips"
    if result.fences.num_clips < MIN_CLIPS:
        fitted = f"no limits: fewer than {MIN_CLIPS} clips to fit them on"
    lines = [f"Figures of the clips ({fitted}; shares are 0-1):", ""]
    lines += ["| figure | least | median | most | at least | at most |", "|---|---|---|---|---|---|"]
    for name in _SHOWN:
        values = np.array([getattr(clip.quality, name) for clip in result.clips], dtype=np.float64)
        spread = " | ".join(f"{value:.3g}" for value in (values.min(), np.median(values), values.max()))
        low, high = (limits.get(name) for limits in (result.fences.low, result.fences.high))
        if name in SHARES:  # a limit that no share can pass says nothing
            low, high = (None if low is None or low <= 0 else low), (None if high is None or high >= 1 else high)
        limits = " | ".join("-" if limit is None else f"{limit:.3g}" for limit in (low, high))
        lines.append(f"| {name} | {spread} | {limits} |")
    totals = {name: sum(getattr(clip.quality, name) for clip in result.clips) for name in ("doubles", "swaps", "jumps")}
    repaired = ", ".join(f"{name} {count}" for name, count in totals.items())
    return [*lines, "", f"Frames of hands put right: {repaired}.", ""]


def _listed(title: str, header: str, rows: Sequence[str]) -> list[str]:
    if not rows:
        return []
    more = [f"\nand {len(rows) - _MAX_ROWS} more, in the folder's tables"] if len(rows) > _MAX_ROWS else []
    return [f"## {title}", "", header, *rows[:_MAX_ROWS], *more, ""]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write_contact_sheet(clips: Sequence[ExtractedVideo], path: Path) -> None:
    """Draw frames of the best, median and worst clips with their landmarks as one PNG.

    Raises:
        DataError: it cannot be written.
        MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("the contact sheet needs Pillow: pip install 'signtalk[extract]'") from error
    rows = [_row(title, clips[number]) for title, number in chosen_clips(clips)]
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    with atomic_path(path) as temporary:
        sheet.save(temporary)


def chosen_clips(clips: Sequence[ExtractedVideo]) -> list[tuple[str, int]]:
    """Positions of three of the best, median and worst clips, each once, best first."""
    order = rank_clips([clip.quality for clip in clips])
    middle = max((len(order) - _SHEET_CLIPS) // 2, 0)
    groups = {
        "best": order[:_SHEET_CLIPS],
        "median": order[middle : middle + _SHEET_CLIPS],
        "worst": order[-_SHEET_CLIPS:],
    }
    chosen: dict[int, str] = {}
    for title, numbers in groups.items():
        for number in numbers:
            chosen.setdefault(number, title)
    return [(title, number) for number, title in chosen.items()]


def _row(title: str, clip: ExtractedVideo) -> Image.Image:
    """A line of text above frames spread over the clip."""
    from PIL import Image, ImageDraw

    cells = []
    try:
        landmarks = load_clip(clip.clip_path)
        wanted = np.linspace(0, landmarks.num_frames - 1, _SHEET_FRAMES).round().astype(int)
        cells = [draw_landmarks(frame, landmarks, t) for frame, t in _frames_at(clip.job.video, landmarks, wanted)]
        trouble = ""
    except ClipError as error:  # the video may have gone since
        trouble = f"  (no pictures: {error})"
    quality = clip.quality
    text = (
        f"{title}: {clip.job.clip_id}   hands while signing {quality.hand_in_signing:.2f}   "
        f"left {quality.left_hand:.2f}   right {quality.right_hand:.2f}   visibility {quality.visibility:.2f}   "
        f"sharpness {quality.sharpness:.0f}{trouble}"
    )
    row = Image.new("RGB", (max(sum(cell.width for cell in cells), 900), 20 + _CELL_HEIGHT * bool(cells)), "white")
    ImageDraw.Draw(row).text((4, 4), text.encode("latin-1", "replace").decode("latin-1"), fill="black")
    left = 0
    for cell in cells:
        row.paste(cell, (left, 20))
        left += cell.width
    return row


def _frames_at(video: Path, clip: LandmarkClip, wanted: Iterable[int]) -> list[tuple[VideoFrame, int]]:
    """The video's frames that belong to these frames of the clip."""
    times = {round(float(clip.timestamps_s[t]) * 1e6): int(t) for t in wanted}
    return [(frame, times[key]) for frame in read_frames(video) if (key := round(frame.timestamp_s * 1e6)) in times]


def draw_landmarks(frame: VideoFrame, clip: LandmarkClip, t: int) -> Image.Image:
    """A frame with the landmarks of the clip's frame `t` drawn over it, _CELL_HEIGHT pixels high."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(frame.image)
    picture = picture.resize((max(round(picture.width * _CELL_HEIGHT / picture.height), 1), _CELL_HEIGHT))
    draw = ImageDraw.Draw(picture)
    points = clip.landmarks[t, :, :2] * [picture.width, picture.height]
    for part, lines in {"pose": _BODY_LINES, "left_hand": _HAND_LINES, "right_hand": _HAND_LINES}.items():
        for a, b in lines:
            pair = points[[PARTS[part].start + a, PARTS[part].start + b]]
            if not np.isnan(pair).any():
                draw.line([tuple(map(float, point)) for point in pair], fill=_COLOURS[part], width=2)
    for x, y in points[PARTS["face"]]:
        if not np.isnan(x):
            draw.point((float(x), float(y)), fill=_COLOURS["face"])
    return picture
