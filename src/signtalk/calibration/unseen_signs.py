"""The decision of a base: fitted on lessons in which signs are taught and asked that its encoder never saw.

TaughtSet ... --hold_lessons--> LessonAnswers --fit_promise--> DecisionConfig for a bundle without sentences

A lesson is what a clinic does: somebody, or several people, teach some sentences with one clip or more each, others ask
for them, and for some that nobody taught; hands that rest are asked about as well. Each set counts the same, however
many clips it has: what is to come is a set that nobody has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.calibration.gate import GateReport, fit_gate
from signtalk.calibration.logistic import MIN_ACCEPTED
from signtalk.errors import DataError
from signtalk.evaluation.one_shot import taught_index
from signtalk.index.encoded import Encoded
from signtalk.recognition.evidence import COMPARED_FIGURES, Evidence
from signtalk.recognition.gate import confidences
from signtalk.recognition.recognizer import DecisionConfig, Recognizer

MOST_CLIPS = 10
"""With so many clips one person teaches a sentence at most."""
ALONE_SHARE = 0.5
"""Of lessons in which one person teaches; in the others several do. Who is taught by many has more that is near to any
question, and a gate that has not heard such lessons answers about what nobody taught (docs/experiments.md)."""
WEIGHED = (*COMPARED_FIGURES, "similarity", "centroid")
"""Figures of the evidence that get a weight. How near a clip is at all tells of signs that nobody taught more than how
much nearer it is than the next, for the encoder has learned none of these people (docs/experiments.md)."""
UNTAUGHT_SHARE = 0.3
"""Of a lesson's questions: sentences that nobody taught."""
FEWEST_TAUGHT = 6
"""Sentences of a lesson: among fewer little is near that an answer could be told from. Taught 3 to 5 sentences, a gate
that kept 0.99 of its answers among more kept 0.96 (2026-11-28, four sets that it was not fitted on)."""
_STRICTER = tuple(tenth / 10 for tenth in range(10))
"""By how much of what is missing to certainty a fit may aim higher than it promises."""
_MOST_WRONG = 2
"""Wrong answers of a set that was left out, as a multiple of those that are promised at most."""
MOST_QUESTIONS = 120
"""Of a lesson, so that no set of thousands of clips takes hours."""
AT_REST = ""
"""What a clip says in which nobody signs: it is asked, and never taught."""
_BY_QUESTION = ("right", "known", "resting", "sets", "motions", "num_sentences", "num_clips")


@dataclass(frozen=True, eq=False)
class TaughtSet:
    """Clips of signs that the encoder never saw.

    Attributes:
        name: of the set; what has the same name counts as one set together, and is left out together.
        encoded: B clips.
        labels: what each says; AT_REST where nobody signs.
        people: who signs each.
        motions: (B,) hand speeds, shoulder widths a second.
        learners: of the people those who never teach.
    """

    name: str
    encoded: Encoded
    labels: tuple[str, ...]
    people: tuple[str, ...]
    motions: FloatArray
    learners: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class LessonAnswers:
    """What came of the questions of several lessons.

    Attributes:
        evidence: of the first candidate.
        right: (Q,) whether that is right.
        known: (Q,) whether the sentence was taught.
        resting: (Q,) whether nobody signs.
        sets: (Q,) number of the set, in the order of their names' first places.
        motions: (Q,) hand speeds.
        num_sentences: (Q,) how many sentences were taught in the lesson.
        num_clips: (Q,) how many clips taught the sentence that is asked; where nobody taught it, most of the others.
    """

    evidence: Evidence
    right: BoolArray
    known: BoolArray
    resting: BoolArray
    sets: IntArray
    motions: FloatArray
    num_sentences: IntArray
    num_clips: IntArray

    @classmethod
    def joined(cls, parts: Sequence[LessonAnswers]) -> LessonAnswers:
        """All questions, in order."""
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _BY_QUESTION}
        return cls(Evidence.joined([part.evidence for part in parts]), **arrays)

    def select(self, rows: BoolArray) -> LessonAnswers:
        """The questions where `rows` is True."""
        arrays = {name: getattr(self, name)[rows] for name in _BY_QUESTION}
        return LessonAnswers(self.evidence.select(rows), **arrays)


