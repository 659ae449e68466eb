#!/usr/bin/env python3
"""How made-up signing differs from recorded signing, statistic by statistic: a page with tables and pictures.

    python benchmarks/realism.py --results docs/results/realism.md --short docs/base-model.md

Reads the sets of real people from SIGNTALK_DATA, at most `--clips` of each, and draws as many made-up clips as
pretraining would, of another seed. A few minutes on one core; nothing is trained.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import wasserstein_distance

from clip_statistics import STATISTICS, clip_statistics, tremble
from folds import code_version
from raw_clips import source_clips
from realism_plot import plot_spectra, plot_statistics
from results_page import replace_section, table, typed_command
from signtalk.arrays import Float64Array
from signtalk.errors import SignTalkError
from signtalk.landmarks.clip import LandmarkClip
from signtalk.synthetic.endless import EndlessConfig, draw_group

SECTION = "realism"
MADE_UP = "made up"
SETS = (
    "asl_words_3signers", "words_6people", "asl_words_17signers", "ksl_phrases_5sessions", "asl_sentences_3signers",
    "asl_medical_sentences", "isl_words_10signers_body",
)  # fmt: skip
SEED = 16
"""Of made-up clips, and of which clips of a set are taken; pretraining draws with others."""
PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
_OF_PICTURE = {"movement": ("movement", "time"), "hands": ("sight", "shape"), "trembling": ("trembling",)}
_OF_A_PICTURE = ("seen_more", "seen_less", "nose_height", "shoulders")
_SHORT_ROWS = 6


@dataclass(frozen=True, eq=False)
class Measured:
    """The statistics of a set.

    Attributes:
        values: by statistic, (N,) of its clips; NaN where a clip does not tell.
        spectra: "tips" and "wrists", (N, F) power by frequency.
    """

    values: dict[str, Float64Array]
    spectra: dict[str, Float64Array]

    @property
    def num_clips(self) -> int:
        """N."""
        return len(self.values["duration"])


@dataclass(frozen=True)
class Difference:
    """A statistic of made-up clips beside that of the recorded ones.

    Attributes:
        name: of the statistic.
        made_up: 10th, 50th and 90th percentile.
        real: likewise, of all recorded sets together.
        distance: between the two distributions (Wasserstein), in ranges from the 10th to the 90th percentile of the
            recorded ones; NaN where one has no clip or no range.
        among_real: the same distance of a recorded set from the others together, median over the sets.
    """

    name: str
    made_up: tuple[float, float, float]
    real: tuple[float, float, float]
    distance: float
    among_real: float


def measure(clips: Iterable[LandmarkClip]) -> Measured:
    """All statistics of some clips.

    Where no clip shows a hand none was looked for: how often hands are seen is not known. Such clips come from depth
    cameras, and what depends on a picture's shape is not known either.
    """
    rows, tips, wrists = [], [], []
    for clip in clips:
        power = tremble(clip)
        rows.append(clip_statistics(clip, power))
        tips.append(power.tips)
        wrists.append(power.wrists)
    values = {name: np.array([row[name] for row in rows]) for name in STATISTICS}
    if not (values["seen_more"] > 0).any():
        values |= {name: np.full(len(rows), np.nan) for name in _OF_A_PICTURE}
    return Measured(values, {"tips": np.stack(tips), "wrists": np.stack(wrists)})


def recorded(name: str, most: int) -> list[LandmarkClip]:
    """At most `most` clips of a set, in which somebody signs.

    Raises:
        DataError: the shared clips are not there.
    """
    clips = [source.clip for source in source_clips(name) if not source.is_idle]
    taken = np.sort(np.random.default_rng(SEED).permutation(len(clips))[:most])
    return [clips[place] for place in taken]


def made_up(count: int, seed: int = SEED) -> list[LandmarkClip]:
    """So many clips of the endless made-up signing."""
    config = EndlessConfig(seed=seed)
    groups = (draw_group(config, number) for number in range(-(-count // config.people)))
    return [drawn.clip for group in groups for drawn in group][:count]


def distance(clips: Float64Array, others: Float64Array) -> float:
    """Between two distributions of a statistic, in ranges of the second; NaN where there is none."""
    clips, others = clips[~np.isnan(clips)], others[~np.isnan(others)]
    if not len(clips) or not len(others):
        return float("nan")
    low, high = np.percentile(others, [10, 90])
    return float(wasserstein_distance(clips, others) / (high - low)) if high > low else float("nan")


def differences(sets: Mapping[str, Measured]) -> list[Difference]:
    """Each statistic that the recorded sets tell, the largest distance first.

    Args:
        sets: by name, MADE_UP among them.
    """
    real = [each.values for name, each in sets.items() if name != MADE_UP]
    lines = []
    for name in (name for name, statistic in STATISTICS.items() if not statistic.is_nominal):
        drawn, pooled = sets[MADE_UP].values[name], np.concatenate([values[name] for values in real])
        far = distance(drawn, pooled)
        lines.append(Difference(name, _percentiles(drawn), _percentiles(pooled), far, _among(name, real)))
    return sorted(lines, key=lambda line: (np.isnan(line.distance), -line.distance))


def _among(name: str, real: Sequence[Mapping[str, Float64Array]]) -> float:
    """The median distance of a recorded set from the others together; NaN of a single set."""
    if len(real) < 2:
        return float("nan")
    far = [
        distance(values[name], np.concatenate([other[name] for other in real if other is not values]))
        for values in real
    ]
    known = [each for each in far if not np.isnan(each)]
    return float(np.median(known)) if known else float("nan")


def page(sets: Mapping[str, Measured], lines: Sequence[Difference], command: str) -> str:
    """The section of the results page.

    Args:
        sets: by name.
        lines: from `differences`.
        command: that measured.
    """
    counts = ", ".join(f"{name} {each.num_clips}" for name, each in sets.items())
    parts = [
        "## Made-up signing beside recorded signing",
        f"{datetime.date.today().isoformat()}: `{command}`; code {code_version()}. Clips: {counts}.",
        "*Distance* is how far made-up clips lie from all recorded ones (Wasserstein, in ranges from their 10th to\n"
        "their 90th percentile). *Among real sets* is the same of a recorded set from the others, the median over\n"
        "sets: a made-up set that is no further off is as real as another set. Figures are median (10th to 90th\n"
        "percentile) of clips.",
        _difference_table(lines),
    ]
    for picture, groups in _OF_PICTURE.items():
        parts += [f"### {picture.capitalize()}", f"![{picture}: a line a set](../pictures/realism_{picture}.svg)"]
        parts += [_table_of(sets, [name for name in STATISTICS if STATISTICS[name].group == group]) for group in groups]
    parts += ["### Power of trembling by frequency", "![median spectra](../pictures/realism_spectra.svg)"]
    return "\n\n".join(parts)


def short(lines: Sequence[Difference]) -> str:
    """The largest differences alone, for the page of the base model."""
    return _difference_table(lines[:_SHORT_ROWS])


def _difference_table(lines: Sequence[Difference]) -> str:
    body = [
        [
            STATISTICS[line.name].title, _cell(line.real), _cell(line.made_up), f"{line.distance:.2f}",
            f"{line.among_real:.2f}",
        ]
        for line in lines
    ]  # fmt: skip
    return table(["what", "recorded", MADE_UP, "distance", "among real sets"], body)


def _table_of(sets: Mapping[str, Measured], names: Sequence[str]) -> str:
    body = [[name, *(_cell(_percentiles(each.values[which])) for which in names)] for name, each in sets.items()]
    return table(["set", *(STATISTICS[name].title for name in names)], body)


def _percentiles(clips: Float64Array) -> tuple[float, float, float]:
    known = clips[~np.isnan(clips)]
    low, middle, high = np.percentile(known, [10, 50, 90]) if len(known) else [np.nan] * 3
    return float(low), float(middle), float(high)


def _cell(percentiles: tuple[float, float, float]) -> str:
    low, middle, high = percentiles
    if np.isnan(middle):
        return "-"
    digits = 4 if high < 0.02 else 3 if high < 0.2 else 2
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def draw(sets: Mapping[str, Measured], folder: Path) -> None:
    """The pictures of the page."""
    values = {name: each.values for name, each in sets.items()}
    for picture, groups in _OF_PICTURE.items():
        names = [name for group in groups for name in STATISTICS if STATISTICS[name].group == group]
        plot_statistics(values, names, folder / f"realism_{picture}.svg")
    plot_spectra({name: each.spectra for name, each in sets.items()}, folder / "realism_spectra.svg")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all sets and the made-up clips; 2 when the shared clips are not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--clips", type=int, default=300, help="most of a recorded set")
    parser.add_argument("--made-up", type=int, default=600, help="made-up clips")
    parser.add_argument("--results", type=Path, help="page; without it the differences are printed alone")
    parser.add_argument("--short", type=Path, help="page that shows the largest differences alone")
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    options = parser.parse_args(arguments)
    try:
        sets = {name: measure(recorded(name, options.clips)) for name in options.sets}
        sets[MADE_UP] = measure(made_up(options.made_up))
        lines = differences(sets)
        print(_difference_table(lines))
        if options.results:
            command = typed_command("realism", arguments or sys.argv[1:])
            replace_section(options.results, SECTION, page(sets, lines, command))
            draw(sets, options.pictures)
        if options.short:
            replace_section(options.short, SECTION, short(lines))
    except SignTalkError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
