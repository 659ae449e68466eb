import json
import shutil
import threading
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made.references import assert_same, encoded, entry, small_index
from made.taught import same_landmarks, signed
from signtalk.data.records import ClipRecord
from signtalk.errors import ArtifactError, DataError
from signtalk.files import read_csv, save_array, save_arrays, sha256_file, write_csv, write_json
from signtalk.index import files as index_files
from signtalk.index.files import IndexEntry, locked, read_index, workplace, write_index
from signtalk.index.index import SentenceIndex
from signtalk.index.takes import Take, clip_path, read_takes
from signtalk.landmarks.clip import load_clip

MINE = SentenceIndex.build(encoded(1, seed=3), [entry("p1", "the pump beeps", "90")], "model-1")
TAKE = Take("p1", "90", "The pump beeps", "at the chemist, mornings", "s01", consent="recognize")
FILES = ["embeddings.npy", "embeddings_map.csv", "prototypes.npz", "projections.npy", "projection_lengths.npy"]


@pytest.fixture
def folder(tmp_path):
    small_index().save(tmp_path / "index")
    return tmp_path / "index"


def resign(folder):
    """Write the hashes of the files as they now are: damage that only the checks of content can find."""
    header = json.loads((folder / "index.json").read_text())
    write_json(folder / "index.json", header | {"files": {name: sha256_file(folder / name) for name in FILES}})


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_found(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match=f"{name}: not the file that was written"):
        SentenceIndex.load(folder)


@pytest.mark.parametrize("name", [*FILES, "index.json"])
def test_a_missing_file_is_found(folder, name):
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        SentenceIndex.load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_found_even_when_its_hash_is_right(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    resign(folder)
    with pytest.raises(ArtifactError):
        SentenceIndex.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 3}, "index format 3; this SignTalk reads 1 and 2"),
        ({"format_version": None}, "index format None"),
        ({"extra": 1}, "extra"),
        ({"num_references": "5"}, "num_references"),
        ({"num_references": 6}, "says"),
        ({"projection_width": 4}, "says"),
        ({"files": {}}, "names the files"),
        ({"files": {"../secret": "0"}}, "names the files"),
    ],
)
def test_a_wrong_header_is_refused(folder, change, message):
    header = json.loads((folder / "index.json").read_text())
    write_json(folder / "index.json", header | change)
    with pytest.raises(ArtifactError, match=message):
        SentenceIndex.load(folder)


def test_an_index_of_the_version_before_is_read(folder):
    columns, rows = read_csv(folder / "embeddings_map.csv")
    write_csv(folder / "embeddings_map.csv", columns[:-1], [{k: row[k] for k in columns[:-1]} for row in rows])
    resign(folder)
    header = json.loads((folder / "index.json").read_text())
    write_json(folder / "index.json", header | {"format_version": 1})
    assert_same(SentenceIndex.load(folder), small_index())
    write_json(folder / "index.json", header)
    with pytest.raises(ArtifactError, match=r"columns .* expected .*, kind$"):
        SentenceIndex.load(folder)


def test_an_entry_of_another_kind_is_refused(folder):
    columns, rows = read_csv(folder / "embeddings_map.csv")
    write_csv(folder / "embeddings_map.csv", columns, [row | {"kind": "sung"} for row in rows])
    resign(folder)
    with pytest.raises(ArtifactError, match="kind 'sung'; expected clip or written"):
        SentenceIndex.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"'])
