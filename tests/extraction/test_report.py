import base64
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from made.videos import HEIGHT, WIDTH, RedSquareLandmarker, signing, write_video
from signtalk.data.records import Problem
from signtalk.extraction.clip import ExtractionConfig, extract_to_file
from signtalk.extraction.inputs import plan_extraction
from signtalk.extraction.quality import fit_fences
from signtalk.extraction.report import (
    EXTRACTION_REPORT_NAME,
    PAGE_NAME,
    SHEET_NAME,
    chosen_clips,
    draw_landmarks,
    extraction_html,
    extraction_markdown,
    write_extraction_report,
)
from signtalk.extraction.run import ExtractedVideo, ExtractionResult
from signtalk.extraction.video import VideoFrame, read_frames
from signtalk.landmarks.clip import load_clip
from signtalk.landmarks.drawing import COLOURS

Image = pytest.importorskip("PIL.Image")


def clips_of(folder, num):
    for number in range(num):
        write_video(folder / f"{number}.mp4", signing(30))
    clips = []
    for job in plan_extraction(folder).jobs:
        path = folder / f"{job.file_stem}.npz"
        extracted = extract_to_file(job.video, path, RedSquareLandmarker(), ExtractionConfig())
        clips.append(ExtractedVideo(job, path, extracted.numbers, extracted.quality, ()))
    return tuple(clips)


def result_of(clips, failed=()):
    return ExtractionResult(tuple(clips), tuple(failed), fit_fences([clip.quality for clip in clips]), 0, ())


def test_page_and_sheet_are_written(tmp_path):
    clips = clips_of(tmp_path, 2)
    clips[1].job.video.unlink()  # a video may have gone since: its row says so
    report, page, sheet = write_extraction_report(result_of(clips), tmp_path / "out")
    assert (report.name, page.name, sheet.name) == (EXTRACTION_REPORT_NAME, PAGE_NAME, SHEET_NAME)
    assert base64.b64encode(sheet.read_bytes()).decode() in page.read_text(encoding="utf-8")
    with Image.open(sheet) as image:
        assert image.height == 20 + 240 + 20 and image.width == 5 * 360


def test_the_page_tells_counts_limits_and_reasons(tmp_path):
    clip = clips_of(tmp_path, 1)[0]
    clips = [clip] * 12 + [
        replace(clip, reasons=("sharp|ness 5, under 7",), quality=replace(clip.quality, num_people=2))
    ]
    page = extraction_markdown(result_of(clips, [Problem("x", "unusable", "two\nlines | here")]))
    assert "clips: 13, of which 1 of low quality" in page and "videos without a clip: 1" in page
    assert "Tukey's outer fences" in page
    assert "| x | unusable | two lines \\| here |" in page and "sharp\\|ness" in page
    assert "| 0 | 2 |" in page  # several people
    many = result_of(clips, [Problem(f"v{number}", "unusable", "cut") for number in range(60)])
    assert "The first 50 of 60" in extraction_markdown(many) and "v50" not in extraction_markdown(many)
    few = extraction_markdown(result_of(clips[:3]))
    assert "no limits: fewer than 12 clips" in few
    assert "clips: 0" in extraction_markdown(result_of([]))


def test_the_html_page_holds_the_same_and_nothing_foreign(tmp_path):
    clip = clips_of(tmp_path, 1)[0]
    result = result_of([clip] * 3, [Problem("<script>x</script>", "unusable", 'a & b "c" $body')])
    page = extraction_html(result, b"")
    tree = ElementTree.fromstring("<body>" + page.split("</style>")[1].removesuffix("</html>\n") + "</body>")
    assert [cell.text for cell in tree.findall(".//table[2]//td")] == [
        "<script>x</script>", "unusable", 'a & b "c" $body',
    ]  # fmt: skip
    rows = [line for line in extraction_markdown(result).splitlines() if line.startswith("| ")]
    assert len(rows) - 2 == len(tree.findall(".//tr")) and tree.find(".//img") is None


def test_best_median_and_worst_are_chosen_once_each(tmp_path):
    clip = clips_of(tmp_path, 1)[0]
    clips = [replace(clip, quality=replace(clip.quality, visibility=number / 20)) for number in range(20)]
    chosen = chosen_clips(clips)
    assert [number for _, number in chosen] == [19, 18, 17, 11, 10, 9, 2, 1, 0]
    assert [title for title, _ in chosen] == ["best"] * 3 + ["median"] * 3 + ["worst"] * 3
    assert len(chosen_clips(clips[:4])) == 4


def test_landmarks_are_drawn_where_they_are(tmp_path):
    clip = clips_of(tmp_path, 1)[0]
    frame = next(iter(read_frames(clip.job.video)))
    landmarks = load_clip(clip.clip_path)
    grey = VideoFrame(np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8), frame.timestamp_s)
    drawn = np.asarray(draw_landmarks(grey, landmarks, 0)).astype(int)
    hand = (drawn == COLOURS["right_hand"]).all(axis=-1)
    x, y = np.nonzero(hand)[1].mean() / drawn.shape[1], np.nonzero(hand)[0].mean() / drawn.shape[0]
    assert (x, y) == pytest.approx((0.43, 0.47), abs=0.04)  # the made-up right hand reaches from its wrist up