def hold_lessons(recognizer: Recognizer, sets: Sequence[TaughtSet], lessons: int, seed: int = 0) -> LessonAnswers:
    """Teach and ask, so many times in each set; each time another person teaches, alone or with others.

    Args:
        recognizer: its scoring ranks; its index is not used.
        sets: clips.
        lessons: of each set.
        seed: of the drawing.

    Raises:
        DataError: nobody in any set makes enough signs.
    """
    numbers = {name: number for number, name in enumerate(dict.fromkeys(taught.name for taught in sets))}
    parts = []
    for place, taught in enumerate(sets):
        for lesson in range(lessons):
            rng = np.random.default_rng((seed, place, lesson))
            outcome = _lesson(recognizer, taught, numbers[taught.name], lesson, rng)
            if outcome is not None:
                parts.append(outcome)
    if not parts:
        names = ", ".join(taught.name for taught in sets)
        raise DataError(f"{names}: nobody signs more than {FEWEST_TAUGHT} sentences that others sign, too; no lesson")
    return LessonAnswers.joined(parts)


def _lesson(
    recognizer: Recognizer, taught: TaughtSet, number: int, lesson: int, rng: np.random.Generator
) -> LessonAnswers | None:
    """One lesson; None where nobody teaches, those whose turn it is make too few signs, or nobody else does."""
    labels, people = np.asarray(taught.labels), np.asarray(taught.people)
    everyone = sorted(set(taught.people) - taught.learners)
    if not everyone:
        return None
    teachers = _teachers(everyone, len(set(taught.people)), lesson, rng)
    teaches = np.isin(people, teachers)
    own = np.flatnonzero(teaches)
    signs = rng.permutation(np.unique(labels[own[labels[own] != AT_REST]]))
    if len(signs) <= FEWEST_TAUGHT:  # at least one remains that nobody teaches
        return None
    count, k = _drawn_count(rng, FEWEST_TAUGHT, len(signs) - 1), _drawn_count(rng, 1, MOST_CLIPS)
    chosen = signs[:count]
    takes = [own[(labels[own] == sign) & (people[own] == teacher)] for sign in chosen for teacher in teachers]
    references = np.concatenate([rng.permutation(each)[:k] for each in takes])
    others = np.flatnonzero(~teaches)
    known = rng.permutation(others[np.isin(labels[others], chosen)])[: round(MOST_QUESTIONS * (1 - UNTAUGHT_SHARE))]
    unknown = rng.permutation(others[~np.isin(labels[others], chosen)])
    unknown = unknown[: round(len(known) * UNTAUGHT_SHARE / (1 - UNTAUGHT_SHARE))]
    if not len(known):
        return None
    asked = np.concatenate([known, unknown])
    index = taught_index(taught.encoded, taught.labels, references)
    num_clips = dict(zip(*np.unique(labels[references], return_counts=True), strict=True))
    usual = int(np.median(list(num_clips.values())))
    ranking = recognizer.changed(index=index).rank(taught.encoded.select(asked))
    return LessonAnswers(
        evidence=Evidence.from_ranking(ranking),
        right=ranking.ranks_of([taught.labels[row] for row in asked.tolist()]) == 1,
        known=np.isin(labels[asked], chosen),
        resting=labels[asked] == AT_REST,
        sets=np.full(len(asked), number),
        motions=taught.motions[asked],
        num_sentences=np.full(len(asked), count),
        num_clips=np.array([num_clips.get(label, usual) for label in labels[asked]], dtype=np.int64),
    )


def _teachers(everyone: Sequence[str], num_people: int, lesson: int, rng: np.random.Generator) -> list[str]:
    """Who teaches: the next in turn, alone or with others; somebody is left who asks."""
    first = everyone[lesson % len(everyone)]
    most = min(len(everyone), num_people - 1)
    if most < 2 or rng.random() < ALONE_SHARE:
        return [first]
    others = rng.permutation([person for person in everyone if person != first])
    return [first, *others[: int(rng.integers(1, most))].tolist()]


def _drawn_count(rng: np.random.Generator, fewest: int, most: int) -> int:
    """How many sentences, or clips of one: as often a few as many, for every collection begins with a few."""
    return round(float(np.exp(rng.uniform(np.log(fewest), np.log(most)))))


def fit_unseen(
    decision: DecisionConfig, outcomes: LessonAnswers, precision: float
) -> tuple[DecisionConfig, GateReport]:
    """The gate of a base, for taught sentences as for all others: it has no others.

    Args:
        decision: its scoring ranked the outcomes.
        outcomes: of lessons.
        precision: part of the accepted answers that shall be right.
    """
    counts, has_speed = _counts(outcomes), np.isfinite(outcomes.motions)
    signing, idle = (outcomes.motions[has_speed & rows] for rows in (~outcomes.resting, outcomes.resting))
    fit = fit_gate(
        outcomes.evidence, outcomes.right, signing, idle, precision=precision, counts=counts, figures=WEIGHED
    )
    gate = fit.config.model_copy(update={"enrolled": fit.config})
    return decision.model_copy(update={"gate": gate, "translate": False}), fit.report


