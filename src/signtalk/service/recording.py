"""A data folder that people fill before a camera, one take after the other, over many days.

    table of sentences --read_prompts--> Prompts
    RecordingFolder: agree -> add -> remove_last; what is there already is where the next day begins

Every take is a clip file and then a row of the table, each written under a temporary name and renamed: a process killed
at any moment leaves a folder that `signtalk data check` and `signtalk train` read. Landmarks are kept; pictures only
where whoever records wants them and the person allows it.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from signtalk.data.manifest import TABLE_NAME, append_manifest, describe_clip, scan_manifest, write_manifest
from signtalk.data.names import safe_name
from signtalk.data.records import CLIPS_FOLDER, ClipRecord, text_key
from signtalk.data.tables import read_table
from signtalk.errors import ClipError, ConfigError, DataError
from signtalk.files import (
    absolute,
    atomic_path,
    remove_unfinished,
    sha256_text,
    sole_writer,
    write_text,
)
from signtalk.landmarks.clip import LandmarkClip, load_clip, save_clip
from signtalk.landmarks.plausible import checked_clip
from signtalk.service.consents import CONSENTS_NAME, YES, Agreement, allowed, read_agreements, write_agreements

VIDEOS_NAME = "videos"
"""Folder of what the camera saw, a file a take, called like its clip."""
VIDEO_KINDS = {"video/webm": ".webm", "video/mp4": ".mp4"}
"""Suffixes by the kind that a browser tells."""
LEAST_SEEN_SHARE = 0.5
"""Of a take's frames that must show a hand: the arms' way up and down shows none."""
LEAST_FPS = 8.0
SHORTEST_S, LONGEST_S = 0.4, 30.0
_SESSION = re.compile(r"[\w.:-]{1,40}")
_LONGEST_SIGNER = 40
_LOCK_NAME = ".recording.lock"
_MOST_PROMPT_LETTERS = 10_000_000


@dataclass(frozen=True)
class Prompt:
    """A sentence to be signed.

    Attributes:
        sentence_id: as in the table, or its place in it.
        sentence: its text.
        category: "" when not given.
    """

    sentence_id: str
    sentence: str
    category: str = ""


@dataclass(frozen=True)
class PromptedTake:
    """Where and when a take is recorded.

    Attributes:
        number: place of its sentence among the prompts, from 0.
        signer: who signs.
        session: day or place.

    Raises:
        ConfigError: the signer or the session has no such name.
    """

    number: int
    signer: str
    session: str

    def __post_init__(self) -> None:
        if safe_name(self.signer) != self.signer or not 0 < len(self.signer) <= _LONGEST_SIGNER:
            raise ConfigError(
                f"signer '{self.signer[:60]}'; expected a code of 1 to {_LONGEST_SIGNER} letters and digits"
            )
        if not _SESSION.fullmatch(self.session):
            raise ConfigError(f"session '{self.session[:60]}'; expected a day such as 2026-11-28, or a place")


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """The sentences of a table, or of a text file with one a line, in their order; each once.

    Args:
        path: `.txt`, or a table with a column of sentences, as every command reads it.

    Raises:
        DataError: it cannot be read, or holds no sentence.
    """
    if path.suffix.lower() == ".txt":
        try:
            with path.open(encoding="utf-8-sig") as file:
                lines = file.read(_MOST_PROMPT_LETTERS).splitlines()
        except (OSError, UnicodeError) as error:
            raise DataError(f"{path}: cannot be read as UTF-8 text ({error})") from error
        rows = [{"sentence": " ".join(line.split())} for line in lines]
    else:
        table = read_table(path, ("sentence", "sentence_id", "category"))
        if "sentence" not in table.columns:
            raise DataError(table.without("expected a column of sentences"))
        rows = [dict(row.cells) for row in table.rows if not row.fault]
    first: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["sentence"]:
            first.setdefault(text_key(row["sentence"]), row)
    if not first:
        raise DataError(f"{path}: holds no sentence; expected one a line, or a column of them")
    ids = [row.get("sentence_id", "") for row in first.values()]
    if not all(ids) or len(set(ids)) < len(ids):  # then a sentence's place names it
        ids = [str(number) for number in range(1, len(ids) + 1)]
    return tuple(
        Prompt(name, row["sentence"], row.get("category", "")) for name, row in zip(ids, first.values(), strict=True)
    )


class RecordingFolder:
    """The folder while it is filled; used by several threads of one process.

    Args:
        folder: made where it is not there.
        prompts: what is to be signed.
        form: the consent form's text.
        keeps_videos: whether pictures are kept where the person allows it.

    Raises:
        DataError: the folder holds data that was not recorded here, or that cannot be read.
    """

    def __init__(self, folder: Path, prompts: Sequence[Prompt], form: str, keeps_videos: bool = False) -> None:
        self.folder, self.prompts, self.form = absolute(folder), tuple(prompts), form
        self.keeps_videos = keeps_videos
        self._keys = [text_key(prompt.sentence) for prompt in self.prompts]
        self._changing = threading.Lock()
        self._read()

    def _read(self) -> None:
        self._agreements = read_agreements(self.folder)
        self._records = {record.clip_id: record for record in self._recorded()}
        self._is_ours = False  # its columns may be in another order, so it is written anew before rows are added

    def _recorded(self) -> tuple[ClipRecord, ...]:
        """What is there; the table is written anew before the next take, so nothing of it may be lost by reading it."""
        if not (self.folder / TABLE_NAME).is_file():
            return ()
        if not (self.folder / CONSENTS_NAME).is_file():
            raise DataError(f"{self.folder}: holds clips that were not recorded here; choose a new folder")
        manifest = scan_manifest(self.folder)
        if manifest.problems:
            first = manifest.problems[0]
            raise DataError(f"{self.folder}: {first.clip_id}: {first.message}; put that right before you record more")
        return manifest.records

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from filling the same folder.

        What they did before is read, and what a killed one left half written is removed.

        Raises:
            DataError: another one does.
        """
        busy = DataError(f"{self.folder}: another recorder fills it; end that one, or choose another folder")
        with sole_writer(self.folder / _LOCK_NAME, busy):
            for place in (self.folder, self.folder / CLIPS_FOLDER, self.folder / VIDEOS_NAME):
                remove_unfinished(place)
            self._read()
            yield

    @property
    def num_takes(self) -> int:
        """All takes that the folder holds."""
        return len(self._records)

    @property
    def form_id(self) -> str:
        """By which an agreement names the form."""
        return sha256_text(self.form)[:16]

    def takes_of(self, signer: str) -> list[int]:
        """How many takes of each prompt a signer has recorded."""
        counts = Counter(record.text_key for record in self._records.values() if record.signer_id == signer)
        return [counts[key] for key in self._keys]

    def has_agreed(self, signer: str) -> bool:
        """Whether a signer agreed to the form as it is now."""
        return any(each.signer == signer and each.form == self.form_id for each in self._agreements)

    def may_film(self, signer: str) -> bool:
        """Whether the pictures of a signer's takes are kept: what was said last holds."""
        return self.keeps_videos and allowed(self._agreements, signer).videos == YES

    def may_show(self, signer: str) -> bool:
        """Whether others see a signer's pictures, likewise."""
        return self.may_film(signer) and allowed(self._agreements, signer).shown == YES

    def agree(self, signer: str, videos: bool = False, shown: bool = False) -> None:
        """Remember that a signer agreed to the form, today; form and agreement lie beside the clips.

        Args:
            signer: who.
            videos: whether the pictures may be kept, too.
            shown: whether others may see what is kept of them, as an example of the sign.

        Raises:
            ConfigError: the signer has no such name.
            DataError: the folder cannot be written.
        """
        PromptedTake(0, signer, "0")  # the name is looked at
        films = videos and self.keeps_videos
        shows = films and shown
        with self._changing:
            if self.has_agreed(signer) and (self.may_film(signer), self.may_show(signer)) == (films, shows):
                return
            write_text(self.folder / f"consent_form-{self.form_id}.txt", self.form)
            answers = [YES if each else "" for each in (films, shows)]
            agreement = Agreement(signer, date.today().isoformat(), self.form_id, *answers)
            self._write_agreements([*self._agreements, agreement])

    def add(self, take: PromptedTake, clip: LandmarkClip) -> ClipRecord:
        """Keep a take.

        The very clip that the same signer has of this sentence and session is not kept twice: whoever did not hear that
        it was kept sends it again.

        Returns:
            Its row, or the row that it has.

        Raises:
            ClipError: it cannot be used; the message says what to do.
            ConfigError: the signer has not agreed, or there is no such prompt.
            DataError: the folder cannot be written.
        """
        prompt = self._prompt(take.number)
        clip = good_take(clip)
        with self._changing:  # who takes the consent back meanwhile has none here
            if not self.has_agreed(take.signer):
                raise ConfigError(
                    f"'{take.signer}' has not agreed to the form; nothing of a person is kept before that"
                )
            for each in self._takes(take.signer, text_key(prompt.sentence)):
                if each.session == take.session and _holds(each, clip):
                    return each
            clip_id = self._free_id(take)
            path = self.folder / CLIPS_FOLDER / f"{clip_id}.npz"
            save_clip(path, clip)
            record = ClipRecord(
                clip_id=clip_id, video_file=f"{clip_id}.mp4", feature_path=path, sentence_id=prompt.sentence_id,
                sentence=prompt.sentence, category=prompt.category, signer_id=take.signer,
                variations=(prompt.sentence,), fps=clip.fps, is_idle=False, session=take.session,
                **vars(describe_clip(clip)),
            )  # fmt: skip
            if self._is_ours:
                append_manifest(self.folder, [record])
                self._records[clip_id] = record
            else:
                self._replace({**self._records, clip_id: record})
        return record

    def add_video(self, clip_id: str, video: bytes, suffix: str) -> None:
        """Keep what the camera saw of a take.

        Args:
            clip_id: of the take.
            video: the file's content.
            suffix: a value of VIDEO_KINDS.

        Raises:
            ConfigError: there is no such take, or its signer did not allow it.
            DataError: the folder cannot be written.
        """
        with self._changing:
            record = self._records.get(clip_id)
            if record is None:
                raise ConfigError(f"no take '{clip_id[:60]}'")
            if not self.may_film(record.signer_id):
                raise ConfigError(f"'{record.signer_id}' did not allow pictures to be kept; only the points are")
            with atomic_path(self.folder / VIDEOS_NAME / f"{clip_id}{suffix}") as part:
                part.write_bytes(video)

    def remove_last(self, number: int, signer: str) -> ClipRecord | None:
        """Take a signer's last take of a prompt out; None where there is none."""
        key = text_key(self._prompt(number).sentence)
        with self._changing:
            own = self._takes(signer, key)
            if not own:
                return None
            self._replace({name: record for name, record in self._records.items() if record is not own[-1]})
            for path in self._files_of(own[-1:]):
                path.unlink(missing_ok=True)
        return own[-1]

    def withdraw(self, signer: str) -> int:
        """A signer takes the consent back: all takes and the agreement go.

        Returns:
            How many takes are gone.
        """
        with self._changing:
            own = [record for record in self._records.values() if record.signer_id == signer]
            self._replace({name: record for name, record in self._records.items() if record.signer_id != signer})
            for path in (*self._files_of(own), *self._left_over(signer)):
                path.unlink(missing_ok=True)
            self._write_agreements([each for each in self._agreements if each.signer != signer])
        return len(own)

    def _files_of(self, records: Sequence[ClipRecord]) -> list[Path]:
        videos = self.folder / VIDEOS_NAME
        return [
            path
            for record in records
            for path in (record.feature_path, *(videos / f"{record.clip_id}{each}" for each in VIDEO_KINDS.values()))
        ]

    def _takes(self, signer: str, key: str) -> list[ClipRecord]:
        return [each for each in self._records.values() if each.signer_id == signer and each.text_key == key]

    def _left_over(self, signer: str) -> list[Path]:
        """Files of a signer that no row names: the process was killed between file and row."""
        name = re.compile(rf"\d+_{re.escape(signer)}_\d+")
        places = (self.folder / CLIPS_FOLDER, self.folder / VIDEOS_NAME)
        return [path for place in places for path in place.glob("*.*") if name.fullmatch(path.stem)]

    def _write_agreements(self, agreements: list[Agreement]) -> None:
        write_agreements(self.folder, agreements)
        self._agreements = agreements

    def _replace(self, records: dict[str, ClipRecord]) -> None:
        write_manifest(self.folder, records.values())
        self._records, self._is_ours = records, True

    def _prompt(self, number: int) -> Prompt:
        if not 0 <= number < len(self.prompts):
            raise ConfigError(f"no sentence {number + 1}; there are {len(self.prompts)}")
        return self.prompts[number]

    def _free_id(self, take: PromptedTake) -> str:
        """A name that tells sentence, signer and take; one file has it where a system knows no case, too."""
        taken = {name.casefold() for name in self._records}
        begin = f"{take.number + 1:04d}_{take.signer}"
        return next(name for i in range(1, self.num_takes + 2) if (name := f"{begin}_{i}").casefold() not in taken)


