import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from signtalk import files
from signtalk.errors import ArtifactError, DataError, SignTalkError


def test_atomic_path_leaves_the_old_file_when_the_block_fails(tmp_path: Path):
    path = tmp_path / "deep" / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(RuntimeError, match="stop"), files.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("stop")
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_atomic_path_keeps_the_suffix_and_gives_ordinary_rights(tmp_path: Path):
    with files.atomic_path(tmp_path / "a.npz") as temporary:
        assert temporary.suffix == ".npz"
        temporary.write_bytes(b"x")
    plain = tmp_path / "plain"
    plain.write_bytes(b"x")
    assert (tmp_path / "a.npz").stat().st_mode == plain.stat().st_mode


def test_unfinished_files_are_removed_and_nothing_else(tmp_path: Path):
    others = {".my_notes.csv", ".a.b.npz", "a.npz", ".tmp-x.csv"}
    for name in others:
        (tmp_path / name).write_text("x")
    (tmp_path / ".signtalk").mkdir()
    block = files.atomic_path(tmp_path / ("long" * 60 + ".npz"))
    block.__enter__().write_text("half")  # and the process is killed
    assert len(list(tmp_path.iterdir())) == len(others) + 2
    files.remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*others, ".signtalk"}
    files.remove_unfinished(tmp_path / "not there")


@pytest.mark.parametrize("target", ["file/a.txt", "file/deep/a.txt"])
def test_writing_under_a_file_is_a_data_error(tmp_path: Path, target: str):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot write there"):
        files.write_text(tmp_path / target, "x")


def test_writing_onto_a_folder_is_a_data_error(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        files.write_text(tmp_path / "folder", "x")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


def test_a_full_disk_is_a_data_error(tmp_path: Path):
    with pytest.raises(DataError, match="No space left"), files.atomic_path(tmp_path / "a") as temporary:
        raise OSError(28, "No space left on device", str(temporary))
    assert list(tmp_path.iterdir()) == []


def test_json_round_trip_and_no_nan(tmp_path: Path):
    value = {"text": "Ɔkɔm de me", "n": [1, 2.5, None]}
    files.write_json(tmp_path / "a.json", value)
    assert files.read_json(tmp_path / "a.json") == value
    assert "Ɔkɔm" in (tmp_path / "a.json").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "b.json", float("nan"))
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"1" * 5000],
    ids=["empty", "truncated", "not UTF-8", "nested", "long number"],
)
def test_damaged_json_is_an_artifact_error(tmp_path: Path, content: bytes):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"a\.json: not a UTF-8 JSON file"):
        files.read_json(tmp_path / "a.json")


def test_json_that_is_not_there(tmp_path: Path):
    with pytest.raises(ArtifactError, match="no such file"):
        files.read_json(tmp_path / "a.json")
    with pytest.raises(ArtifactError, match="cannot be read"):
        files.read_json(tmp_path)


def test_csv_reads_words_as_words(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text('\ufeff id , text\n1,null\n2," NaN "\n3,None\n4\n\n5,"a, ""b""",,\n', encoding="utf-8")
    columns, rows = files.read_csv(path)
    assert columns == ["id", "text"]
    assert [row["text"] for row in rows] == ["null", "NaN", "None", "", 'a, "b"']
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "5"]


def test_csv_round_trip(tmp_path: Path):
    rows = [{"a": "x,y", "b": 'say "hi"'}, {"a": "two\nlines", "b": "ɛ"}]
    files.write_csv(tmp_path / "a.csv", ["a", "b"], rows)
    assert files.read_csv(tmp_path / "a.csv") == (["a", "b"], rows)


