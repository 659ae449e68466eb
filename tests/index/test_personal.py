"""A personal index over a shared one: what a query sees, what is forgotten, what readers beside writers meet."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.references import ENTRIES, assert_same, encoded, entry, made_space, small_index
from signtalk.errors import ArtifactError, DataError
from signtalk.files import write_json
from signtalk.index import personal as layered_index
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import (
    LayeredIndex,
    backup_place,
    forget,
    layer_exists,
    list_said,
    list_sentences,
    load_layer,
    takes_of,
)
from signtalk.index.takes import Take
from signtalk.index.written import WrittenSentence, write_sentences


def personal(*entries, seed=3, model="model-1"):
    return SentenceIndex.build(encoded(len(entries), seed=seed), entries, model)


MINE = personal(entry("p1", "the pump beeps", "90"), entry("p2", "open your mouth", "3"))


def test_a_query_sees_both_layers(tmp_path):
    layered = LayeredIndex(small_index(), tmp_path / "mine")
    assert_same(layered.current(), small_index())  # nothing is there yet
    MINE.save(tmp_path / "mine")
    both = layered.current()
    assert [each.clip_id for each in both.entries] == ["a1", "b1", "a2", "c1", "b2", "p1", "p2"]
    assert list(both.sentences["open your mouth"]) == [1, 4, 6]
    np.testing.assert_array_equal(both.embeddings[5:], MINE.embeddings)
    assert layered.current() is both  # nothing is read again
    MINE.without(["p1"]).save(tmp_path / "mine")
    assert "the pump beeps" not in layered.current().sentences
    assert_same(layered.base, small_index())


def test_the_layer_wins_where_both_hold_a_clip():
    newer = personal(replace(ENTRIES[0], category="mine"))
    both = small_index().with_layer(newer)
    assert len(both) == 5
    assert both.entries[both.row_of["a1"]].category == "mine"
    np.testing.assert_array_equal(both.embeddings[both.row_of["a1"]], newer.embeddings[0])


def test_a_sentence_that_one_layer_has_in_writing_is_its_clips():
    written = write_sentences(small_index(), [WrittenSentence("The pump beeps")], made_space("the pump beeps")).index
    over = written.with_layer(MINE)
    assert [over.entries[row].clip_id for row in over.sentences["the pump beeps"]] == ["p1"]
    under = MINE.with_layer(written.without([each.clip_id for each in ENTRIES]))  # the written sentence alone
    assert_same(under, MINE)


def test_an_empty_layer_changes_nothing_and_an_empty_base_is_the_layer():
    empty = SentenceIndex.build((), (), "model-1")
    assert_same(small_index().with_layer(empty), small_index())
    assert_same(small_index().with_layer(MINE.without(["p1", "p2"])), small_index())
    assert_same(empty.with_layer(MINE), MINE)


def test_a_layer_of_another_model_is_refused(tmp_path):
    other = personal(entry("p1", "the pump beeps"), model="model-2")
    with pytest.raises(ValueError, match="model-2 over an index of model-1"):
        small_index().with_layer(other)
    other.save(tmp_path / "mine")
    with pytest.raises(ArtifactError, match="made by encoder model-2"):
        LayeredIndex(small_index(), tmp_path / "mine").current()


def test_a_damaged_or_newer_layer_is_a_clear_error(tmp_path):
    folder = tmp_path / "mine"
    MINE.save(folder)
    layered = LayeredIndex(small_index(), folder)
    (folder / "projections.npy").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"projections\.npy: not the file that was written"):
        layered.current()
    write_json(folder / "index.json", {"format_version": 99})
    with pytest.raises(ArtifactError, match="index format 99"):
        layered.current()


def test_a_layer_that_must_exist(tmp_path):
    with pytest.raises(ArtifactError, match="no such index; `signtalk enroll` makes one"):
        LayeredIndex(small_index(), tmp_path / "mine").existing()
    MINE.save(tmp_path / "mine")
    assert len(LayeredIndex(small_index(), tmp_path / "mine").existing()) == 7


def test_an_empty_folder_is_filled_and_another_one_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    assert len(load_layer(tmp_path / "mine", "model-1")) == 0
    MINE.save(tmp_path / "mine")
    assert_same(load_layer(tmp_path / "mine", "model-1"), MINE)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match=r"index\.json: no such file"):
        load_layer(tmp_path / "other", "model-1")
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match=r"file"):
        load_layer(tmp_path / "file", "model-1")


def test_a_layer_is_not_missing_while_a_writer_renames_it(tmp_path, monkeypatch):
    seen = iter([None, None, ("mine",)])
    monkeypatch.setattr(layered_index, "index_identity", lambda _: next(seen))
    assert layer_exists(tmp_path / "mine")


def test_forgetting(tmp_path):
    folder = tmp_path / "mine"
    MINE.save(folder)
    assert [each.clip_id for each in forget(str(folder), ["The PUMP beeps!"])] == ["p1"]
    assert list(load_layer(folder, "model-1").sentences) == ["open your mouth"]
    assert [each.clip_id for each in forget(folder, clip_ids=["p2"], encoder_id="model-1")] == ["p2"]
    assert len(load_layer(folder, "model-1")) == 0
    assert forget(folder) == ()


@pytest.mark.parametrize(
    ("texts", "clip_ids", "message"),
    [(["the pump beeps", "null"], [], "holds no 'null'"), ([], ["p1", "a1"], "holds no 'a1'")],
)
def test_all_or_nothing_is_forgotten(tmp_path, texts, clip_ids, message):
    MINE.save(tmp_path / "mine")
    with pytest.raises(DataError, match=message):
        forget(tmp_path / "mine", texts, clip_ids)
    assert_same(load_layer(tmp_path / "mine", "model-1"), MINE)


def test_forgetting_where_nothing_is_leaves_nothing(tmp_path):
    with pytest.raises(ArtifactError, match="no such index"):
        forget(tmp_path / "mine", ["the pump beeps"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["index", "."])
def test_a_bundle_is_never_changed(tmp_path, name, monkeypatch):
    small_index().save(tmp_path / "index")
    write_json(tmp_path / "export_manifest.json", {})
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path / name, type(tmp_path)(name)):
        with pytest.raises(ArtifactError, match="part of a bundle"):
            forget(folder, ["null"])
    assert_same(SentenceIndex.load(tmp_path / "index"), small_index())


def test_the_list():
    listed = list_sentences({"base": small_index(), "personal": MINE})
    assert [(each.layer, each.sentence, each.num_clips) for each in listed] == [
        ("base", "null", 1),
        ("base", "Open your mouth", 2),
        ("personal", "Open your mouth", 1),
        ("personal", "The pump beeps", 1),
        ("base", "Where does it hurt", 2),
    ]
    last = listed[-1].to_dict()
    assert (last["sentence_id"], last["clip_ids"], last["signers"]) == ("105", ("a1", "a2"), ("s01",))
    written = write_sentences(small_index(), [WrittenSentence("It hurts")], made_space("it hurts")).index
    (only,) = (each for each in list_sentences({"base": written}) if each.sentence == "It hurts")
    assert (only.num_clips, only.signers, only.clip_ids) == (0, (), ())
    assert list_sentences({"personal": SentenceIndex.build((), (), "m")}) == ()


def test_the_list_tells_what_is_told_of_takes():
    takes = {
        "p1": Take("p1", "90", "The pump beeps", "", "", "en", "train", "2026-11-27"),
        "p2": Take("p2", "3", "Open your mouth", "", "", date="2026-11-28"),
    }
    mouth, pump = (each.to_dict() for each in list_sentences({"personal": MINE}, takes))
    assert (pump["kept_clip_ids"], pump["language"], pump["date"]) == (("p1",), "en", "2026-11-27")
    assert (mouth["kept_clip_ids"], mouth["language"], mouth["date"]) == ((), "", "2026-11-28")


def test_what_was_said_is_a_layer_of_its_own():
    told = {"consent": "train", "origin": "confirmed"}
    takes = [
        Take("said-1", "e1", "The pump beeps.", "ward", "s08", "en", date="2026-11-28", **told),
        Take("said-2", "e2", "Another", "", "", date="2026-11-28", **told),
        Take("said-3", "e1", "the pump beeps", "ward", "s07", date="2026-11-29", **told),
    ]
    another, pump = list_said(takes)
    assert (another.sentence, another.num_clips, another.signers) == ("Another", 1, ())
    assert (pump.layer, pump.sentence, pump.language, pump.date) == ("said", "the pump beeps", "en", "2026-11-29")
    assert (pump.clip_ids, pump.signers) == (("said-1", "said-3"), ("s07", "s08"))


def test_takes_are_read_also_where_a_writer_was_killed_between_its_renames(tmp_path):
    assert takes_of(tmp_path / "mine") == {}
    take = Take("p1", "90", "The pump beeps", "at the chemist, mornings", "s01", date="2026-11-28")
    MINE.save(tmp_path / "mine", [take])
    (tmp_path / "mine").rename(tmp_path / ".mine.previous")
    assert takes_of(tmp_path / "mine") == {"p1": take}


def test_where_an_older_index_stays():
    assert backup_place(Path("a/ward-3"), "0123456789abcdef") == Path("a/ward-3.of-01234567")


def test_forgetting_reaches_backups_and_nothing_else_beside(tmp_path):
    for name in ("mine", "mine.of-01234567", "mine.of-76543210-2", "mine2", "mine.old"):
        MINE.save(tmp_path / name)
    (tmp_path / "mine.of-notes").mkdir()
    assert [each.clip_id for each in forget(tmp_path / "mine", clip_ids=["p1"])] == ["p1"]
    sizes = {path.name: len(SentenceIndex.load(path)) for path in tmp_path.iterdir() if (path / "index.json").is_file()}
    assert sizes == {"mine": 1, "mine.of-01234567": 1, "mine.of-76543210-2": 1, "mine2": 2, "mine.old": 2}


def test_readers_beside_writers_see_whole_layers(tmp_path):
    folder, stop = tmp_path / "mine", threading.Event()
    base, one = small_index(), personal(entry("p0", "the pump beeps"))
    one.save(folder)

    def write():
        for number in range(1, 40):
            with layered_index.locked(folder):
                now = load_layer(folder, "model-1")
                now.add(encoded(1, seed=number), [entry(f"p{number}", f"sentence {number}")]).save(folder)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    layered, sizes = LayeredIndex(base, folder), []
    try:
        while not stop.is_set():
            now = layered.current()
            assert [each.clip_id for each in now.entries[5:]] == [f"p{n}" for n in range(len(now) - 5)]
            sizes.append(len(now))
    finally:
        writer.join()
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 5
    assert len(layered.current()) == 5 + 40
