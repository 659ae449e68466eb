#!/usr/bin/env python3
"""How long a query takes from features to answer, DTW included, over few and many references; in one run.

    python benchmarks/speed.py --results docs/results/speed.md
    python benchmarks/speed.py --sizes 400 10000 1000000 --folder /data/speed    # keeps what it packs, 17 GB a million
    python benchmarks/speed.py --smoke

The yardstick at the smallest size is `prototype_search.py`: the prototype's way, once with its own five clips, once
with as many as SignTalk looks at. SignTalk answers through `Recognizer` as it always does: the network's pass over the
features is paid for, but its weights are untrained, so what it said is replaced by the made-up query's own encoding
(`speed_references.py`). Up to `--packed-from` references lie in memory, more in a large index. Every query is asked of
all rows in turn, so that a busy machine slows all: ratios are the claim, milliseconds describe the machine.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from prototype_search import CLIPS, PrototypeSearch
from results_page import typed_command
from signtalk.arrays import BoolArray, FloatArray
from signtalk.bundle.bundle import ENCODER_NAME
from signtalk.bundle.onnx_models import OnnxEncoder
from signtalk.export.graphs import write_graphs
from signtalk.files import write_json, write_text
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex
from signtalk.index.large import LargeIndex
from signtalk.index.large_files import is_large_index, write_large_index
from signtalk.index.nearest import EXACT_UP_TO, EngineReport, exact_neighbours, recall_of
from signtalk.landmarks.features import FeatureConfig
from signtalk.models.model import SignModel
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.training.checkpoint import Checkpoint
from signtalk.training.network import model_config
from signtalk.training.recipe import Recipe
from speed_references import ENCODER_ID, FRAMES, MadeReferences
from training_speed import with_section

SECTION = "speed"
_WARM_UP = 3
_SAMPLED_S = 0.01


@cache
def shipped_encoder() -> OnnxEncoder:
    """The default recipe's network, untrained, exported and run as a bundle is."""
    recipe, tokenizer = Recipe.named("default"), MadeReferences(1).tokenizer
    torch.manual_seed(0)
    model = SignModel(model_config(recipe, tokenizer.vocabulary_size)).eval()
    with tempfile.TemporaryDirectory() as folder:
        write_graphs(Checkpoint(model, recipe.features, tokenizer, {}, ENCODER_ID), Path(folder))
        return OnnxEncoder(Path(folder) / ENCODER_NAME, recipe.features, spells=True)


class ReplacingEncoder:
    """Runs a network and says what a made-up query is encoded as: the time is real, the answer makes sense.

    Attributes:
        feature_config: of the network.
        answers: what it says next.
    """

    def __init__(self) -> None:
        self._encoder = shipped_encoder()
        self.feature_config: FeatureConfig = self._encoder.feature_config
        self.answers: Encoded | None = None

    def encode(self, features: FloatArray, valid: BoolArray) -> Encoded:
        """The pass is made, then forgotten."""
        self._encoder.encode(features, valid)
        assert self.answers is not None
        return self.answers


@dataclass
class Asked:
    """One row: something that queries are asked of.

    Attributes:
        name: what.
        num_references: N.
        ask: answers query n, by the sentence_id of its first candidate.
        truth: what the queries say; empty where the answer means nothing.
        seconds: what each query took.
        right: which first candidates were right.
        notes: recall and memory.
        batch: speed and memory of many clips; "" where that was not measured.
    """

    name: str
    num_references: int
    ask: Callable[[int], str]
    truth: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    batch: str = ""

    def quantile(self, q: float) -> float:
        """Of the seconds, in milliseconds."""
        return float(np.quantile(self.seconds, q)) * 1e3


def measure(rows: Sequence[Asked], num_queries: int, clock: Callable[[], float] = time.perf_counter) -> None:
    """Ask each query of every row in turn, after some that do not count."""
    for number in range(-_WARM_UP, num_queries):
        for row in rows:
            started = clock()
            found = row.ask(max(number, 0))
            if number >= 0:
                row.seconds.append(clock() - started)
                row.right += [found == row.truth[number]] if row.truth else []


