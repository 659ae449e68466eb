#!/usr/bin/env python3
"""The whole chain on a data set of full size: time, memory and quality with 4,000 sentences by five people.

    python benchmarks/fullsize.py --folder FOLDER --results docs/results/fullsize.md
    python benchmarks/fullsize.py --folder FOLDER --sentences 200 --signs 60 --epochs 2      # to try it

The set is made up by seed (`signtalk data synthesize`) and lies in FOLDER alone. Check, split, packing with training,
index and evaluation are SignTalk's commands, one process each, with one thread unless --threads says otherwise; each is
told with its time and the most memory it held. The last person is left out of training and asked. A step that is done
is not done again, and training goes on where it was killed; `--again STEP` does one anew, and all that rest on it (on
the check nothing does).

How large the closer look must be is measured on questions of that person: R@1, time and how often the right sentence
is looked at, on all of them for the shipped size and on some for others.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signtalk.errors import SignTalkError
from signtalk.files import read_json, write_json

if TYPE_CHECKING:  # heavy modules are imported where they are used: a step's process begins as a copy of this one
    from signtalk.arrays import BoolArray
    from signtalk.recognition.asked import Asked
    from signtalk.recognition.recognizer import Recognizer

STEPS = ("synthesize", "check", "split", "train", "index", "evaluate", "look")
_TEST_SIGNER = "E"
_LOOKS = (30, 100, 300, 1000)
_ASKED = 400
"""Questions of the look; with all sentences looked at closely they take long."""
_TIMED = 100
_LINE = 100


@dataclass(frozen=True)
class Step:
    """One command that was run.

    Attributes:
        command: as typed.
        seconds: by the clock.
        peak_mb: the most memory that the process held.
        load: of the machine when it began, other programs included.
    """

    command: str
    seconds: float
    peak_mb: float
    load: float


@dataclass(frozen=True)
class Look:
    """What a size of the closer look gives.

    Attributes:
        sentences: that are looked at.
        right: questions whose own sentence came first.
        looked_at: questions whose own sentence was looked at.
        asked: questions.
        ms: of a question, from its encoded clip to the ranking, median of single ones.
    """

    sentences: int
    right: int
    looked_at: int
    asked: int
    ms: float


def commands(folder: Path, options: argparse.Namespace) -> dict[str, list[str]]:
    """The command of each step that is one of SignTalk's."""
    data, run, split = str(folder / "set"), str(folder / "run"), str(folder / "split.json")
    size = ["--sentences", str(options.sentences), "--signs", str(options.signs), "--seed", str(options.seed)]
    training = ["--recipe", options.recipe, "--split", split, "--set", f"optimiser.epochs={options.epochs}"]
    resume = ["--resume"] if (folder / "run").exists() else []
    return {
        "synthesize": ["data", "synthesize", data, *size],
        "check": ["data", "check", data],
        "split": ["data", "split", data, "--test-signer", _TEST_SIGNER, "--holdout-sentences", "0.05", "--out", split],
        "train": ["train", data, "--out", run, *training, *resume],
        "index": ["index", run, "--data", data],
        "evaluate": ["evaluate", run, "--data", data],
    }


def run_step(arguments: Sequence[str], threads: int, log: Path) -> Step:
    """Run one of SignTalk's commands to its end.

    Raises:
        SystemExit: it failed; its last lines are told.
    """
    command, load, before = [sys.executable, "-m", "signtalk", *arguments], os.getloadavg()[0], time.monotonic()
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    with log.open("wb") as told:
        actions = [(os.POSIX_SPAWN_DUP2, told.fileno(), 1), (os.POSIX_SPAWN_DUP2, told.fileno(), 2)]
        process = os.posix_spawn(command[0], command, environment, file_actions=actions)
        _, status, usage = os.wait4(process, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"signtalk {shlex.join(arguments)} ended with {code}:\n{log.read_text()[-2000:]}")
    seconds = time.monotonic() - before
    return Step(shlex.join(["signtalk", *arguments]), round(seconds, 1), round(usage.ru_maxrss / 1024), round(load, 1))


