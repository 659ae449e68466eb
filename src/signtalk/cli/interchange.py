"""`signtalk import` and `signtalk export-clips`: clips of other tools in, clips for other tools out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signtalk.cli.console import ProgressBar, show, tell_left_out, tell_notes
from signtalk.cli.options import Folder, Json, Strict, not_nan

Kind = Annotated[str, typer.Option("--format", help="pose, json, mp-data or parquet.")]


def import_command(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder of another tool's clips.")],
    form: Kind,
    out: Annotated[Path, typer.Option(help="Data folder to make or to go on with.")],
    metadata: Annotated[
        Path | None,
        typer.Option(help="CSV or .xlsx: path, sentence, and perhaps sentence_id, signer, category, fps, aspect ..."),
    ] = None,
    fps: Annotated[
        float, typer.Option(min=1, max=1000, callback=not_nan, help="Frame rate where neither file nor CSV tells it.")
    ] = 30.0,
    aspect: Annotated[
        float | None,
        typer.Option(min=0.11, max=9.9, callback=not_nan, help="Image width / height where nothing tells it."),
    ] = None,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Make a data folder of .pose, MediaPipe JSON, MP_Data or Parquet clips.

    Texts are those of --metadata, else of metadata.csv (or .xlsx) or train.csv in SOURCE, else the names of the
    clips' folders. Goes on where it was when it is started again.

    Example: signtalk import MP_Data --format mp-data --aspect 1.333 --out data
    """
    from signtalk.data.formats import format_named
    from signtalk.data.interchange import Unknowns, import_clips

    kind = format_named(form)
    with ProgressBar("importing", hidden=as_json) as bar:
        before: list[str] = []
        done = import_clips(
            source, out, kind, metadata, Unknowns(fps, aspect), strict, bar,
            tell=lambda note: before.extend(tell_notes([note], as_json)),
        )  # fmt: skip
    tell_notes((note for note in done.notes if note not in before), as_json)
    left_out = tell_left_out(done.problems, as_json)
    shown = {"table": str(done.table), "clips": done.num_clips}
    show(shown | ({"left_out": left_out, "notes": list(done.notes)} if as_json else {}), as_json)


def export_clips(
    folder: Folder,
    form: Kind,
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Write the clips of a data folder for another tool; metadata.csv beside them says what they are.

    Example: signtalk export-clips data --format pose --out poses
    """
    from signtalk.data.formats import format_named
    from signtalk.data.interchange import export_clips as write_clips
    from signtalk.data.manifest import load_manifest

    kind, manifest = format_named(form), load_manifest(folder, strict=strict)
    with ProgressBar("exporting", hidden=as_json) as bar:
        done = write_clips(manifest, out, kind, strict, bar)
    left_out = tell_left_out((*manifest.problems, *done.problems), as_json)
    shown = {"table": str(done.table), "clips": done.num_clips}
    show(shown | ({"left_out": left_out} if as_json else {}), as_json)
