"""A collection as one file: out of one index, into another, and read as a data folder; zips from elsewhere."""

import shutil
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from made.full_disk import small_disk
from made.taught import ruled, same_landmarks, signed, teach
from signtalk.bundle.archive import unpack_zip
from signtalk.bundle.collection import COLLECTION_ZIP, export_collection, import_collection
from signtalk.data.check import check_folder
from signtalk.data.manifest import clip_of_record, load_manifest, scan_manifest
from signtalk.errors import ArtifactError, DataError
from signtalk.files import read_csv, write_csv, write_json
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import load_layer
from signtalk.index.said import read_said, said_id
from signtalk.index.takes import TAKE_COLUMNS, clip_path, read_takes
from signtalk.landmarks.clip import load_clip
from signtalk.recognition.enrolment import NewSentence
from signtalk.recognition.said import remember

HERE, THERE = ruled(1), ruled(2)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("made")
    teach(HERE, place / "mine", 1, 2, consent="recognize", language="fr", date="2026-11-28")
    teach(HERE, place / "mine", 3, consent="train", date="2026-11-29")
    teach(HERE, place / "mine", 4)
    export_collection(place / "mine", place / "mine.zip")
    return place


@pytest.fixture
def folder(made, tmp_path):
    return Path(shutil.copytree(made / "mine", tmp_path / "mine"))


@pytest.fixture
def collection(made, tmp_path):
    return Path(shutil.copy(made / "mine.zip", tmp_path / "mine.zip"))


def unpacked(collection: Path, folder: Path) -> Path:
    unpack_zip(collection, folder, COLLECTION_ZIP)
    return folder


def rezipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            archive.write(file, file.relative_to(folder).as_posix())
    return path


def retold(data: Path, **told: str) -> None:
    """Change cells of the first take."""
    columns, rows = read_csv(data / "takes.csv")
    write_csv(data / "takes.csv", columns, [rows[0] | told, *rows[1:]])


def answer_of(recognizer, folder: Path, number: int) -> tuple[str, str, str]:
    layer = load_layer(folder, recognizer.index.encoder_id)
    first = recognizer.changed(index=layer).recognize([signed(number)])[0].candidates[0]
    return first.sentence, first.clip_id, first.sentence_id


def test_what_was_exported_is_imported_and_answers_the_same(folder, collection, tmp_path):
    other = tmp_path / "other"
    imported = import_collection(HERE, collection, other)
    assert (imported.index, imported.num_known, imported.left_out) == (str(other), 0, ())
    kept = [clip_id for clip_id, take in read_takes(folder).items() if take.consent]
    assert list(imported.clip_ids) == kept and len(kept) == 3
    assert imported.sentences == ("Sentence number 1", "Sentence number 3")
    assert read_takes(other) == {clip_id: take for clip_id, take in read_takes(folder).items() if take.consent}
    for number in (1, 2, 3):
        assert answer_of(HERE, other, number) == answer_of(HERE, folder, number)
    here, there = SentenceIndex.load(folder), SentenceIndex.load(other)
    expected = [replace(entry, feature_path="") for entry in here.entries if entry.clip_id in there.row_of]
    assert [replace(entry, feature_path="") for entry in there.entries] == expected
    np.testing.assert_allclose(there.embeddings, here.embeddings[:3], atol=1e-6)


def test_it_belongs_to_no_model_and_goes_on_from_there(collection, tmp_path):
    import_collection(THERE, collection, tmp_path / "other")
    assert answer_of(THERE, tmp_path / "other", 3)[0] == "Sentence number 3"
    again = export_collection(tmp_path / "other", tmp_path / "again.zip")
    assert (again.num_sentences, again.num_clips, again.num_training) == (2, 3, 1)
    assert (tmp_path / "again.zip").read_bytes() == collection.read_bytes()


def test_two_machines_are_merged_and_nothing_stands_twice(folder, collection, tmp_path):
    other = tmp_path / "other"
    teach(THERE, other, 7, consent="train")
    teach(THERE, other, 3, text="Sentence number 3", consent="train")  # the same film, under the id of another model
    assert len(import_collection(THERE, collection, other).clip_ids) == 2
    assert import_collection(THERE, collection, other).num_known == 3
    export_collection(other, tmp_path / "other.zip")
    back = import_collection(HERE, tmp_path / "other.zip", folder)
    assert back.sentences == ("Sentence number 7",) and back.num_known == 3
    sentences = set(SentenceIndex.load(folder).sentences)
    assert sentences == {f"sentence number {number}" for number in (1, 3, 4, 7)}
    assert set(SentenceIndex.load(other).sentences) == sentences - {"sentence number 4"}  # which was not kept


