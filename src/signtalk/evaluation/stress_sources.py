"""Which clips a stress test may use: those that the model was not trained on.

Manifest + Split + index -> choose_sources -> Sources          (`stress_cases` makes questions of them)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np

from signtalk.data.manifest import ClipRecord, Manifest, clip_of_record
from signtalk.data.roles import Role
from signtalk.data.splits import Split
from signtalk.errors import DataError
from signtalk.index.index import SentenceIndex
from signtalk.landmarks.clip import LandmarkClip
from signtalk.synthetic.dataset import Form, SyntheticConfig, read_settings

AskedRole = Literal["test", "test_new_clip", "val"]


@dataclass(frozen=True, eq=False)
class Sources:
    """What the hard clips are made from.

    Attributes:
        known: clips of indexed sentences.
        unknown: clips of sentences that are neither trained nor indexed.
        idle: clips in which nothing is signed.
        other: clips of another language.
        indexed: every sentence of the index, as `text_key`.
        made_up: how the data was made up; None for real signers.
        seed: of all chance.
        notes: what a reader of the results must know of this choice.
        read: gives the clip of a record.
    """

    known: tuple[ClipRecord, ...]
    unknown: tuple[ClipRecord, ...]
    idle: tuple[ClipRecord, ...]
    other: tuple[ClipRecord, ...]
    indexed: frozenset[str]
    made_up: tuple[SyntheticConfig, Form] | None
    seed: int
    notes: tuple[str, ...] = ()
    read: Callable[[ClipRecord], LandmarkClip] = field(default=clip_of_record, repr=False)


_COMPANIONS: dict[AskedRole, tuple[Role, Role]] = {
    "test": ("test_unknown", "test_idle"),
    "test_new_clip": ("test_unknown", "test_idle"),
    "val": ("val_unknown", "val_idle"),
}


def choose_sources(
    manifest: Manifest,
    split: Split | None,
    index: SentenceIndex,
    role: AskedRole = "test",
    other: Manifest | None = None,
    limit: int = 100,
    seed: int = 0,
) -> Sources:
    """Draw the clips that are asked.

    Args:
        manifest: the data.
        split: whose roles say which clips may be asked; None: every clip that is not in the index.
        index: the references.
        role: whose clips are the known ones.
        other: clips of another language; those of an indexed text are passed over.
        limit: most clips of each kind.
        seed: of the draw.

    Raises:
        DataError: there is no known clip to ask.
    """
    references = {entry.clip_id for entry in index.entries}
    fresh = [record for record in manifest.records if record.clip_id not in references]
    notes = []
    if split is None:
        known = [record for record in fresh if not record.is_idle and record.text_key in index.sentences]
        unknown = [record for record in fresh if not record.is_idle and record.text_key not in index.sentences]
        idle = [record for record in fresh if record.is_idle]
        notes.append("no split was given: every clip outside the index is asked, those that the gate was fitted on too")
    else:
        for_unknown, for_idle = _COMPANIONS[role]
        of_role = {name: set(split.clips(name)) for name in (role, for_unknown, for_idle)}
        known, unknown, idle = (
            [record for record in fresh if record.clip_id in of_role[name]] for name in (role, for_unknown, for_idle)
        )
        known = [record for record in known if record.text_key in index.sentences]
        if role == "val":
            notes.append("validation clips are asked, on which the gate was fitted")
    if not known:
        roles = ", ".join(f"{name} {count}" for name, count in split.counts.items() if count) if split else "no split"
        raise DataError(f"{manifest.root}: no clip of an indexed sentence to ask (role {role}); there are: {roles}")
    foreign = [] if other is None else [r for r in other.records if not r.is_idle and r.text_key not in index.sentences]
    return Sources(
        known=_drawn(known, limit, seed),
        unknown=_drawn(unknown, limit, seed),
        idle=_drawn(idle, limit, seed),
        other=_drawn(foreign, limit, seed),
        indexed=frozenset(index.sentences),
        made_up=read_settings(manifest.root),
        seed=seed,
        notes=tuple(notes),
        read=lru_cache(maxsize=2 * limit)(clip_of_record),  # every case changes the same clips
    )


def _drawn(records: Sequence[ClipRecord], limit: int, seed: int) -> tuple[ClipRecord, ...]:
    chosen = np.random.default_rng(seed).permutation(len(records))[:limit]
    return tuple(records[row] for row in sorted(chosen.tolist()))
