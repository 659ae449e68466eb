"""Films of signs: what the recorder kept of people who agreed that others see it.

folder of `signtalk record --videos` --SignFilms.of--> the film of a sentence
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path

from signtalk.data.manifest import TABLE_NAME, scan_manifest
from signtalk.data.records import text_key
from signtalk.errors import DataError
from signtalk.files import absolute
from signtalk.service.consents import CONSENTS_NAME, YES, allowed, read_agreements
from signtalk.service.recording import VIDEO_KINDS, VIDEOS_NAME

_logger = logging.getLogger("signtalk.service")
_State = tuple[tuple[int, int], ...]


class SignFilms:
    """The films of a folder that may be shown; safe from several threads.

    The folder is read again when it has changed: a person who takes the consent back is not shown any longer.

    Args:
        folder: that the recorder filled.

    Raises:
        DataError: it was not filled by the recorder, or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = absolute(folder)
        if not (self.folder / CONSENTS_NAME).is_file():
            raise DataError(
                f"{folder}: holds no {CONSENTS_NAME}; expected a folder that `signtalk record --videos` filled"
            )
        self._reading = threading.Lock()
        self._state, self._films = self._state_now(), self._read()

    def of(self, sentence: str) -> Path | None:
        """The film that was recorded last of a sentence, by anybody who is shown; None where there is none."""
        with self._reading:
            state = self._state_now()
            if state != self._state:
                self._state, self._films = state, self._read_or_nothing()
            films = self._films.get(text_key(sentence), ())
        return next((path for path in films if path.is_file()), None)

    def _state_now(self) -> _State:
        """By which a change is noticed: sizes and times of both tables."""
        stats = []
        for name in (CONSENTS_NAME, TABLE_NAME):
            with suppress(FileNotFoundError):  # none yet, or it is being put aside
                stats.append((self.folder / name).stat())
        return tuple((each.st_mtime_ns, each.st_size) for each in stats)

    def _read(self) -> dict[str, tuple[Path, ...]]:
        """By the key of a sentence its possible films, the last one first."""
        agreements = read_agreements(self.folder)
        if not (self.folder / TABLE_NAME).is_file():
            return {}
        films: dict[str, tuple[Path, ...]] = {}
        for record in scan_manifest(self.folder).records:
            if allowed(agreements, record.signer_id).shown == YES:
                places = (self.folder / VIDEOS_NAME / f"{record.clip_id}{suffix}" for suffix in VIDEO_KINDS.values())
                films[record.text_key] = (*places, *films.get(record.text_key, ()))
        return films

    def _read_or_nothing(self) -> dict[str, tuple[Path, ...]]:
        """Nobody is shown whose consent cannot be read."""
        try:
            return self._read()
        except DataError as error:
            _logger.warning("no films are shown: %s", error)
            return {}
