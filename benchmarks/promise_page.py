"""What `promise` measured, as files hold it and as a page tells it.

Count, StressCount of each model -> Fit -> Proof -> benchmarks/results/promise.json, page -> docs/results/promise.md
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from results_page import table
from signtalk.evaluation.intervals import wilson_interval
from signtalk.recognition.promise import Policy

ModelName = Literal["brief", "base"]
KINDS = {
    "test": "trained sentences, test signer",
    "held out": "sentences held out of everything, all signers",
    "words before": "words, before they are enrolled",
    "words": "words, enrolled from two clips each",
    "sentences": "held-out sentences, enrolled from one or two clips each",
    "idle": "clips at rest",
}
"""What is asked, by the name that files give it."""
_PROMISED = 0.98


class Count(BaseModel, frozen=True, extra="forbid"):
    """What became of the clips of one kind and signer under a policy.

    Attributes:
        kind: one of KINDS.
        signer: who signs.
        policy: strict or research.
        clips: that were asked.
        answered: those that got a known sentence.
        answered_right: those of them whose sentence it was.
        translated: those that got a text of the decoder.
        translated_right: those of them that say it word for word.
        offered: those that got sentences to choose from.
        offered_right: those of them that hold the right one.
        reasons: of those that got nothing, by reason.
        wrong: what was told wrongly, signed -> told.
    """

    kind: str
    signer: str
    policy: Policy
    clips: int
    answered: int
    answered_right: int
    translated: int
    translated_right: int
    offered: int
    offered_right: int
    reasons: dict[str, int]
    wrong: tuple[tuple[str, str], ...]


class StressCount(BaseModel, frozen=True, extra="forbid"):
    """What became of a case of the stress test, under the policy strict."""

    case: str
    clips: int
    right: int
    wrong: int
    wrong_translations: int


class Fit(BaseModel, frozen=True, extra="forbid"):
    """One model: what it promises, and what it did.

    Attributes:
        seed: of training.
        minutes: of training.
        date: ISO, of the questions.
        code: version that fitted and asked.
        promises: a line each, as `recognize` tells them.
        motion_floor: hand speed below which nothing was signed.
        counts: by kind, signer and policy.
        stress: by case.
    """

    seed: int
    minutes: float
    date: str
    code: str
    promises: tuple[str, ...]
    motion_floor: float
    counts: tuple[Count, ...]
    stress: tuple[StressCount, ...]

    def counted(self, policy: Policy, kind: str = "", signer: str = "") -> list[Count]:
        """The counts of a policy, all kinds and signers unless told."""
        return [
            count
            for count in self.counts
            if count.policy == policy and kind in ("", count.kind) and signer in ("", count.signer)
        ]


class Origin(BaseModel, frozen=True, extra="forbid"):
    """How the figures came about: command as typed, machine, split, what was trained."""

    command: str
    machine: str
    split_hash: str
    model: ModelName = "brief"

    @property
    def name(self) -> str:
        """Of the files."""
        return "promise" if self.model == "brief" else f"promise_{self.model}"


class Proof(BaseModel, frozen=True, extra="forbid"):
    """All models."""

    origin: Origin
    fits: tuple[Fit, ...]

    def pooled(self, policy: Policy, kind: str = "", signer: str = "") -> list[Count]:
        """The counts of all models."""
        return [count for fit in self.fits for count in fit.counted(policy, kind, signer)]


def page(proof: Proof) -> str:
    """The page."""
    origin = proof.origin
    seeds = ", ".join(str(fit.seed) for fit in proof.fits)
    dates, code = (" and ".join(sorted({getattr(fit, name) for fit in proof.fits})) for name in ("date", "code"))
    minutes = f"{min(fit.minutes for fit in proof.fits):.1f} to {max(fit.minutes for fit in proof.fits):.1f}"
    stress_cases = [case for fit in proof.fits for case in fit.stress]
    parts = [
        f"# {_TITLES[origin.model]}",
        "<!-- Made by benchmarks/promise.py; do not edit. -->\nWhat is promised, and what a policy is: "
        "[when an answer is given](../calibration.md).",
        f"{dates}: `{origin.command}`; code {code};\n{origin.machine}; split `{origin.split_hash[:12]}`; "
        f"seeds {seeds}, trained beside other\nprograms in {minutes} minutes.",
        _SETTING.format(trained=_TRAINED[origin.model]),
        *_MIND[origin.model],
        "## What was asked for",
        _asked_for(proof, stress_cases),
        "## What is shown, all models and signers together",
        _shown(proof),
        _SHOWN_NOTE,
        "## Enrolled words by signer and seed, strict",
        _words(proof),
        "## What the models promise",
        "\n".join(
            textwrap.fill(f"* Seed {fit.seed}: {line}.", 100, subsequent_indent="  ")
            for fit in proof.fits
            for line in fit.promises
        ),
        "## Stress test, strict, all models together",
        _stress(stress_cases),
        *_wrong(proof),
    ]
    return "\n\n".join(parts) + "\n"


_TITLES: dict[ModelName, str] = {
    "brief": "Promises that are kept",
    "base": "Promises that are kept, by a model from the base",
}
_TRAINED: dict[ModelName, str] = {"brief": "6 epochs", "base": "recipe `base`"}
_SETTING = """Setting: `asl_sentences_3signers`, s03 left out, a tenth of the sentences held out (half of them
validate), {trained}. s01 then teaches ten words of `asl_words_3signers` from two clips each; s02 and
s03 ask twelve clips of each. The other half of the held-out sentences is enrolled likewise. s02
signs in training, s03 does not. Training knows sentences that are made of such words, and no word
alone. The clips at rest are those of the same set. All gates are fitted on validation clips of the
sentences; no clip that is asked here chose a number."""
_MIND: dict[ModelName, list[str]] = {
    "brief": [
        """Mind: a model of six epochs proves little. Whatever is not proven is a choice or refused, so the