def test_unpacked_it_is_a_data_folder_of_the_clips_that_may_train(collection, tmp_path):
    data = unpacked(collection, tmp_path / "data")
    (record,) = load_manifest(data, strict=True).records
    assert (record.sentence, record.signer_id, record.session) == ("Sentence number 3", "s09", "2026-11-29")
    assert record.clip_id == list(read_takes(data))[2] and record.category == "numbers"
    assert same_landmarks(clip_of_record(record), signed(3))
    report = check_folder(data)
    assert (report.num_clips, report.problems) == (1, ())
    assert len(list((data / "clips").iterdir())) == 3


def test_what_was_said_goes_along_trains_and_answers_nothing(folder, tmp_path):
    remember(HERE, folder, NewSentence("The pump beeps.", "", "s07", "en", "train"), "corrected", signed(7))
    export_collection(folder, tmp_path / "all.zip")
    data = unpacked(tmp_path / "all.zip", tmp_path / "data")
    assert [take.origin for take in read_takes(data).values()] == ["taught"] * 3 + ["corrected"]
    assert [record.sentence for record in load_manifest(data).records] == ["Sentence number 3", "The pump beeps."]
    imported = import_collection(THERE, tmp_path / "all.zip", tmp_path / "other")
    assert (len(imported.clip_ids), imported.num_said, imported.num_known) == (3, 1, 0)
    assert "The pump beeps." not in imported.sentences and len(load_layer(tmp_path / "other", "model-2")) == 3
    (take,) = read_said(tmp_path / "other").values()
    assert (take.sentence, take.origin, take.clip_id) == ("The pump beeps.", "corrected", said_id(signed(7)))
    again = import_collection(THERE, tmp_path / "all.zip", tmp_path / "other")
    assert (again.clip_ids, again.num_said, again.num_known) == ((), 0, 4)


def test_where_nothing_was_taught_what_was_said_is_a_collection(tmp_path):
    remember(HERE, tmp_path / "mine", NewSentence("The pump beeps.", consent="train"), "confirmed", signed(7))
    exported = export_collection(tmp_path / "mine", tmp_path / "mine.zip")
    assert (exported.num_clips, exported.num_sentences, exported.num_training) == (1, 1, 1)
    imported = import_collection(THERE, tmp_path / "mine.zip", tmp_path / "other")
    assert (imported.num_said, imported.clip_ids) == (1, ()) and not (tmp_path / "other").exists()


def test_a_table_of_before_tells_what_was_taught(collection, tmp_path):
    data = unpacked(collection, tmp_path / "data")
    columns, rows = read_csv(data / "takes.csv")
    write_csv(data / "takes.csv", columns[:-1], [{name: row[name] for name in columns[:-1]} for row in rows])
    assert len(import_collection(THERE, data, tmp_path / "other").clip_ids) == 3


def test_only_what_may_train_is_exported_when_asked(folder, tmp_path):
    exported = export_collection(folder, tmp_path / "train.zip", training_only=True)
    assert (exported.num_clips, exported.num_training) == (1, 1)
    assert list(read_takes(unpacked(tmp_path / "train.zip", tmp_path / "data"))) == [list(read_takes(folder))[2]]
    teach(HERE, tmp_path / "none", 1, consent="recognize")
    with pytest.raises(DataError, match="no clip that may train models is kept there"):
        export_collection(tmp_path / "none", tmp_path / "none.zip", training_only=True)
    assert len(export_collection(tmp_path / "none", tmp_path / "none.zip").path) > 0
    assert scan_manifest(unpacked(tmp_path / "none.zip", tmp_path / "empty")).records == ()


def test_an_unpacked_folder_is_imported_as_the_zip_is(collection, tmp_path):
    data = unpacked(collection, tmp_path / "data")
    before = sorted(path.name for path in data.rglob("*"))
    assert len(import_collection(HERE, data, tmp_path / "other").clip_ids) == 3
    assert sorted(path.name for path in data.rglob("*")) == before


