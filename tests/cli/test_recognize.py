"""`signtalk recognize`: a table in which nothing is cut off, and clips that cannot be used."""

import contextlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made.commands import run_cli, terminal
from made.small_run import SmallRun
from signtalk.cli.recognize import print_answers
from signtalk.recognition.answer import Answer
from signtalk.recognition.ranking import Candidate

LONG = "Please take two of these tablets every morning before breakfast, and one more in the evening with some water"


def candidate(sentence: str, rank: int = 1) -> Candidate:
    return Candidate(
        rank, f"c{rank}", f"c{rank}.mp4", f"c{rank}.npz", str(rank), sentence, "x", sentence.lower(), 0.9, 0.9, 0.5,
        0.9, None, None, None, 2,
    )  # fmt: skip


def answer(*sentences: str, reason: str = "", choices: int = 0, translation: str | None = None) -> Answer:
    candidates = tuple(candidate(sentence, rank) for rank, sentence in enumerate(sentences, start=1))
    return Answer(
        not reason, reason, 0.97, 1.0, 0.1, candidates, 1, candidates[:choices], translation, -1.0, (), 0.4, False
    )


def printed_lines(answers: dict[str, Answer]) -> list[list[str]]:
    """The two cells of each line of the table, at the 80 columns of a plain terminal."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), terminal(80):
        print_answers(answers)
    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in printed.getvalue()
    return [[part.strip() for part in line.strip("│").split("│")] for line in lines if line.startswith("│")]


def cells(answers: dict[str, Answer]) -> list[tuple[str, str]]:
    """Name and text of each row, folded lines joined; a row begins where the text begins with its number."""
    lines = printed_lines(answers)
    starts = [number for number, (_, text) in enumerate(lines) if re.match(r"\d+:", text)]
    rows = [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
    return [("".join(name for name, _ in row), " ".join(text for _, text in row if text)) for row in rows]


def numbered(names: list[str]) -> dict[str, Answer]:
    return {name: answer(f"{number}: {LONG}") for number, name in enumerate(names)}


NAMES = st.text(st.sampled_from("abcXYZ012345_-[]()."), min_size=1, max_size=70).filter(lambda name: name.strip("."))


@given(st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_nothing_is_cut_off_where_clips_share_a_folder(names: list[str]) -> None:
    folder = "/home/somebody/with/a/long/path/to/many/clips/of/the/ward"
    shown = cells(numbered([f"{folder}/{name}" for name in names]))
    assert [name for name, _ in shown] == names
    for number, (_, text) in enumerate(shown):
        assert text.replace(" ", "") == f"{number}: {LONG} (0.97)".replace(" ", "")


def test_names_of_several_folders_are_told_apart() -> None:
    names = ["/data/ward/a/clip.npz", "/data/ward/b/clip.npz", "/data/ward/clip.npz"]
    assert [name for name, _ in cells(numbered(names))] == ["a/clip.npz", "b/clip.npz", "clip.npz"]
    assert [name for name, _ in cells(numbered(["/data/clip.npz", "clip.npz"]))] == ["/data/clip.npz", "clip.npz"]
    assert [name for name, _ in cells(numbered(["a/clip.npz", "b/clip.npz"]))] == ["a/clip.npz", "b/clip.npz"]


def test_a_refusal_names_two_that_were_nearest_marked_and_no_text_that_may_not_be_shown() -> None:
    refused = answer("Yes", "No", reason="ambiguous_top2", translation="maybe")
    lines = ["not sure: ambiguous_top2", "nearest, not proven: Yes / No"]
    assert [text for _, text in printed_lines({"a.npz": refused})] == lines
    accepted = answer("Yes", translation="maybe")
    assert [text for _, text in printed_lines({"a.npz": accepted})] == ["Yes (0.97)"]
    two = answer("Yes", "No", reason="ambiguous_top2", choices=2)
    assert [text for _, text in printed_lines({"a.npz": two})] == ["one of these? Yes / No"]
    assert [text for _, text in printed_lines({"a.npz": answer(reason="idle")})] == ["not sure: idle"]
    alone = answer("Yes", reason="low_similarity")
    assert [text for _, text in printed_lines({"a.npz": alone})] == ["not sure: low_similarity"]


def test_what_resembles_noise_is_not_named() -> None:
    refused = replace(answer(LONG, reason="low_motion", translation="the have malaria"), confidence=0.04)
    assert printed_lines({"still.npz": refused}) == [["still.npz", "not sure: low_motion"]]


def test_one_bad_clip_among_others_is_left_out(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"PK\x03\x04 no zip")
    good = next(small_run.data.rglob("*.npz"))
    assert run_cli(monkeypatch, "recognize", bad, good, "--run", small_run.run, "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)[str(bad)] is None
    assert "left out" in printed.err
    assert run_cli(monkeypatch, "recognize", bad, good, "--run", small_run.run, "--strict") == 2


def test_a_clip_without_shoulders_is_named_and_no_answer_at_all_is_a_failure(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = next(small_run.data.rglob("*.npz"))
    arrays = dict(np.load(good))
    hidden = np.isin(arrays["landmark_names"], ["left_shoulder", "right_shoulder"])
    arrays["landmarks"] = np.where(hidden[None, :, None], np.nan, arrays["landmarks"]).astype(np.float32)
    bad = [tmp_path / "bad.npz", tmp_path / "worse.npz"]
    for path in bad:
        np.savez(path, **arrays)
    assert run_cli(monkeypatch, "recognize", *bad, "--run", small_run.run) == 2
    printed = capsys.readouterr()
    lines = printed.err.strip().splitlines()
    assert [line.split(":")[:2] for line in lines[:2]] == [["left out", f" {path}"] for path in bad]
    assert lines[2].startswith("signtalk: none of the 2 clips")
    assert "Answers" not in printed.out
    assert run_cli(monkeypatch, "recognize", bad[0], "--run", small_run.run) == 2
    assert capsys.readouterr().err.startswith(f"signtalk: {bad[0]}: no frame shows both shoulders")
