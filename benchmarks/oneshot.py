#!/usr/bin/env python3
"""One person teaches a sign with k clips, all others are asked: how well an encoder tells signs apart unseen.

    python benchmarks/oneshot.py base --work runs/oneshot --results docs/results/oneshot.md
    python benchmarks/oneshot.py dtw runs/base/best.safetensors --sets words_6people --k 1

An ENCODER is "dtw" (the yardstick: DTW of landmarks, nothing learned), "base" (what the wheel holds), a bundle, or a
checkpoint. Of the sets the real ones are read from SIGNTALK_DATA. Every person teaches in turn (of one person's set
every session), `--draws` times with other clips; the interval is over people and draws. Nothing is trained or fitted.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np

from dtw_baseline import DTW_FEATURES, yardstick_columns
from folds import code_version
from perturbations import PERTURBATIONS, VALIDATION_NAME
from results_page import replace_section
from signtalk.arrays import FloatArray
from signtalk.bundle.bundle import open_bundle
from signtalk.data.packed import PackedClips, pack_clips
from signtalk.errors import SignTalkError
from signtalk.evaluation.intervals import bootstrap_mean
from signtalk.evaluation.one_shot import EVIDENCE, OneShotDraw, OneShotScore, draw_references, one_shot
from signtalk.files import read_json, sha256_text, write_json
from signtalk.index.encoded import ClipEncoder, Encoded
from signtalk.landmarks.features import FeatureConfig
from signtalk.recognition.asked import encode_all
from signtalk.training.checkpoint import TorchEncoder, load_checkpoint
from suites import Suite, prepare

SECTION = "oneshot"
SETS: dict[str, Suite] = {
    "asl_words_3signers": Suite("asl_words_3signers", "one signer teaches"),
    "words_6people": Suite("words_6people", "one person teaches"),
    "asl_words_17signers": Suite("asl_words_17signers", "one signer teaches"),
    "isl_words_10signers_body": Suite("isl_words_10signers_body", "one signer teaches; no hands"),
    "ksl_phrases_5sessions": Suite("ksl_phrases_5sessions", "one session teaches", session_as_signer=True),
    "asl_sentences_3signers": Suite("asl_sentences_3signers", "one signer teaches; sentences"),
    "asl_medical_sentences": Suite("asl_medical_sentences", "as recorded teaches, as perturbed asks", perturbed=True),
    "made_up": Suite("made_up", "one made-up signer teaches; the demo's sentences"),
}
_CHANGED = frozenset((*PERTURBATIONS, VALIDATION_NAME))
"""Who signs a perturbed clip."""
_MEASURES = ("recall_at_1", "mrr")
MOST_QUERIES = 400
"""Of a draw: more narrow no interval, for draws of one person share their queries' signers."""


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
    low: float
    high: float
    date: str
    code: str


class Yardstick:
    """DTW of landmarks as a `ClipEncoder`: frames are landmarks, and the clip's vector their mean."""

    feature_config: FeatureConfig = DTW_FEATURES

    def encode(self, features: FloatArray, valid: np.ndarray) -> Encoded:
        """Take the yardstick's columns as projections."""
        frames = features[..., yardstick_columns()]
        mean = frames.mean(axis=1)
        unit = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-6)
        nothing = np.zeros((*valid.shape, 0), dtype=np.float32)
        return Encoded(unit, frames, nothing, valid, np.zeros(len(frames), dtype=np.float32), nothing)


def opened(name: str, opening: ExitStack) -> ClipEncoder:
    """The encoder that a command line names; `opening` removes what was unpacked."""
    if name == "dtw":
        return Yardstick()
    if name.endswith(".safetensors"):
        checkpoint = load_checkpoint(Path(name))
        return TorchEncoder(checkpoint.model, checkpoint.features)
    return opening.enter_context(open_bundle(name)).recognizer.encoder


def measure(encoder: ClipEncoder, name: str, k: int, draws: int, work: Path) -> tuple[OneShotScore, ...]:
    """The scores of every person and draw on one set."""
    labels, people, store, which = _clips(name, encoder.feature_config, work)
    encoded = encode_all(encoder, store, which)
    return tuple(
        one_shot(encoded, labels, each)
        for draw in range(draws)
        for each in _lessons(labels, people, k, np.random.default_rng((k, draw)))
    )


def _lessons(labels: Sequence[str], people: Sequence[str], k: int, rng: np.random.Generator) -> Iterator[OneShotDraw]:
    """The draws; of perturbed clips the recorded ones teach alone."""
    for draw in draw_references(labels, people, k, rng, MOST_QUERIES):
        if people[int(draw.references[0])] not in _CHANGED:
            yield draw


