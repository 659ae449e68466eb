"""What an index folder keeps beside its vectors: what is told of each take, and the clips that may be kept.

    Take, clip -> write_takes -> takes.csv, clips/*.npz -> read_takes, clip_path

Vectors belong to one model; landmarks outlive it (`recognition.carrying`). A clip is kept where its signer agreed to
that, and only there. The folder is replaced as a whole with its index (`files`): a take that was confirmed has its
clip, and a clip whose take is gone is gone with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date as calendar_date
from pathlib import Path
from typing import Literal, get_args

from signtalk.data.records import CLIPS_FOLDER, text_key
from signtalk.errors import ArtifactError, ConfigError, DataError
from signtalk.files import link_or_copy, read_csv, sha256_text, write_csv
from signtalk.landmarks.clip import LandmarkClip, load_clip, save_clip

TAKES_NAME = "takes.csv"
TAKES_FILES = (TAKES_NAME, CLIPS_FOLDER)
"""What an index folder may hold besides its vectors."""

Consent = Literal["", "recognize", "train"]
"""What may be done with a take's landmarks: nothing, so that they are not kept; taught to later models, so that these
recognise the sentence; and train models as well."""
Origin = Literal["taught", "confirmed", "corrected"]
"""How a take got its sentence: somebody taught it; the patient said yes to an answer, or chose the right sentence where
the answer was another one. What was taught answers; the other two lie beside the index (`said`)."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_PLAIN_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
LONGEST_ID = 400
_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Take:
    """One clip that was taught, and what is told of it.

    Attributes:
        clip_id: as in the index.
        sentence_id: likewise.
        sentence: its text.
        category: of the sentence.
        signer_id: who signs; "" = not told.
        language: of the text, a tag such as "fr" or "pt-BR"; "" = not told.
        consent: what the signer agreed to; "" = no clip is kept.
        date: when it was taught, "2026-11-28"; "" = not told.
        origin: how it got its sentence.

    Raises:
        ConfigError: the clip has no name, or as for `check_told`.
    """

    clip_id: str
    sentence_id: str
    sentence: str
    category: str
    signer_id: str
    language: str = ""
    consent: Consent = ""
    date: str = ""
    origin: Origin = "taught"

    def __post_init__(self) -> None:
        if not self.clip_id or len(self.clip_id) > LONGEST_ID:
            raise ConfigError(f"a clip_id of {len(self.clip_id)} characters; expected 1 to {LONGEST_ID}")
        check_told(self.language, self.consent, self.date)
        if self.origin not in get_args(Origin):
            raise ConfigError(f"origin '{self.origin[:40]}'; expected {', '.join(get_args(Origin))}")

    @property
    def key(self) -> str:
        """What tells its sentence apart."""
        return text_key(self.sentence)

    @property
    def is_told(self) -> bool:
        """Whether anything is told that the index does not tell."""
        return bool(self.language or self.consent or self.date)


TAKE_COLUMNS = tuple(field.name for field in fields(Take))
_WITHOUT_ORIGIN = TAKE_COLUMNS[:-1]
"""The columns before: every take was taught."""


def check_told(language: str, consent: str, date: str) -> None:
    """Look at what is told of a take; "" is always good.

    Args:
        language: a tag of BCP 47.
        consent: one of `Consent`.
        date: a day of ISO 8601.

    Raises:
        ConfigError: one of them is something else.
    """
    if language and not _LANGUAGE.fullmatch(language):
        raise ConfigError(f"language '{language[:40]}'; expected a tag such as en, fr or pt-BR")
    if consent not in get_args(Consent):
        raise ConfigError(f"consent '{consent[:40]}'; expected recognize or train, or none")
    try:
        is_day = not date or calendar_date.fromisoformat(date).isoformat() == date
    except ValueError:
        is_day = False
    if not is_day:
        raise ConfigError(f"date '{date[:40]}'; expected a day such as 2026-11-28")


