"""Files in and out: every read is checked, every write is atomic.

A write goes to a temporary name in the same folder and is renamed when it is complete, so a process
killed at any moment leaves the old file or the new one, never half of one. Reads never unpickle and
turn what the libraries raise into one line that names the file.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from signtalk.errors import ArtifactError, DataError, SignTalkError

DAMAGE = (
    OSError, EOFError, ValueError, TypeError, KeyError, OverflowError, MemoryError, RuntimeError, SyntaxError,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy and zipfile raise on damaged bytes; collected by flipping and cutting bytes of good files."""


POINTER = b"version https://git-lfs"
"""How a file begins that Git LFS leaves in the place of a large one."""
_MAX_RATIO = 200
"""Bytes that a byte of an `.npz` may stand for, where they are more than _BOMB_FROM in all."""
_BOMB_FROM = 64 * 1024**2

TEMPORARY_PREFIX = ".signtalk-tmp-"
"""So begins the name of every unfinished file, and of nothing else."""


def absolute(path: Path) -> Path:
    """The absolute path without ".."; a link stays a link: `resolve` would follow one out of a folder."""
    return Path(os.path.abspath(path))  # noqa: PTH100


@contextmanager
def atomic_path(path: Path, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without error.

    The suffix is kept, so that writers which choose a format by suffix work. Missing parent folders
    are made.

    Args:
        path: what is written.
        private: this user alone may read it, at every moment; False = whoever the system lets.

    Raises:
        DataError: the folder cannot be made or written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise DataError(f"{path}: cannot write there ({error.strerror}); choose a folder you may write to") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if not private:  # as it was made
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror or error}); check the path and the disk"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def sole_writer(lock: Path, busy: SignTalkError, wait_s: float = 0.0) -> Iterator[None]:
    """Keep every other writer of a place out or waiting, threads and processes.

    A writer that is killed holds nothing, because the lock is the operating system's.

    Args:
        lock: the file of the lock; it stays.
        busy: raised where another writer does not finish in time.
        wait_s: how long it is waited for.

    Raises:
        DataError: the place cannot be written.
    """
    held = FileLock(lock, timeout=wait_s)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except Timeout:
        raise busy from None
    except OSError as error:
        raise DataError(
            f"{lock.parent}: cannot write there ({error.strerror}); choose a folder you may write to"
        ) from error
    try:
        yield
    finally:
        held.release()


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Give a file a second name, or copy it where the file system knows no second names, as on a USB stick.

    Raises:
        DataError: it cannot be written.
    """
    try:
        os.link(source, target)
    except OSError:
        copy_file(Path(source), Path(target))


def copy_file(source: Path, target: Path) -> None:
    """Copy a file; whoever reads `target` meanwhile meets the whole copy or what was there.

    Raises:
        DataError: it cannot be written.
    """
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def visible_files(root: Path) -> list[Path]:
    """All files under a folder but hidden ones and those in hidden folders; folders that are links are not searched."""
    paths = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        paths += [Path(folder) / name for name in names if not name.startswith(".")]
    return paths


def linked_folders(folder: Path) -> str:
    """The folders below a folder that are links, which no search follows; "" without one."""
    links = []
    for place, subfolders, _ in os.walk(folder):
        here = Path(place)
        links += [(here / name).relative_to(folder).as_posix() for name in subfolders if (here / name).is_symlink()]
    return ", ".join(sorted(links))


def remove_unfinished(folder: Path) -> None:
    """Remove what `atomic_path` left in a folder when its process was killed; nobody may be writing there now."""
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        if path.is_file():
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented UTF-8 JSON, atomically; NaN is refused because JSON has none."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def without_fields(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A JSON object without some of its fields."""
    return {name: value for name, value in document.items() if name not in names}


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ArtifactError: the file is missing, not UTF-8 or not JSON.
    """
    return _read_as(path, json.loads)  # of bytes, for then UTF-16 and a byte order mark are understood too


def read_json_lines(path: Path) -> Any:
    """Read a JSON file, or one of a JSON value a line, which becomes a list of them.

    Raises:
        ArtifactError: as `read_json`.
    """
    return _read_as(path, json_or_lines)


def json_or_lines(text: str | bytes) -> Any:
    """The value of a JSON text, or the list of those that stand in its lines, at least two.

    Raises:
        ValueError: neither.
        RecursionError: absurdly nested.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        # At line feeds alone: a JSON string may hold other marks that Python takes for the end of a line.
        lines = [line for line in (text.split("\n") if isinstance(text, str) else text.split(b"\n")) if line.strip()]
        with suppress(ValueError):
            if len(lines) > 1:
                return [json.loads(line) for line in lines]
        raise error


def _read_as(path: Path, parse: Callable[[bytes], Any]) -> Any:
    try:
        return parse(path.read_bytes())
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: no such file") from error
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, absurd numbers or nesting
        raise ArtifactError(f"{path}: not a UTF-8 JSON file ({error})") from error


