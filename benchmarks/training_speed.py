#!/usr/bin/env python3
"""How fast SignTalk trains, against the prototype's training step at the same model size and batch, in one run.

    python benchmarks/training_speed.py
    python benchmarks/training_speed.py --threads 2 --steps 24 --repeats 7 --results docs/results/training_speed.md
    python benchmarks/training_speed.py --profile

The yardstick is `prototype_step.py`: the operations of docs/contract.md 1.4-1.7, clip by clip. SignTalk's side is
`SignTraining`'s own step (its batches, network, losses and AdamW) in a plain loop without Lightning's trainer. Both
train on the same made-up clips in files of the prototype's form, in this one process (the prototype's DataLoader has
num_workers=0). Every repetition times all rows one after the other, and a ratio compares two rows of one repetition,
so that a busy machine slows both: the ratios are the claim, clips a second only describe the machine. A clip counts
once, whatever number of views a step makes of it.
"""

from __future__ import annotations

import argparse
import cProfile
import datetime
import itertools
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

from prototype_step import ClipFile, PrototypeTraining, statistics_of
from results_page import typed_command
from signtalk.data.manifest import Manifest, load_manifest
from signtalk.data.packed import pack_clips
from signtalk.files import write_json, write_text
from signtalk.synthetic.dataset import SyntheticConfig, write_dataset
from signtalk.training.batches import Batch, EpochBatches, training_set
from signtalk.training.module import SignTraining
from signtalk.training.recipe import Recipe
from signtalk.training.validation import ValidationSet

SECTION = "training_speed"
PROFILE_SECTION = "training_profile"
YARDSTICK, OURS = "prototype's step", "SignTalk, recipe prototype"
OTHERS = (("gru", 8), ("gru", 64), ("default", 8), ("default", 64))
GROWN = (
    "network.width=144", "network.decoder_width=256", "network.decoder_feed_forward=1024", "optimiser.accumulation=2",
)  # fmt: skip
"""Makes the recipe "default" as large as the yardstick; decoder and accumulation are the prototype's."""
PROFILED: tuple[tuple[str, str, int, tuple[str, ...]], ...] = (
    ("Recipe prototype", "prototype", 8, ()),
    ("Recipe default of the yardstick's size", "default", 8, GROWN),
    ("Recipe default", "default", 64, ()),
)
WARM_UP_STEPS = 3
_TOP = 15


class SignTalkTraining:
    """SignTalk's own training step in a plain loop.

    Attributes:
        recipe: what is trained.
        module: network, losses and batches, as `signtalk train` makes them.
        batch_size: clips a batch.
    """

    def __init__(self, manifest: Manifest, recipe: Recipe, out: Path) -> None:
        self.recipe, self.batch_size = recipe, recipe.optimiser.batch_size
        store = pack_clips(manifest.records, recipe.features, out / "store")
        training = training_set(store, manifest.records, recipe)
        validation = ValidationSet(store, manifest.records, (), training.tokenizer, "")
        self.module = SignTraining(recipe, training, validation, out).train()
        settings = recipe.optimiser
        self._bfloat16 = settings.precision == "bf16-mixed"
        self.optimiser = torch.optim.AdamW(
            self.module.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=not self._bfloat16,  # as in `SignTraining.configure_optimizers`
        )
        self._epoch = 0

    def batches(self, num_steps: int) -> Iterator[Batch]:
        """So many batches, over as many epochs as that takes."""
        return itertools.islice(self._endless(), num_steps)

    def _endless(self) -> Iterator[Batch]:
        while True:
            self._epoch += 1
            members = self.module.batches.batches(self._epoch)
            dataset = EpochBatches(self.module.training_set, members, self._epoch, 0)
            yield from DataLoader(dataset, batch_size=None, num_workers=0)

    def run(self, num_steps: int) -> list[float]:
        """Train for so many batches; their losses."""
        return [
            self.step(batch, number, number == num_steps) for number, batch in enumerate(self.batches(num_steps), 1)
        ]

    def step(self, batch: Batch, number: int, last: bool) -> float:
        """Forward and backward over a batch; every `accumulation` batches, and at the last, the weights move."""
        settings = self.recipe.optimiser
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            loss = self.module.training_step(batch, number)
        (loss / settings.accumulation).backward()  # type: ignore[no-untyped-call]
        if number % settings.accumulation == 0 or last:
            self.move()
        return float(loss.detach())

    def move(self) -> None:
        """One step of the optimiser."""
        if self.recipe.optimiser.gradient_clip:
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.optimiser.gradient_clip)
        self.optimiser.step()
        self.optimiser.zero_grad()


