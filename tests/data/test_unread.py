"""Files that are not read are named for what they are, with what to do."""

from pathlib import Path

import pytest

from signtalk.data.records import LANDMARK_SUFFIXES
from signtalk.data.unread import advice_for, counted_suffixes, kind_of_bytes, may_hold_clips
from signtalk.files import POINTER


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("a.PKL", "a pickle, which is never opened"),
        ("clips.tar.gz", "an archive; unpack it"),
        ("a.h5", "save the numbers of each frame as .npy"),
        ("a.bvh", "motion capture"),
        ("frame_0001.JPG", "ffmpeg"),
        ("a.eaf", "export them as a table with titles"),
        ("a.mp4.part", "unfinished download"),
        ("a.mp4", "`signtalk extract` reads"),
        ("a.unheard", ""),
        ("README", ""),
    ],
)
def test_advice_goes_by_the_name(name: str, advice: str) -> None:
    told = advice_for(Path(name))
    assert advice in told and bool(told) == bool(advice)


def test_nothing_that_is_read_is_advised_against() -> None:
    assert not any(advice_for(Path(f"a{suffix}")) for suffix in LANDMARK_SUFFIXES)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"\xef\xbb\xbf  <!DOCTYPE HTML><html>", "a web page"),
        (b'<?xml version="1.0"?>\n<ANNOTATION_DOCUMENT>', "a file of ELAN"),
        (b'<?xml version="1.0"?>\n<annotations>', "an XML file"),
        (b"PAR1\x15\x04", "a Parquet table"),
        (POINTER + b".github.com/spec/v1\noid sha256:4d\nsize 9\n", "a pointer of Git LFS"),
        (b"video,sentence\n<b>,x\n", ""),
        (b"", ""),
    ],
)
def test_what_is_no_table_is_known_by_its_beginning(data: bytes, kind: str) -> None:
    told = kind_of_bytes(data)
    assert told.startswith(kind) and bool(told) == bool(kind)


def test_a_folder_of_others_is_counted_with_advice_for_the_most_frequent() -> None:
    names = ("b.jpg", "a.JPG", "c.pkl", "d", "e.xyz")
    told = counted_suffixes(Path(name) for name in names)
    assert told.startswith("2 .jpg, 1 .pkl, 1 without a suffix, 1 .xyz (a picture;")
    assert counted_suffixes([Path("a.xyz")]) == "1 .xyz" and counted_suffixes([]) == ""


@pytest.mark.parametrize(
    ("name", "may"),
    [("a.pkl", True), ("a.pose.gz", True), ("a.H5", True), ("a.bvh", True), ("a.csv", False), ("a", False)],
)
def test_what_may_hold_clips_goes_by_the_name(name: str, may: bool) -> None:
    assert may_hold_clips(Path(name)) == may
