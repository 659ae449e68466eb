"""The clips that a calibration is made on: the validation clips of a split, or all clips of a folder.

Recognizer + split  -> clips_of_split  -> CalibrationClips, its validation clips
Recognizer + folder -> clips_of_folder -> CalibrationClips, all that are labelled there
"""

from __future__ import annotations

from collections.abc import Sequence
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
from signtalk.recognition.prepared import PreparedIndex
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

    def remembering(self, prepared: PreparedIndex) -> CalibrationClips:
        """The same clips; what is measured between one of them and what it meets is measured once for all fits.

        Args:
            prepared: the references; those that are added for a fit are the unknown clips.
        """
        if all(part.measured is not None for part in self.parts):
            return self
        others = () if self.unknown is None else self.unknown.records
        known, unknown = (
            None if part is None else part.remembering(prepared, others) for part in (self.known, self.unknown)
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


def as_new_signers(index: SentenceIndex, records: Sequence[ClipRecord]) -> BoolArray:
    """(B, N) the references that each clip must not meet: itself, and all by the same signer.

    The signer's other clips stay where nobody else signs the sentence (of an unknown one: where nobody else signs).
    """
    signers = np.array([entry.signer_id for entry in index.entries], dtype=np.str_)
    names, who = np.unique(signers, return_inverse=True)
    number, is_named = {name: number for number, name in enumerate(names.tolist())}, signers != ""
    left_out = np.zeros((len(records), len(index)), dtype=np.bool_)
    for flags, record in zip(left_out, records, strict=True):
        mine = number.get(record.signer_id, -1)
        rows = index.sentences.get(record.text_key, slice(None))
        if record.signer_id and (is_named[rows] & (who[rows] != mine)).any():
            flags[:] = who == mine
        if record.clip_id in index.row_of:
            flags[index.row_of[record.clip_id]] = True
    return left_out


def without_their_sentence(index: SentenceIndex, left_out: BoolArray, keys: Sequence[str]) -> BoolArray:
    """(B, N) what clips must not meet so that nothing of their own sentence is there.

    Args:
        index: the N references.
        left_out: (B, N) what they must not meet anyway.
        keys: their B sentences.
    """
    position = {key: number for number, key in enumerate(index.groups.text_keys)}
    own = np.array([position.get(key, -1) for key in keys], dtype=np.int64)
    return left_out | (index.groups.class_of_row == own[:, None])


def asked_as_new_signers(index: SentenceIndex, clips: CalibrationClips) -> list[tuple[Asked, BoolArray]]:
    """The known clips, the same without their sentences, and the unknown ones; each with what it must not meet.

    Args:
        index: the references.
        clips: of a fit.
    """
    queries: list[tuple[Asked, BoolArray]] = []
    if clips.known is not None:
        own = as_new_signers(index, clips.known.records)
        queries += [(clips.known, own), (clips.known, without_their_sentence(index, own, clips.known.keys))]
    if clips.unknown is not None:
        queries.append((clips.unknown, as_new_signers(index, clips.unknown.records)))
    return queries
