"""The command line: parses, calls one function, prints. Heavy imports happen inside the commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from signtalk import __version__
from signtalk.cli.bundle import bundle_app, export
from signtalk.cli.calibrate import calibrate
from signtalk.cli.console import (
    BundleOption,
    Folder,
    Fps,
    IndexOption,
    Json,
    RunOption,
    SmoothingAlpha,
    Strict,
    VariantOption,
    not_nan,
    opened,
    out_console,
    print_error,
    print_json,
    show,
    tell_left_out,
)
from signtalk.cli.data import data_app
from signtalk.cli.enrol import enrol_app
from signtalk.cli.extract import extract, models_app
from signtalk.cli.interchange import add_interchange
from signtalk.cli.play import add_play
from signtalk.cli.references import ReferencesOption, over_references, references_app
from signtalk.cli.segment import add_segment
from signtalk.cli.serve import add_serve
from signtalk.cli.stress import add_stress
from signtalk.errors import MissingExtraError, SignTalkError
from signtalk.threads import wait_passively

if TYPE_CHECKING:
    from signtalk.index.text_search import ClipHit
    from signtalk.recognition.recognizer import Recognition

app = typer.Typer(
    help="SignTalk: from a signed sentence to text, or an honest 'not sure'.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(enrol_app)
app.add_typer(references_app)
app.add_typer(data_app, name="data")
app.add_typer(bundle_app, name="bundle")
app.add_typer(models_app, name="models")
app.command()(extract)
app.command()(calibrate)
app.command()(export)
add_interchange(app)
add_play(app)
add_segment(app)
add_stress(app)
add_serve(app)

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `signtalk train`.")]
DataOption = Annotated[Path, typer.Option("--data", help="The data folder that the run was trained on.")]


def main() -> None:
    """Entry point: one line and exit code 2 for whatever the world did wrong."""
    wait_passively()
    try:
        app()
    except SignTalkError as error:
        print_error(f"signtalk: {error}")
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("signtalk"):
            raise
        extra = "serve" if error.name in ("fastapi", "prometheus_client", "uvicorn") else "train,export"
        hint = MissingExtraError(f"this command needs {error.name}: pip install 'signtalk[{extra}]'")
        print_error(f"signtalk: {hint}")
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        out_console.print(__version__, highlight=False)
        raise typer.Exit


@app.command()
def train(
    folder: Folder,
    split: Annotated[Path, typer.Option(help="Split file of `signtalk data split`.")],
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    recipe: Annotated[str, typer.Option(help="default, body, prototype, gru, transformer or tiny.")] = "default",
    settings: Annotated[list[str] | None, typer.Option("--set", help="Change a setting: section.key=value.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the run in --out.")] = False,
    devices: Annotated[int, typer.Option(min=1, help="Processes; 2 or more train with DDP.")] = 1,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Train a model on the `train` clips of a split, choosing the best epoch on its `val` clips.

    Example: signtalk train ~/signtalk-gh --split split.json --out runs/first --set optimiser.epochs=60
    """
    from signtalk.training.recipe import Recipe

    chosen = Recipe.named(recipe).changed(settings or ())  # before torch is imported: a typo is told at once

    from signtalk.data.manifest import load_manifest
    from signtalk.data.splits import Split
    from signtalk.training.train import TrainOptions
    from signtalk.training.train import train as run_training

    first = int(os.environ.get("LOCAL_RANK", "0")) == 0
    manifest = load_manifest(folder, strict=strict)
    options = TrainOptions(out, resume=resume, devices=devices, strict=strict, progress=not as_json)
    try:
        result = run_training(manifest, Split.load(split, manifest), chosen, options)
    except KeyboardInterrupt:
        if first:
            print_error(f"signtalk: stopped; go on with --resume (the run is in {out})")
        raise typer.Exit(_INTERRUPTED) from None
    if first:
        shown = {"best": str(result.best), "epochs": result.epochs, "best_epoch": result.best_epoch}
        left_out = tell_left_out((*manifest.problems, *result.left_out), as_json)
        show({**shown, "val_retrieval_mrr": result.best_score, **_in_json(as_json, left_out)}, as_json)
        if not as_json:
            show({"next": result.next_command}, as_json)