def test_rows_are_added_to_a_csv_as_if_it_was_written_whole(tmp_path: Path):
    rows = [{"a": 1, "b": 'x, "y"'}, {"a": "two\nlines"}, {"a": "é", "b": ""}]
    files.write_csv(tmp_path / "whole.csv", ["a", "b"], rows)
    for row in rows:
        files.append_csv(tmp_path / "grown.csv", ["a", "b"], [row])
    assert (tmp_path / "grown.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    with pytest.raises(ValueError, match="c"):
        files.append_csv(tmp_path / "grown.csv", ["a", "b"], [{"a": 1, "c": 2}])
    assert (tmp_path / "grown.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_one_writer_keeps_another_out_and_a_place_that_cannot_be_written_is_told(tmp_path: Path):
    busy = ArtifactError("busy")
    first, second = (files.sole_writer(tmp_path / "deep" / ".lock", busy) for _ in range(2))
    with first, pytest.raises(ArtifactError, match="busy"), second:
        raise AssertionError("two writers at once")
    with files.sole_writer(tmp_path / "deep" / ".lock", busy):  # free again
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write there"), files.sole_writer(tmp_path / "file" / ".lock", busy):
        raise AssertionError("below a file")


def test_csv_refuses_a_row_with_an_unknown_column(tmp_path: Path):
    with pytest.raises(ValueError, match="not in fieldnames"):
        files.write_csv(tmp_path / "a.csv", ["a"], [{"a": 1, "c": 2}])
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty; expected a header"),
        (b"\n1,2\n", "empty; expected a header"),
        ("a,b\nM\u00e9decin,2\n".encode("latin-1"), "not UTF-8 at byte 5"),
        (b"a,a\n1,2\n", "two columns 'a'"),
        (b"a,b\n1,hello, doctor\n", "line 2 has more cells"),
        (b'a,b\n1,"open\n2,x\n', "not a CSV table"),
        (b"a,b\n1," + b"x" * 200_000, "not a CSV table"),
    ],
    ids=["empty", "blank header", "latin-1", "twice", "unquoted comma", "open quote", "huge cell"],
)
def test_bad_csv_is_a_data_error(tmp_path: Path, content: bytes, message: str):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        files.read_csv(tmp_path / "a.csv")


def test_csv_that_is_not_there(tmp_path: Path):
    with pytest.raises(DataError, match="no such file"):
        files.read_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match="cannot be read"):
        files.read_csv(tmp_path)


def test_array_round_trip(tmp_path: Path):
    array = np.arange(12, dtype=np.float16).reshape(3, 4)
    files.save_array(tmp_path / "a.npy", array)
    for mapped in (False, True):
        loaded = files.load_array(tmp_path / "a.npy", memory_map=mapped)
        np.testing.assert_array_equal(loaded, array)
        assert loaded.dtype == np.float16
        assert isinstance(loaded, np.memmap) == mapped
    with pytest.raises(ValueError, match="read-only"):
        loaded[0, 0] = 1


def test_arrays_round_trip(tmp_path: Path):
    files.save_arrays(tmp_path / "a.npz", {"x": np.arange(3), "names": np.array(["a", "bc"])})
    loaded = files.load_arrays(tmp_path / "a.npz")
    assert list(loaded) == ["x", "names"]
    np.testing.assert_array_equal(loaded["x"], [0, 1, 2])
    assert loaded["names"].tolist() == ["a", "bc"]


