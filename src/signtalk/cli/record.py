"""`signtalk record`: a page that leads people through a list of sentences, and fills a data folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signtalk.cli.clinic import Models
from signtalk.cli.console import print_error
from signtalk.cli.serve import add_told_page, until_ended

if TYPE_CHECKING:
    from signtalk.service.model import ServiceModel
    from signtalk.service.recorder import KnownSign
    from signtalk.service.recording import Prompt


def record(
    sentences: Annotated[
        Path, typer.Argument(metavar="SENTENCES", help="A table with a column of sentences, or a .txt with one a line.")
    ],
    out: Annotated[Path, typer.Option(help="Data folder to fill; another day goes on in it.")],
    takes: Annotated[int, typer.Option(min=1, max=50, help="Of each sentence and person.")] = 3,
    form: Annotated[
        Path | None, typer.Option(help="Text of the consent form, kept beside the clips; a plain one by default.")
    ] = None,
    videos: Annotated[
        bool, typer.Option("--videos", help="Keep the pictures too, of those who allow it; they stay in the folder.")
    ] = False,
    signs: Annotated[
        Path | None, typer.Option(help="Bundle that shows how sentences are signed; without one the text prompts.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the page on this machine.")] = 8001,
    models: Models = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Record people who sign a list of sentences, on this machine alone; Control-C ends it. Needs the extra `serve`.

    Landmarks are kept, with --videos also the pictures of those who allow it. The folder is ready for
    `signtalk data check` and `signtalk train`.

    Example: signtalk record sentences.xlsx --out my-signs
    """
    from signtalk.bundle.base import base_path
    from signtalk.service.app import create_app
    from signtalk.service.consents import form_text
    from signtalk.service.listening import check_address
    from signtalk.service.recorder import RECORDER_PAGE, add_recorder
    from signtalk.service.recording import RecordingFolder, read_prompts
    from signtalk.service.run import serve as run
    from signtalk.service.settings import ServiceSettings

    check_address("127.0.0.1", port)
    recording = RecordingFolder(out, read_prompts(sentences), form_text(form, videos), videos)
    settings = ServiceSettings(hosts=("localhost", "127.0.0.1"))
    with recording.held(), until_ended(signs or base_path(), settings) as served:
        app = create_app(served, settings)
        add_recorder(app, recording, takes, _known_signs(served, recording.prompts))
        add_told_page(app, models)
        print_error(f"{len(recording.prompts)} sentences; {recording.num_takes} takes are in {out}")
        print_error(f"the page: http://localhost:{port}/{RECORDER_PAGE}  (Control-C ends it)")
        run(app, "127.0.0.1", port, None, RECORDER_PAGE if open_page else None)


def _known_signs(model: ServiceModel, prompts: tuple[Prompt, ...]) -> dict[int, KnownSign]:
    """By the number of a prompt: how the bundle's signers make it, where the bundle tells that."""
    from signtalk.data.records import text_key

    ids = {entry.text_key: entry.sentence_id for entry in model.recognizer.index.entries}
    named = ((number, ids.get(text_key(prompt.sentence), "")) for number, prompt in enumerate(prompts))
    return {number: partial(model.sign, sentence_id) for number, sentence_id in named if sentence_id}
