import os
import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from made.full_disk import small_disk
from signtalk.bundle.archive import MAX_ENTRIES, MAX_NAME, ZipKind, pack_files, pack_zip, unpack_zip
from signtalk.errors import ArtifactError, DataError


def made(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content, compress_type=method)
    return path


def of_kind(name: str, kind: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (kind | 0o777) << 16
    return entry


def refused(path: Path, tmp_path: Path, message: str) -> None:
    """The zip is refused, and nothing of it was written, here or beside."""
    folder = tmp_path / "inner" / "out"
    folder.mkdir(parents=True, exist_ok=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ArtifactError, match=message):
        unpack_zip(path, folder)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_was_packed_is_unpacked_and_packing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    contents = {"a.txt": b"a" * 1000, "index/projections.npy": bytes(5000), "index/b.bin": os.urandom(3_000_000)}
    for name, content in contents.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    pack_zip(tmp_path / "one.zip", source, contents)
    os.utime(source / "a.txt", (1, 1))
    pack_zip(tmp_path / "two.zip", source, reversed(list(contents)))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    out = tmp_path / "out"
    assert sorted(unpack_zip(tmp_path / "one.zip", out)) == sorted(contents)
    assert {name: (out / name).read_bytes() for name in contents} == contents
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        methods = {entry.filename: entry.compress_type for entry in archive.infolist()}
    # zeros of written sentences would look like a bomb
    assert methods["index/projections.npy"] == zipfile.ZIP_STORED
    assert methods["a.txt"] == zipfile.ZIP_DEFLATED


def test_folders_of_a_zip_made_elsewhere_are_passed_over(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("index/", b""), ("index/a", b"1"))
    assert unpack_zip(path, tmp_path / "out") == ("index/a",)


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../../x", "a/..", "./x", "a/./x", "a//x", "c:\\x", "c:/x", "a\\b", "\\\\host\\x", "x\ny",
     "x\u202ey", "a/x:stream", "a?"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    refused(made(tmp_path / "bad.zip", ("good", b"1"), (name, b"x")), tmp_path, "leaves the bundle")


def test_a_name_with_a_nul_is_refused_although_zipfile_cuts_it(tmp_path: Path) -> None:
    path = made(tmp_path / "bad.zip", ("good", b"1"), ("nameXevil", b"x"))
    path.write_bytes(path.read_bytes().replace(b"nameXevil", b"name\0evil"))
    refused(path, tmp_path, "leaves the bundle")


@pytest.mark.parametrize("name", ["x" * (MAX_NAME + 1), "/".join("a" * (MAX_NAME // 2 + 2))])
def test_very_long_and_very_deep_names_are_refused(name: str, tmp_path: Path) -> None:
    refused(made(tmp_path / "bad.zip", (name, b"x")), tmp_path, f"at most {MAX_NAME}")


@pytest.mark.parametrize(
    ("kind", "message"),
    [(stat.S_IFLNK, "leaves the bundle"), (stat.S_IFIFO, "no plain file"), (stat.S_IFCHR, "no plain file")],
)
def test_links_and_devices_are_refused(kind: int, message: str, tmp_path: Path) -> None:
    refused(made(tmp_path / "bad.zip", (of_kind("x", kind), b"/etc/passwd")), tmp_path, message)


def test_a_folder_with_content_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "bad.zip", ("nameX", b"x" * 9), method=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"nameX", b"name/"))
    refused(path, tmp_path, "no plain file")


@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("a", "a/b"), ("İ", "i̇")])
def test_names_that_take_each_others_place_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the duplicate that is wanted here
        made(path, *((name, b"x") for name in names))
    refused(path, tmp_path, "is there twice")


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    path = made(tmp_path / "bad.zip", ("zeros", bytes(20 * 1024**2)))
    assert path.stat().st_size < 30_000
    refused(path, tmp_path, r"unpacks to 20,971,520 bytes, \d+ times its size")


def central_directory(path: Path) -> tuple[bytearray, int]:
    content = bytearray(path.read_bytes())
    return content, content.index(b"PK\x01\x02")


def test_sizes_beyond_the_limits_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = made(tmp_path / "bad.zip", ("a", b"x" * 50), ("b", b"y" * 50))
    content, place = central_directory(path)
    struct.pack_into("<I", content, place + 24, 0xF0000000)  # uncompressed size
    path.write_bytes(content)
    refused(path, tmp_path, "too large to be a bundle|unpacks to 4,026,531,840 bytes")


def test_a_size_that_lies_is_found_out(tmp_path: Path) -> None:
    path = made(tmp_path / "bad.zip", ("a", b"x" * 5000))
    content, place = central_directory(path)
    struct.pack_into("<I", content, place + 24, 10)
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="not a readable zip"):
        unpack_zip(path, tmp_path / "out")
    assert all(file.stat().st_size <= 10 for file in (tmp_path / "out").rglob("*"))


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    entries = [(str(number), b"") for number in range(MAX_ENTRIES + 1)]
    refused(made(tmp_path / "bad.zip", *entries), tmp_path, f"{MAX_ENTRIES + 1} entries")