def good_take(clip: LandmarkClip) -> LandmarkClip:
    """A take that is worth keeping, with what is told of it.

    Raises:
        ClipError: too short or long, too few pictures a second, hands out of view, or nothing that a person can be.
    """
    checked = checked_clip(clip, "take")
    seconds = float(checked.timestamps_s[-1] - checked.timestamps_s[0])
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise ClipError(
            f"{seconds:.1f} s; expected {SHORTEST_S} to {LONGEST_S:.0f} s. Press the button again, and sign"
        )
    if checked.fps < LEAST_FPS:
        raise ClipError(f"{checked.fps:.0f} pictures a second; expected {LEAST_FPS:.0f}. Close other programs")
    parts = checked.part_presence()
    share = float((parts["left_hand"] | parts["right_hand"]).mean())
    if share < LEAST_SEEN_SHARE:
        raise ClipError(
            f"hands in {share:.0%} of the pictures; expected {LEAST_SEEN_SHARE:.0%}. Hold them in the picture"
        )
    return checked


def _holds(record: ClipRecord, clip: LandmarkClip) -> bool:
    """Whether a take's file holds this very clip; one that cannot be read does not."""
    if record.num_frames != clip.num_frames:
        return False
    try:
        kept = load_clip(record.feature_path)
    except ClipError:
        return False
    return kept.aspect == clip.aspect and all(
        np.array_equal(getattr(kept, name), getattr(clip, name), equal_nan=True)
        for name in ("landmarks", "visibility", "timestamps_s")
    )
