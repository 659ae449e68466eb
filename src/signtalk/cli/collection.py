"""`signtalk carry` and `signtalk collection`: what was taught outlives the model, and moves to other machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from signtalk.cli.console import open_model, print_json, show, tell_left_out
from signtalk.cli.options import Json, ModelOptions, grouped

collection_app = typer.Typer(help="What was taught as one file, for backup and other machines.", no_args_is_help=True)
_Index = Annotated[Path, typer.Argument(metavar="INDEX", help="Personal index of `signtalk enroll`.")]


@grouped
def carry(
    index: _Index,
    which: ModelOptions,
    out: Annotated[Path | None, typer.Option(help="A new folder to write to; INDEX stays as it is.")] = None,
    without_missing: Annotated[
        bool, typer.Option("--without-missing", help="Leave out what was taught without keeping its clips.")
    ] = False,
    backup: Annotated[bool, typer.Option(help="Keep the index as it was, beside the new one.")] = True,
    clips: Annotated[
        Path | None, typer.Option(help="Folder of the files that clips were taught from, where they were not kept.")
    ] = None,
    consent: Annotated[
        Literal["recognize", "train"] | None,
        typer.Option(help="What the signers of these agree to; then they are kept from now on.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Carry a personal index to another model: its kept clips are encoded again, all at once or not at all.

    Clips that were not kept, as of an index of older versions, come from the files that they were taught from.

    Example: signtalk carry ward-3 --bundle new_bundle.zip --clips ~/ward-3-clips --consent recognize
    """
    with open_model(which) as model:
        carried = model.carry(
            index, out=out, without_missing=without_missing, backup=backup, clips=clips, consent=consent or ""
        )
    left_out = tell_left_out(carried.left_out, as_json)
    if as_json:
        print_json({**carried.to_dict(), "left_out": left_out})
        return
    shown = {"index": carried.index, "sentences": len(carried.sentences), "clips": len(carried.clip_ids)}
    show(shown | ({"as it was before": carried.backup} if carried.backup else {}), as_json)


@collection_app.command("export")
def collection_export(
    index: _Index,
    out: Annotated[Path, typer.Argument(metavar="ZIP", help="The file to write.")],
    training: Annotated[bool, typer.Option("--training", help="Only clips whose signers agreed to training.")] = False,
    as_json: Json = False,
) -> None:
    """Write the kept clips of a personal index and what is told of them into one zip. Needs no model.

    Unpacked it is a data folder: `signtalk data check` and `train` take it. Its table lists the clips that may train.

    Example: signtalk collection export ward-3 ward-3.zip
    """
    from signtalk.bundle.collection import export_collection

    exported = export_collection(index, out, training)
    left_out = tell_left_out(exported.left_out, as_json)
    if as_json:
        print_json({**exported.to_dict(), "left_out": left_out})
        return
    show(
        {
            "collection": exported.path, "sentences": exported.num_sentences, "clips": exported.num_clips,
            "clips that may train": exported.num_training,
        },
        as_json,
    )  # fmt: skip


@collection_app.command("import")
@grouped
def collection_import(
    source: Annotated[Path, typer.Argument(metavar="ZIP", help="A collection: the zip, or its unpacked folder.")],
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="Personal index; made where it is not there.")],
    which: ModelOptions,
    as_json: Json = False,
) -> None:
    """Teach what a collection holds, all of it at once; clips that are there already stay as they are.

    Example: signtalk collection import ward-3.zip ward-4 --bundle sign_encoder_bundle.zip
    """
    with open_model(which, index=index) as model:
        imported = model.import_collection(source)
    left_out = tell_left_out(imported.left_out, as_json)
    if as_json:
        print_json({**imported.to_dict(), "left_out": left_out})
        return
    shown = {
        "index": imported.index, "sentences": len(imported.sentences), "new clips": len(imported.clip_ids),
        "there already": imported.num_known,
    }  # fmt: skip
    show(shown | ({"confirmed or corrected": imported.num_said} if imported.num_said else {}), as_json)