stress test finds no answer at all. [A model from the base](promise_base.md) answers."""
    ],
    "base": [
        """Mind: no clip of these people was learned from by the base, but its best part was chosen on words
by them ([the base model](../base-model.md)). [A model of six epochs](promise.md) is what the
promise was asked of."""
    ],
}
_SHOWN_NOTE = """*Low motion* are clips that the motion floor refused. Intervals are Wilson's over the answers of
all models; the same clip asked of three models is no independent clip, so they are too narrow."""


def _asked_for(proof: Proof, stress_cases: Sequence[StressCount]) -> str:
    strict = proof.pooled("strict")
    translated = sum(count.translated for count in strict)
    false = translated - sum(count.translated_right for count in strict)
    words = proof.pooled("strict", "words")
    answered, right = sum(count.answered for count in words), sum(count.answered_right for count in words)
    asked = sum(count.clips for count in words)
    by_translation = sum(case.wrong_translations for case in stress_cases)
    rows = [
        ["translations shown wrongly", "none", f"{false} of {translated} shown", _verdict(false == 0)],
        [
            "wrong among accepted answers to enrolled words", "at most 2 in 100",
            f"{answered - right} of {answered}, {_share(right, answered)} right",
            _verdict(right >= _PROMISED * answered) if answered else "kept: none is proven, so none is given",
        ],
        ["enrolled words answered", "told", f"{answered} of {asked}, {_share(answered, asked)}", ""],
        ["enrolled sentences answered, of them right", "told", _answered_of(proof.pooled("strict", "sentences")), ""],
        [
            "wrong answers of the stress test by translation", "none",
            f"{by_translation} of {sum(case.wrong for case in stress_cases)} wrong answers",
            _verdict(by_translation == 0),
        ],
    ]  # fmt: skip
    return table(["measure", "asked", "found", ""], rows)


def _answered_of(counts: Sequence[Count]) -> str:
    clips, answered = sum(count.clips for count in counts), sum(count.answered for count in counts)
    return f"{answered} of {clips}, {_share(answered, clips)}; {_right_of(counts, 'answered')}"


def _verdict(kept: bool) -> str:
    return "kept" if kept else "**not kept**"


def _shown(proof: Proof) -> str:
    rows = []
    for kind, what in KINDS.items():
        for policy in ("strict", "research"):
            counts = proof.pooled(policy, kind)
            if not counts:
                continue
            clips = sum(count.clips for count in counts)
            low_motion = sum(count.reasons.get("low_motion", 0) for count in counts)
            rows.append(
                [
                    what,
                    policy,
                    str(clips),
                    _right_of(counts, "answered"),
                    _right_of(counts, "translated"),
                    _right_of(counts, "offered"),
                    str(low_motion),
                ]
            )
    header = ["asked", "policy", "clips", "answers right", "translations right", "choices hold it", "low motion"]
    return table(header, rows)


def _words(proof: Proof) -> str:
    rows = []
    signers = sorted({count.signer for count in proof.pooled("strict", "words")})
    groups = [
        (f"{fit.seed}", signer, fit.counted("strict", "words", signer)) for fit in proof.fits for signer in signers
    ]
    groups += [("all", signer, proof.pooled("strict", "words", signer)) for signer in signers]
    groups.append(("all", "all", proof.pooled("strict", "words")))
    for seed, signer, counts in groups:
        clips, answered = sum(count.clips for count in counts), sum(count.answered for count in counts)
        right = sum(count.answered_right for count in counts)
        refused = sum((Counter(count.reasons) for count in counts), Counter[str]())
        rows.append(
            [
                seed,
                signer,
                str(clips),
                _right_of(counts, "answered"),
                _share(right, answered),
                _share(answered, clips),
                _right_of(counts, "offered"),
                str(refused["low_motion"]),
            ]
        )
    header = ["seed", "asks", "clips", "answers right", "precision (95%)", "answered (95%)", "choices hold it"]
    return table([*header, "low motion"], rows)


def _stress(cases: Sequence[StressCount]) -> str:
    rows = []
    for name in dict.fromkeys(case.case for case in cases):
        of_name = [case for case in cases if case.case == name]
        totals = [sum(getattr(case, field) for case in of_name) for field in ("clips", "right", "wrong")]
        rows.append([name, *map(str, totals), str(sum(case.wrong_translations for case in of_name))])
    return table(["case", "clips", "answered rightly", "answered wrongly", "by translation"], rows)


def _wrong(proof: Proof) -> list[str]:
    """What was told wrongly under strict, if anything."""
    rows = [
        [str(fit.seed), count.kind, count.signer, signed, told]
        for fit in proof.fits
        for count in fit.counted("strict")
        for signed, told in count.wrong
    ]
    if not rows:
        return []
    return ["## Wrong answers, strict", table(["seed", "asked", "signer", "signed", "told"], rows)]


def _right_of(counts: Sequence[Count], field: str) -> str:
    total, right = (sum(getattr(count, name) for count in counts) for name in (field, f"{field}_right"))
    return f"{right} of {total}"


def _share(part: int, whole: int) -> str:
    if not whole:
        return "-"
    interval = wilson_interval(part, whole)
    return f"{interval.estimate:.3f} ({interval.low:.3f}-{interval.high:.3f})"
