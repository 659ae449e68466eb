"""The whole story on made-up clips: check, pack, train, index, evaluate, export, recognise, serve.

`signtalk demo` tells it; every step is what the command of the same name does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import signtalk
from signtalk.data.check import check_folder
from signtalk.data.manifest import Manifest, clip_of_record, load_manifest
from signtalk.data.report import plot_report
from signtalk.data.splits import Split, SplitConfig, make_split
from signtalk.evaluation.results import EvaluationReport
from signtalk.files import write_json
from signtalk.recognition.answer import Answer
from signtalk.service.run import ask_bundle
from signtalk.synthetic.dataset import SyntheticConfig, write_dataset
from signtalk.training.names import RECIPE_NAME


@dataclass(frozen=True)
class DemoSize:
    """How much the demo does.

    Attributes:
        data: what is made up.
        settings: changes to the default recipe, as `signtalk train --set` takes them.
        recipe: the recipe.
        signer_sentences: of the signer who is tested: asked before and after so many of their sentences are known.
    """

    data: SyntheticConfig
    settings: tuple[str, ...] = ()
    recipe: str = "default"
    signer_sentences: int = 10


_SHOWN_OF_EACH = 4
FULL = DemoSize(
    SyntheticConfig(num_sentences=87, near_misses=False, num_idle=40, difficulty=0.5, detector_errors=0.5),
    ("optimiser.epochs=120", "optimiser.val_every=4", "optimiser.learning_rate=0.002"),
)
SMALL = DemoSize(SyntheticConfig(num_sentences=16, num_signers=3, num_idle=6), ("optimiser.epochs=2",), "tiny", 3)


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What the demo leaves.

    Attributes:
        report: all protocols.
        answers: a few clips of each kind: known, unknown, idle.
        same_without_torch: whether the bundle, opened and served, gave the same answers.
        paths: files worth looking at.
    """

    report: EvaluationReport
    answers: dict[str, Answer]
    same_without_torch: bool
    paths: tuple[Path, ...]


def run_demo(out: Path, size: DemoSize, say: Callable[[str], None], progress: bool = True) -> DemoResult:
    """Run everything into `out`; a run that was interrupted goes on where it was."""
    data, run_folder = out / "data", out / "run"
    say(f"1 making up clips of {size.data.num_sentences} sentences by {size.data.num_signers} signers")
    write_dataset(data, size.data)
    say("2 checking them")
    check = check_folder(data)
    plot_report(check, out / "data.png")
    write_json(out / "data.json", check.to_dict())
    manifest = load_manifest(data)
    split = make_split(manifest, demo_split(manifest))
    split.save(out / "split.json")
    say("3 packing and training")
    resume = (run_folder / RECIPE_NAME).exists()
    run = signtalk.train(
        data, run_folder, recipe=size.recipe, split=out / "split.json", settings=size.settings, resume=resume,
        progress=progress,
    )  # fmt: skip
    say("4 indexing the training clips, fitting scores and gate on validation clips")
    run.index()
    say(
        f"5 evaluating every protocol on a signer that training never saw, before {size.signer_sentences} of their "
        "sentences are known and after"
    )
    report = run.evaluate(out / "report", signer_sentences=(size.signer_sentences,))
    say("6 exporting, with parity of PyTorch, ONNX Runtime and TorchScript")
    exported = run.export(out / "export", report=report)
    say("7 recognising known, unknown and idle clips of that signer, with torch and from the bundle")
    clips = {kind: clip_of_record(manifest.select([clip_id])[0]) for kind, clip_id in demo_queries(split).items()}
    with run.load() as model, signtalk.load(exported.bundle) as bundle:
        answers = {kind: model.recognize(clip) for kind, clip in clips.items()}
        same = all(_essence(bundle.recognize(clips[kind])) == _essence(answer) for kind, answer in answers.items())
        say("8 serving the bundle, verified, for one request")
        bundle.verify()
    first = next(iter(clips))
    same = same and ask_bundle(exported.bundle, clips[first])["outcome"] == answers[first].outcome
    write_json(out / "answers.json", json.loads(json.dumps({k: a.to_dict() for k, a in answers.items()})))
    curves = run_folder / "training_curves.png"
    history = run_folder / "training_history.csv"
    written = sorted((out / "report").iterdir())
    paths = (out / "data.png", history, curves, *written, out / "answers.json", *sorted((out / "export").iterdir()))
    return DemoResult(report, answers, same, paths)


def demo_split(manifest: Manifest) -> SplitConfig:
    """The last signer is tested; of the others' clips some test new clips, and enough prove the gate."""
    return SplitConfig(
        test_signers=(manifest.signers[-1],), val_fraction=0.15, new_clip_fraction=0.05, holdout_sentences=0.15
    )


def demo_queries(split: Split) -> dict[str, str]:
    """The first clips of each kind that the split holds, by kind and number."""
    roles: dict[str, Any] = {"known": "test", "unknown": "test_unknown", "idle": "test_idle"}
    return {
        f"{kind} {number}": clip_id
        for kind, role in roles.items()
        for number, clip_id in enumerate(split.clips(role)[:_SHOWN_OF_EACH], start=1)
    }


def _essence(answer: Answer) -> tuple[bool, str, tuple[str, ...], str | None]:
    return answer.accepted, answer.reason, tuple(c.text_key for c in answer.candidates), answer.translation
