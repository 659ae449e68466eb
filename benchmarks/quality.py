#!/usr/bin/env python3
"""How good a recipe is: data set x protocol x recipe x seed -> one row, by one command.

    python benchmarks/quality.py --list
    python benchmarks/quality.py asl_sentences ksl_phrases --recipe default --seeds 42 43 --results docs/results
    python benchmarks/quality.py asl_sentences --recipe dtw --results docs/results
    python benchmarks/quality.py asl_sentences --set losses.ctc_weight=0 --folds s01 --seeds 42

Each fold is a folder under WORK/runs and is not done again; a killed run goes on where it was, by the same
command. Splits are read from benchmarks/splits. Rows are kept in WORK/SUITE.json; with --results the row is kept in
benchmarks/results/SUITE.json too, and the suite's page in that folder is written anew, with all its rows. A row is
named after recipe and --set unless --label names it; a later row of the same name takes its place. Two recipes train
nothing: "dtw" is the nearest clip by DTW of landmarks, "taught" the base in the package, taught the training clips.
"""

from __future__ import annotations

import argparse
import datetime
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dtw_baseline import DTW_NAME, DtwBaseline, dtw_model
from folds import FoldResult, Job, Measure, recipe_hash, run_fold, train_and_measure
from results_page import page_of, publish, section, typed_command
from rows import Origin, Row, store_row, summarise
from signtalk.data.manifest import Manifest
from signtalk.data.splits import Split
from signtalk.errors import ConfigError, SignTalkError
from signtalk.training.recipe import RECIPE_NAMES, Recipe
from suites import SPLITS, SUITES, Suite, describe, fold_splits, folds_on_file, prepare, suite_named
from taught_base import TAUGHT_NAME, measure_taught, taught_model


@dataclass(frozen=True)
class Untrained:
    """A yardstick in place of a recipe, without settings or seeds.

    Attributes:
        note: what its rows say.
        model: name and hash of what is measured.
        measure: of the data, and of a folder for what folds share, which is deleted afterwards.
    """

    note: str
    model: Callable[[], str]
    measure: Callable[[Manifest, Path], Measure]


_UNTRAINED = {
    DTW_NAME: Untrained(
        "Untrained. DTW is exact, not banded, and every training clip is indexed.", dtw_model, DtwBaseline
    ),
    TAUGHT_NAME: Untrained(
        "Nothing is trained or fitted: the base in the package is taught every training clip.",
        taught_model,
        lambda *_: measure_taught,
    ),
}


