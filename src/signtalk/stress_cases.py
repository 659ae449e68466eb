"""The cases of a stress test: what is asked, how each clip is made, and what an honest answer to it is.

    Manifest + Split + index -> choose_sources -> Sources -> plan_cases -> PlannedCase of queries, clips made when asked

No training clip is ever asked. A case for which the data has nothing is planned without queries and with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Literal

import numpy as np

from signtalk import hard_clips
from signtalk.errors import ClipError, DataError
from signtalk.index import SentenceIndex
from signtalk.landmarks import LandmarkClip
from signtalk.lexicon import one_sign_apart, sentences
from signtalk.manifest import ClipRecord, Manifest, read_clip, text_key
from signtalk.roles import Role
from signtalk.splits import Split
from signtalk.synthetic import Form, SyntheticConfig, read_settings
from signtalk.synthetic_hard import Glosses, one_sign_exchanged, sign_anything, two_signs_exchanged
from signtalk.synthetic_signers import generator

AskedRole = Literal["test", "test_new_clip", "val"]
Expected = Literal["right", "other", "unknown", "nothing"]
EXPECTED: dict[Expected, str] = {
    "right": "its sentence, or not sure",
    "other": "no other sentence",
    "unknown": "not sure, or a right translation",
    "nothing": "not sure",
}
"""What may be answered: its own sentence; anything but another one; a known sentence never; nothing at all."""

Change = Callable[[LandmarkClip, np.random.Generator], LandmarkClip]
RECORDED = "as recorded"
_LANGUAGE = 1
_CLIPS_LOOKED_AT = 10


@dataclass(frozen=True)
class Case:
    """One kind of question.

    Attributes:
        name: unique.
        group: cases that are shown as one in the pictures.
        expected: what may be answered.
        recorded: its clips are as somebody recorded them.
        subset: its clips are asked under another case, too, and count there.
    """

    name: str
    group: str
    expected: Expected
    recorded: bool = False
    subset: bool = False


@dataclass(frozen=True, eq=False)
class Query:
    """One clip to be asked, made when it is asked.

    Attributes:
        clip_id: of the clip that it is made from.
        signer_id: who signs.
        own_keys: sentences that it is made from, as `text_key`; none for what says nothing.
        texts: translations of it that are right.
        make: gives the clip; raises ClipError where it cannot be made.
    """

    clip_id: str
    signer_id: str
    own_keys: tuple[str, ...]
    texts: tuple[str, ...]
    make: Callable[[], LandmarkClip]


@dataclass(frozen=True, eq=False)
class PlannedCase:
    """A case and its queries.

    Attributes:
        case: what is asked.
        queries: in their order; empty when it is not run.
        not_run: why; "" when it is run.
        without: sentences that are taken out of the index while it is asked.
    """

    case: Case
    queries: tuple[Query, ...]
    not_run: str = ""
    without: frozenset[str] = frozenset()


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
    read: Callable[[ClipRecord], LandmarkClip] = field(default=read_clip, repr=False)


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
        read=lru_cache(maxsize=2 * limit)(read_clip),  # every case changes the same clips
    )


def _drawn(records: Sequence[ClipRecord], limit: int, seed: int) -> tuple[ClipRecord, ...]:
    chosen = np.random.default_rng(seed).permutation(len(records))[:limit]
    return tuple(records[row] for row in sorted(chosen.tolist()))


def plan_cases(sources: Sources) -> tuple[PlannedCase, ...]:
    """Every case, in the order of the report."""
    return (
        _of_records(Case(RECORDED, RECORDED, "right", recorded=True), sources, sources.known, ""),
        *_unknown(sources),
        *_near_misses(sources),
        *_no_sentence(sources),
        *_pieces(sources),
        _other_language(sources),
        *_changed_recordings(sources),
    )


def _of_records(
    case: Case, sources: Sources, records: Sequence[ClipRecord], not_run: str, change: Change | None = None
) -> PlannedCase:
    """One query a record, as it is or changed."""
    keeps = case.expected in ("right", "unknown")

    def make(record: ClipRecord) -> LandmarkClip:
        clip = sources.read(record)
        return clip if change is None else change(clip, generator(sources.seed, case.name, record.clip_id))

    queries = tuple(
        Query(
            record.clip_id,
            record.signer_id,
            (record.text_key,) if record.text_key else (),
            (record.sentence, *record.variations) if keeps else (),
            partial(make, record),
        )
        for record in records
    )
    return PlannedCase(case, queries, "" if queries else not_run)


def _unknown(sources: Sources) -> Iterator[PlannedCase]:
    """Sentences that nobody taught; where all are taught, half of them are taken out of the index meanwhile."""
    name = "unknown sentence"
    if sources.unknown:
        yield _of_records(Case(name, name, "unknown", recorded=True), sources, sources.unknown, "")
    else:
        keys = sorted({record.text_key for record in sources.known})
        half = {keys[i] for i in generator(sources.seed, name).permutation(len(keys))[: len(keys) // 2]}
        records = [record for record in sources.known if record.text_key in half]
        case = Case(f"{name}, trained but taken out of the index", name, "unknown", recorded=True)
        planned = _of_records(case, sources, records, "there is but one known sentence")
        yield PlannedCase(planned.case, planned.queries, planned.not_run, frozenset(half))
    known_words = [tuple(key.split()) for key in sources.indexed]
    near = [r for r in sources.unknown if any(_near_texts(tuple(r.text_key.split()), words) for words in known_words)]
    why = "no unknown sentence is a word, or the order of the words, from an indexed one"
    case = Case("unknown sentence, one word from a known one", "near miss", "unknown", subset=True)
    yield _of_records(case, sources, near, why)


def _near_texts(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    return one_sign_apart(first, second) or sorted(first) == sorted(second)


def _near_misses(sources: Sources) -> Iterator[PlannedCase]:
    """Signed near misses where signing can be made up; and what cutting makes, for any data."""
    for name, order in (("one sign changed, made up", False), ("two signs exchanged, made up", True)):
        case = Case(name, "near miss", "nothing")
        yield (
            _made_up(case, sources, partial(_near_glosses, order))
            if sources.made_up
            else PlannedCase(
                case, (), "real signers cannot be asked to sign something else; see the cases made by cutting"
            )
        )
    yield _of_pairs(
        Case("middle third of another sentence", "near miss", "nothing"), sources, hard_clips.with_middle_of
    )
    case = Case("second half before the first", "near miss", "other")
    yield _of_records(case, sources, sources.known, "", _plain(hard_clips.halves_exchanged))


def _near_glosses(order: bool, glosses: Glosses, known: frozenset[Glosses], rng: np.random.Generator) -> Glosses | None:
    if order:
        return two_signs_exchanged(glosses, known, rng)
    vocabulary = sorted({gloss for sentence in known for gloss in sentence})
    return one_sign_exchanged(glosses, vocabulary, known, rng)


def _made_up(
    case: Case,
    sources: Sources,
    change: Callable[[Glosses, frozenset[Glosses], np.random.Generator], Glosses | None],
    language: int | None = None,
) -> PlannedCase:
    """The known sentences' signers sign something else; needs made-up data."""
    assert sources.made_up is not None
    config, form = sources.made_up
    by_key = {text_key(sentence.variations[0]): sentence.glosses for sentence in sentences()}
    known = frozenset(by_key[key] for key in sources.indexed if key in by_key)
    queries = []
    for record in sources.known:
        glosses = by_key.get(record.text_key)
        told = change(glosses, known, generator(sources.seed, case.name, record.clip_id)) if glosses else None
        if told is not None:
            clip_id = f"{case.name} {record.clip_id}"
            make = partial(sign_anything, config, form, record.signer_id, clip_id, told, language)
            own = () if language is not None else (record.text_key,)
            queries.append(Query(record.clip_id, record.signer_id, own, (), make))
    return PlannedCase(case, tuple(queries), "" if queries else "no sentence of the data is in the lexicon")