def test_a_damaged_clip_is_left_out_and_told_and_the_others_are_not(folder, tmp_path):
    first = next(iter(read_takes(folder)))
    clip_path(folder, first).write_bytes(b"PK")
    exported = export_collection(folder, tmp_path / "mine.zip")
    assert [problem.clip_id for problem in exported.left_out] == [first] and exported.num_clips == 2
    data = unpacked(tmp_path / "mine.zip", tmp_path / "data")
    second = next(iter(read_takes(data)))
    clip_path(data, second).unlink()
    imported = import_collection(HERE, rezipped(data, tmp_path / "cut.zip"), tmp_path / "other")
    assert [(problem.clip_id, problem.kind) for problem in imported.left_out] == [(second, "not_kept")]
    assert len(imported.clip_ids) == 1 and imported.num_known == 0


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"sentence": "?!"}, "holds no word"),
        ({"sentence": "pain " * 200}, "at most 100 words"),
        ({"sentence_id": ""}, "no sentence_id is told"),
        ({"consent": ""}, "no consent is told"),
    ],
)
def test_a_take_that_cannot_be_taught_is_left_out(told, message, collection, tmp_path):
    data = unpacked(collection, tmp_path / "data")
    retold(data, **told)
    imported = import_collection(HERE, data, tmp_path / "other")
    assert [problem.kind for problem in imported.left_out] == ["bad_take"]
    assert message in imported.left_out[0].message
    assert len(imported.clip_ids) == 2