def measure_look(folder: Path) -> dict[str, Any]:
    """Sizes of the closer look, on the same questions; and R@1 of sentences that have a neighbour one sign away."""
    import numpy as np

    from signtalk.data.manifest import load_manifest
    from signtalk.recognition.asked import asked_packed
    from signtalk.training.run import RunFolder

    run, manifest = RunFolder.open(folder / "run"), load_manifest(folder / "set")
    recognizer = run.recognizer(run.sentence_index(), run.decision())
    split, store = run.split(manifest), run.store(manifest)
    known = list(split.records(manifest, "test"))
    asked = asked_packed(recognizer.encoder, store, known)
    assert asked is not None
    words = {record.text_key: tuple(record.sentence.rstrip(".").lower().split()) for record in manifest.records}
    near = _with_neighbour({key: words[key] for key in recognizer.index.groups.text_keys})
    shipped = recognizer.decision.scoring.rerank_sentences
    as_shipped, right = _look(recognizer, asked, shipped)
    some = asked.at_most(_ASKED)
    others = [_look(recognizer, some, sentences)[0] for sentences in _LOOKS if sentences != shipped]
    is_near = np.array([key in near for key in asked.keys])
    return {
        "looks": [asdict(look) for look in (as_shipped, *others)],
        "one_sign_apart": [int(right[is_near].sum()), int(is_near.sum())],
    }


def _look(recognizer: Recognizer, asked: Asked, sentences: int) -> tuple[Look, BoolArray]:
    """What a size gives, and (B,) which questions it answers rightly."""
    import numpy as np

    scoring = recognizer.decision.scoring.model_copy(update={"rerank_sentences": sentences})
    changed = recognizer.changed(decision=recognizer.decision.model_copy(update={"scoring": scoring}))
    rights: list[BoolArray] = []
    looked_at: list[BoolArray] = []
    times: list[float] = []
    for block, ranking in changed.rankings(asked):
        keys = asked.keys[block]
        rights.append(ranking.ranks_of(keys) == 1)
        looked_at.append((ranking.places_of(keys) & np.isfinite(ranking.dtw_distances)).any(axis=1))
    right = np.concatenate(rights)
    for query in range(min(_TIMED, len(asked.records))):
        one, begun = asked.encoded.select(slice(query, query + 1)), time.perf_counter()
        changed.rank(one)
        times.append(time.perf_counter() - begun)
    look = Look(
        sentences=sentences,
        right=int(right.sum()),
        looked_at=int(np.concatenate(looked_at).sum()),
        asked=len(asked.records),
        ms=round(1000 * float(np.median(times)), 2),
    )
    return look, right


def _with_neighbour(words: dict[str, tuple[str, ...]]) -> set[str]:
    """Sentences of which another differs in one sign exchanged."""
    by_pattern: dict[tuple[str | None, ...], list[str]] = {}
    for key, each in words.items():
        for place in range(len(each)):
            by_pattern.setdefault((*each[:place], None, *each[place + 1 :]), []).append(key)
    return {key for keys in by_pattern.values() if len(keys) > 1 for key in keys}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all steps that are not done, print the section; 2 when it cannot be done, with the reason."""
    options = _options(arguments)
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = _run_all(folder, options)
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    from results_page import replace_section, typed_command  # here, for it brings torch

    command = typed_command("fullsize", sys.argv[1:] if arguments is None else arguments)
    text = section_of(done, read_json(folder / "run" / "report" / "report.json"), command, options)
    print(text)
    if options.results:
        replace_section(options.results, f"fullsize-{options.recipe}", text)
    return 0


def _run_all(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Every step's record, kept in steps.json as soon as it is there."""
    kept = folder / "steps.json"
    done: dict[str, Any] = dict(read_json(kept)) if kept.is_file() else {}
    if options.again:
        anew = (options.again,) if options.again == "check" else STEPS[STEPS.index(options.again) :]
        done = {name: step for name, step in done.items() if name not in anew}
        if "check" in anew:
            from signtalk.data.check import CACHE_NAME

            (folder / "set" / CACHE_NAME).unlink(missing_ok=True)  # else nothing would be read
        if "train" in anew:
            shutil.rmtree(folder / "run", ignore_errors=True)
    for name in STEPS:
        if name in done:
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        if name == "look":
            done[name] = measure_look(folder)
        else:
            arguments = commands(folder, options)[name]
            step = run_step(arguments, options.threads, folder / f"{name}.log")
            done[name] = asdict(replace(step, command=step.command.replace(str(folder), "FOLDER")))
        write_json(kept, done)
    return done