def test_a_header_that_is_none_is_refused(folder, text):
    (folder / "index.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"index\.json"):
        SentenceIndex.load(folder)


def swap_map_rows(folder):
    lines = (folder / "embeddings_map.csv").read_text().splitlines()
    (folder / "embeddings_map.csv").write_text("\n".join([lines[0], lines[2], lines[1], *lines[3:]]) + "\n")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (swap_map_rows, "does not follow from the embeddings"),
        (lambda f: (f / "embeddings_map.csv").write_text("clip_id\na\nb\nc\nd\ne\n"), "columns clip_id"),
        (lambda f: (f / "embeddings_map.csv").write_text(""), "empty"),
        (lambda f: save_array(f / "embeddings.npy", np.ones((5, 8), np.float32)), "unit length"),
        (lambda f: save_array(f / "embeddings.npy", np.load(f / "embeddings.npy").astype(np.float64)), "float64"),
        (lambda f: save_array(f / "embeddings.npy", np.load(f / "embeddings.npy")[:4]), "for 5 entries"),
        (lambda f: save_array(f / "embeddings.npy", np.load(f / "embeddings.npy")[0]), "says"),
        (lambda f: save_array(f / "projection_lengths.npy", np.full(5, 99)), "lengths outside"),
        (lambda f: save_arrays(f / "prototypes.npz", {"counts": np.ones(2)}), "arrays"),
        (
            lambda f: save_arrays(
                f / "prototypes.npz",
                {
                    "sentence_ids": np.array(["3", "105"]),
                    "embeddings": np.zeros((2, 8), np.float32),
                    "counts": np.array([2, 2]),
                },
            ),
            "does not follow",
        ),
        (
            lambda f: save_arrays(
                f / "prototypes.npz",
                {"sentence_ids": np.array(["3", "105"]), "embeddings": np.zeros((2, 8)), "counts": np.array([2, 2])},
            ),
            "expected text, float32 and int64",
        ),
        (
            lambda f: save_array(f / "projections.npy", np.load(f / "projections.npy") * np.float16(np.nan)),
            "not finite",
        ),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(folder, damage, message):
    damage(folder)
    resign(folder)
    with pytest.raises(ArtifactError, match=message):
        SentenceIndex.load(folder)


def test_a_folder_with_other_files_is_not_replaced(folder):
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match=r"holds thesis\.txt"):
        small_index().save(folder)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="is a file"):
        small_index().save(tmp_path / "file")
    with pytest.raises(DataError, match="cannot write there"):
        small_index().save(tmp_path / "file" / "index")


@pytest.mark.parametrize("killed_after", [0, 1, 2])
def test_a_writer_killed_between_its_renames_leaves_an_index(folder, monkeypatch, killed_after):
    renames = []
    rename = Path.rename

    def rename_until_killed(self, target):
        if len(renames) == killed_after:
            raise KeyboardInterrupt
        renames.append(target)
        return rename(self, target)

    newer = small_index().without(["a1"])
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename_until_killed)
        if killed_after < 2:
            with pytest.raises(KeyboardInterrupt):
                newer.save(folder)
        else:
            newer.save(folder)
    assert_same(SentenceIndex.load(folder), newer if killed_after == 2 else small_index())
    newer.save(folder)
    assert_same(SentenceIndex.load(folder), newer)
    assert [path.name for path in folder.parent.iterdir()] == ["index"]


def test_a_reader_beside_a_writer_sees_one_index_or_the_other(folder):
    first = small_index()
    second = first.add(encoded(1, seed=9), [entry("new", "null")])
    stop = threading.Event()

    def keep_writing():
        while not stop.is_set():
            second.save(folder)
            first.save(folder)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    seen = set()
    try:
        for _ in range(60):
            loaded = SentenceIndex.load(folder)  # although this writer never rests
            assert_same(loaded, second if len(loaded) == 6 else first)
            seen.add(len(loaded))
    finally:
        stop.set()
        writer.join()
    assert seen == {5, 6}


def test_what_a_killed_writer_left_is_removed_by_the_next(folder):
    (folder.parent / ".index.writing-abcd1234").mkdir()
    (folder.parent / ".index.writing-abcd1234" / "embeddings.npy").write_bytes(b"half")
    (folder.parent / ".index.new").mkdir()  # somebody else's
    with locked(folder):
        assert sorted(path.name for path in folder.parent.iterdir()) == [".index.lock", ".index.new", "index"]


