"""`signtalk signer`: how one person signs, learned from a few known sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signtalk.cli.console import existing, open_model, out_console, print_json, show
from signtalk.cli.options import Folder, IndexOption, Json, ModelOptions, grouped

signer_app = typer.Typer(help="Learn how one person signs from a few known sentences.", no_args_is_help=True)


@signer_app.command("ask")
@grouped
def ask(
    which: ModelOptions,
    index: IndexOption = None,
    signed: Annotated[
        list[str] | None, typer.Option(help="A sentence that the person signed already; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    as_json: Json = False,
) -> None:
    """Tell which known sentences a new person shall sign first, so that few of them tell most.

    Example: signtalk signer ask --bundle sign_encoder_bundle.zip --limit 5
    """
    with open_model(which, index=existing(index)) as model:
        sentences = model.next_sentences(signed or (), limit)
    if as_json:
        print_json({"sentences": list(sentences)})
        return
    for number, sentence in enumerate(sentences, 1):
        out_console.print(f"{number:3}  {sentence}", markup=False, highlight=False)


@signer_app.command("learn")
@grouped
def learn(
    data: Folder,
    which: ModelOptions,
    out: Annotated[Path, typer.Option(help="File to write, for `--signer` of other commands.")],
    signer: Annotated[str, typer.Option(help="Who of DIR, where it holds several.")] = "",
    index: IndexOption = None,
    as_json: Json = False,
) -> None:
    """Learn how a person signs from a data folder of their clips. Nothing is trained, and the model stays as it is.

    Five to twenty clips of different known sentences are best. The file is this person's alone: delete it to forget.

    Example: signtalk signer learn ~/anna --bundle sign_encoder_bundle.zip --out anna.npz
    """
    with open_model(which, index=existing(index)) as model:
        learned = model.learn_signer(data, signer=signer)
    learned.save(out)
    show({"signer": str(out), "clips": learned.num_clips}, as_json)
