"""The command line: each command parses, calls the front door and prints. Heavy imports happen inside the commands."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from signtalk.cli.bundle import bundle_app, export, new
from signtalk.cli.calibrate import calibrate
from signtalk.cli.clinic import clinic, doctor
from signtalk.cli.collection import carry, collection_app
from signtalk.cli.console import out_console, print_error
from signtalk.cli.data import data_app
from signtalk.cli.demo import demo
from signtalk.cli.enrol import enroll, forget, list_command
from signtalk.cli.evaluate import evaluate
from signtalk.cli.extract import extract, models_app
from signtalk.cli.index import index
from signtalk.cli.interchange import export_clips, import_command
from signtalk.cli.play import play
from signtalk.cli.pretrain import adapt, pretrain
from signtalk.cli.recognize import recognize
from signtalk.cli.record import record
from signtalk.cli.references import pack
from signtalk.cli.search import search
from signtalk.cli.segment import fit_segmenter, segment
from signtalk.cli.serve import serve
from signtalk.cli.signer import signer_app
from signtalk.cli.stress import stress
from signtalk.cli.train import train
from signtalk.errors import EXTRA_OF, SignTalkError, missing_extra
from signtalk.threads import wait_passively
from signtalk.version import VERSION

app = typer.Typer(
    help="SignTalk: from a signed sentence to text, or an honest 'not sure'.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
# In the order of `signtalk --help`: the story of a data set, then of a model, then of a clinic.
app.command()(demo)
app.command()(record)
app.command()(extract)
app.command("import")(import_command)
app.command("export-clips")(export_clips)
app.add_typer(data_app, name="data")
app.command()(pretrain)
app.command()(adapt)
app.command()(train)
app.command()(index)
app.command()(evaluate)
app.command()(stress)
app.command()(calibrate)
app.command()(recognize)
app.add_typer(signer_app, name="signer")
app.command()(search)
app.command()(segment)
app.command()(play)
app.command()(new)
app.command()(enroll)
app.command()(forget)
app.command("list")(list_command)
app.command()(carry)
app.add_typer(collection_app, name="collection")
app.command()(export)
app.add_typer(bundle_app, name="bundle")
app.command()(serve)
app.command()(clinic)
app.command()(doctor)
app.command()(pack)
app.command("fit-segmenter")(fit_segmenter)
app.add_typer(models_app, name="models")


def main() -> None:
    """Entry point: one line and exit code 2 for whatever the world did wrong."""
    wait_passively()
    try:
        app()
    except SignTalkError as error:
        print_error(f"signtalk: {error}")
        sys.exit(2)
    except OSError as error:  # such as a disk that is full where nobody foresaw it
        where = f"{error.filename}: " if error.filename else ""
        print_error(
            f"signtalk: {where}cannot be read or written ({error.strerror or error}); check the path and the disk"
        )
        sys.exit(2)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in EXTRA_OF:
            raise
        print_error(f"signtalk: {missing_extra(error, 'this command')}")
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        out_console.print(VERSION, highlight=False)
        raise typer.Exit
