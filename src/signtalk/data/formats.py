"""The formats of other tools, one entry each: how a clip is read and written, found in a folder and placed in one.

    FORMATS["pose"].load(path, fps) -> LandmarkClip

Import and export (`signtalk.data.interchange`) and the reader of single clips (`signtalk.extraction.reader`) ask
this table and nothing else, so that another format is one more entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from signtalk.data.mediapipe_json import JSON_SUFFIXES, find_json_clips, load_json_clip, save_json_clip
from signtalk.data.mp_data import find_repetitions, load_frames, save_frames
from signtalk.data.names import safe_name
from signtalk.data.parquet import load_parquet, save_parquet
from signtalk.data.pose_format import load_pose, save_pose
from signtalk.data.records import ClipRecord
from signtalk.errors import ConfigError
from signtalk.files import write_csv
from signtalk.landmarks.clip import LandmarkClip

CONTEST_NAME = "train.csv"
"""The table of Google's isolated sign contest, beside its Parquet files."""


@dataclass(frozen=True)
class Format:
    """How another tool stores clips.

    Attributes:
        name: as the command line has it.
        suffix: end of the name of one clip's file, in lower case; "" where a clip is a folder.
        layout: where a clip lies in a folder, for messages.
        load: reads one clip; the frames a second hold where the file does not tell its own.
        save: writes one clip.
        find: the clips in a folder, sorted.
        place: where an export puts a clip, relative to its folder: by record, unique name, and how many clips of the
            same text came before it.
        read_besides: other ends of names that are read alike.
        write_tables: writes what the tool expects beside the clips, given the folder and the rows of `metadata.csv`.
    """

    name: str
    suffix: str
    layout: str
    load: Callable[[Path, float], LandmarkClip]
    save: Callable[[Path, LandmarkClip], None]
    find: Callable[[Path], list[Path]]
    place: Callable[[ClipRecord, str, int], Path]
    read_besides: tuple[str, ...] = ()
    write_tables: Callable[[Path, Sequence[Mapping[str, object]]], None] = lambda _folder, _rows: None

    def __str__(self) -> str:
        return self.name

    @property
    def suffixes(self) -> tuple[str, ...]:
        """How names of its files may end; none where a clip is a folder."""
        return (self.suffix, *self.read_besides) if self.suffix else ()


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        ConfigError: there is none.
    """
    if name not in FORMATS:
        raise ConfigError(f"format '{name}'; expected {', '.join(FORMATS)}")
    return FORMATS[name]


def folder_of_text(record: ClipRecord) -> str:
    """The name of the folder that an export puts clips of this text into."""
    return "idle" if record.is_idle else safe_name(record.sentence) or "_"


def _files(suffix: str) -> Callable[[Path], list[Path]]:
    """All files of a suffix in any case; names that begin with a dot are systems' own, such as macOS's `._a.pose`."""
    return lambda folder: sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() == suffix and not path.name.startswith(".") and path.is_file()
    )


def _in_folder_of_text(suffix: str) -> Callable[[ClipRecord, str, int], Path]:
    return lambda record, name, _before: Path(folder_of_text(record), f"{name}{suffix}")


def _in_folder_of_signer(record: ClipRecord, name: str, _before: int) -> Path:
    return Path("train_landmark_files", safe_name(record.signer_id) or "unknown", f"{name}.parquet")


def _write_contest_table(folder: Path, rows: Sequence[Mapping[str, object]]) -> None:
    columns = {"path": "path", "participant_id": "signer", "sequence_id": "clip_id", "sign": "sentence"}
    lines = ({theirs: row[ours] for theirs, ours in columns.items()} for row in rows)
    write_csv(folder / CONTEST_NAME, tuple(columns), lines)


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format(
            name="pose",
            suffix=".pose",
            layout="<label>/<name>.pose",
            load=load_pose,
            save=save_pose,
            find=_files(".pose"),
            place=_in_folder_of_text(".pose"),
        ),
        Format(
            name="json",
            suffix=".json",
            layout="<label>/<name>.json, or OpenPose's <name>/<frame>_keypoints.json",
            load=load_json_clip,
            save=save_json_clip,
            find=find_json_clips,
            place=_in_folder_of_text(".json"),
            read_besides=tuple(suffix for suffix in JSON_SUFFIXES if suffix != ".json"),
        ),
        Format(
            name="mp-data",
            suffix="",
            layout="<label>/<repetition>/<frame>.npy or <label>/<repetition>.npy",
            load=load_frames,
            save=save_frames,
            find=find_repetitions,
            place=lambda record, _name, before: Path(folder_of_text(record), str(before)),
        ),
        Format(
            name="parquet",
            suffix=".parquet",
            layout="<label>/<name>.parquet",
            load=load_parquet,
            save=save_parquet,
            find=_files(".parquet"),
            place=_in_folder_of_signer,
            write_tables=_write_contest_table,
        ),
    )
}
"""Every format by its name."""