def _of_pairs(case: Case, sources: Sources, join: Callable[[LandmarkClip, LandmarkClip], LandmarkClip]) -> PlannedCase:
    """Each known clip with another one, of another sentence by the same signer."""

    def make(first: ClipRecord, second: ClipRecord) -> LandmarkClip:
        return join(sources.read(first), sources.read(second))

    queries = []
    for record in sources.known:
        others = [r for r in sources.known if r.signer_id == record.signer_id and r.text_key != record.text_key]
        if others:
            partner = others[generator(sources.seed, case.name, record.clip_id).integers(len(others))]
            own = (record.text_key, partner.text_key)
            queries.append(Query(record.clip_id, record.signer_id, own, (), partial(make, record, partner)))
    return PlannedCase(case, tuple(queries), "" if queries else "no signer has clips of two sentences")


def _no_sentence(sources: Sources) -> Iterator[PlannedCase]:
    group = "no sentence"
    why = "the data has no idle clip"
    yield _of_records(Case("idle, as recorded", group, "nothing", recorded=True), sources, sources.idle, why)
    made: tuple[tuple[str, Change], ...] = (
        ("first frame held", lambda clip, rng: hard_clips.held_still(clip, 3.0, rng)),
        ("scratching", hard_clips.scratching),
    )
    for name, change in made:
        planned = _of_records(Case(name, group, "nothing"), sources, sources.known, "", change)
        silent = tuple(Query(q.clip_id, q.signer_id, (), (), q.make) for q in planned.queries)
        yield PlannedCase(planned.case, silent)


