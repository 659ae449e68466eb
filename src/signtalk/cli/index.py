"""`signtalk index`: the references of a run, and the numbers by which it decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signtalk.cli.calibrate import print_fit
from signtalk.cli.console import in_json, print_error, print_json, show, tell_left_out, tell_notes
from signtalk.cli.options import DataOption, Json, RunFolderArgument, not_nan


def index(
    run: RunFolderArgument,
    data: DataOption,
    precision: Annotated[
        float, typer.Option(min=0.5, max=1.0, callback=not_nan, help="Precision that the gate shall keep.")
    ] = 0.98,
    written: Annotated[
        Path | None,
        typer.Option(help="Sentences that nobody has signed: one a line, or a table with sentence, sentence_id ..."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Index a run's training clips; fit scores and gate on its validation clips.

    With --written sentences are recognised of which there is no clip.

    Example: signtalk index runs/first --data ~/signtalk-gh --written sentences.txt
    """
    import signtalk

    indexed = signtalk.Run(run, data)
    report = indexed.index(precision=precision, written=written)
    left_out = tell_left_out(indexed.left_out, as_json)
    notes = tell_notes((*indexed.notes, *report.notes), as_json)
    if as_json:
        print_json({**report.to_dict(), **in_json(as_json, left_out), "notes": notes})
        return
    show({"clips indexed": report.num_references, "sentences": report.num_sentences}, as_json)
    if report.writing is not None and report.writing.unknown_words:
        print_error(f"written, though words of them are unknown: {'; '.join(report.writing.unknown_words)}")
    print_fit(indexed.decision(), report.fit, "What the validation clips say")
    show({"next": f"signtalk evaluate {run} --data {data}"}, as_json)
