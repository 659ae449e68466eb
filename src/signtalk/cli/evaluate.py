"""`signtalk evaluate`: every protocol, measured through the code that serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signtalk.cli.console import out_console, print_json, show, tell_left_out, tell_notes
from signtalk.cli.options import DataOption, Json, RunFolderArgument


def evaluate(
    run: RunFolderArgument,
    data: DataOption,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; RUN/report by default.")] = None,
    signer_sentences: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help="Ask the test signers once more, after so many of their sentences are known; may be repeated.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure every protocol through the code that serves; write report.json, report.html and pictures.

    Example: signtalk evaluate runs/first --data ~/signtalk-gh --signer-sentences 10
    """
    import signtalk
    from signtalk.evaluation.report import closing_summary, report_json, report_markdown

    evaluated, folder = signtalk.Run(run, data), out or run / "report"
    report = evaluated.evaluate(folder, signer_sentences=signer_sentences or ())
    left_out, notes = tell_left_out(evaluated.left_out, as_json), tell_notes(evaluated.notes, as_json)
    if as_json:
        print_json({**report_json(report), "left_out": left_out, "notes": notes})
        return
    out_console.print(report_markdown(report, "Evaluation"), markup=False, soft_wrap=True)
    out_console.print(closing_summary(sorted(folder.iterdir()), with_pictures=True))
    show({"next": f"signtalk export {run} --data {data} --out shipped"}, as_json)
