"""Clips that are asked, and the index they are asked of, both made from packed clips.

    PackedClips + records -> asked_packed -> Asked (queries), index_records -> SentenceIndex (references)

Evaluation, calibration and training's own validation ask the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.data.manifest import ClipRecord
from signtalk.data.packed import PackedClips
from signtalk.index.encoded import ClipEncoder, Encoded, concatenate
from signtalk.index.files import IndexEntry
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import ENROLLED_ID
from signtalk.recognition.measured import MOST_FIGURES, MeasuredPairs
from signtalk.recognition.prepared import PreparedIndex

_CLIPS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Asked:
    """Clips that are asked, at least one.

    Attributes:
        records: who signs what.
        encoded: the same clips, encoded.
        motions: (B,) hand speeds, shoulder widths a second.
        measured: what is known of these clips and of what they meet; None = each question measures anew.
    """

    records: tuple[ClipRecord, ...]
    encoded: Encoded
    motions: FloatArray
    measured: MeasuredPairs | None = None

    @property
    def keys(self) -> list[str]:
        """Sentence of each clip."""
        return [record.text_key for record in self.records]

    @property
    def own_ids(self) -> list[tuple[str, ...]]:
        """For each clip the references that it must not meet: itself."""
        return [(record.clip_id,) for record in self.records]

    def select(self, rows: IntArray) -> Asked:
        """The clips of `rows`, in their order."""
        return Asked(
            records=tuple(self.records[row] for row in rows.tolist()),
            encoded=self.encoded.select(rows),
            motions=self.motions[rows],
            measured=None if self.measured is None else self.measured.select(rows),
        )

    def remembering(self, prepared: PreparedIndex, others: Sequence[ClipRecord] = ()) -> Asked:
        """The same clips, to be asked several times: no pair of one of them and what it meets is measured twice.

        Where the tables would be too large, nothing is remembered, and each question measures anew.

        Args:
            prepared: the references.
            others: clips that will be added to them now and then.
        """
        index, sketches = prepared.index, prepared.sketches
        clip_ids = (*index.row_of, *(record.clip_id for record in others))
        texts = (*index.sentence_texts, *(record.sentence for record in others))
        if len(self.records) * (3 * len(clip_ids) + len(texts)) > MOST_FIGURES:
            return self
        columns = np.zeros(0, dtype=np.int64) if sketches is None else sketches.columns
        return replace(self, measured=MeasuredPairs.none_yet(len(self.records), clip_ids, texts, columns))

    def at_most(self, count: int) -> Asked:
        """These, or of more than `count` so many, drawn from all, in their order."""
        if len(self.records) <= count:
            return self
        return self.select(np.sort(drawn_order(len(self.records))[:count]))


def drawn_order(count: int) -> npt.NDArray[np.int64]:
    """(N,) positions of so many clips in a drawn order, the same every time: its beginning is a part of them all."""
    return np.random.default_rng(0).permutation(count)


def asked_packed(encoder: ClipEncoder, store: PackedClips, records: Iterable[ClipRecord]) -> Asked | None:
    """Those of some records that could be packed, encoded; None when none could.

    Args:
        encoder: the model.
        store: packed clips.
        records: which of them, in this order.
    """
    usable = store.held(records)
    if not usable:
        return None
    which = store.positions_of([record.clip_id for record in usable])
    return Asked(usable, encode_all(encoder, store, which), store.motions[which])


def encode_packed(encoder: ClipEncoder, store: PackedClips, which: npt.NDArray[np.int64]) -> Iterator[Encoded]:
    """Encode packed clips in blocks, in order, without augmentation; the next block is read meanwhile.

    Args:
        encoder: the model.
        store: packed clips.
        which: (B,) their positions in the store.
    """
    with ThreadPoolExecutor(max_workers=1) as reader:
        read: deque[Future[tuple[FloatArray, BoolArray]]] = deque()
        for start in range(0, len(which), _CLIPS_AT_ONCE):
            read.append(reader.submit(store.features, which[start : start + _CLIPS_AT_ONCE]))
            if len(read) > 1:
                yield encoder.encode(*read.popleft().result())
        for last in read:
            yield encoder.encode(*last.result())


def encode_all(encoder: ClipEncoder, store: PackedClips, which: npt.NDArray[np.int64]) -> Encoded:
    """As `encode_packed`, all in one.

    Args:
        encoder: the model.
        store: packed clips.
        which: (B,) their positions in the store.

    Raises:
        ValueError: there is no clip to encode.
    """
    return concatenate(list(encode_packed(encoder, store, which)))


def enrolled_entries(records: Sequence[ClipRecord]) -> list[IndexEntry]:
    """Entries of clips that teach, under ids by which an enrolled sentence is known."""
    return [
        replace(IndexEntry.from_record(record), sentence_id=f"{ENROLLED_ID}{record.sentence_id}") for record in records
    ]


def index_records(
    encoder: ClipEncoder,
    store: PackedClips,
    records: Sequence[ClipRecord],
    encoder_id: str,
    root: Path | None = None,
) -> SentenceIndex:
    """Make the index of some records; those that could not be packed are left out.

    Args:
        encoder: the model.
        store: packed clips.
        records: the references; idle ones are left out too.
        encoder_id: the model's name, which the index remembers.
        root: data folder that the paths in the index start from; None keeps them as they are.
    """
    references = [record for record in store.held(records) if not record.is_idle]
    which = store.positions_of([record.clip_id for record in references])
    entries = [IndexEntry.from_record(record, root) for record in references]
    return SentenceIndex.build(encode_packed(encoder, store, which), entries, encoder_id)
