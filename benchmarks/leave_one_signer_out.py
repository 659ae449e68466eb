#!/usr/bin/env python3
"""Leave one signer out: train, index and evaluate a model for each signer of a data folder, and sum up.

    python benchmarks/leave_one_signer_out.py DATA --out runs/loso [--recipe prototype] [--results docs/results.md]

Each fold is a run folder under --out and is not done again; a killed run goes on where it was. Splits (with
hashes), seeds and settings lie in the run folders; the summary is written as summary.json and, with --results,
appended to a page.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.evaluation import evaluate
from signtalk.evaluation_results import EvaluationReport
from signtalk.files import read_json, write_json, write_text
from signtalk.intervals import bootstrap_mean
from signtalk.manifest import Manifest, load_manifest
from signtalk.recipe import Recipe
from signtalk.report import report_json, write_report
from signtalk.runs import Run, index_run
from signtalk.splits import Split, SplitConfig, leave_one_signer_out
from signtalk.training import TrainOptions, train


def main() -> None:
    """Run all folds and print the summary."""
    options = _options()
    manifest = load_manifest(options.data)
    recipe = Recipe.named(options.recipe).changed(options.set)
    splits = leave_one_signer_out(manifest, SplitConfig(val_fraction=options.val_fraction, seed=options.seed))
    folds = [_fold(manifest, split, recipe, options.out) for split in splits]
    summary = _summary(folds)
    write_json(options.out / "summary.json", summary)
    section = _section(summary, options)
    print(section)
    if options.results:
        before = options.results.read_text(encoding="utf-8") if options.results.exists() else "# Results\n"
        write_text(options.results, before.rstrip("\n") + "\n\n" + section)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="data folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the folds")
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--val-fraction", type=float, default=0.08)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--results", type=Path, help="page to append the summary to")
    parser.add_argument("--title", default="", help="name of the data set in the summary")
    return parser.parse_args()


def _fold(manifest: Manifest, split: Split, recipe: Recipe, out: Path) -> dict[str, Any]:
    signer = split.config.test_signers[0]
    folder = out / signer
    done = folder / "fold.json"
    if done.exists():
        found: dict[str, Any] = read_json(done)
        return found
    started = time.perf_counter()
    resume = (folder / "recipe.json").exists()
    result = train(manifest, split, recipe, TrainOptions(folder, resume=resume, progress=sys.stderr.isatty()))
    run = Run.open(folder)
    index_run(run, manifest)
    report = evaluate(run.recognizer(run.index(), run.decision()), manifest, split, run.store())
    write_report(report, folder / "report", f"Signer {signer} left out")
    row = {
        "signer": signer,
        "split_hash": split.hash,
        "minutes": round((time.perf_counter() - started) / 60, 2),
        "best_epoch": result.best_epoch,
        "val_mrr": result.best_score,
        **_figures(report),
        "report": report_json(report),
    }
    write_json(done, row)
    return row


def _figures(report: EvaluationReport) -> dict[str, Any]:
    headline, open_set = report.retrieval[0], report.open_set
    assert open_set is not None
    ours, theirs = open_set.gates
    return {
        "queries": headline.num_queries,
        "r1": headline.recall_at_1.estimate,
        "r1_interval": [headline.recall_at_1.low, headline.recall_at_1.high],
        "r5": headline.recall_at_5.estimate,
        "mrr": headline.mrr.estimate,
        "wer": report.texts[0].measures.wer.estimate if report.texts else None,
        "auroc": open_set.auroc,
        "accepted": ours.known_accepted.estimate,
        "precision": ours.precision.estimate if ours.precision else None,
        "prototype_gate_accepted": theirs.known_accepted.estimate,
    }


def _summary(folds: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("r1", "r5", "mrr", "wer", "auroc", "accepted", "precision")
    means = {n: float(np.mean([f[n] for f in folds if f[n] is not None] or [np.nan])) for n in names}
    hits = np.concatenate([np.arange(f["queries"]) < round(f["r1"] * f["queries"]) for f in folds]).astype(np.float64)
    interval = bootstrap_mean(hits, None, np.random.default_rng(0))
    return {
        "folds": [{k: v for k, v in fold.items() if k != "report"} for fold in folds],
        "mean": {name: value if np.isfinite(value) else None for name, value in means.items()},
        "r1_interval_over_clips": [interval.low, interval.high],
    }


def _section(summary: dict[str, Any], options: argparse.Namespace) -> str:
    words = [a if " " not in a else f'"{a}"' for a in sys.argv[1:]]
    header = "| left out | queries | R@1 (95%) | R@5 | MRR | WER | AUROC | accepted | precision | split |"
    lines = [
        f"## {options.title or options.data.name}, recipe {options.recipe}, leave one signer out",
        "",
        f"{datetime.datetime.now(datetime.UTC).date()}, seed {options.seed}: "
        f"`python benchmarks/leave_one_signer_out.py {' '.join(words)}`",
        "",
        header,
        "|" + " --- |" * 10,
    ]
    for fold in summary["folds"]:
        low, high = fold["r1_interval"]
        cells = [fold["signer"], fold["queries"], f"{fold['r1']:.3f} ({low:.3f}-{high:.3f})"]
        cells += [_cell(fold[name]) for name in ("r5", "mrr", "wer", "auroc", "accepted", "precision")]
        lines.append("| " + " | ".join(map(str, [*cells, f"`{fold['split_hash'][:12]}`"])) + " |")
    mean, (low, high) = summary["mean"], summary["r1_interval_over_clips"]
    cells = ["**mean**", "", f"**{mean['r1']:.3f}** ({low:.3f}-{high:.3f})"]
    cells += [_cell(mean[name]) for name in ("r5", "mrr", "wer", "auroc", "accepted", "precision")]
    lines.append("| " + " | ".join([*cells, ""]) + " |")
    return "\n".join(lines) + "\n"


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