Training = PrototypeTraining | SignTalkTraining


@dataclass(frozen=True)
class SpeedRow:
    """One thing that was timed.

    Attributes:
        name: what.
        same_model: it has the prototype's network and batch, so that the ratio compares like with like.
        batch_size: clips a batch.
        parameters: of network and losses; 0 where no network ran.
        clips_per_second: one figure a repetition.
        ratios: the same over the yardstick's figure of that repetition.
    """

    name: str
    same_model: bool
    batch_size: int
    parameters: int
    clips_per_second: tuple[float, ...]
    ratios: tuple[float, ...]


@dataclass(frozen=True)
class Candidate:
    """A training to be timed, with or without its network, against the row `against`."""

    name: str
    training: Training
    network: bool
    same_model: bool
    against: str

    @property
    def parameters(self) -> int:
        """Weights that this row moves."""
        module = self.training.model if isinstance(self.training, PrototypeTraining) else self.training.module
        return sum(p.numel() for p in module.parameters()) if self.network else 0

    def work(self, num_clips: int) -> int:
        """Train on, or only make, batches of about `num_clips` clips; how many it were."""
        steps = max(1, round(num_clips / self.training.batch_size))
        if self.network:
            self.training.run(steps)
        else:
            for _ in self.training.batches(steps):
                pass
        return steps * self.training.batch_size


def made_up_clips(folder: Path, num_sentences: int) -> Manifest:
    """Made-up clips in files of the prototype's form."""
    write_dataset(folder, SyntheticConfig(num_sentences=num_sentences, num_idle=0), "prototype")
    return load_manifest(folder)


def prototype_training(manifest: Manifest) -> PrototypeTraining:
    """The yardstick on the clips of a manifest."""
    ids = sorted({record.sentence_id for record in manifest.records})
    clips = [
        ClipFile(record.feature_path, ids.index(record.sentence_id), record.variations or (record.sentence,))
        for record in manifest.records
    ]
    return PrototypeTraining(clips, statistics_of(clips))


def signtalk_training(
    manifest: Manifest, name: str, batch_size: int, out: Path, settings: tuple[str, ...] = ()
) -> SignTalkTraining:
    """One of SignTalk's recipes, changed or not, at a batch size."""
    recipe = Recipe.named(name).changed([f"optimiser.batch_size={batch_size}", *settings])
    return SignTalkTraining(manifest, recipe, out / f"{name}-{batch_size}")


def candidates(manifest: Manifest, out: Path) -> list[Candidate]:
    """What is timed, in the order of the table."""
    theirs, ours = prototype_training(manifest), signtalk_training(manifest, "prototype", 8, out)
    loading = f"{YARDSTICK}, batches alone"
    rows = [
        Candidate(YARDSTICK, theirs, True, True, YARDSTICK),
        Candidate(OURS, ours, True, True, YARDSTICK),
        Candidate(loading, theirs, False, True, loading),
        Candidate(f"{OURS}, batches alone", ours, False, True, loading),
    ]
    for precision, how in (("32-true", ""), ("bf16-mixed", ", bfloat16")):
        settings = (*GROWN, f"optimiser.precision={precision}")
        grown = signtalk_training(manifest, "default", 8, out / precision, settings)
        title = f"SignTalk, recipe default of the yardstick's size{how}"
        rows.append(Candidate(title, grown, True, False, YARDSTICK))
    for name, batch_size in OTHERS:
        training = signtalk_training(manifest, name, batch_size, out)
        title = f"SignTalk, recipe {name}, batch {batch_size} (other model)"
        rows.append(Candidate(title, training, True, False, YARDSTICK))
    rows.append(
        Candidate("SignTalk, recipe default, batch 64, batches alone", rows[-1].training, False, False, loading)
    )
    return rows


