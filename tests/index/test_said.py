"""What was said and confirmed lies beside an index, belongs to no model, and goes when it is told to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.taught import same_landmarks, signed
from signtalk.errors import ArtifactError
from signtalk.index.said import (
    copy_said,
    drop_said,
    keep_said,
    read_said,
    retell_said,
    said_id,
    said_place,
    said_state,
)
from signtalk.index.takes import Take, clip_path
from signtalk.landmarks.clip import load_clip


def take_of(number: int, sentence: str = "The pump beeps.", **told: str) -> Take:
    told = {"origin": "confirmed", "consent": "train", "date": "2026-11-29", **told}
    return Take(said_id(signed(number)), "enrolled-1", sentence, "ward", "s07", "en", **told)


def keep(folder: Path, *takes: tuple[int, Take]) -> None:
    keep_said(folder, [take for _, take in takes], {take.clip_id: signed(number) for number, take in takes})


def files_beside(folder: Path) -> list[str]:
    place = said_place(folder)
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keep(tmp_path / "ward", (1, take_of(1)), (2, take_of(2, "Open your mouth", origin="corrected")))
    return tmp_path / "ward"


def test_what_is_kept_is_there_with_its_clip(folder: Path) -> None:
    said = read_said(folder)
    assert [(take.sentence, take.origin) for take in said.values()] == [
        ("The pump beeps.", "confirmed"), ("Open your mouth", "corrected"),
    ]  # fmt: skip
    for number, clip_id in enumerate(said, 1):
        assert same_landmarks(load_clip(clip_path(said_place(folder), clip_id)), signed(number))
    assert not folder.exists()  # no index is made, and none is read again


def test_an_id_is_of_the_landmarks_however_what_is_missing_is_written() -> None:
    clip = signed(1)
    landmarks = clip.landmarks.copy()
    other_nan = np.array([0x7FC00001], dtype=np.uint32).view(np.float32)[0]
    landmarks[np.isnan(landmarks)] = other_nan
    assert said_id(replace(clip, landmarks=landmarks)) == said_id(clip)
    landmarks[0, 0] += np.float32(1e-3)
    assert said_id(replace(clip, landmarks=landmarks)) != said_id(clip) != said_id(signed(2))


def test_the_same_signing_under_another_sentence_is_kept_once(folder: Path) -> None:
    before = said_state(folder)
    keep(folder, (1, take_of(1, "The pump peeps.", origin="corrected")))
    said = read_said(folder)
    assert [take.sentence for take in said.values()] == ["Open your mouth", "The pump peeps."]
    assert len(files_beside(folder)) == 3 and said_state(folder) not in (before, None)


def test_what_is_told_to_be_gone_is_gone_and_so_is_what_a_killed_process_left(folder: Path) -> None:
    place = said_place(folder)
    for name in (".signtalk-tmp-x.npz", "said-0123456789abcdef.npz"):
        (place / "clips" / name).write_bytes(b"x")
    (place / "clips" / "notes.txt").write_text("of somebody")
    drop_said(folder, [said_id(signed(1)), "said-never"])
    assert [take.sentence for take in read_said(folder).values()] == ["Open your mouth"]
    assert files_beside(folder) == ["clips/notes.txt", f"clips/{said_id(signed(2))}.npz", "takes.csv"]


def test_a_row_whose_clip_is_gone_already_goes_with_the_next_change(folder: Path) -> None:
    clip_path(said_place(folder), said_id(signed(1))).unlink()  # killed in the middle
    assert len(read_said(folder)) == 2
    drop_said(folder, [])
    assert list(read_said(folder)) == [said_id(signed(2))]


def test_beside_another_index_it_is_kept_as_well(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "new" / "ward"
    keep(other, (1, take_of(1, "Old")), (3, take_of(3)))
    copy_said(folder, other)
    assert set(read_said(other)) == {said_id(signed(number)) for number in (1, 2, 3)}
    drop_said(folder, list(read_said(folder)))
    assert same_landmarks(load_clip(clip_path(said_place(other), said_id(signed(2)))), signed(2))
    copy_said(tmp_path / "nothing", tmp_path / "more")
    assert not said_place(tmp_path / "more").exists()


def test_where_nothing_is_kept_nothing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "ward"
    drop_said(folder, ["said-x"])
    retell_said(folder, [])
    assert read_said(folder) == {} and said_state(folder) is None and list(tmp_path.iterdir()) == []


def test_a_damaged_table_is_a_clear_error(folder: Path) -> None:
    (said_place(folder) / "takes.csv").write_text("clip_id\nx\n")
    with pytest.raises(ArtifactError, match="columns clip_id"):
        keep(folder, (1, take_of(1)))
