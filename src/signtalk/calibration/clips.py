"""The clips that a calibration is made on: the validation clips of a split, or all clips of a folder.

Recognizer + split  -> clips_of_split  -> CalibrationClips, its validation clips
Recognizer + folder -> clips_of_folder -> CalibrationClips, all that are labelled there
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from signtalk.arrays import BoolArray, FloatArray
from signtalk.data.manifest import ClipRecord, Manifest, clip_of_record
from signtalk.data.packed import PackedClips
from signtalk.data.records import Problem
from signtalk.data.roles import Role
from signtalk.data.splits import Split
from signtalk.errors import ClipError
from signtalk.index.index import SentenceIndex
from signtalk.landmarks.features import extract_features
from signtalk.recognition.asked import Asked, asked_packed
from signtalk.recognition.recognizer import Recognizer


@dataclass(frozen=True, eq=False)
class CalibrationClips:
    """What a calibration is made on.

    Attributes:
        known: clips of indexed sentences; None without any.
        unknown: clips of other sentences; likewise.
        signing: hand speeds of further clips in which somebody signs.
        idle: hand speeds of clips in which nobody does.
        left_out: clips that cannot be used, and why.
    """

    known: Asked | None
    unknown: Asked | None
    signing: FloatArray
    idle: FloatArray
    left_out: tuple[Problem, ...] = ()

    @property
    def parts(self) -> list[Asked]:
        """Known and unknown clips, as far as there are any."""
        return [part for part in (self.known, self.unknown) if part is not None]

    def remembering(self, index: SentenceIndex) -> CalibrationClips:
        """The same clips; what is measured between one of them and what it meets is measured once for all fits.

        Args:
            index: the references; those that are added for a fit are the unknown clips.
        """
        if all(part.measured is not None for part in self.parts):
            return self
        others = () if self.unknown is None else self.unknown.records
        known, unknown = (
            None if part is None else part.remembering(index, others) for part in (self.known, self.unknown)
        )
        return replace(self, known=known, unknown=unknown)

    @property
    def speeds(self) -> FloatArray:
        """Hand speeds of all clips in which somebody signs."""
        return np.concatenate([self.signing, *(part.motions for part in self.parts)])


def clips_of_split(recognizer: Recognizer, manifest: Manifest, split: Split, store: PackedClips) -> CalibrationClips:
    """The validation clips of a split.

    Args:
        recognizer: encodes them.
        manifest: the data.
        split: gives the roles val, val_unknown and val_idle; the motion of training clips is looked at as well.
        store: packed clips of these roles.
    """

    def clips_of(role: Role) -> Asked | None:
        return asked_packed(recognizer.encoder, store, split.records(manifest, role))

    def motions(*roles: Role) -> FloatArray:
        ids = [record.clip_id for role in roles for record in split.records(manifest, role)]
        return store.motions[store.positions_of(ids)]

    idle = motions("train_idle", "val_idle")
    return CalibrationClips(clips_of("val"), clips_of("val_unknown"), motions("train"), idle)


def clips_of_folder(recognizer: Recognizer, manifest: Manifest) -> CalibrationClips:
    """All clips of a folder that can be used, such as a few that were recorded before another camera."""
    records, features, left_out = [], [], []
    for record in manifest.records:
        try:
            features.append(extract_features(clip_of_record(record), recognizer.encoder.feature_config))
            records.append(record)
        except ClipError as error:
            left_out.append(Problem(record.clip_id, "bad_clip", str(error)))
    signed = np.array([not record.is_idle for record in records], dtype=np.bool_)
    indexed = np.array([record.text_key in recognizer.index.sentences for record in records], dtype=np.bool_)
    motions = np.array([each.motion for each in features], dtype=np.float32)

    def clips_where(which: BoolArray) -> Asked | None:
        rows = np.flatnonzero(which).tolist()
        if not rows:
            return None
        encoded = recognizer.encoder.encode(
            np.stack([features[row].features for row in rows]), np.stack([features[row].valid for row in rows])
        )
        return Asked(tuple(records[row] for row in rows), encoded, motions[rows])

    known, unknown = clips_where(signed & indexed), clips_where(signed & ~indexed)
    return CalibrationClips(known, unknown, motions[:0], motions[~signed], tuple(left_out))


def as_new_signers(index: SentenceIndex, records: Iterable[ClipRecord]) -> list[tuple[str, ...]]:
    """The references that each clip must not meet: itself, and all by the same signer.

    The signer's other clips stay where nobody else signs the sentence (of an unknown one: where nobody else signs).
    """
    clips_by_signer: dict[str, list[str]] = {}
    for entry in index.entries:
        clips_by_signer.setdefault(entry.signer_id, []).append(entry.clip_id)
    left_out = []
    for record in records:
        mine = clips_by_signer.get(record.signer_id, []) if record.signer_id else []
        rows = index.sentences.get(record.text_key, range(len(index.entries)))
        others = any(index.entries[row].signer_id not in ("", record.signer_id) for row in rows)
        left_out.append((record.clip_id, *mine) if others else (record.clip_id,))
    return left_out


def without_their_sentence(
    index: SentenceIndex, left_out: Sequence[tuple[str, ...]], keys: Sequence[str]
) -> list[tuple[str, ...]]:
    """What clips must not meet for nothing of their own sentence to be there: `left_out` and all clips of `keys`."""
    return [(*ids, *index.clips_of(key)) for ids, key in zip(left_out, keys, strict=True)]


def asked_as_new_signers(index: SentenceIndex, clips: CalibrationClips) -> list[tuple[Asked, list[tuple[str, ...]]]]:
    """The known clips, the same without their sentences, and the unknown ones; each with what it must not meet.

    Args:
        index: the references.
        clips: of a fit.
    """
    queries: list[tuple[Asked, list[tuple[str, ...]]]] = []
    if clips.known is not None:
        own = as_new_signers(index, clips.known.records)
        queries += [(clips.known, own), (clips.known, without_their_sentence(index, own, clips.known.keys))]
    if clips.unknown is not None:
        queries.append((clips.unknown, as_new_signers(index, clips.unknown.records)))
    return queries
