"""What `oneshot.py` measured: kept as JSON, and told on a page."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from signtalk.files import read_json, write_json

LEARNED = ("words_6people",)
"""Sets of whose people the base learned."""
SIZES = {"6-10": (6, 10), "11-20": (11, 20), "21 and more": (21, sys.maxsize)}
"""How many sentences a lesson teaches."""
CLIPS = {"1": (1, 1), "2-3": (2, 3), "4-9": (4, 9), "10 and more": (10, sys.maxsize)}
"""With how many clips a sentence is taught, of one person or of several."""
LESSONS = 24
"""Of a set, to ask a gate: other people teach each time some of the sentences, with one clip or more each."""


@dataclass(frozen=True)
class Cell:
    """One encoder on one set with k references.

    Attributes:
        encoder: its name.
        data: the set.
        k: references of a sign.
        num_draws: people times draws.
        recall_at_1: by kind of evidence.
        mrr: likewise.
        ranked: R@1 by the bundle's own weights; None for what has none.
        low: lower end of the 95% interval of `recall_at_1["both"]`.
        high: its upper end.
        date: of the measurement.
        code: that measured it.
    """

    encoder: str
    data: str
    k: int
    num_draws: int
    recall_at_1: dict[str, float]
    mrr: dict[str, float]
    ranked: float | None
    low: float
    high: float
    date: str
    code: str


@dataclass(frozen=True)
class Taught:
    """The questions of lessons of one size, counted.

    Attributes:
        sentences: one of SIZES: how many sentences were taught.
        clips: one of CLIPS: how many taught the sentence that is asked.
        num_known: questions for taught sentences.
        num_known_answered: of these answered.
        num_answered: answers, those to other questions too.
        num_right: of these right.
        confidence: sum over the known questions.
    """

    sentences: str
    clips: str
    num_known: int
    num_known_answered: int
    num_answered: int
    num_right: int
    confidence: float


@dataclass(frozen=True)
class Answering:
    """What the gate of one bundle did in the lessons of one set.

    Attributes:
        encoder: the bundle's name.
        data: the set.
        answered: share of the questions for taught sentences that got an answer.
        precision: share of the answers that were right; None without any.
        num_answered: answers.
        untaught_answered: share of the questions for other sentences that got one; None where none was asked.
        recall_at_1: of the taught.
        taught: the same questions by the size of the lesson.
        date: of the measurement.
        code: that measured it.
    """

    encoder: str
    data: str
    answered: float
    precision: float | None
    num_answered: int
    untaught_answered: float | None
    recall_at_1: float
    taught: tuple[Taught, ...]
    date: str
    code: str


@dataclass(frozen=True)
class Results:
    """What was measured so far.

    Attributes:
        cells: by encoder, set and k.
        gates: by encoder and set.
    """

    cells: dict[tuple[str, str, int], Cell]
    gates: dict[tuple[str, str], Answering]

    @classmethod
    def read(cls, path: Path) -> Results:
        """Of a file; nothing where there is none."""
        content = read_json(path) if path.exists() else {"one_shot": [], "gates": []}
        cells = [Cell(**each) for each in content["one_shot"]]
        gates = [
            Answering(**each | {"taught": tuple(Taught(**part) for part in each["taught"])})
            for each in content["gates"]
        ]
        return cls({(c.encoder, c.data, c.k): c for c in cells}, {(g.encoder, g.data): g for g in gates})

    def write(self, path: Path) -> None:
        """Keep them."""
        write_json(
            path,
            {
                "one_shot": [asdict(each) for each in self.cells.values()],
                "gates": [asdict(each) for each in self.gates.values()],
            },
        )


def page(results: Results, command: str, fitted: Sequence[dict[str, Any]], order: Sequence[str]) -> str:
    """The section of the results page.

    Args:
        results: of every encoder.
        command: that measured.
        fitted: what the gate of `base` did on the sets it is fitted on, each left out in turn, as its manifest tells.
        order: of the sets.
    """
    lines = [
        "## One-shot: a person teaches, all others are asked", "",
        f"{datetime.date.today().isoformat()}: `{command}`", "",
        "R@1 by the embedding's cosine, by DTW of the frames, and by both (standardised a question and added),",
        "with the 95% interval over people and draws; MRR by both; R@1 by the bundle's own weights.",
        "`dtw` is the untrained yardstick. `made_up_signs` and `made_up_sentences` are drawn by a seed that nothing",
        "was learned or chosen by, `made_up` is the demo's set. What each base learned from and was chosen on is in",
        "[The base model](../base-model.md). Who has fewer clips of a sentence than k teaches with those: in `made_up`",
        "and the drawn sets with one. Rows of other encoders were measured by the same command before; their",
        "dates and code stand in `benchmarks/results/oneshot.json`.", "",
        "| set | k | encoder | embedding | DTW | both (95%) | MRR | as ranked | draws |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for cell in sorted(results.cells.values(), key=lambda each: (order.index(each.data), each.k, each.encoder)):
        recall = cell.recall_at_1
        both = f"{recall['both']:.3f} ({cell.low:.3f}-{cell.high:.3f})"
        ranked = "-" if cell.ranked is None else f"{cell.ranked:.3f}"
        figures = [f"{recall['embedding']:.3f}", f"{recall['dtw']:.3f}", both, f"{cell.mrr['both']:.3f}", ranked]
        lines.append("| " + " | ".join([cell.data, str(cell.k), cell.encoder, *figures, str(cell.num_draws)]) + " |")
    lines += [
        "", "### Whether it answers at all", "",
        f"{LESSONS} lessons a set: a person, in half of them several people, teach some of the signs with one to ten",
        "clips each. The others ask for these and for as many others as make three in ten questions. Of a set that the",
        "gate was fitted on, or that is strung together of one, the figures are those of a gate fitted without it;",
        "`ksl` has the sentences strung of its signs there as well, and `asl_words` its clips at rest among what was",
        "not taught. Clips without hands are refused. A set in which nobody signs more sentences than the promise",
        "begins with has no row.", "",
        "| set | encoder | taught: answered | answers right | answers | not taught: answered | R@1 |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    without = {("base", str(row["name"])): row for row in fitted}
    for gate in sorted(results.gates.values(), key=lambda each: (order.index(each.data), each.encoder)):
        row = without.get((gate.encoder, gate.data), asdict(gate))
        figures = [
            "-" if row[key] is None else f"{row[key]:.3f}"
            for key in ("answered", "precision", "untaught_answered", "recall_at_1")
        ]
        figures.insert(2, f"{row['num_answered']}")
        left_out = " (left out)" if (gate.encoder, gate.data) in without else ""
        lines.append("| " + " | ".join([gate.data + left_out, gate.encoder, *figures]) + " |")
    lines += [
        "", "### By how much was taught", "",
        "The same lessons: by how many sentences were taught, and how many clips taught the one that is asked (where",
        "nobody taught it: most of the others). Sets in which each sentence was taught by one clip are left out. The",
        "gate of `base` is told neither number. It weighs how near the first sentence is and how far the second, which",
        "both change with them. A set that it was fitted on, or learned from, flatters.", "",
        "| set | sentences | clips | questions | confidence, mean | answered | answers right |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for gate in sorted(results.gates.values(), key=lambda each: order.index(each.data)):
        if gate.encoder == "base":
            seen = "learned from" if gate.data in LEARNED else "fitted on" if ("base", gate.data) in without else ""
            lines += _size_rows(gate, f"{gate.data} ({seen})" if seen else gate.data)
    return "\n".join(lines)


def _size_rows(gate: Answering, name: str) -> Iterator[str]:
    parts = [part for part in gate.taught if part.num_known]
    if len({part.clips for part in parts}) < 2:
        return
    for part in sorted(parts, key=lambda each: (list(SIZES).index(each.sentences), list(CLIPS).index(each.clips))):
        confidence, answered = part.confidence / part.num_known, part.num_known_answered / part.num_known
        figures = [f"{confidence:.2f}", f"{answered:.3f}", f"{part.num_right} of {part.num_answered}"]
        yield "| " + " | ".join([name, part.sentences, part.clips, str(part.num_known), *figures]) + " |"