def test_entries_that_share_bytes_are_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "bad.zip", ("a", os.urandom(3000)), ("b", os.urandom(3000)))
    content, place = central_directory(path)
    second = content.index(b"PK\x01\x02", place + 4)
    struct.pack_into("<I", content, second + 42, 0)  # b begins where a does
    path.write_bytes(content)
    refused(path, tmp_path, "overlaps another")


def test_encrypted_and_unusual_entries_are_refused(tmp_path: Path) -> None:
    refused(made(tmp_path / "x.zip", ("a", b"x" * 999), method=zipfile.ZIP_BZIP2), tmp_path, "packed in an unknown way")
    path = made(tmp_path / "y.zip", ("a", b"x"))
    content, place = central_directory(path)
    content[place + 8] |= 1
    path.write_bytes(content)
    refused(path, tmp_path, "encrypted")


def test_a_nested_bundle_is_refused(tmp_path: Path) -> None:
    entries = [("my/export_manifest.json", b"{}"), ("my/golden.npz", b"")]
    refused(made(tmp_path / "bad.zip", *entries), tmp_path, "at the top")


def test_other_files_are_no_zip(tmp_path: Path) -> None:
    refused(made(tmp_path / "empty.zip"), tmp_path, "an empty zip; give the bundle")
    (tmp_path / "x.zip").write_bytes(b"PK nothing")
    refused(tmp_path / "x.zip", tmp_path, "not a readable zip")
    refused(tmp_path / "none.zip", tmp_path, "no such file")


def test_another_kind_of_zip_has_limits_and_a_name_of_its_own(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", *((f"clips/{number}", b"x") for number in range(MAX_ENTRIES + 1)))
    kind = ZipKind("collection", "signtalk collection export", MAX_ENTRIES + 1, 10)
    assert len(unpack_zip(path, tmp_path / "out", kind)) == MAX_ENTRIES + 1
    with pytest.raises(ArtifactError, match="too large to be a bundle"):
        unpack_zip(path, tmp_path / "bundle")
    made(path, *((f"clips/{number}", b"x") for number in range(MAX_ENTRIES + 2)))
    with pytest.raises(ArtifactError, match="too large to be a collection"):
        unpack_zip(path, tmp_path / "more", kind)
    with pytest.raises(ArtifactError, match="unpacks to 11 bytes"):
        unpack_zip(made(path, ("a", b"x" * 11)), tmp_path / "large", kind)
    with pytest.raises(ArtifactError, match="give the collection that `signtalk collection export` wrote"):
        unpack_zip(made(path), tmp_path / "empty", kind)


def test_files_from_anywhere_are_packed_under_their_names(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"there")
    pack_files(tmp_path / "x.zip", {"a/here": tmp_path / "b"})
    assert unpack_zip(tmp_path / "x.zip", tmp_path / "out") == ("a/here",)
    assert (tmp_path / "out" / "a" / "here").read_bytes() == b"there"


def test_without_room_the_zip_is_not_blamed(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("a", os.urandom(100_000)))
    with (
        small_disk(tmp_path / "disk", 16) as disk,
        pytest.raises(DataError, match=r"No space left on device.*make room"),
    ):
        unpack_zip(path, disk / "out")
