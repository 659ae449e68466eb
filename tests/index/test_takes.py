"""What is told of takes and which clips are kept, beside the vectors of an index folder."""

from dataclasses import replace
from pathlib import Path

import pytest

from made.references import assert_same, encoded, entry, small_index
from made.taught import same_landmarks, signed
from signtalk.errors import ArtifactError, ConfigError
from signtalk.index.index import SentenceIndex
from signtalk.index.takes import TAKE_COLUMNS, Take, check_told, clip_path, read_takes
from signtalk.landmarks.clip import load_clip

MINE = SentenceIndex.build(
    encoded(2, seed=3), [entry("p1", "the pump beeps", "90"), entry("p2", "open your mouth", "3")], "model-1"
)
PUMP = Take("p1", "90", "The pump beeps", "at the chemist, mornings", "s01", "en", "train", "2026-11-28")
MOUTH = Take("p2", "3", "Open your mouth", "at the chemist, mornings", "s01", date="2026-11-27")


@pytest.fixture
def folder(tmp_path):
    MINE.save(tmp_path / "mine", [PUMP, MOUTH], {"p1": signed(1)})
    return tmp_path / "mine"


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_is_told_comes_back_and_only_a_clip_with_consent_is_kept(folder):
    assert read_takes(folder) == {"p1": PUMP, "p2": MOUTH}
    assert same_landmarks(load_clip(clip_path(folder, "p1")), signed(1))
    assert [name for name in files_in(folder) if name.startswith("clips/")] == ["clips/p1.npz"]
    assert_same(SentenceIndex.load(folder, "model-1"), MINE)


def test_a_folder_of_which_nothing_is_told_is_as_it_always_was(tmp_path):
    MINE.save(tmp_path / "mine", [Take("p1", "90", "The pump beeps", "", "")])
    assert read_takes(tmp_path / "mine") == {}
    small_index().save(tmp_path / "other")
    assert files_in(tmp_path / "mine") == files_in(tmp_path / "other")


def test_the_next_change_keeps_what_stays_and_drops_what_goes(folder):
    before = clip_path(folder, "p1").stat().st_ino
    more = SentenceIndex.build(encoded(1, seed=5), [entry("p3", "null", "40")], "model-1")
    MINE.joined(more).save(folder)
    assert read_takes(folder) == {"p1": PUMP, "p2": MOUTH}
    assert clip_path(folder, "p1").stat().st_ino == before  # linked, so that many clips cost neither time nor space
    MINE.without(["p1"]).save(folder)
    assert read_takes(folder) == {"p2": MOUTH}
    assert not (folder / "clips").exists()


def test_a_clip_that_no_take_names_is_left_alone(folder):
    """Somebody put it there; a change would remove it."""
    orphan = clip_path(folder, "p1").rename(folder / "clips" / "orphan.npz")
    with pytest.raises(ArtifactError, match=r"holds orphan\.npz, no kept clip"):
        MINE.save(folder)
    orphan.unlink()
    MINE.save(folder)
    assert not (folder / "clips").exists()  # of p1 the clip is missing, which `carry` tells
    assert read_takes(folder)["p1"] == PUMP


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini", "._p1.npz"])
def test_what_a_system_leaves_in_a_folder_is_in_nobodys_way(folder, name):
    for place in (folder, folder / "clips"):
        (place / name).write_bytes(b"litter")
    MINE.save(folder)
    assert read_takes(folder) == {"p1": PUMP, "p2": MOUTH}
    assert name not in " ".join(files_in(folder))


def test_the_index_says_what_a_take_says(folder):
    renamed = replace(MINE, entries=(replace(MINE.entries[0], sentence="The pump beeps!"), MINE.entries[1]))
    renamed.save(folder)
    assert read_takes(folder)["p1"] == replace(PUMP, sentence="The pump beeps!")


def test_other_files_among_the_clips_are_left_alone(folder):
    (folder / "clips" / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match=r"holds thesis\.txt, no kept clip"):
        MINE.save(folder)
    assert (folder / "clips" / "thesis.txt").read_text() == "years of work"
    assert read_takes(folder) == {"p1": PUMP, "p2": MOUTH}


@pytest.mark.parametrize(
    "clip_id", ["a-3f09c1d2", "A-3f09c1d2", "../../etc/passwd", "a\\udcff-1", "con", " a b ", "ñ" * 200, "...", "a:b?"]
)
def test_a_clip_has_a_name_that_is_safe_everywhere(clip_id, tmp_path):
    path = clip_path(tmp_path, clip_id)
    assert path.parent == tmp_path / "clips"
    assert path.name.isascii() and len(path.name) < 90 and not set(path.name) & set('\\/:*?"<>| ')
    assert path == clip_path(tmp_path, f" {clip_id} ")  # as a table gives it back


def test_names_of_clips_differ_also_where_case_means_nothing(tmp_path):
    names = {clip_path(tmp_path, clip_id).name.casefold() for clip_id in ("a-1", "A-1", "a 1", "a_1", "ä-1", "a.1")}
    assert len(names) == 6
    assert clip_path(tmp_path, "a-3f09c1d2").name == "a-3f09c1d2.npz"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (("french!", "", ""), "language 'french!'; expected a tag"),
        (("", "everything", ""), "consent 'everything'; expected recognize or train"),
        (("", "", "28.11.2026"), r"date '28\.11\.2026'; expected a day such as"),
        (("", "", "20261128"), "date '20261128'"),
        (("", "", "2026-02-30"), "date '2026-02-30'"),
    ],
)
def test_what_cannot_be_told_is_refused(told, message):
    with pytest.raises(ConfigError, match=message):
        check_told(*told)


@pytest.mark.parametrize("told", [("", "", ""), ("pt-BR", "train", "2024-02-29"), ("tw", "recognize", "")])
def test_what_can_be_told(told):
    check_told(*told)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("clip_id,consent\np1,train\n", "columns clip_id, consent; expected clip_id, sentence_id"),
        (f"{','.join(TAKE_COLUMNS)}\np1,90,The pump beeps,,,,maybe,\n", "consent 'maybe'"),
        (f"{','.join(TAKE_COLUMNS)}\n,90,The pump beeps,,,,,\n", "a clip_id of 0 characters"),
        (f"{','.join(TAKE_COLUMNS)}\n" + "p1,90,The pump beeps,,,,,\n" * 2, "'p1' is there twice"),
        ("\0\0", "takes.csv"),
    ],
)
def test_a_damaged_table_is_a_clear_error(folder, content, message):
    (folder / "takes.csv").write_text(content)
    with pytest.raises(ArtifactError, match=message) as caught:
        read_takes(folder)
    assert "put back the file as it was written" in str(caught.value)
    with pytest.raises(ArtifactError, match=message):
        MINE.save(folder)  # nobody's consent is dropped in silence
