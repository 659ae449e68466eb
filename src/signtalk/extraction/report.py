"""What an extraction gave, for people: a page of figures and a sheet of pictures.

ExtractionResult -> write_extraction_report -> extraction_report.md and .html, contact_sheet.png
"""

from __future__ import annotations

import base64
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import numpy as np

from signtalk.errors import ClipError, missing_extra
from signtalk.extraction.quality import MIN_CLIPS_FOR_FENCES, SHARES, rank_clips
from signtalk.extraction.run import ExtractedVideo, ExtractionResult
from signtalk.extraction.storage import RemoteFolder
from signtalk.extraction.video import VideoFrame, read_frames
from signtalk.files import atomic_path, write_text
from signtalk.landmarks.clip import PARTS, LandmarkClip, load_clip
from signtalk.landmarks.drawing import COLOURS, LINES

if TYPE_CHECKING:
    from PIL import Image

EXTRACTION_REPORT_NAME = "extraction_report.md"
PAGE_NAME = "extraction_report.html"
SHEET_NAME = "contact_sheet.png"
_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Extraction</title>
<style>
body { font: 15px/1.4 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }
table { border-collapse: collapse; }
td, th { border: 1px solid #bbb; padding: 0.2em 0.6em; text-align: left; overflow-wrap: anywhere; }
img { max-width: 100%; }
</style>
$body
</html>
""")
_SHEET_CLIPS = 3
_SHEET_FRAMES = 5
_CELL_HEIGHT = 240
_MAX_ROWS = 50
_SHOWN = (
    "duration_s", "fps", "signing_s", "trimmed_start_s", "trimmed_end_s", "pose", "left_hand", "right_hand", "face",
    "hand_in_signing", "visibility", "hand_speed", "cropped_hands", "sharpness", "brightness",
)  # fmt: skip


def write_extraction_report(
    result: ExtractionResult, out: Path, storage: RemoteFolder | None = None
) -> tuple[Path, ...]:
    """Write the page and, where a clip was made, the sheet into the data folder.

    Args:
        result: what an extraction gave.
        out: the data folder.
        storage: where its clips are; the report is copied there, too. None = in the folder itself.

    Raises:
        DataError: they cannot be written.
        MissingExtraError: Pillow is not installed.
    """
    written = [out / EXTRACTION_REPORT_NAME, out / PAGE_NAME]
    picture = b""
    if result.clips:
        written.append(out / SHEET_NAME)
        write_contact_sheet(result.clips, written[-1], storage)
        picture = written[-1].read_bytes()
    write_text(written[0], extraction_markdown(result))
    write_text(written[1], extraction_html(result, picture))
    if storage:
        for path in written:
            storage.put(path, path.absolute())
    return tuple(written)


@dataclass(frozen=True)
class _Part:
    """A part of the report: a title or none, paragraphs, and a table or none."""

    title: str
    paragraphs: tuple[str, ...]
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def extraction_markdown(result: ExtractionResult) -> str:
    """The report: counts, the spread of each figure with its limits, what failed and what stands apart."""
    lines = ["# Extraction", "", *(f"* {count}" for count in _counts(result)), ""]
    for part in _parts(result):
        lines += [f"## {part.title}", ""] if part.title else []
        for paragraph in part.paragraphs:
            lines += [paragraph, ""]
        if part.rows:
            rows = [part.header, ("---",) * len(part.header), *part.rows]
            lines += [*("| " + " | ".join(_cell(text) for text in row) + " |" for row in rows), ""]
    if result.clips:
        lines += [f"![clips, best first]({SHEET_NAME})", ""]
    return "\n".join(lines)


def extraction_html(result: ExtractionResult, sheet_png: bytes) -> str:
    """The same report as one page that needs no other file.

    Args:
        result: what an extraction gave.
        sheet_png: the contact sheet; empty = none.
    """
    body = ["<h1>Extraction</h1>", "<ul>", *(f"<li>{escape(count)}</li>" for count in _counts(result)), "</ul>"]
    for part in _parts(result):
        body += [f"<h2>{escape(part.title)}</h2>"] if part.title else []
        body += [f"<p>{escape(paragraph)}</p>" for paragraph in part.paragraphs]
        if part.rows:
            rows = ["".join(f"<td>{escape(text)}</td>" for text in row) for row in part.rows]
            head = "".join(f"<th>{escape(text)}</th>" for text in part.header)
            body += ["<table>", f"<tr>{head}</tr>", *(f"<tr>{row}</tr>" for row in rows), "</table>"]
    if sheet_png:
        data = base64.b64encode(sheet_png).decode("ascii")
        body.append(f'<img alt="clips, best first" src="data:image/png;base64,{data}">')
    return _PAGE.substitute(body="\n".join(body))


def _counts(result: ExtractionResult) -> list[str]:
    people = sum(clip.quality.num_people > 1 for clip in result.clips)
    return [
        f"clips: {len(result.clips)}, of which {len(result.rejected)} of low quality",
        f"videos without a clip: {len(result.failed)}",
        f"clips with several people in view: {people}",
    ]


def _parts(result: ExtractionResult) -> list[_Part]:
    parts = [_figures(result)] if result.clips else []
    totals = {name: sum(getattr(clip.quality, name) for clip in result.clips) for name in ("doubles", "swaps", "jumps")}
    repaired = ", ".join(f"{name} {count}" for name, count in totals.items())
    parts += [_Part("", (f"Frames of hands put right: {repaired}.",))] if result.clips else []
    kinds = Counter(problem.kind for problem in result.failed)
    title = "Without a clip: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    parts += _listed(title, ("clip", "kind", "reason"), [(p.clip_id, p.kind, p.message) for p in result.failed])
    low = [(clip.job.clip_id, "; ".join(clip.reasons)) for clip in result.rejected]
    parts += _listed("Of low quality", ("clip", "reasons"), low)
    several = [(c.job.clip_id, str(c.quality.num_people)) for c in result.clips if c.quality.num_people > 1]
    return parts + _listed("Several people in view; the signer was chosen", ("clip", "people"), several)


def _figures(result: ExtractionResult) -> _Part:
    """A row a figure: its spread over the clips, and the limits that were fitted."""
    fitted = "limits: Tukey's outer fences of these clips"
    if result.fences.num_clips < MIN_CLIPS_FOR_FENCES:
        fitted = f"no limits: fewer than {MIN_CLIPS_FOR_FENCES} clips to fit them on"
    rows = []
    for name in _SHOWN:
        values = np.array([getattr(clip.quality, name) for clip in result.clips], dtype=np.float64)
        spread = [f"{value:.3g}" for value in (values.min(), np.median(values), values.max())]
        low, high = (limits.get(name) for limits in (result.fences.low, result.fences.high))
        if name in SHARES:  # a limit that no share can pass says nothing
            low, high = (None if low is None or low <= 0 else low), (None if high is None or high >= 1 else high)
        rows.append((name, *spread, *("-" if limit is None else f"{limit:.3g}" for limit in (low, high))))
    header = ("figure", "least", "median", "most", "at least", "at most")
    return _Part("", (f"Figures of the clips ({fitted}; shares are 0-1):",), header, tuple(rows))


def _listed(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[_Part]:
    if not rows:
        return []
    more = (f"The first {_MAX_ROWS} of {len(rows)}; all are in the folder's tables.",) if len(rows) > _MAX_ROWS else ()
    return [_Part(title, more, header, tuple(rows[:_MAX_ROWS]))]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write_contact_sheet(clips: Sequence[ExtractedVideo], path: Path, storage: RemoteFolder | None = None) -> None:
    """Draw frames of the best, median and worst clips with their landmarks as one PNG.

    Args:
        clips: what was extracted.
        path: of the PNG.
        storage: where the clips are, when they are not in the folder.

    Raises:
        DataError: it cannot be written.
        MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_extra(error, "the contact sheet") from error
    rows = [_row(title, clips[number], storage) for title, number in chosen_clips(clips)]
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    with atomic_path(path) as temporary:
        sheet.save(temporary)


def _landmarks(path: Path, storage: RemoteFolder | None) -> LandmarkClip:
    if storage is None:
        return load_clip(path)
    with tempfile.TemporaryDirectory(prefix="signtalk-") as folder:
        local = Path(folder) / path.name
        storage.get(path, local)
        return load_clip(local)


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


def _row(title: str, clip: ExtractedVideo, storage: RemoteFolder | None) -> Image.Image:
    """A line of text above frames spread over the clip."""
    from PIL import Image, ImageDraw

    cells = []
    try:
        landmarks = _landmarks(clip.clip_path, storage)
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
    """A frame with the landmarks of the clip's frame `t` drawn over it, _CELL_HEIGHT pixels high.

    Args:
        frame: the picture.
        clip: the landmarks of its video.
        t: frame of the clip.
    """
    from PIL import Image, ImageDraw

    picture = Image.fromarray(frame.image)
    picture = picture.resize((max(round(picture.width * _CELL_HEIGHT / picture.height), 1), _CELL_HEIGHT))
    draw = ImageDraw.Draw(picture)
    points = clip.landmarks[t, :, :2] * [picture.width, picture.height]
    for a, b, part in LINES:
        if not np.isnan(points[[a, b]]).any():
            draw.line([tuple(map(float, point)) for point in points[[a, b]]], fill=COLOURS[part], width=2)
    for x, y in points[PARTS["face"]]:
        if not np.isnan(x):
            draw.point((float(x), float(y)), fill=COLOURS["face"])
    return picture
