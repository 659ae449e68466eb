"""The cases of a stress test: what is asked, how each clip is made, and what an honest answer to it is.

    Sources -> plan_cases -> PlannedCase of queries, whose clips are made when they are asked

A clip of no known sentence may still be told rightly: an unknown sentence by translation, a half by its words, which
may be a shorter sentence. `Query.texts` lists what would be right. A case for which the data has nothing is planned
without queries and with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from signtalk.data.manifest import ClipRecord, text_key
from signtalk.data.tokenizer import split_words
from signtalk.errors import ClipError
from signtalk.evaluation import perturbations
from signtalk.evaluation.stress_sources import Sources
from signtalk.landmarks import transforms
from signtalk.landmarks.clip import LandmarkClip
from signtalk.synthetic.lexicon import one_sign_apart, sentences
from signtalk.synthetic.near_misses import Glosses, one_sign_exchanged, sign_anything, two_signs_exchanged
from signtalk.synthetic.signers import generator

Expected = Literal["right", "other", "shown", "nothing"]
EXPECTED: dict[Expected, str] = {
    "right": "its sentence, or not sure",
    "other": "its sentence, or what is shown, or not sure",
    "shown": "what is shown, or not sure",
    "nothing": "not sure",
}
"""What may be told. "other" is open: its own sentence passes, and figures of confidence do not count it."""

ClipChange = Callable[[LandmarkClip, np.random.Generator], LandmarkClip]
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
        texts: what would be right, word for word.
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


def plan_cases(sources: Sources) -> tuple[PlannedCase, ...]:
    """Every case, in the order of the report."""
    return (
        _of_records(Case(RECORDED, RECORDED, "right", recorded=True), sources, sources.known),
        *_changed_recordings(sources),
        *_unknown(sources),
        *_near_misses(sources),
        *_pieces(sources),
        _other_language(sources),
        *_no_sentence(sources),
    )


def _of_records(
    case: Case,
    sources: Sources,
    records: Sequence[ClipRecord],
    not_run: str = "",
    change: ClipChange | None = None,
    texts: Callable[[ClipRecord], tuple[str, ...]] | None = None,
) -> PlannedCase:
    """One query a record, as it is or changed; without `texts` its own are right, unless nothing may be told."""

    def make(record: ClipRecord) -> LandmarkClip:
        clip = sources.read(record)
        return clip if change is None else change(clip, generator(sources.seed, case.name, record.clip_id))

    def query(record: ClipRecord) -> Query:
        if case.expected == "nothing":
            return Query(record.clip_id, record.signer_id, (), (), partial(make, record))
        right = texts(record) if texts else (record.sentence, *record.variations)
        return Query(record.clip_id, record.signer_id, (record.text_key,), right, partial(make, record))

    return PlannedCase(case, tuple(map(query, records)), "" if records else not_run)


def _unknown(sources: Sources) -> Iterator[PlannedCase]:
    """Sentences that nobody taught; where all are taught, half of them are taken out of the index meanwhile."""
    name = "unknown sentence"
    if sources.unknown:
        yield _of_records(Case(name, name, "shown", recorded=True), sources, sources.unknown)
    else:
        keys = sorted({record.text_key for record in sources.known})
        half = {keys[i] for i in generator(sources.seed, name).permutation(len(keys))[: len(keys) // 2]}
        records = [record for record in sources.known if record.text_key in half]
        case = Case(f"{name}, trained but taken out of the index", name, "shown", recorded=True)
        planned = _of_records(case, sources, records, "there is but one known sentence")
        yield replace(planned, without=frozenset(half))
    known_words = [tuple(key.split()) for key in sources.indexed]
    near = [r for r in sources.unknown if any(_near_texts(tuple(r.text_key.split()), words) for words in known_words)]
    why = "no unknown sentence is a word, or the order of the words, from an indexed one"
    case = Case("unknown sentence, one word from a known one", "near miss", "shown", subset=True)
    yield _of_records(case, sources, near, why)


def _near_texts(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    return one_sign_apart(first, second) or sorted(first) == sorted(second)


def _near_misses(sources: Sources) -> Iterator[PlannedCase]:
    """Signed near misses where signing can be made up; and what cutting makes, for any data."""
    for name, order in (("one sign changed, made up", False), ("two signs exchanged, made up", True)):
        yield _made_up(Case(name, "near miss", "shown"), sources, partial(_near_glosses, order))
    case = Case("middle third of another sentence", "near miss", "shown")
    yield _of_pairs(case, sources, perturbations.with_middle_of, spliced_texts)
    case = Case("second half before the first", "near miss", "other")
    change = _plain(perturbations.halves_exchanged)
    yield _of_records(case, sources, sources.known, "", change, lambda record: reordered_texts(record.sentence))


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
    if sources.made_up is None:
        return PlannedCase(case, (), "real signers cannot be asked to sign something else; see what cutting makes")
    config, form = sources.made_up
    by_key = {text_key(sentence.variations[0]): sentence.glosses for sentence in sentences()}
    by_glosses = {sentence.glosses: sentence.variations for sentence in sentences()}
    known = frozenset(by_key[key] for key in sources.indexed if key in by_key)
    queries = []
    for record in sources.known:
        glosses = by_key.get(record.text_key)
        signed = change(glosses, known, generator(sources.seed, case.name, record.clip_id)) if glosses else None
        if signed is not None:
            make = partial(
                sign_anything, config, form, record.signer_id, f"{case.name} {record.clip_id}", signed, language
            )
            ours = language is None
            own, right = ((record.text_key,), by_glosses.get(signed, ())) if ours else ((), ())
            queries.append(Query(record.clip_id, record.signer_id, own, right, make))
    return PlannedCase(case, tuple(queries), "" if queries else "no sentence of the data is in the lexicon")


def _of_pairs(
    case: Case,
    sources: Sources,
    join: Callable[[LandmarkClip, LandmarkClip], LandmarkClip],
    texts: Callable[[str, str], tuple[str, ...]],
) -> PlannedCase:
    """Each known clip with another one, of another sentence by the same signer."""

    def make(first: ClipRecord, second: ClipRecord) -> LandmarkClip:
        return join(sources.read(first), sources.read(second))

    queries = []
    for record in sources.known:
        others = [r for r in sources.known if r.signer_id == record.signer_id and r.text_key != record.text_key]
        if others:
            partner = others[generator(sources.seed, case.name, record.clip_id).integers(len(others))]
            own, right = (record.text_key, partner.text_key), texts(record.sentence, partner.sentence)
            queries.append(Query(record.clip_id, record.signer_id, own, right, partial(make, record, partner)))
    return PlannedCase(case, tuple(queries), "" if queries else "no signer has clips of two sentences")


def _no_sentence(sources: Sources) -> Iterator[PlannedCase]:
    group = "no sentence"
    why = "the data has no idle clip"
    yield _of_records(Case("idle, as recorded", group, "nothing", recorded=True), sources, sources.idle, why)
    still = Case("first frame held", group, "nothing")
    yield _of_records(still, sources, sources.known, "", lambda clip, rng: perturbations.held_still(clip, 3.0, rng))
    yield _of_records(Case("scratching", group, "nothing"), sources, sources.known, "", perturbations.scratching)


def _pieces(sources: Sources) -> Iterator[PlannedCase]:
    for name, start, stop in (("first half", 0.0, 0.5), ("second half", 0.5, 1.0)):
        case = Case(f"{name} of a sentence", "half a sentence", "shown")
        texts = partial(_part_of_record, begins=start == 0)
        yield _of_records(case, sources, sources.known, "", _plain(perturbations.part, start, stop), texts)
    case = Case("two sentences in a row", "two sentences", "shown")
    yield _of_pairs(case, sources, perturbations.joined, lambda first, second: (f"{first} {second}",))


def _part_of_record(record: ClipRecord, begins: bool) -> tuple[str, ...]:
    return part_texts(record.sentence, begins)


def part_texts(text: str, begins: bool) -> tuple[str, ...]:
    """What a half may rightly be read as: any words that begin (or end) the text, but for all of them."""
    words = split_words(text)
    return tuple(" ".join(words[:i] if begins else words[i:]) for i in range(1, len(words)))


def reordered_texts(text: str) -> tuple[str, ...]:
    """What exchanged halves may rightly be read as; the word that was cut may be seen twice, once or not at all."""
    words = split_words(text)
    return tuple(
        " ".join(words[i:] + words[:j]) for i in range(1, len(words)) for j in (i - 1, i, i + 1) if 0 < j <= len(words)
    )


def spliced_texts(text: str, other: str) -> tuple[str, ...]:
    """What a text with the middle third of another may rightly be read as, cut at the thirds or a word off."""
    words, middle = split_words(text), split_words(other)
    readings = {
        " ".join(words[:i] + middle[j:k] + words[m:]) for i, m in _thirds(len(words)) for j, k in _thirds(len(middle))
    }
    return tuple(sorted(readings - {" ".join(words), " ".join(middle), ""}))


def _thirds(length: int) -> list[tuple[int, int]]:
    first, second = round(length / 3), round(2 * length / 3)
    cuts = ((first + a, second + b) for a in (-1, 0, 1) for b in (-1, 0, 1))
    return [(i, k) for i, k in cuts if 0 <= i <= k <= length]


def _other_language(sources: Sources) -> PlannedCase:
    name = "another language"
    if sources.other or not sources.made_up:
        why = "no clips of another language were given (--other)"
        return _of_records(Case(name, name, "nothing"), sources, sources.other, why)
    return _made_up(Case(f"{name}, made up", name, "nothing"), sources, lambda glosses, *_: glosses, _LANGUAGE)


def _changed_recordings(sources: Sources) -> Iterator[PlannedCase]:
    """What keeps the meaning."""
    has_hands = _shows_hands(sources)
    for name, change in _CHANGED.items():
        case = Case(name, "changed recording", "right")
        if name in _NEED_HANDS and not has_hands:
            yield PlannedCase(case, (), "the clips have no hand points to lose")
        else:
            yield _of_records(case, sources, sources.known, "", change)


def _plain(change: Callable[..., LandmarkClip], *arguments: float) -> ClipChange:
    return lambda clip, _: change(clip, *arguments)


def _by_chance(change: Callable[..., LandmarkClip], share: float) -> ClipChange:
    return lambda clip, rng: change(clip, share, rng)


def _to_either_side(change: Callable[..., LandmarkClip], degrees: float) -> ClipChange:
    return lambda clip, rng: change(clip, degrees if rng.random() < 0.5 else -degrees)


_CHANGED: dict[str, ClipChange] = {
    "mirrored camera": _plain(transforms.mirrored),
    "one hand lost for half of the clip": _by_chance(perturbations.without_hand, 0.5),
    "both hands lost for a third of it": _by_chance(perturbations.without_hands, 1 / 3),
    "noise of 2% of a shoulder width": _by_chance(perturbations.with_noise, 0.02),
    "noise of 5% of a shoulder width": _by_chance(perturbations.with_noise, 0.05),
    **{f"{fps} frames a second": _plain(transforms.at_frame_rate, fps) for fps in (5, 10, 15, 30, 60)},
    "far: a shoulder width in 50 pixels": _plain(perturbations.from_afar, perturbations.PIXELS / 50),
    "farther: in 20 pixels": _plain(perturbations.from_afar, perturbations.PIXELS / 20),
    "near: 1.2 shoulder widths in view": _plain(perturbations.from_near, 1.2),
    "nearer: 0.9 in view": _plain(perturbations.from_near, 0.9),
    "camera 15 degrees to a side": _to_either_side(perturbations.turned, 15),
    "camera 30 degrees to a side": _to_either_side(perturbations.turned, 30),
    "camera askew by 10 degrees": _to_either_side(perturbations.rolled, 10),
    "camera askew by 20 degrees": _to_either_side(perturbations.rolled, 20),
}
_NEED_HANDS = (
    "one hand lost for half of the clip",
    "both hands lost for a third of it",
    "near: 1.2 shoulder widths in view",
    "nearer: 0.9 in view",
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