def test_a_writer_waits_for_another_and_says_so_in_the_end(folder):
    held, done = threading.Event(), threading.Event()

    def hold():
        with locked(folder):
            held.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    try:
        with pytest.raises(ArtifactError, match=r"another process has been writing it for 0\.1 s"), locked(folder, 0.1):
            pytest.fail("two writers at once")
        assert_same(SentenceIndex.load(folder), small_index())  # readers do not wait
    finally:
        done.set()
        holder.join()
    with locked(folder):
        small_index().save(folder)


def test_a_lock_where_nothing_can_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write there"), locked(tmp_path / "file" / "index"):
        pytest.fail("locked")


def test_a_reader_that_is_overtaken_every_time_gives_up(folder, monkeypatch):
    snapshots = count()
    monkeypatch.setattr(index_files, "index_identity", lambda _: (next(snapshots),))
    with pytest.raises(ArtifactError, match="was replaced 5 times"):
        read_index(folder, attempts=5)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(str.strip)


@settings(max_examples=20, deadline=None)
@given(TEXT, TEXT, TEXT.filter(bool))
def test_any_text_comes_back_as_it_was(tmp_path_factory, sentence, category, text_key):
    entries = [IndexEntry("null", "NaN", "a, b.npz", '"7"', sentence, category, "", text_key)]
    parts = SentenceIndex.build(encoded(1), entries, "m")
    place = tmp_path_factory.mktemp("text") / "index"
    parts.save(place)
    assert SentenceIndex.load(place).entries == tuple(entries)


def test_written_parts_are_what_is_read(tmp_path):
    index = small_index()
    index.save(tmp_path / "a")
    write_index(tmp_path / "b", read_index(tmp_path / "a"))
    for name in [*FILES, "index.json"]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_next_writer_ends_what_a_killed_one_began(tmp_path):
    folder, previous = tmp_path / "mine", tmp_path / ".mine.previous"
    MINE.save(folder, [TAKE], {"p1": signed(1)})
    folder.rename(previous)  # killed between its two renames
    with locked(folder):
        assert not previous.exists() and SentenceIndex.load(folder).entries == MINE.entries
        assert same_landmarks(load_clip(clip_path(folder, "p1")), signed(1))
    shutil.copytree(folder, previous)  # killed after them: what was forgotten lies there no longer than this
    with locked(folder):
        assert not previous.exists()
    folder.rename(previous)
    SentenceIndex.load(folder).save(folder)  # without the lock
    assert read_takes(folder) == {"p1": TAKE} and clip_path(folder, "p1").is_file()


def test_a_workplace_is_gone_at_its_end_and_that_of_a_killed_process_with_the_next_writer(tmp_path):
    with workplace(tmp_path / "mine") as place:
        (place / "clip.npz").write_bytes(b"x")
        assert place.parent == tmp_path
        left = shutil.copytree(place, f"{place}-killed")
    assert [path.name for path in tmp_path.iterdir()] == [Path(left).name]
    with locked(tmp_path / "mine"):
        assert [path.name for path in tmp_path.iterdir()] == [".mine.lock"]


def test_the_entry_of_a_record():
    record = ClipRecord(
        clip_id="12B", video_file="12B.mp4", feature_path=Path("/data/x/12B.npy"), sentence_id="12",
        sentence="Where does it hurt?", category="pain", signer_id="B", variations=(), num_frames=80, fps=25.0,
        motion_mean=1.0, motion_p95=2.0, mean_visibility=0.9, is_idle=False, session="",
    )  # fmt: skip
    expected = IndexEntry("12B", "12B.mp4", "x/12B.npy", "12", "Where does it hurt?", "pain", "B", "where does it hurt")
    assert IndexEntry.from_record(record, Path("/data")) == expected
    for root in (None, Path("/data/y")):  # outside the folder: the name alone, never a place on a disk
        assert IndexEntry.from_record(record, root) == replace(expected, feature_path="12B.npy")
