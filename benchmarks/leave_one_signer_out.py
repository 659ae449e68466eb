#!/usr/bin/env python3
"""Leave one signer out: train, index and evaluate a model for each signer of a data folder, and sum up.

    python benchmarks/leave_one_signer_out.py DATA --out runs/loso [--recipe prototype] [--results results.md]

For a data folder of your own; the sets that SignTalk is measured on have `quality.py`. Each fold is a run folder
under --out and is not done again; a killed run goes on where it was. Splits (with hashes), seeds and settings lie
in the run folders; the row is written as summary.json and, with --results, put into a page: in place of the
section of the same title, or at the end.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

from folds import Job, recipe_hash, run_fold, train_and_measure
from results_page import Page, replace_section, section, typed_command
from rows import Origin, store_row, summarise
from signtalk.data.manifest import load_manifest
from signtalk.data.splits import SplitConfig, leave_one_signer_out
from signtalk.errors import SignTalkError
from signtalk.training.recipe import Recipe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all folds and print the section; 2 when it cannot be done, with the reason."""
    options = _options(arguments)
    try:
        text = _measure(options, sys.argv[1:] if arguments is None else arguments)
        print(text)
        if options.results:
            replace_section(options.results, _title(options), text)
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="data folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the folds")
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--val-fraction", type=float, default=0.08)
    parser.add_argument("--seed", type=int, default=42, help="of the splits and of training")
    parser.add_argument("--results", type=Path, help="page to put the summary into")
    parser.add_argument("--title", default="", help="name of the data set in the summary")
    return parser.parse_args(arguments)


def _title(options: argparse.Namespace) -> str:
    return options.title or options.data.name


def _measure(options: argparse.Namespace, words: Sequence[str]) -> str:
    manifest = load_manifest(options.data)
    recipe = Recipe.named(options.recipe).changed([f"seed={options.seed}", *options.set])
    results = []
    for split in leave_one_signer_out(manifest, SplitConfig(val_fraction=options.val_fraction, seed=options.seed)):
        signer = split.config.test_signers[0]
        job = Job(signer, manifest, split, recipe, options.out / signer, keep=True, progress=sys.stderr.isatty())
        results.append(run_fold(job, train_and_measure))
    origin = Origin(
        label=options.recipe,
        model=f"{options.recipe}-{recipe_hash(recipe)}",
        settings=tuple(options.set),
        command=typed_command("leave_one_signer_out", words),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )
    rows = store_row(options.out / "summary.json", summarise(origin, results))
    return section(Page(_title(options), "leave one signer out"), rows)


if __name__ == "__main__":
    sys.exit(main())