def _pieces(sources: Sources) -> Iterator[PlannedCase]:
    for name, start, stop in (("first half", 0.0, 0.5), ("second half", 0.5, 1.0)):
        case = Case(f"{name} of a sentence", "half a sentence", "nothing")
        yield _of_records(case, sources, sources.known, "", _plain(hard_clips.part, start, stop))
    yield _of_pairs(Case("two sentences in a row", "two sentences", "nothing"), sources, hard_clips.joined)


def _other_language(sources: Sources) -> PlannedCase:
    name = "another language"
    case = Case(name, name, "nothing")
    if sources.other:
        planned = _of_records(case, sources, sources.other, "")
        return PlannedCase(case, tuple(Query(q.clip_id, q.signer_id, (), (), q.make) for q in planned.queries))
    if sources.made_up:
        return _made_up(Case(f"{name}, made up", name, "nothing"), sources, lambda glosses, *_: glosses, _LANGUAGE)
    return PlannedCase(case, (), "no clips of another language were given (--other)")


def _changed_recordings(sources: Sources) -> Iterator[PlannedCase]:
    """What keeps the meaning."""
    has_hands = _shows_hands(sources)
    for name, change in _CHANGED.items():
        case = Case(name, "changed recording", "right")
        if name in _NEED_HANDS and not has_hands:
            yield PlannedCase(case, (), "the clips have no hand points to lose")
        else:
            yield _of_records(case, sources, sources.known, "", change)


def _plain(change: Callable[..., LandmarkClip], *arguments: float) -> Change:
    return lambda clip, _: change(clip, *arguments)


def _by_chance(change: Callable[..., LandmarkClip], share: float) -> Change:
    return lambda clip, rng: change(clip, share, rng)


def _to_either_side(change: Callable[..., LandmarkClip], degrees: float) -> Change:
    return lambda clip, rng: change(clip, degrees if rng.random() < 0.5 else -degrees)


_CHANGED: dict[str, Change] = {
    "mirrored camera": _plain(hard_clips.mirrored),
    "one hand lost for half of the clip": _by_chance(hard_clips.without_hand, 0.5),
    "both hands lost for a third of it": _by_chance(hard_clips.without_hands, 1 / 3),
    "noise of 2% of a shoulder width": _by_chance(hard_clips.with_noise, 0.02),
    "noise of 5% of a shoulder width": _by_chance(hard_clips.with_noise, 0.05),
    **{f"{fps} frames a second": _plain(hard_clips.at_frame_rate, fps) for fps in (5, 10, 15, 30, 60)},
    "far: a shoulder width in 50 pixels": _plain(hard_clips.from_afar, hard_clips.PIXELS / 50),
    "farther: in 20 pixels": _plain(hard_clips.from_afar, hard_clips.PIXELS / 20),
    "near: hands leave the picture": _plain(hard_clips.from_near, 0.9),
    "camera 15 degrees to a side": _to_either_side(hard_clips.turned, 15),
    "camera 30 degrees to a side": _to_either_side(hard_clips.turned, 30),
    "camera askew by 10 degrees": _to_either_side(hard_clips.rolled, 10),
    "camera askew by 20 degrees": _to_either_side(hard_clips.rolled, 20),
}
_NEED_HANDS = (
    "one hand lost for half of the clip",
    "both hands lost for a third of it",
    "near: hands leave the picture",
)
"""They take away nothing but points of hands."""


def _shows_hands(sources: Sources) -> bool:
    """Whether any of the first clips has a point of a hand."""
    for record in sources.known[:_CLIPS_LOOKED_AT]:
        try:
            presence = sources.read(record).part_presence()
        except ClipError:
            continue
        if (presence["left_hand"] | presence["right_hand"]).any():
            return True
    return False