def clip_path(folder: Path, clip_id: str) -> Path:
    """Where a folder keeps a clip: a name that is safe on every file system, whatever the id holds."""
    clip_id = clip_id.strip()  # as a table gives it back
    name = clip_id
    if not _PLAIN_ID.fullmatch(clip_id):
        name = f"{re.sub('[^A-Za-z0-9_-]+', '_', clip_id)[:60].strip('_')}-{sha256_text(clip_id)[:12]}"
    return folder / CLIPS_FOLDER / f"{name}.npz"


def read_takes(folder: Path) -> dict[str, Take]:
    """The takes of a folder by clip_id; none where nothing is told, as in folders of older versions.

    Raises:
        ArtifactError: the table is damaged.
    """
    path = folder / TAKES_NAME
    if not path.exists():
        return {}
    takes: dict[str, Take] = {}
    try:
        columns, rows = read_csv(path)
        if tuple(columns) not in (TAKE_COLUMNS, _WITHOUT_ORIGIN):
            raise DataError(f"{path}: columns {', '.join(columns)}; expected {', '.join(TAKE_COLUMNS)}")
        for row in rows:
            take = _take_of(row)
            if take.clip_id in takes:
                raise DataError(f"{path}: clip '{take.clip_id}' is there twice")
            takes[take.clip_id] = take
    except ConfigError as error:
        raise ArtifactError(f"{path}: {error}; put back the file as it was written") from error
    except DataError as error:
        raise ArtifactError(f"{error}; put back the file as it was written") from error
    return takes


def _take_of(row: Mapping[str, str]) -> Take:
    consent: Consent = row["consent"]  # type: ignore[assignment]  # what else they may be, the take refuses
    origin: Origin = row.get("origin") or "taught"  # type: ignore[assignment]
    plain = {name: value for name, value in row.items() if name not in ("consent", "origin")}
    return Take(**plain, consent=consent, origin=origin)


def write_takes(folder: Path, before: Path, takes: Iterable[Take], clips: Mapping[str, LandmarkClip | Path]) -> None:
    """Write takes and their clips into a new folder; nothing where nothing is told. Call `refuse_strangers` before.

    Args:
        folder: the new one.
        before: the folder that it replaces, whose clips are linked, which costs no space.
        takes: of every clip that the new index holds.
        clips: the new ones by clip_id, or the files that hold them.

    Raises:
        ClipError: a file holds no clip.
        DataError: the place cannot be written.
    """
    rows = [take for take in takes if take.is_told]
    if not rows:
        return
    write_csv(folder / TAKES_NAME, TAKE_COLUMNS, map(asdict, rows))
    for take in rows:
        if take.consent:
            _keep(clips.get(take.clip_id), clip_path(before, take.clip_id), clip_path(folder, take.clip_id))


def _keep(clip: LandmarkClip | Path | None, before: Path, target: Path) -> None:
    if clip is not None:
        save_clip(target, load_clip(clip) if isinstance(clip, Path) else clip)
    elif before.is_file():
        target.parent.mkdir(exist_ok=True)
        link_or_copy(before, target)


def refuse_strangers(folder: Path, clip_ids: Iterable[str]) -> None:
    """See that nothing lies among the kept clips of a folder but those of its takes: a change would remove it.

    Args:
        folder: the index.
        clip_ids: of further clips, of which nothing need be told.

    Raises:
        ArtifactError: something else does.
    """
    place = folder / CLIPS_FOLDER
    if not place.is_dir():
        return
    own = {clip_path(folder, clip_id).name for clip_id in (*read_takes(folder), *clip_ids)}
    others = sorted(path.name for path in place.iterdir() if path.name not in own and not is_litter(path.name))
    if others:
        raise ArtifactError(f"{place}: holds {', '.join(others[:3])}, no kept clip; put it elsewhere")


def is_litter(name: str) -> bool:
    """Whether a file is one that a system leaves in every folder that it shows; it is gone with the next change."""
    return name in _LITTER or name.startswith("._")
