"""The benchmark of the segmenter: its yardsticks, its intervals, its tables, on made-up streams."""

import sys

import numpy as np
import pytest

import segmentation
from made.clips import made_clip, resting, waving
from signtalk.segmentation.fit import SegmenterFit, lesson_of
from signtalk.segmentation.metrics import SegmentScores
from signtalk.segmentation.segmenter import SegmenterSettings, shipped_settings
from signtalk.segmentation.streams import StreamPlan, join_clips, make_stream


def joined():
    """A second of rest, two of waving, a second of rest."""
    signing = made_clip(waving(50, "left", 25.0), waving(50, "right", 25.0), 25.0)
    still = made_clip(resting(25, "left"), resting(25, "right"), 25.0)
    return join_clips([signing], [still] * 2, [1.0, 1.0], 25.0, signer_id="x")


def test_speed_over_a_floor_finds_what_moves() -> None:
    scores = segmentation.above(segmentation.hand_speed, 0.5)(joined())
    assert (scores.num_true, scores.num_found, scores.missed) == (1, 1, 0)
    nothing = segmentation.above(segmentation.hand_speed, 1e6)(joined())
    assert (nothing.num_found, nothing.missed) == (0, 1)


def test_hand_speed_is_shoulder_widths_a_second() -> None:
    way = np.stack([np.full(20, 0.35), 0.7 - 0.1 * np.arange(20) / 10], axis=1)
    clip = made_clip(resting(20, "left"), way, 10.0)
    assert segmentation.hand_speed(clip)[1:] == pytest.approx(0.1 / 0.2, rel=1e-3)


def test_a_row_has_its_interval_and_a_rest_has_no_f1() -> None:
    good, bad = SegmentScores(2, 2, (2, 4, 4), 2, 0, 10.0), SegmentScores(2, 2, (0, 0, 2), 1, 1, 10.0)
    row = segmentation.Row("asl", "shipped", "25", (good, bad), ("a", "b"))
    cells = row.cells()
    assert cells[:4] == ["asl, 25 fps", "shipped", "4", "0.250"]
    assert cells[4] == "0.500 (0.000-1.000)"
    assert cells[5:] == ["0.750", "1", "1 (180)"]
    rest = segmentation.Row("rest", "shipped", "25", (SegmentScores(0, 1, (0, 0, 0), 0, 1, 60.0),), ("a",))
    assert rest.cells()[2:] == ["0", "-", "-", "-", "0", "1 (60)"]


def test_signers_are_drawn_where_there_are_enough() -> None:
    each = [SegmentScores(2, 2, (4, 4, 4), 2, 0, 9.0), SegmentScores(2, 2, (0, 0, 0), 0, 2, 9.0)]
    scores = tuple(each * 5)
    alike = segmentation.Row("x", "y", "1", scores, tuple(f"s{i // 2}" for i in range(10)))
    assert alike.interval() == "0.500-0.500"  # every signer has one of each
    few = segmentation.Row("x", "y", "1", scores, tuple(f"s{i // 5}" for i in range(10)))
    assert few.interval() != "0.500-0.500"


def test_idle_and_signing_clips_in_a_line() -> None:
    signing = [made_clip(waving(40, "left"), waving(40, "right")) for _ in range(3)]
    idle = [made_clip(resting(40, "left"), resting(40, "right")) for _ in range(2)]
    assert segmentation.clip_cells("x", "made_up", signing, idle) == [
        "x", "3", "2", "1.000", "1.000", "0.000", "0.000", "0.000",
    ]  # fmt: skip


def test_the_section_has_a_table_of_all_that_was_measured(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(segmentation, "FPS", (12.0,))
    monkeypatch.setattr(
        segmentation,
        "made_up",
        lambda fps: [make_stream(9, number, StreamPlan(num_sentences=1, fps=fps)) for number in range(2)],
    )
    monkeypatch.setattr(segmentation, "resting", lambda *_: [make_stream(9, 0, StreamPlan(0, 12.0, (5.0, 5.1)))])
    monkeypatch.setattr(segmentation, "measure_clips", lambda _: [["made_up", *("0",) * 7]])
    page = tmp_path / "results.md"
    monkeypatch.setattr(sys, "argv", ["segmentation.py", "--data", "made_up", "--results", str(page)])
    assert segmentation.main() == 0
    text = page.read_text()
    assert text.count("| made_up") == 4 + 1
    assert text.count("| made-up people who fidget") == 2
    assert "| video |" not in text
    assert "`python benchmarks/segmentation.py --data made_up" in text
    assert capsys.readouterr().out.strip() in text
    assert segmentation.main() == 0
    assert page.read_text().count("<!-- quality:segmentation -->") == 1


def test_a_real_set_is_measured_by_numbers_that_never_saw_it(monkeypatch) -> None:
    read = []

    def lessons(source):
        read.append(source)
        return [source]

    monkeypatch.setattr(segmentation, "lessons_of", lessons)
    monkeypatch.setattr(
        segmentation,
        "fit_lessons",
        lambda lessons, fitted_by, _: SegmenterFit(shipped_settings(), (lessons, fitted_by)),
    )
    segmentation.without.cache_clear()
    name, settings = segmentation.judged_by("asl")
    assert name == "without asl"
    assert settings == segmentation.dialled(shipped_settings())
    assert read == ["made_up", "rest", "isl", "ksl", "words"]
    for source in ("made_up", "isl"):  # the shipped numbers saw neither these people nor this set
        assert segmentation.judged_by(source) == ("shipped", shipped_settings())
    segmentation.without.cache_clear()


def test_rounds_of_a_video_that_are_found() -> None:
    clip = joined().clip
    rounds = segmentation.every_round(clip, 4)
    live = segmentation.watched_live(clip, 10.0, 4, np.random.default_rng(0))
    assert segmentation.rounds_found(live, rounds, shipped_settings()) == 4
    config = shipped_settings().config.model_copy(update={"least_mean": 0.9999})
    deaf = shipped_settings().model_copy(update={"config": config})
    assert segmentation.rounds_found(live, rounds, deaf) == 0


def test_a_fit_reads_every_source_but_the_one_held_back(monkeypatch, capsys, tmp_path) -> None:
    streams = [make_stream(seed, seed, StreamPlan(num_sentences=5, fps=8.0)) for seed in range(4)]
    read = []

    def lessons(source):
        read.append(source)
        return [lesson_of(stream, source) for stream in streams[:1]]

    monkeypatch.setattr(segmentation, "lessons_of", lessons)
    monkeypatch.setattr(sys, "argv", ["segmentation.py", "--fit", str(tmp_path / "numbers.json")])
    segmentation.without.cache_clear()
    assert segmentation.main() == 0
    segmentation.without.cache_clear()
    assert read == ["made_up", "rest", "asl", "ksl", "words"]
    settings = SegmenterSettings.load(tmp_path / "numbers.json")
    assert settings.config == settings.config.model_copy(update=segmentation.DIAL)
    assert "benchmarks/segmentation.py --fit" in settings.fitted_by
    assert f"start_threshold={segmentation.DIAL['start_threshold']}" in capsys.readouterr().out


def test_without_the_clips_it_says_so(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setenv("SIGNTALK_DATA", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["segmentation.py", "--data", "isl"])
    assert segmentation.main() == 2
    assert "set SIGNTALK_DATA" in capsys.readouterr().err
