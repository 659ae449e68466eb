"""Files that people have and SignTalk does not read: what they are, and what to do with them.

name of a file -> advice_for -> "a pickle, which ...; save its arrays as .npy"
bytes of a table -> kind_of_bytes -> "a PDF"
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from signtalk.files import POINTER

_ARRAYS = "save the numbers of each frame as .npy, as MP_Data has them (docs/data-format.md)"
_ADVICE = {
    f"a pickle, which is never opened, for that runs whatever is in it; {_ARRAYS}": (
        ".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth",
    ),
    "an archive; unpack it": (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"),
    f"a table; {_ARRAYS}": (".csv", ".tsv", ".xlsx", ".xls", ".ods", ".txt", ".feather", ".arrow"),
    f"an archive of arrays; {_ARRAYS}": (".h5", ".hdf5", ".mat", ".zarr", ".lmdb", ".tfrecord", ".tfrecords"),
    "motion capture, whose joints are not MediaPipe's; film the signer, or map its joints by name into an .npz": (
        ".bvh", ".c3d", ".fbx", ".trc", ".skeleton", ".amc", ".glb", ".vrm",
    ),
    "a picture; where pictures are a film's, make a video of them: ffmpeg -framerate 25 -i %04d.jpg clip.mp4": (
        ".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".heif",
    ),
    "a video, which `signtalk extract` reads": (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".wmv", ".gif"),
    "sound": (".wav", ".mp3", ".m4a", ".aac", ".ogg", ".flac"),
    "annotations; export them as a table with titles": (".eaf", ".xml", ".srt", ".vtt", ".textgrid"),
    "an unfinished download; fetch it again": (".part", ".crdownload", ".download"),
}  # fmt: skip
_BY_SUFFIX = {suffix: advice for advice, suffixes in _ADVICE.items() for suffix in suffixes}
_MAY_HOLD_CLIPS = ("a pickle", "an archive", "motion capture")
A_PICTURE = "a picture"
"""What pictures are called, in motion or not."""
_BYTES = {
    b"%PDF": "a PDF", b"\x89PNG": A_PICTURE, b"\xff\xd8\xff": A_PICTURE, b"GIF8": A_PICTURE,
    b"PK\x03\x04": "an archive or a document",
    b"PAR1": "a Parquet table", b"ARROW1": "a Feather table", b"\x1f\x8b": "packed by gzip",
    b"SQLite format 3": "a database", b"\x89HDF": "an HDF5 file", b"\x80\x04\x95": "a pickle",
    b"\x93NUMPY": "an array of NumPy", POINTER: "a pointer of Git LFS (fetch the file with `git lfs pull`)",
}  # fmt: skip
_MARKUP = {
    b"<annotation_document": "a file of ELAN, which exports its tiers as a table; add a row of titles to that",
    b"<!doctype html": "a web page, perhaps one that asks for a login instead of the download",
    b"<html": "a web page, perhaps one that asks for a login instead of the download",
    b"<?xml": "an XML file",
}


def advice_for(path: Path) -> str:
    """What a file is by its name and what to do with it; "" for a name that says nothing."""
    return _BY_SUFFIX.get(path.suffix.lower(), "")


def may_hold_clips(path: Path) -> bool:
    """Whether a file that is not read may hold landmarks by its name: a pickle, an archive, motion capture."""
    return advice_for(path).startswith(_MAY_HOLD_CLIPS)


def kind_of_bytes(data: bytes) -> str:
    """What a file is that is given as a table and is none, by its beginning; "" where it may be one."""
    start = data[:2000].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    markup = next((kind for mark, kind in _MARKUP.items() if start.startswith(b"<") and mark in start), "")
    return markup or next((kind for mark, kind in _BYTES.items() if data.startswith(mark)), "")


def counted_suffixes(paths: Iterable[Path]) -> str:
    """How many files of each suffix there are, most first, with advice for the most frequent: "5 .jpg (a picture)"."""
    counts = Counter(path.suffix.lower() for path in paths).most_common()
    named = ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in counts[:8])
    advice = next((_BY_SUFFIX[suffix] for suffix, _ in counts if suffix in _BY_SUFFIX), "")
    return f"{named} ({advice})" if advice else named