def decode_text(data: bytes, where: Path) -> tuple[str, str]:
    """A text that a person's program wrote, and its encoding: "utf-8", "utf-16" or "cp1252" (Windows-1252).

    UTF-16 is known by its byte order mark or its zero bytes; what is no UTF-8 is taken for Windows-1252.

    Raises:
        DataError: no text in any of them.
    """
    encoding = "utf-8"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in data[:2]:
        encoding = "utf-16-be" if data[0] == 0 else "utf-16-le"
    else:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            encoding = "cp1252"
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: no text at byte {error.start}; save it as UTF-8 text") from error
    if "\0" in text:
        raise DataError(f"{where}: no text, it holds zero bytes; save it as UTF-8 text")
    return text, encoding[:6]


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows as a UTF-8 CSV with a header, atomically; a row with an unknown column is an error.

    Args:
        path: file to write.
        columns: the header.
        rows: values by column; an absent one is an empty cell.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def append_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Add rows to the end of a table of `write_csv`, atomically; the table is made where it is not there.

    The bytes that are there are copied, which at 10,000 rows takes a hundredth of the time of writing them anew.

    Args:
        path: the table.
        columns: its header.
        rows: values by column; an absent one is an empty cell.
    """
    if not path.exists():
        write_csv(path, columns, rows)
        return
    with atomic_path(path) as temporary:
        shutil.copyfile(path, temporary)
        with temporary.open("a", newline="", encoding="utf-8") as handle:
            csv.DictWriter(handle, fieldnames=list(columns), lineterminator="\n").writerows(rows)


def read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Read a CSV as text: the column names, and one dict a row. "null" and "NaN" stay words.

    A byte order mark is dropped; cells are stripped; a short row reads as empty cells.

    Raises:
        DataError: the file is missing, unreadable, not UTF-8, has no header, names a column twice, has an
            unclosed quote, or a row with more cells than the header.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle, strict=True)
            columns = _column_names(path, next(reader, []))
            rows = [_named_cells(path, reader.line_num, columns, cells) for cells in reader if cells]
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start}; save the table as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV table ({error})") from error
    return columns, rows


def _column_names(path: Path, cells: list[str]) -> list[str]:
    columns = [name.strip() for name in cells]
    if not any(columns):
        raise DataError(f"{path}: empty; expected a header line")
    repeated = [name for name in columns if name and columns.count(name) > 1]
    if repeated:
        raise DataError(f"{path}: two columns '{repeated[0]}'; remove one")
    return columns


def _named_cells(path: Path, line: int, columns: list[str], cells: list[str]) -> dict[str, str]:
    texts = [cell.strip() for cell in cells]
    if any(texts[len(columns) :]):
        raise DataError(f"{path}: line {line} has more cells than the header; quote texts that hold a comma")
    return dict(zip(columns, texts + [""] * (len(columns) - len(texts)), strict=False))


def save_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write one `.npy`, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, array, allow_pickle=False)


def save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write one uncompressed `.npz`, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **dict(arrays))  # type: ignore[arg-type]  # numpy types **kwds as bool


def load_array(path: Path, memory_map: bool = False) -> npt.NDArray[Any]:
    """Read one `.npy` without unpickling; `memory_map` leaves the values on disk, read-only.

    Raises:
        ArtifactError: the file is missing, truncated, pickled or no `.npy`.
    """
    try:
        if memory_map:
            return np.lib.format.open_memmap(path, mode="r")
        with path.open("rb") as handle:
            return np.lib.format.read_array(handle, allow_pickle=False)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: no such file") from error
    except DAMAGE as error:
        refuse_pointer(path)
        raise ArtifactError(f"{path}: not a readable .npy file ({_without_advice(error)})") from error


def load_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read every array of one `.npz` without unpickling.

    Raises:
        ArtifactError: the file is missing, truncated, holds pickled objects or is no `.npz`.
    """
    try:
        with path.open("rb") as handle:  # opened here, because NumPy leaves damaged archives open
            archive = np.load(handle, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ArtifactError(f"{path}: holds one array (.npy); expected an .npz archive")
            _refuse_bomb(path, archive.zip.infolist())
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: no such file") from error
    except DAMAGE as error:
        refuse_pointer(path)
        raise ArtifactError(f"{path}: not a readable .npz file ({_without_advice(error)})") from error
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise ArtifactError(f"{path}: not an .npz file; the archive holds other things than arrays")
    return arrays


def refuse_pointer(path: Path) -> None:
    """Refuse a file that stands for another, as Git keeps large ones: its bytes were never fetched.

    Raises:
        ArtifactError: it is one.
    """
    try:
        with path.open("rb") as handle:
            start = handle.read(len(POINTER))
    except OSError:
        return  # said by whoever reads it
    if start == POINTER:
        raise ArtifactError(f"{path}: a pointer of Git LFS in place of the file; fetch it with `git lfs pull`")


def _refuse_bomb(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse a few kilobytes that would take gigabytes of memory."""
    size = sum(entry.file_size for entry in entries)
    if size > _BOMB_FROM and size > _MAX_RATIO * path.stat().st_size:
        raise ArtifactError(
            f"{path}: unpacks to {size:,} bytes, over {_MAX_RATIO} times its size; do not use this file"
        )


def _without_advice(error: BaseException) -> str:
    """The reason in our words where NumPy's would advise to load an unknown file unsafely."""
    text = " ".join(str(error).split()) or type(error).__name__
    return (
        "no NumPy file, or one of pickled objects, which are never read"
        if "pickle" in text or "Python objects" in text
        else text
    )


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in blocks.

    Raises:
        ArtifactError: the file is missing or unreadable.
    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from error


def sha256_text(text: str) -> str:
    """Hex SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