def measure(
    chosen: list[Candidate], num_clips: int, repeats: int, clock: Callable[[], float] = time.perf_counter
) -> list[SpeedRow]:
    """Time every candidate once a repetition, one after the other."""
    for candidate in chosen:
        candidate.work(WARM_UP_STEPS * candidate.training.batch_size)
    speeds: dict[str, list[float]] = {candidate.name: [] for candidate in chosen}
    for _ in range(repeats):
        for candidate in chosen:
            started = clock()
            done = candidate.work(num_clips)
            speeds[candidate.name].append(done / (clock() - started))
    return [
        SpeedRow(
            name=c.name,
            same_model=c.same_model,
            batch_size=c.training.batch_size,
            parameters=c.parameters,
            clips_per_second=tuple(speeds[c.name]),
            ratios=tuple(a / b for a, b in zip(speeds[c.name], speeds[c.against], strict=True)),
        )
        for c in chosen
    ]


def section_of(rows: list[SpeedRow], command: str, about: str) -> str:
    """The section of the results page."""
    lines = [
        "## Training speed against the prototype's training step",
        "",
        f"{datetime.datetime.now(datetime.UTC).date()}: `{command}`",
        "",
        about,
        "",
        "| step | batch | parameters | clips a second, median (min-max) | times the yardstick, median (min-max) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        ratio = f"{np.median(row.ratios):.2f} ({min(row.ratios):.2f}-{max(row.ratios):.2f})"
        speed = (
            f"{np.median(row.clips_per_second):.0f} ({min(row.clips_per_second):.0f}-{max(row.clips_per_second):.0f})"
        )
        size = f"{row.parameters / 1e6:.2f} M" if row.parameters else "-"
        lines.append(f"| {row.name} | {row.batch_size} | {size} | {speed} | {ratio} |")
    lines += [
        "",
        "The ratio is taken within each repetition; of rows of batches alone it is against the prototype's batches "
        "alone. Rows of another model say what training takes now, not what the code alone has gained.",
    ]
    return "\n".join(lines) + "\n"


def with_section(page: str, section: str, name: str = SECTION) -> str:
    """The page with its section between the markers replaced, or added at the end."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    marked = f"{begin}\n{section.rstrip()}\n{end}"
    before, found, rest = page.partition(begin)
    if not found:
        return f"{page.rstrip()}\n\n{marked}\n".lstrip()
    _, closed, after = rest.partition(end)
    if not closed:
        raise SystemExit(f"the page has {begin} without {end} after it; add it where the section ends")
    return before + marked + after


def profile_section(manifest: Manifest, out: Path, command: str, num_steps: int) -> str:
    """The section that tells where a step spends its time."""
    lines = ["## Where a step spends its time", "", f"{datetime.datetime.now(datetime.UTC).date()}: `{command}`"]
    for title, name, batch_size, settings in PROFILED:
        training = signtalk_training(manifest, name, batch_size, out, settings)
        lines += ["", f"{title}, batch {batch_size}:", "", "```text", profile(training, num_steps), "```"]
    return "\n".join(lines) + "\n"


def profile(training: SignTalkTraining, num_steps: int) -> str:
    """Where SignTalk's step spends its time: its phases, PyTorch's operators, and Python in the making of batches."""
    training.run(WARM_UP_STEPS)
    spent = dict.fromkeys(("making batches", "forward and losses", "backward", "optimiser"), 0.0)
    batches = training.batches(num_steps)
    last = time.perf_counter()

    def lap(phase: str) -> None:
        nonlocal last
        now = time.perf_counter()
        spent[phase] += now - last
        last = now

    for number, batch in enumerate(batches):
        lap("making batches")
        loss = training.module.training_step(batch, number)
        lap("forward and losses")
        loss.backward()  # type: ignore[no-untyped-call]
        lap("backward")
        training.move()
        lap("optimiser")
    total = sum(spent.values())
    lines = [f"{total / num_steps * 1e3:.1f} ms a step (the weights move at each)"]
    lines += [f"  {phase:<20} {seconds / total:6.1%}" for phase, seconds in spent.items()]
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as recorded:
        training.run(num_steps)
    events = sorted(recorded.key_averages(), key=lambda event: -event.self_cpu_time_total)
    whole = sum(event.self_cpu_time_total for event in events)
    lines.append(f"top {_TOP} operators by their own time, calls a step")
    lines += [
        f"  {event.key:<52.52} {event.self_cpu_time_total / whole:6.1%} {event.count / num_steps:8.1f}"
        for event in events[:_TOP]
    ]
    return "\n".join(
        [*lines, f"top {_TOP} functions in making batches, by their own time", *_python_costs(training, num_steps)]
    )


def _python_costs(training: SignTalkTraining, num_steps: int) -> list[str]:
    recorder = cProfile.Profile()
    recorder.enable()
    for _ in training.batches(num_steps):
        pass
    recorder.disable()
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = pstats.Stats(recorder).stats  # type: ignore[attr-defined]
    whole = sum(figures[2] for figures in stats.values())
    top = sorted(stats.items(), key=lambda item: -item[1][2])[:_TOP]
    return [
        f"  {f'{Path(file).name}:{line} {name}':<52.52} {figures[2] / whole:6.1%} {figures[1] / num_steps:8.1f}"
        for (file, line, name), figures in top
    ]


def _about(manifest: Manifest, options: argparse.Namespace) -> str:
    lengths = [record.num_frames for record in manifest.records]
    return (
        f"{os.cpu_count()} CPUs, {torch.get_num_threads()} threads (OMP_WAIT_POLICY={os.environ['OMP_WAIT_POLICY']}), "
        f"PyTorch {torch.__version__}, no GPU; "
        f"{len(lengths)} made-up clips of {options.sentences} sentences, median {np.median(lengths):.0f} frames, "
        f"read from the disk cache; {options.repeats} interleaved repetitions of {options.steps} batches of 8 "
        "or as many clips; DataLoader with num_workers=0 on both sides. Yardstick: `benchmarks/prototype_step.py`."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch (default 2)")
    parser.add_argument("--steps", type=int, default=24, help="batches of 8 a repetition (default 24)")
    parser.add_argument("--repeats", type=int, default=5, help="repetitions (default 5)")
    parser.add_argument("--sentences", type=int, default=40, help="made-up sentences (default 40)")
    parser.add_argument("--json", type=Path, help="file for every figure")
    parser.add_argument("--results", type=Path, metavar="PAGE", help="page whose section is written or replaced")
    parser.add_argument("--profile", action="store_true", help="tell where SignTalk's step spends its time instead")
    options = parser.parse_args()
    if min(options.threads, options.steps, options.repeats, options.sentences) < 1:
        parser.error("--threads, --steps, --repeats and --sentences must be 1 or more")
    return options


def main() -> None:
    """Measure or profile, and print."""
    options = _options()
    if "OMP_WAIT_POLICY" not in os.environ:
        # Threads that spin while they wait bring a busy machine to a standstill; it is read when torch is loaded.
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"})
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        manifest = made_up_clips(Path(folder) / "data", options.sentences)
        command, about = typed_command("training_speed", sys.argv[1:]), _about(manifest, options)
        if options.profile:
            section, name = profile_section(manifest, Path(folder), command, options.steps), PROFILE_SECTION
        else:
            rows, name = measure(candidates(manifest, Path(folder)), 8 * options.steps, options.repeats), SECTION
            section = section_of(rows, command, about)
            if options.json:
                write_json(options.json, {"command": command, "about": about, "rows": [asdict(row) for row in rows]})
    print(section)
    if options.results:
        page = options.results.read_text(encoding="utf-8") if options.results.exists() else "# Results\n"
        write_text(options.results, with_section(page, section, name))


if __name__ == "__main__":
    main()