def anonymous_memory() -> float:
    """Megabytes of this process that no file backs; mapped files can be dropped at any time and do not count."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")), float("nan"))


def peak_memory(work: Callable[[], None]) -> float:
    """Megabytes that a piece of work needs at most beyond what was there before."""
    before, highest, done = anonymous_memory(), 0.0, threading.Event()

    def look() -> None:
        nonlocal highest
        while not done.wait(_SAMPLED_S):
            highest = max(highest, anonymous_memory())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return max(highest, anonymous_memory()) - before


class Subject:
    """SignTalk over references of one size.

    Attributes:
        made: the references.
        encoded: queries.
        truth: the sentence_id of each.
        recognizer: answers them.
    """

    def __init__(
        self, made: MadeReferences, num_queries: int, folder: Path, packed_from: int, exact_up_to: int
    ) -> None:
        self.made = made
        self.encoded, sentences = made.queries(num_queries)
        self.truth = [str(sentence) for sentence in sentences.tolist()]
        self._encoder = ReplacingEncoder()
        shape = (FRAMES, self._encoder.feature_config.num_features)
        self._features = np.random.default_rng(0).standard_normal((64, *shape)).astype(np.float32)
        self.large: LargeIndex | None = None
        nothing = SentenceIndex.build((), (), ENCODER_ID)
        before = anonymous_memory()
        if made.num_clips >= packed_from:
            place = folder / str(made.num_clips)
            if not is_large_index(place):
                write_large_index(place, made.parts(), ENCODER_ID, FRAMES, exact_up_to)
            before = anonymous_memory()
            self.large = LargeIndex(place, ENCODER_ID)
            self.recognizer = self._over(nothing).over(self.large)
        else:
            index = nothing
            for part in made.parts():
                index = index.joined(part) if len(index) else part
            self.recognizer = self._over(index)
        self.ask(0)
        self.memory = anonymous_memory() - before

    def _over(self, index: SentenceIndex) -> Recognizer:
        decision = DecisionConfig(translate=False)
        return Recognizer(encoder=self._encoder, index=index, decision=decision, tokenizer=self.made.tokenizer)

    def prototype_rule(self) -> Recognizer:
        """The same references under the prototype's rule: five clips by cosine, then DTW."""
        decision = DecisionConfig.prototype().model_copy(update={"translate": False})
        return self.recognizer.changed(decision=decision)

    def ask(self, number: int, recognizer: Recognizer | None = None) -> str:
        """The sentence_id of the first candidate of a query."""
        return self.ask_block(slice(number, number + 1), recognizer)[0]

    def ask_block(self, which: slice, recognizer: Recognizer | None = None) -> list[str]:
        """The same of several queries at once."""
        asked = recognizer or self.recognizer
        self._encoder.answers = self.encoded.select(which)
        count = self._encoder.answers.num_clips
        encoded = self._encoder.encode(self._features[:count], np.ones((count, FRAMES), dtype=np.bool_))
        answers = asked.answer(encoded, np.ones(count, dtype=np.float32)).answers
        return [answer.candidates[0].sentence_id for answer in answers]

    def batch(self, num_clips: int, at_once: int) -> str:
        """Clips a second and peak memory of so many clips, some at a time, the queries over and over."""
        blocks = range(0, num_clips, at_once)

        def work() -> None:
            for start in blocks:
                first = start % max(1, self.encoded.num_clips - at_once + 1)
                self.ask_block(slice(first, first + at_once))

        started = time.perf_counter()
        peak = peak_memory(work)
        taken = time.perf_counter() - started
        return f"{len(blocks) * at_once / taken:.0f} clips/s, at most {peak:.0f} MB more"

    def recall(self, k: int = 10) -> float:
        """Part of the true k nearest clips that the large index finds."""
        assert self.large is not None
        queries = self.encoded.embeddings
        # Made-up clips are named after their row.
        found = [[int(hit.clip_id.split("-")[1]) for hit in row] for row in self.large.search(queries, k)]
        vectors = np.memmap(self.large.folder / "embeddings.bin", np.float16, "r").reshape(len(self.large), -1)
        return recall_of(np.array(found), exact_neighbours(vectors, queries, k))


def baseline_rows(folder: Path, num_references: int, num_queries: int, looked_at: int) -> list[Asked]:
    """The prototype's way over made-up feature files, with its own five clips and with SignTalk's number."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(num_references):
        path = folder / f"{number}.npy"
        np.save(
            path, rng.standard_normal((206, 540)).astype(np.float32)
        )  # docs/contract.md 1.1: the median clip has 206 frames
        paths.append(path)
    search = PrototypeSearch.over(paths)
    queries = [np.load(paths[number % num_references]) for number in range(num_queries)]

    def ask(number: int, num_clips: int) -> str:
        search.answer(queries[number], num_clips)
        return ""

    return [
        Asked(f"prototype's way, {CLIPS} clips", num_references, lambda n: ask(n, CLIPS)),
        Asked(f"prototype's way, {looked_at} clips", num_references, lambda n: ask(n, looked_at)),
    ]


def subject_row(subject: Subject, batch_clips: int) -> Asked:
    """SignTalk's row, with recall and memory."""
    large, at_once = subject.large, 64 if subject.large is None else 8
    kind = "in memory, exact" if large is None else f"large index, {_told(large.report)}"
    row = Asked(f"SignTalk, {kind}", subject.made.num_clips, subject.ask, subject.truth)
    if large is not None:
        row.notes.append(f"recall@10 {subject.recall():.3f}")
    row.notes.append(f"{subject.memory:.0f} MB")
    row.batch = subject.batch(batch_clips, min(at_once, subject.encoded.num_clips))
    return row


def _told(report: EngineReport) -> str:
    return f"{report.kind} {report.num_probes} of {report.num_lists} lists" if report.kind == "ivf" else "exact"