@app.command()
def index(
    run: RunFolder,
    data: DataOption,
    precision: Annotated[
        float, typer.Option(min=0.5, max=1.0, callback=not_nan, help="Precision that the gate shall keep.")
    ] = 0.98,
    written: Annotated[
        Path | None,
        typer.Option(
            help="Sentences that nobody has signed: one a line, or .csv with sentence, sentence_id, category."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Index a run's training clips; fit scores and gate on its validation clips.

    With --written sentences are recognised of which there is no clip.

    Example: signtalk index runs/first --data ~/signtalk-gh --written sentences.txt
    """
    from signtalk.calibration.calibrate import CalibrationConfig
    from signtalk.data.manifest import load_manifest
    from signtalk.index.written import read_sentences
    from signtalk.training.run import Run, index_run

    sentences = read_sentences(written) if written else ()
    opened, manifest = Run.open(run), load_manifest(data)
    report = index_run(opened, manifest, CalibrationConfig(precision=precision), sentences)
    left_out = tell_left_out((*manifest.problems, *opened.store().problems), as_json)
    show({**report, **_in_json(as_json, left_out)}, as_json)


@app.command()
def evaluate(
    run: RunFolder,
    data: DataOption,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; RUN/report by default.")] = None,
    as_json: Json = False,
) -> None:
    """Measure every protocol through the code that serves; write report.json, report.md and pictures.

    Example: signtalk evaluate runs/first --data ~/signtalk-gh
    """
    from signtalk.data.manifest import load_manifest
    from signtalk.evaluation.protocols import evaluate as run_evaluation
    from signtalk.evaluation.report import closing_summary, report_json, report_markdown, write_report
    from signtalk.training.run import Run

    opened, manifest = Run.open(run), load_manifest(data)
    recognizer = opened.recognizer(opened.index(), opened.decision())
    store = opened.store(manifest)
    report = run_evaluation(recognizer, manifest, opened.split(manifest), store)
    written = write_report(report, out or run / "report")
    left_out = tell_left_out((*manifest.problems, *store.problems), as_json)
    if as_json:
        print_json({**report_json(report), "left_out": left_out})
        return
    out_console.print(report_markdown(report, "Evaluation"), markup=False, soft_wrap=True)
    out_console.print(closing_summary(written))


@app.command()
def recognize(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP...", help="Videos, or landmark files (.npz, .npy).")],
    run: RunOption = None,
    bundle: BundleOption = None,
    variant: VariantOption = "fp32",
    index: IndexOption = None,
    calibration: Annotated[Path | None, typer.Option(help="Decide by this file of `signtalk calibrate`.")] = None,
    references: ReferencesOption = "",
    fps: Fps = 30.0,
    smoothing_alpha: SmoothingAlpha = 0.2,
    prototype_gate: Annotated[bool, typer.Option(help="Decide as the prototype did, for comparison.")] = False,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Recognise clips: the sentence, or "not sure" with the reason.

    Example: signtalk recognize clip.mp4 --bundle sign_encoder_bundle.zip
    """
    from signtalk.errors import ClipError
    from signtalk.extraction.worker import ClipReader, GuardConfig
    from signtalk.recognition.decision import read_decision
    from signtalk.recognition.recognizer import DecisionConfig

    answers: dict[str, Recognition | None] = {}
    with (
        opened(run, bundle, index, variant) as own,
        over_references(own, references) as recognizer,
        ClipReader(GuardConfig(), fps, smoothing_alpha) as reader,
    ):
        if calibration is not None:
            recognizer.decision = read_decision(calibration, own.index.encoder_id)
        if prototype_gate:
            decoding = recognizer.decision.decoding  # its longest text is the decoder's
            recognizer.decision = DecisionConfig.prototype().model_copy(update={"decoding": decoding})
        for path in clips:
            try:
                answers[str(path)] = recognizer.recognize([reader.read(path)])[0]
            except ClipError as error:
                named = str(error) if str(path) in str(error) else f"{path}: {error}"
                if strict or len(clips) == 1:
                    raise ClipError(named) from error
                print_error(f"left out: {named}")
                answers[str(path)] = None
    answered = {path: answer for path, answer in answers.items() if answer}
    if as_json:
        print_json({path: answer.to_json() if answer else None for path, answer in answers.items()})
    elif answered:
        _print_answers(answered)
    if not answered:
        raise ClipError(f"none of the {len(clips)} clips could be used; the lines above say why")


@app.command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the clips shall mean, in your own words.")],
    run: RunOption = None,
    bundle: BundleOption = None,
    index: IndexOption = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many clips.")] = 5,
    category: Annotated[list[str] | None, typer.Option(help="Only clips of this category; repeat for several.")] = None,
    as_json: Json = False,
) -> None:
    """Find the indexed clips that mean a text, nearest first.

    Example: signtalk search "where does it hurt" --bundle sign_encoder_bundle.zip
    """
    from signtalk.errors import ArtifactError
    from signtalk.index.text_search import NO_TEXT_ENCODER, search_clips

    with opened(run, bundle, index) as recognizer:
        space = recognizer.text_space
        if space is None:
            raise ArtifactError(f"{run or bundle}: {NO_TEXT_ENCODER}")
        (hits,) = search_clips(recognizer.index, space.embed([text]), k, category or ())
        unknown = space.unknown_words(text)
    if as_json:
        print_json({"text": text, "unknown_words": unknown, "clips": [hit.to_json() for hit in hits]})
        return
    if unknown:
        print_error(f"not understood: {', '.join(unknown)} (the model never learned it)")
    _print_hits(text, hits)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything.")] = Path("runs/demo"),
    small: Annotated[bool, typer.Option(help="A few sentences and epochs, to see that it runs.")] = False,
    as_json: Json = False,
) -> None:
    """The whole story on made-up clips: check, pack, train, index, evaluate, recognise, export.

    Example: signtalk demo --out runs/demo
    """
    from signtalk.cli.demo import FULL, SMALL, run_demo
    from signtalk.evaluation.report import closing_summary, report_json, report_markdown

    console = Console(stderr=True) if as_json else out_console
    result = run_demo(out, SMALL if small else FULL, console.print, progress=not as_json)
    if as_json:
        answers = {kind: answer.to_json() for kind, answer in result.answers.items()}
        same = result.same_without_torch
        print_json({"report": report_json(result.report), "answers": answers, "same_without_torch": same})
        return
    out_console.print(report_markdown(result.report, "Demo: made-up signers"), markup=False, soft_wrap=True)
    _print_answers(result.answers)
    out_console.print(f"the bundle answers the same without torch: {'yes' if result.same_without_torch else 'NO'}")
    out_console.print(closing_summary(result.paths))


def _in_json(as_json: bool, left_out: list[dict[str, str]]) -> dict[str, Any]:
    """What the JSON document says besides; people have read it on standard error."""
    return {"left_out": left_out} if as_json else {}


def _print_answers(answers: dict[str, Recognition]) -> None:
    from rich.table import Column, Table

    answer_column = Column("answer", overflow="fold", min_width=24)  # the reason of a refusal is never cut off
    table = Table("clip", answer_column, "confidence", "best candidate", "translation", title="Answers")
    for name, answer in answers.items():
        said = answer.text or f"not sure ({answer.reason})"
        if answer.outcome == "choices":
            said = "one of these? " + " / ".join(choice.sentence for choice in answer.choices)
        said += " (translated)" if answer.text_source == "translation" else ""
        said += " (no clip of it, only written)" if answer.sentence and not answer.candidates[0].num_references else ""
        best = answer.candidates[0].sentence if answer.candidates else "-"
        table.add_row(name, said, f"{answer.confidence:.2f}", best, answer.translation or "-")
    out_console.print(table)


def _print_hits(text: str, hits: tuple[ClipHit, ...]) -> None:
    from rich.table import Table

    table = Table(
        "",
        "clip",
        "sentence",
        "category",
        "similarity",
        title=f"Clips for '{text[:60]}{'...' if len(text) > 60 else ''}'",
    )
    for hit in hits:
        table.add_row(str(hit.rank), hit.clip_id, hit.sentence, hit.category or "-", f"{hit.similarity:.2f}")
    out_console.print(table)