def fit_promise(
    decision: DecisionConfig, outcomes: LessonAnswers, precision: float
) -> tuple[DecisionConfig, dict[int, DecisionConfig]]:
    """The gate of a base, with a promise that sets have shown which it was not fitted on.

    A gate that is fitted for a precision keeps a little less in a set that it never saw. So it is fitted for as much
    more as it takes: each set is left out in turn, and the precision must hold in their mean, each counting the same;
    and no set may have more than twice the wrong answers, for the next set is one of them and not their mean. A set
    that gets no answer has shown nothing.

    Args:
        decision: its scoring ranked the outcomes.
        outcomes: of lessons in two sets or more.
        precision: part of the accepted answers that shall be right.

    Returns:
        The decision; its promise is proven only where the left out sets show it. It has no lower bound: how far off the
        next set may be, no interval of so few sets tells. And by the number of each set the decision that was fitted
        without it: `left_out_coverage` tells what that one does there.
    """
    numbers = np.unique(outcomes.sets).tolist()
    for aim in (precision + (1 - precision) * share for share in _STRICTER):
        without = {each: fit_unseen(decision, outcomes.select(outcomes.sets != each), aim)[0] for each in numbers}
        judged = left_out_coverage(without, outcomes)
        shares = [float(share) for each in judged if (share := each["precision"]) is not None]
        num_accepted = sum(int(each["num_answered"] or 0) for each in judged)
        found = float(np.mean(shares)) if shares else None
        is_kept_by_all = len(shares) == len(numbers) and min(shares) >= 1 - _MOST_WRONG * (1 - precision)
        is_shown = found is not None and num_accepted >= MIN_ACCEPTED and found >= precision and is_kept_by_all
        if is_shown:
            break
    fitted, _ = fit_unseen(decision, outcomes, aim)
    promise: dict[str, Any] = {
        "precision_asked": precision, "precision_reached": is_shown, "num_accepted": num_accepted,
        "precision_found": found, "precision_lower_bound": None,
        "least_sentences": int(outcomes.num_sentences.min()),
    }  # fmt: skip
    gate = fitted.gate.model_copy(update={**promise, "enrolled": None})
    gate = gate.model_copy(update={"enrolled": gate})
    return fitted.model_copy(update={"gate": gate}), without


def left_out_coverage(without: Mapping[int, DecisionConfig], outcomes: LessonAnswers) -> list[dict[str, float | None]]:
    """The `coverage` of each set, in the order of `without`, under the gate that was fitted without it.

    Args:
        without: of `fit_promise`.
        outcomes: of the same lessons.
    """
    return [coverage(decision, outcomes.select(outcomes.sets == number)) for number, decision in without.items()]


def _counts(outcomes: LessonAnswers) -> FloatArray:
    """(Q,) each set counts the same; mean 1."""
    _, number, size = np.unique(outcomes.sets, return_inverse=True, return_counts=True)
    return np.asarray(len(outcomes.sets) / len(size) / size[number])


def is_answered(decision: DecisionConfig, outcomes: LessonAnswers) -> BoolArray:
    """(Q,) whether the gate answers; a hand speed that is not known, as of made-up clips, refuses nothing."""
    still = outcomes.motions < decision.gate.motion_floor
    return np.asarray((confidences(outcomes.evidence, decision.gate) >= decision.gate.threshold) & ~still)


def coverage(decision: DecisionConfig, outcomes: LessonAnswers) -> dict[str, float | None]:
    """How many of the taught are answered, how many answers are right, and how many questions of the untaught got one.

    Args:
        decision: a gate.
        outcomes: of lessons in sets that it was not fitted on.
    """
    accepted = is_answered(decision, outcomes)
    return {
        "answered": float(accepted[outcomes.known].mean()),
        "precision": float(outcomes.right[accepted].mean()) if accepted.any() else None,
        "num_answered": int(accepted.sum()),
        "untaught_answered": float(accepted[~outcomes.known].mean()) if not outcomes.known.all() else None,
        "recall_at_1": float(outcomes.right[outcomes.known].mean()),
    }