def section_of(rows: Sequence[Asked], command: str, about: str) -> str:
    """The section of the results page."""
    lines = [
        "## From features to answer: the speed of a query", "",
        f"{datetime.datetime.now(datetime.UTC).date()}: `{command}`", "", about, "",
        "| what | references | p50 ms | p95 ms | p50, yardstick = 1 | right | recall, memory | batch |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for row in rows:
        against = rows[0].quantile(0.5) / row.quantile(0.5)
        right = f"{np.mean(row.right):.3f}" if row.right else ""
        lines.append(
            f"| {row.name} | {row.num_references:,} | {row.quantile(0.5):.1f} | {row.quantile(0.95):.1f} | "
            f"1/{against:.0f} | {right} | {', '.join(row.notes)} | {row.batch} |"
        )
    lines += ["", *_ratios(rows)]
    return "\n".join(lines) + "\n"


def _ratios(rows: Sequence[Asked]) -> list[str]:
    ours = [row for row in rows if row.batch]
    told = [f"* the same number of clips compared, {rows[0].num_references} references: the prototype's way takes "
            f"{rows[1].quantile(0.5) / ours[0].quantile(0.5):.0f} times as long (p50)"]  # fmt: skip
    told += [
        f"* p95 at {row.num_references:,} references over that at {base.num_references:,}: "
        f"{row.quantile(0.95) / base.quantile(0.95):.2f}"
        for base, row in itertools.pairwise(ours[1:])
    ]
    return told


def run(options: argparse.Namespace, folder: Path) -> list[Asked]:
    """Measure all rows."""
    subjects = [
        Subject(MadeReferences(size), options.queries, folder, options.packed_from, options.exact_up_to)
        for size in options.sizes
    ]
    (folder / "features").mkdir(exist_ok=True)
    looked_at = min(90, options.sizes[0])
    slow = baseline_rows(folder / "features", options.sizes[0], options.baseline_queries, looked_at)
    first = subjects[0]
    rule = first.prototype_rule()
    name = f"SignTalk, the prototype's rule, {CLIPS} clips"
    like = Asked(name, options.sizes[0], lambda number: first.ask(number, rule), first.truth)
    ours = [subject_row(subject, options.batch) for subject in subjects]
    measure([*slow, like, ours[0]], options.baseline_queries)
    ours[0].seconds, ours[0].right = [], []  # once more beside the other sizes
    measure(ours, options.queries)
    return [*slow, like, *ours]


def _about(options: argparse.Namespace) -> str:
    return (
        f"{os.cpu_count()} CPUs (load {os.getloadavg()[0]:.1f} at the end, other programs included), "
        f"{os.environ.get('OMP_NUM_THREADS', '1')} threads of ONNX Runtime {onnxruntime.__version__}; made-up "
        f"references (`benchmarks/speed_references.py`): {FRAMES} frames, vectors as in the default recipe; "
        f"{options.queries} queries, {options.baseline_queries} of the yardstick, interleaved, one at a time. "
        "A query is the network's pass, the search, DTW and spelling of 30 sentences with up to 3 clips each, and the "
        "gate; no translation. "
        "*1/x*: the yardstick's p50 is x times as long. *Memory*: what opening and a first query need beyond files "
        "that are mapped. *Batch*: "
        f"{options.batch} clips, 64 at a time, over a large index 8."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[400, 10_000, 1_000_000], help="numbers of references")
    parser.add_argument("--queries", type=int, default=100, help="queries of each size (default 100)")
    parser.add_argument("--baseline-queries", type=int, default=5, help="of the prototype's way (default 5)")
    parser.add_argument("--batch", type=int, default=1000, help="clips of the batch (default 1000)")
    parser.add_argument("--packed-from", type=int, default=EXACT_UP_TO, help="references from which they are packed")
    parser.add_argument("--exact-up-to", type=int, default=EXACT_UP_TO, help="packed references searched exactly")
    parser.add_argument("--folder", type=Path, help="where packed references are kept for the next run")
    parser.add_argument("--json", type=Path, help="file for every figure")
    parser.add_argument("--results", type=Path, metavar="PAGE", help="page whose section is written or replaced")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: whether it runs, not how fast")
    options = parser.parse_args()
    if options.smoke:
        options.sizes, options.queries, options.baseline_queries = [40, 200, 1200], 4, 1
        options.batch, options.packed_from, options.exact_up_to = 16, 1000, 500
    if min(*options.sizes, options.queries, options.baseline_queries, options.batch) < 1:
        parser.error("sizes and numbers of queries must be 1 or more")
    return options


def main() -> None:
    """Measure, print and write."""
    options = _options()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rows = run(options, folder)
    command = typed_command("speed", sys.argv[1:])
    section = section_of(rows, command, _about(options))
    print(section)
    if options.json:
        # Not `asdict`: it would copy the recognizer behind `ask`, memory maps and all.
        told = [{name: value for name, value in vars(row).items() if name != "ask"} for row in rows]
        write_json(options.json, {"command": command, "rows": told})
    if options.results:
        page = options.results.read_text(encoding="utf-8") if options.results.exists() else "# Results\n"
        write_text(options.results, with_section(page, section, SECTION))


if __name__ == "__main__":
    main()
