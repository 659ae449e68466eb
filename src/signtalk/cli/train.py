"""`signtalk train`: a model from the training clips of a split."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from signtalk.cli.console import INTERRUPTED, in_json, print_error, show, tell_left_out, tell_notes
from signtalk.cli.options import Folder, Json, Strict


def train(
    folder: Folder,
    split: Annotated[Path, typer.Option(help="Split file of `signtalk data split`.")],
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="default, base, body, prototype, gru, transformer or tiny; of none, that of --init, else base where "
            "its encoder fits settings and clips, else default."
        ),
    ] = None,
    init: Annotated[
        str | None, typer.Option(help="Start from this encoder: base, a run, a bundle with weights, a checkpoint.")
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Change a setting: section.key=value.")] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on with the run in --out; optimiser.epochs may be more than it was begun with.")
    ] = False,
    devices: Annotated[int, typer.Option(min=1, help="Processes; 2 or more train with DDP.")] = 1,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Train a model on the `train` clips of a split, choosing the best epoch on its `val` clips.

    Example: signtalk train ~/signtalk-gh --split split.json --out runs/first --set optimiser.epochs=60
    """
    import signtalk

    first = int(os.environ.get("LOCAL_RANK", "0")) == 0
    try:
        run = signtalk.train(
            folder, out, recipe=recipe, init=init, split=split, settings=settings or (), resume=resume, devices=devices,
            strict=strict, progress=not as_json,
        )  # fmt: skip
    except KeyboardInterrupt:
        if first:
            print_error(f"signtalk: stopped; go on with --resume (the run is in {out})")
        raise typer.Exit(INTERRUPTED) from None
    result = run.result
    if first and result is not None:
        values = {"best": str(result.best), "epochs": result.epochs, "best_epoch": result.best_epoch}
        values |= {"recipe": result.recipe} if as_json else {}
        values |= {"note": result.note} if result.note and as_json else {}
        left_out, notes = tell_left_out(run.left_out, as_json), tell_notes(run.notes, as_json)
        besides = {**in_json(as_json, left_out), **({"notes": notes} if as_json else {})}
        show({**values, "val_retrieval_mrr": result.best_score, **besides}, as_json)
        if not as_json:
            show({"next": result.next_command}, as_json)
