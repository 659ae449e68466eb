"""`signtalk demo`: the whole story, told by `story`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from signtalk.cli.console import out_console, print_json
from signtalk.cli.options import Json
from signtalk.cli.recognize import print_answers


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything.")] = Path("runs/demo"),
    small: Annotated[bool, typer.Option(help="A few sentences and epochs, to see that it runs.")] = False,
    as_json: Json = False,
) -> None:
    """The whole story on made-up clips: check, pack, train, index, evaluate, recognise, export.

    Example: signtalk demo --out runs/demo
    """
    from signtalk.cli.story import FULL, SMALL, run_demo
    from signtalk.evaluation.report import closing_summary, report_json, report_markdown

    console = Console(stderr=True) if as_json else out_console
    result = run_demo(out, SMALL if small else FULL, console.print, progress=not as_json)
    if as_json:
        answers = {kind: answer.to_dict() for kind, answer in result.answers.items()}
        same = result.same_without_torch
        print_json({"report": report_json(result.report), "answers": answers, "same_without_torch": same})
        return
    out_console.print(report_markdown(result.report, "Demo: made-up signers"), markup=False, soft_wrap=True)
    print_answers(result.answers)
    out_console.print(f"the bundle answers the same without torch: {'yes' if result.same_without_torch else 'NO'}")
    out_console.print(closing_summary(result.paths, with_pictures=True))
    bundle = out / "export" / "sign_encoder_bundle.zip"
    for line in (
        "next:",
        f"  look at the figures       {out / 'report' / 'report.html'}",
        f"  recognise a clip          signtalk recognize {out / 'data' / 'clips'} --bundle {bundle}",
        f"  sign before your camera   signtalk serve {bundle} --open",
        "  teach signs of your own   make live",
        "  use your own clips        README.md, Commands by task",
    ):
        out_console.print(line, highlight=False, soft_wrap=True)