def section_of(done: dict[str, Any], report: dict[str, Any], command: str, options: argparse.Namespace) -> str:
    """The page's section: what each step took, what came of it, and the sizes of the closer look.

    Args:
        done: of `_run_all`.
        report: of the evaluation.
        command: as typed.
        options: of the command line.
    """
    from results_page import table

    steps = {name: Step(**done[name]) for name in STEPS if name != "look"}
    chain = [step for name, step in steps.items() if name not in ("synthesize", "split")]
    looks = done["look"]["looks"]
    made_by = [
        (f"`{step.command}`", f"{step.seconds:,.0f}", f"{step.peak_mb:,.0f}", f"{step.load}") for step in steps.values()
    ]
    sizes = [
        (
            f"{look['sentences']:,}", f"{look['asked']:,}", f"{look['right'] / look['asked']:.3f}",
            f"{look['looked_at'] / look['asked']:.4f}", f"{look['ms']:.1f}", f"{look['ms'] / looks[0]['ms']:.2f}",
        )
        for look in looks
    ]  # fmt: skip
    about = (
        f"{options.sentences:,} made-up sentences of {options.signs} drawn signs, two or three clips each, five people "
        f"(seed {options.seed}); recipe {options.recipe}, {options.epochs} epochs, {options.threads} thread(s), "
        f"{os.cpu_count()} CPUs. Signer {_TEST_SIGNER} was left out. Split `{report['split_hash'][:12]}`."
    )
    looked = (
        f"The closer look, questions of signer {_TEST_SIGNER}; the first size is the shipped one. "
        "*Time*: of one question from its encoded clip to the ranking, median."
    )
    parts = [
        f"## The whole chain at full size, recipe {options.recipe}",
        f"{datetime.date.today().isoformat()}:\n`{command}`",
        textwrap.fill(about, _LINE),
        f"**Most memory of the chain: {max(step.peak_mb for step in chain) / 1000:.1f} GB.**",
        table(("step", "seconds", "most memory, MB", "load before"), made_by),
        "What came of it:",
        table(("figure", "value", "of"), _quality(report, done["look"])),
        textwrap.fill(looked, _LINE),
        table(("sentences looked at", "questions", "R@1", "own one looked at", "time, ms", "time, shipped = 1"), sizes),
    ]
    return "\n\n".join(parts) + "\n"


def _quality(report: dict[str, Any], look: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Name, value with its interval, and how many were asked."""
    from results_page import interval_text
    from rows import Range
    from signtalk.evaluation.intervals import wilson_interval

    def with_interval(value: dict[str, float]) -> str:
        return interval_text(Range(estimate=value["estimate"], low=value["low"], high=value["high"]))

    lines = []
    for each in report["retrieval"]:
        for name, title in (("recall_at_1", "R@1"), ("recall_at_5", "R@5")):
            if each["name"] in ("seen sentence, unseen signer", "unseen sentence, enrolled from 1 clip"):
                lines.append((f"{title}, {each['name']}", with_interval(each[name]), f"{each['num_queries']:,}"))
    right, asked = look["one_sign_apart"]
    if asked:
        told = with_interval(asdict(wilson_interval(right, asked)))
        lines.append(("R@1, another sentence differs in one sign", told, f"{asked:,}"))
    for each in report["searches"]:
        lines.append(
            (f"R@1 text to clip, {each['name']}", with_interval(each["recall_at_1"]), f"{each['num_queries']:,}")
        )
    for each in report["texts"]:
        lines.append((f"WER, {each['name']}", with_interval(each["measures"]["wer"]), f"{each['num_clips']:,}"))
    for gate in (report["open_set"] or {"gates": []})["gates"][:1]:
        known = f"{report['open_set']['num_known']:,}"
        lines.append(("answered of known questions", with_interval(gate["known_accepted"]), known))
        if gate["precision"] is not None:
            lines.append(("right of all answers", with_interval(gate["precision"]), known))
    return lines


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="everything is made here; 8 GB")
    parser.add_argument("--sentences", type=int, default=4000)
    parser.add_argument("--signs", type=int, default=800)
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--recipe", default="base")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--again", choices=STEPS, help="do this step and all after it anew")
    parser.add_argument("--results", type=Path, help="page to put the section into")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