@pytest.mark.parametrize(("told"), [{"consent": "everything"}, {"language": "../.."}, {"date": "soon"}])
def test_a_table_that_no_export_wrote_is_refused_as_a_whole(told, collection, tmp_path):
    data = unpacked(collection, tmp_path / "data")
    retold(data, **told)
    with pytest.raises(ArtifactError, match=r"takes\.csv"):
        import_collection(HERE, rezipped(data, tmp_path / "bad.zip"), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_an_id_that_is_a_path_leads_nowhere(collection, tmp_path):
    data = unpacked(collection, tmp_path / "data")
    retold(data, clip_id="../../../outside")
    imported = import_collection(HERE, data, tmp_path / "deep" / "other")
    assert [problem.clip_id for problem in imported.left_out] == ["../../../outside"]  # no such file among its clips
    assert sorted(path.name for path in tmp_path.rglob("*outside*")) == []


def test_what_is_no_collection_is_refused_and_leaves_nothing(folder, collection, tmp_path):
    (tmp_path / "empty.zip").write_bytes(b"")
    for source, message in (
        (tmp_path / "none.zip", "no such file"),
        (tmp_path / "empty.zip", "not a readable zip .* get the collection again"),
        (folder / "clips", r"no takes\.csv in it"),
    ):
        with pytest.raises(ArtifactError, match=message):
            import_collection(HERE, source, tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir() if "other" in path.name} <= {".other.lock"}
    with zipfile.ZipFile(collection, "a") as archive:
        archive.writestr("../evil.npz", b"x")
    with pytest.raises(ArtifactError, match=r"'\.\./evil\.npz' leaves the collection"):
        import_collection(HERE, collection, tmp_path / "other")
    assert not (tmp_path / "evil.npz").exists()


def test_where_nothing_is_kept_and_into_or_out_of_a_bundle(tmp_path):
    with pytest.raises(ArtifactError, match="no such index"):
        export_collection(tmp_path / "mine", tmp_path / "mine.zip")
    teach(HERE, tmp_path / "mine", 1)
    with pytest.raises(DataError, match=r"no clip is kept there; clips are kept where `signtalk enroll --consent`"):
        export_collection(tmp_path / "mine", tmp_path / "mine.zip")
    assert not (tmp_path / "mine.zip").exists()
    write_json(tmp_path / "export_manifest.json", {})
    for work in (
        lambda: export_collection(tmp_path / "mine", tmp_path / "mine.zip"),
        lambda: import_collection(HERE, tmp_path / "mine.zip", tmp_path / "mine"),
    ):
        with pytest.raises(ArtifactError, match="part of a bundle"):
            work()


def test_into_an_index_of_another_model_nothing_is_imported(folder, collection):
    with pytest.raises(ArtifactError, match=r"made by encoder model-1.*signtalk carry"):
        import_collection(THERE, collection, folder)


def test_only_what_a_clip_is_of_comes_in(collection, tmp_path):
    """What else lies in a file of landmarks, such as a name in its provenance, stays outside."""
    data = unpacked(collection, tmp_path / "data")
    first = next(iter(read_takes(data)))
    with np.load(clip_path(data, first)) as arrays:
        more = dict(arrays) | {"secret": np.array("x" * 1000), "provenance": np.array('{"video": "/home/ann/a.mp4"}')}
    np.savez(clip_path(data, first), **more)
    import_collection(HERE, data, tmp_path / "other")
    with np.load(clip_path(tmp_path / "other", first)) as arrays:
        assert not {"secret", "provenance"} & set(arrays.files)
    assert same_landmarks(load_clip(clip_path(tmp_path / "other", first)), signed(1))


def test_a_full_disk_leaves_both_sides_as_they_were(folder, tmp_path):
    with small_disk(tmp_path / "disk", 16) as disk:
        with pytest.raises((DataError, OSError), match="No space left"):
            export_collection(folder, disk / "mine.zip")
        assert list(disk.iterdir()) == []
        export_collection(folder, tmp_path / "mine.zip")
        with pytest.raises((DataError, OSError), match="No space left"):
            import_collection(HERE, tmp_path / "mine.zip", disk / "other")
        assert [path.name for path in disk.iterdir()] == [".other.lock"]


def test_the_table_of_takes_is_the_only_format_there_is(folder, collection, tmp_path):
    data = unpacked(collection, tmp_path / "data")
    assert tuple(read_csv(data / "takes.csv")[0]) == tuple(read_csv(folder / "takes.csv")[0]) == TAKE_COLUMNS
    assert read_takes(data) == {i: replace(t) for i, t in read_takes(folder).items() if t.consent}


def test_a_place_in_the_index_is_refused_and_so_is_what_teaches_nothing(folder, collection, tmp_path):
    with pytest.raises(DataError, match="lies in the index"):
        export_collection(folder, folder / "mine.zip")
    teach(HERE, folder, 5)
    data = unpacked(collection, tmp_path / "data")
    shutil.rmtree(data / "clips")
    with pytest.raises(DataError, match="none of its 3 clips can be taught; first: no clip of"):
        import_collection(THERE, data, tmp_path / "theirs")
    assert not (tmp_path / "theirs").exists()


def test_a_clip_that_the_model_came_with_is_not_taught_again(collection, tmp_path):
    import_collection(HERE, collection, tmp_path / "shared")
    shipped = ruled(1, SentenceIndex.load(tmp_path / "shared"))
    imported = import_collection(shipped, collection, tmp_path / "ward")
    assert (imported.clip_ids, imported.num_known) == ((), 3)
    data = unpacked(collection, tmp_path / "data")
    takes = list(read_takes(data).values())
    renamed = [replace(take, clip_id=f"x-{take.clip_id}") for take in takes]
    for old, new in zip(takes, renamed, strict=True):
        clip_path(data, old.clip_id).rename(clip_path(data, new.clip_id))
    write_csv(data / "takes.csv", TAKE_COLUMNS, map(asdict, renamed))
    assert import_collection(shipped, data, tmp_path / "ward").num_known == 3  # by their movement


def test_texts_are_cleaned_as_those_that_are_taught(collection, tmp_path):
    data = unpacked(collection, tmp_path / "data")
    retold(data, sentence="  Sentence   of \u2003blanks ", signer_id=" s 1 ")
    imported = import_collection(HERE, data, tmp_path / "ward")
    assert "Sentence of blanks" in imported.sentences
    assert "s 1" in {entry.signer_id for entry in load_layer(tmp_path / "ward", "model-1").entries}


@pytest.mark.parametrize("column", ["sentence", "category", "signer_id", "clip_id"])
def test_control_characters_are_refused(collection, tmp_path, column):
    data = unpacked(collection, tmp_path / "data")
    retold(data, **{column: "a\x1b[31mb"})
    imported = import_collection(HERE, rezipped(data, tmp_path / "odd.zip"), tmp_path / "ward")
    (problem,) = imported.left_out
    assert "control characters" in problem.message and "\x1b" not in problem.message


def test_messages_name_the_zip(collection, tmp_path):
    data = unpacked(collection, tmp_path / "data")
    first = next(iter(read_takes(data)))
    clip_path(data, first).write_bytes(b"damaged")
    imported = import_collection(HERE, rezipped(data, tmp_path / "odd.zip"), tmp_path / "ward")
    (problem,) = imported.left_out
    assert problem.message.startswith(str(tmp_path / "odd.zip")) and ".writing-" not in problem.message
    (data / "takes.csv").write_text("clip_id\n")
    with pytest.raises(ArtifactError) as caught:
        import_collection(HERE, rezipped(data, tmp_path / "odd.zip"), tmp_path / "ward")
    assert str(caught.value).startswith(str(tmp_path / "odd.zip"))