@dataclass(frozen=True)
class Request:
    """What is measured in every suite.

    Attributes:
        recipe: name of a recipe, or one of those that train nothing.
        settings: changes to it, after those of the suite.
        seeds: of training.
        folds: which; empty = all.
        label: name of the row; "" = made of recipe, settings and folds.
        work: folder of data, runs and rows.
        command: as typed.
        again: measure folds anew with the models that are trained.
    """

    recipe: str
    settings: tuple[str, ...]
    seeds: tuple[int, ...]
    folds: tuple[str, ...]
    label: str
    work: Path
    command: str
    again: bool = False

    @property
    def untrained(self) -> Untrained | None:
        """The yardstick that stands in place of a recipe, if one does."""
        return _UNTRAINED.get(self.recipe)

    def resolved(self, suite: Suite) -> tuple[str, ...]:
        """All changes to the recipe, those of the suite first."""
        return () if self.untrained else (*suite.overrides, *self.settings)

    def recipe_for(self, suite: Suite, seed: int) -> Recipe:
        """The recipe with everything set."""
        name = suite.recipe if self.untrained or self.recipe == "default" else self.recipe
        return Recipe.named(name).changed([*self.resolved(suite), f"seed={seed}"])

    def model(self, suite: Suite) -> str:
        """Name and hash of what is measured; the folder of its folds."""
        if self.untrained:
            return self.untrained.model()
        return f"{self.recipe}-{recipe_hash(self.recipe_for(suite, 0))}"

    def row_label(self) -> str:
        """Name of the row."""
        parts = [self.label or ", ".join([self.recipe, *self.settings])]
        return " ".join([*parts, f"(only {', '.join(self.folds)})"] if self.folds else parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 2 when it cannot be done, with the reason."""
    options = _options(arguments)
    try:
        if options.list:
            print("\n".join(_listing()))
            return 0
        for name in options.suites:
            suite = suite_named(name)
            if options.splits_only:
                found = fold_splits(name, suite, prepare(suite, options.work / "data"), SPLITS)
                print("\n".join(f"{name} {fold} {split.hash[:12]} {split.counts}" for fold, split in found.items()))
                continue
            request = _request(options, arguments)
            rows = measure_suite(name, suite, request, SPLITS)
            print(section(page_of(name), rows))
            if options.results:
                print(
                    publish(name, next(row for row in rows if row.origin.label == request.row_label()), options.results)
                )
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"one or more of {', '.join(SUITES)}")
    parser.add_argument("--list", action="store_true", help="print the suites with their folds, clips and labels")
    parser.add_argument("--recipe", default="default", choices=(*RECIPE_NAMES, *_UNTRAINED))
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change the recipe")
    parser.add_argument("--seeds", nargs="+", type=int, default=[42, 43], help="of training (default: 42 43)")
    parser.add_argument("--folds", nargs="+", default=[], metavar="FOLD", help="only these folds")
    parser.add_argument("--label", default="", help="name of the row")
    parser.add_argument("--work", type=Path, default=Path("runs/quality"), help="folder of data, runs and rows")
    parser.add_argument("--results", type=Path, metavar="PAGES", help="folder of the suites' pages, written anew")
    parser.add_argument("--splits-only", action="store_true", help="make data and split files, train nothing")
    parser.add_argument("--again", action="store_true", help="measure anew with the models that are trained")
    options = parser.parse_args(arguments)
    if not options.suites and not options.list:
        parser.error("name a suite, or --list")
    if options.recipe in _UNTRAINED and options.set:
        parser.error(f"recipe {options.recipe} has no settings")
    return options


def _request(options: argparse.Namespace, arguments: Sequence[str] | None) -> Request:
    words = sys.argv[1:] if arguments is None else arguments
    return Request(
        recipe=options.recipe,
        settings=tuple(options.set),
        seeds=(0,) if options.recipe in _UNTRAINED else tuple(dict.fromkeys(options.seeds)),
        folds=tuple(dict.fromkeys(options.folds)),
        label=options.label,
        work=options.work,
        command=typed_command("quality", words),
        again=options.again,
    )


def measure_suite(name: str, suite: Suite, request: Request, splits: Path) -> tuple[Row, ...]:
    """Do what is missing of a suite's folds and keep the row.

    Returns:
        All rows of the suite so far, this one among them.

    Raises:
        ConfigError: a setting or a fold does not exist.
        DataError: the clips are not there, or do not fit the split files.
    """
    request.recipe_for(suite, 0)  # refuse a wrong setting before anything is written
    manifest = prepare(suite, request.work / "data")
    chosen = _chosen(fold_splits(name, suite, manifest, splits), request.folds)
    model = request.model(suite)
    settings = request.resolved(suite)
    print(f"{name}: {model}, changes to the recipe: {', '.join(settings) or 'none'}", file=sys.stderr)
    store = request.work / "runs" / name / model / "store"
    measure = request.untrained.measure(manifest, store) if request.untrained else train_and_measure
    results = list(_results(_jobs(manifest, chosen, suite, request, store.parent), measure))
    shutil.rmtree(store, ignore_errors=True)
    origin = Origin(
        label=request.row_label(),
        model=model,
        settings=settings,
        command=request.command,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        note=request.untrained.note if request.untrained else "",
    )
    return store_row(request.work / f"{name}.json", summarise(origin, results))


def _chosen(splits: dict[str, Split], wanted: Sequence[str]) -> dict[str, Split]:
    unknown = [fold for fold in wanted if fold not in splits]
    if unknown:
        raise ConfigError(f"no fold '{unknown[0]}'; there are {', '.join(splits)}")
    return {fold: split for fold, split in splits.items() if not wanted or fold in wanted}


def _jobs(manifest: Manifest, splits: dict[str, Split], suite: Suite, request: Request, folder: Path) -> list[Job]:
    """All folds of the first seed, then those of the next: a run that is stopped early leaves whole seeds."""
    return [
        Job(
            fold=fold,
            manifest=manifest,
            split=split,
            recipe=request.recipe_for(suite, seed),
            folder=folder / f"{fold}-{seed}",
            progress=sys.stderr.isatty(),
            again=request.again,
        )
        for seed in request.seeds
        for fold, split in splits.items()
    ]  # fmt: skip


def _results(jobs: Sequence[Job], measure: Measure) -> Iterator[FoldResult]:
    for number, job in enumerate(jobs, start=1):
        result = run_fold(job, measure)
        figures = result.figures
        minutes = "" if figures.minutes is None else f", trained {figures.minutes:.1f} min"
        said = f"R@1 {figures.r1:.3f}, MRR {figures.mrr:.3f}{minutes}"
        now = datetime.datetime.now(datetime.UTC).strftime("%H:%M:%S")
        print(f"{now} {number}/{len(jobs)} {job.fold} seed {result.seed}: {said}", file=sys.stderr, flush=True)
        yield result


def _listing() -> Iterator[str]:
    yield f"{'suite':22}{'clips':>6}{'labels':>7}  folds; data; changes to the recipe"
    for name, suite in SUITES.items():
        clips, labels = describe(suite)
        folds = " ".join(folds_on_file(name, SPLITS)) or "no split files yet (--splits-only makes them)"
        yield f"{name:22}{clips:6}{labels:7}  {folds}; {suite.data}; {' '.join(suite.overrides) or 'none'}"


if __name__ == "__main__":
    sys.exit(main())
