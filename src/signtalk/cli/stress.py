"""`signtalk stress`: what a model answers to clips that it must not fall for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from signtalk.cli.console import ProgressBar, open_model, out_console, print_json, tell_left_out, tell_notes
from signtalk.cli.options import Folder, Json, ModelOptions, grouped

if TYPE_CHECKING:
    from signtalk.data.manifest import Manifest
    from signtalk.data.splits import Split


@grouped
def stress(
    data: Folder,
    which: ModelOptions,
    split: Annotated[
        Path | None, typer.Option(help="Split that says whose clips a bundle may be asked; a run has its own.")
    ] = None,
    role: Annotated[
        Literal["test", "test_new_clip", "val"], typer.Option(help="Whose clips are the known ones.")
    ] = "test",
    other: Annotated[Path | None, typer.Option(help="Data folder of another language, to be refused.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; RUN/stress by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most clips of each case.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn by chance.")] = 0,
    as_json: Json = False,
) -> None:
    """Ask what a model must not fall for: unknown and half sentences, near misses, scratching, bad cameras and more.

    Writes stress.json, stress.md and pictures.

    Example: signtalk stress ~/signtalk-gh --run runs/first
    """
    from signtalk.data.manifest import load_manifest
    from signtalk.errors import ConfigError
    from signtalk.evaluation.report import closing_summary
    from signtalk.evaluation.stress import stress as ask
    from signtalk.evaluation.stress_report import stress_json, stress_markdown, write_stress
    from signtalk.evaluation.stress_sources import choose_sources

    if which.run is not None and split is not None:
        raise ConfigError("--split is for a bundle; a run is asked by the split that it was trained on")
    folder = out or (which.run / "stress" if which.run is not None else None)
    if folder is None:
        raise ConfigError("give --out: a folder for the report")
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: a file; give --out a folder for the report")
    manifest = load_manifest(data)
    foreign = load_manifest(other) if other is not None else None
    with open_model(which) as model, ProgressBar("asking", hidden=as_json) as bar:
        chosen = _split(which.run, split, manifest)
        sources = choose_sources(manifest, chosen, model.recognizer.index, role, foreign, limit, seed)
        report = ask(model.recognizer, sources, bar)
    written = write_stress(report, folder)
    left_out = tell_left_out(manifest.problems, as_json)
    notes = tell_notes((*manifest.notes, *(foreign.notes if foreign is not None else ())), as_json)
    if as_json:
        asked = stress_json(report)
        print_json({**asked, "left_out": left_out, "notes": [*asked["notes"], *notes]})
        return
    out_console.print(stress_markdown(report), markup=False, soft_wrap=True)
    out_console.print(closing_summary(written, with_pictures=True))


def _split(run: Path | None, path: Path | None, manifest: Manifest) -> Split | None:
    from signtalk.data.splits import Split

    if run is not None:
        from signtalk.training.names import SPLIT_NAME

        path = run / SPLIT_NAME
    return None if path is None else Split.load(path, manifest)