def _clips(
    name: str, config: FeatureConfig, work: Path
) -> tuple[tuple[str, ...], tuple[str, ...], PackedClips, np.ndarray]:
    manifest = prepare(SETS[name], work / "data")
    store = pack_clips(manifest.records, config, work / "stores" / name / _short(config))
    records = [record for record in store.held(manifest.records) if not record.is_idle]
    which = store.positions_of([record.clip_id for record in records])
    return tuple(r.text_key for r in records), tuple(r.signer_id for r in records), store, which


def _short(config: FeatureConfig) -> str:
    """A folder's name for a feature configuration."""
    return sha256_text(config.model_dump_json())[:12]


def cell_of(encoder: str, name: str, k: int, scores: Sequence[OneShotScore]) -> Cell:
    """Means over people and draws, and an interval."""
    means = {what: {e: float(np.mean([getattr(s, what)[e] for s in scores])) for e in EVIDENCE} for what in _MEASURES}
    both = np.array([score.recall_at_1["both"] for score in scores])
    interval = bootstrap_mean(both, None, np.random.default_rng(0)) if len(both) > 1 else None
    return Cell(
        encoder=encoder, data=name, k=k, num_draws=len(scores), recall_at_1=means["recall_at_1"], mrr=means["mrr"],
        low=interval.low if interval else float("nan"), high=interval.high if interval else float("nan"),
        date=datetime.date.today().isoformat(), code=code_version(),
    )  # fmt: skip


def page(cells: Sequence[Cell], command: str) -> str:
    """The section of the results page."""
    lines = [
        "## One-shot: a person teaches, all others are asked", "",
        f"{datetime.date.today().isoformat()}: `{command}`", "",
        "R@1 by the embedding's cosine, by DTW of the frames, and by both (standardised a question and added),",
        "with the 95% interval over people and draws; MRR by both. Nothing is fitted on these sets, with two",
        "exceptions: `base` learned from `words_6people`, and its best epoch was chosen on",
        "`asl_words_3signers` and `ksl_phrases_5sessions`, beside made-up signs. `dtw` is the untrained yardstick.", "",
        "| set | k | encoder | embedding | DTW | both (95%) | MRR | draws |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for cell in sorted(cells, key=lambda each: (list(SETS).index(each.data), each.k, each.encoder)):
        recall = cell.recall_at_1
        both = f"{recall['both']:.3f} ({cell.low:.3f}-{cell.high:.3f})"
        figures = [f"{recall['embedding']:.3f}", f"{recall['dtw']:.3f}", both, f"{cell.mrr['both']:.3f}"]
        lines.append("| " + " | ".join([cell.data, str(cell.k), cell.encoder, *figures, str(cell.num_draws)]) + " |")
    return "\n".join(lines)


def stored(path: Path) -> dict[tuple[str, str, int], Cell]:
    """What was measured before."""
    content = read_json(path) if path.exists() else []
    cells = [Cell(**each) for each in content]
    return {(cell.encoder, cell.data, cell.k): cell for cell in cells}


def main() -> int:
    """Measure every encoder on every set; what is measured already is kept unless --again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoders", nargs="+", metavar="ENCODER")
    parser.add_argument("--names", nargs="+", help="what to call them in the table; default: as they are given")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--k", nargs="+", type=int, default=[1, 3, 5])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("runs/oneshot"))
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/oneshot.json"))
    parser.add_argument("--results", type=Path)
    parser.add_argument("--again", action="store_true", help="measure anew what stands in --json")
    options = parser.parse_args()
    names = options.names or [Path(each).name for each in options.encoders]
    if len(names) != len(options.encoders):
        parser.error(f"{len(names)} names for {len(options.encoders)} encoders")
    try:
        cells = stored(options.json)
        with ExitStack() as opening:
            encoders = {name: opened(given, opening) for name, given in zip(names, options.encoders, strict=True)}
            for name, data, k in product(encoders, options.sets, options.k):
                if (name, data, k) in cells and not options.again:
                    continue
                cell = cell_of(name, data, k, measure(encoders[name], data, k, options.draws, options.work))
                cells[name, data, k] = cell
                write_json(options.json, [asdict(each) for each in cells.values()])
                print(f"{name} {data} k={k}: {cell.recall_at_1['both']:.3f} ({cell.low:.3f}-{cell.high:.3f})")
        if options.results:
            command = shlex.join(["python", "benchmarks/oneshot.py", *sys.argv[1:]])
            replace_section(options.results, SECTION, page(list(cells.values()), command))
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