def test_objects_are_neither_written_nor_read(tmp_path: Path):
    objects = np.array([{"a": 1}], dtype=object)
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        files.save_array(tmp_path / "a.npy", objects)
    np.save(tmp_path / "b.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "b.npz", x=objects)
    (tmp_path / "c.npz").write_bytes(pickle.dumps([1]))
    for path, load in (("b.npy", files.load_array), ("b.npz", files.load_arrays), ("c.npz", files.load_arrays)):
        with pytest.raises(ArtifactError, match=r"not a readable .* pickled objects, which are never read") as caught:
            load(tmp_path / path)
        assert "allow_pickle" not in str(caught.value)  # no advice to load it unsafely
    with pytest.raises(ArtifactError, match="not a readable"):
        files.load_array(tmp_path / "b.npy", memory_map=True)


def test_one_kind_of_file_is_not_taken_for_the_other(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(ArtifactError, match=r"expected an \.npz archive"):
        files.load_arrays(tmp_path / "a.npy")
    with pytest.raises(ArtifactError, match=r"not a readable \.npy"):
        files.load_array(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ArtifactError, match="other things than arrays"):
        files.load_arrays(tmp_path / "other.npz")


def test_arrays_that_are_not_there(tmp_path: Path):
    for load in (files.load_array, files.load_arrays):
        with pytest.raises(ArtifactError, match="no such file"):
            load(tmp_path / "a")
        with pytest.raises(ArtifactError, match="not a readable"):
            load(tmp_path)


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_arrays_raise_nothing_but_our_errors(tmp_path: Path, compressed: bool):
    rng = np.random.default_rng(0)
    single, many, broken = tmp_path / "a.npy", tmp_path / "a.npz", tmp_path / "broken"
    np.save(single, np.arange(40.0).reshape(8, 5))
    (np.savez_compressed if compressed else np.savez)(many, x=np.arange(200.0), y=np.array(["a"]))
    refused = 0
    for path, load in ((single, files.load_array), (many, files.load_arrays)):
        good = path.read_bytes()
        for case in range(200):
            damaged = bytearray(good)
            if case % 2:
                del damaged[rng.integers(len(good)) :]
            for position in rng.integers(min(len(damaged), 200) or 1, size=3 if damaged else 0):
                damaged[position] = rng.integers(256)
            broken.write_bytes(damaged)
            try:
                load(broken)
            except SignTalkError as error:
                refused += str(broken) in str(error)
    assert refused > 250


def test_hashes_are_sha256(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, example 1
    assert files.sha256_file(tmp_path / "a") == known
    assert files.sha256_text("abc") == known
    with pytest.raises(ArtifactError, match="cannot be read"):
        files.sha256_file(tmp_path / "missing")


def test_an_npz_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", zeros=np.zeros(70 * 1024**2, dtype=np.uint8))
    assert (tmp_path / "bomb.npz").stat().st_size < 200_000
    with pytest.raises(ArtifactError, match=r"bomb\.npz: unpacks to 73,\d+,\d+ bytes, over 200 times its size"):
        files.load_arrays(tmp_path / "bomb.npz")
    np.savez_compressed(tmp_path / "small.npz", zeros=np.zeros(1024**2, dtype=np.uint8))
    assert files.load_arrays(tmp_path / "small.npz")["zeros"].size == 1024**2


def test_a_document_without_some_of_its_fields_is_a_new_one():
    document = {"a": 1, "b": [2]}
    assert files.without_fields(document, "b", "c") == {"a": 1} and document == {"a": 1, "b": [2]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("Où".encode(), ("Où", "utf-8")),
        ("\ufeffOù".encode(), ("Où", "utf-8")),
        ("Où".encode("utf-16"), ("Où", "utf-16")),
        ("Ou".encode("utf-16-le"), ("Ou", "utf-16")),
        ("Ou".encode("utf-16-be"), ("Ou", "utf-16")),
        ("Où".encode("cp1252"), ("Où", "cp1252")),
        (b"", ("", "utf-8")),
    ],
)
def test_texts_of_every_encoding_that_people_have(data: bytes, expected: tuple[str, str]):
    assert files.decode_text(data, Path("a.csv")) == expected


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"abc\0", b"\x81\xff"])
def test_what_is_no_text_is_told(data: bytes):
    with pytest.raises(DataError, match=r"a\.csv: no text"):
        files.decode_text(data, Path("a.csv"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_with_a_byte_order_mark_is_read(tmp_path: Path, encoding: str):
    (tmp_path / "a.json").write_text('{"a": "Ɔ"}', encoding=encoding)
    assert files.read_json(tmp_path / "a.json") == {"a": "Ɔ"}


def test_folders_that_are_links_are_named(tmp_path: Path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    assert files.linked_folders(tmp_path / "in") == ""
    (tmp_path / "in" / "sub" / "self").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "gone").symlink_to(tmp_path / "nowhere")
    assert files.linked_folders(tmp_path / "in") == "sub/self"
    assert files.linked_folders(tmp_path / "none") == ""


def test_a_file_is_linked_or_where_that_cannot_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a").write_text("content")
    files.link_or_copy(tmp_path / "a", tmp_path / "linked")
    assert (tmp_path / "linked").stat().st_ino == (tmp_path / "a").stat().st_ino

    def refuse(*_: object) -> None:
        raise OSError("this file system knows no second names")

    monkeypatch.setattr("os.link", refuse)
    files.link_or_copy(str(tmp_path / "a"), str(tmp_path / "copied"))
    assert (tmp_path / "copied").read_text() == "content"
    assert (tmp_path / "copied").stat().st_ino != (tmp_path / "a").stat().st_ino


def test_lines_of_json_are_a_list_of_their_values(tmp_path: Path):
    path = tmp_path / "a.json"
    for text, value in (('{"a": 1}\n\n[2]\n', [{"a": 1}, [2]]), ('{"a": 1}\n', {"a": 1})):
        path.write_text(text, encoding="utf-8")
        assert files.read_json_lines(path) == value
    path.write_text('{"a": 1}\n{"b": \n', encoding="utf-8")
    with pytest.raises(ArtifactError, match="not a UTF-8 JSON file"):
        files.read_json_lines(path)
    with pytest.raises(ArtifactError, match="no such file"):
        files.read_json_lines(tmp_path / "none.json")


def test_a_pointer_in_place_of_a_file_is_told(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(files.POINTER + b".github.com/spec/v1\noid sha256:4d\nsize 9\n")
    for read in (files.load_arrays, files.load_array, files.refuse_pointer):
        with pytest.raises(ArtifactError, match=r"a\.npz: a pointer of Git LFS .*`git lfs pull`"):
            read(path)
    path.write_bytes(b"vers")
    files.refuse_pointer(path)
    files.refuse_pointer(tmp_path / "nothing")


def test_files_are_listed_but_hidden_ones(tmp_path):
    for name in ("b.txt", "x/a.txt", ".hidden", ".git/c.txt", "x/._a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert sorted(path.relative_to(tmp_path).as_posix() for path in files.visible_files(tmp_path)) == [
        "b.txt",
        "x/a.txt",
    ]
