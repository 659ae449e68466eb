"""`signtalk export` and `signtalk bundle`: from a run to what is shipped, and what is shipped looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signtalk.cli.console import out_console, print_error, print_json, show, tell_left_out
from signtalk.cli.options import CalibrationOption, Json, OnlyOwnOption, PolicyOption, RunFolderArgument

if TYPE_CHECKING:
    from signtalk.export.run import Exported

bundle_app = typer.Typer(help="Look at an exported bundle.", no_args_is_help=True)
_Bundle = Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle: a zip, or a folder with its files.")]


def export(
    run: RunFolderArgument,
    out: Annotated[Path, typer.Option(help="Folder of the exported files.")],
    data: Annotated[
        Path | None,
        typer.Option(
            help="The data folder that the run was trained on: to show signs and to measure smaller encoders."
        ),
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the model, such as cc-by-4.0; not stated by default.")] = "",
    signs: Annotated[
        bool, typer.Option(help="Ship how each sentence is signed, as skeletons of the real clips; needs --data.")
    ] = True,
    weights: Annotated[bool, typer.Option(help="Ship the checkpoint as well, to train on.")] = False,
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Export a run: ONNX, TorchScript, configuration, model card and one bundle zip; refused unless all agree.

    Example: signtalk export runs/first --data ~/signtalk-gh --licence cc-by-nc-4.0 --out shipped
    """
    import signtalk

    exported = signtalk.Run(run, data).export(out, licence=licence, signs=signs, weights=weights, policy=policy)
    left_out = tell_left_out(exported.problems, as_json)
    if as_json:
        variants = exported.variants.model_dump(mode="json")
        told = {"variants": variants, "notes": exported.notes, "left_out": left_out}
        print_json({"bundle": str(exported.bundle), **told})
        return
    _print_export(exported, out)


def new(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The bundle to make, such as clinic.zip.")],
    as_json: Json = False,
) -> None:
    """Make a bundle that knows no sentence yet; teach it with `signtalk enroll`, or on the page of `signtalk serve`.

    Example: signtalk new clinic.zip
    """
    import signtalk

    show({"bundle": str(signtalk.new(out))}, as_json)
    if not as_json:
        next_step = f"next: signtalk enroll TEXT CLIP... --bundle {out} --index FOLDER"
        out_console.print(next_step, markup=False, highlight=False, soft_wrap=True)


@bundle_app.command("verify")
def bundle_verify(bundle: _Bundle, as_json: Json = False) -> None:
    """Check a bundle's entries, hashes and version, and replay its golden clips.

    Example: signtalk bundle verify sign_encoder_bundle.zip
    """
    from signtalk.bundle.bundle import verify_bundle

    differences = verify_bundle(bundle)
    if as_json:
        print_json({"verified": str(bundle), "largest_differences": differences})
        return
    show({"verified": str(bundle)}, as_json)
    show({f"largest difference of {name}": f"{value:.1e}" for name, value in differences.items()}, as_json)


@bundle_app.command("unpack")
def bundle_unpack(
    bundle: Annotated[Path, typer.Argument(metavar="ZIP", help="The bundle.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder.")],
    as_json: Json = False,
) -> None:
    """Unpack a bundle safely: a folder that commands take for a bundle, and that can be pushed to a model hub.

    Example: signtalk bundle unpack sign_encoder_bundle.zip my-model
    """
    from signtalk.bundle.bundle import unpack_bundle
    from signtalk.evaluation.report import closing_summary

    files = unpack_bundle(bundle, folder)
    if as_json:
        print_json({"folder": str(folder), "files": [str(file.relative_to(folder.absolute())) for file in files]})
        return
    out_console.print(closing_summary(files))


@bundle_app.command("web")
def bundle_web(
    bundle: _Bundle,
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the page; an earlier page there is replaced.")],
    models: Annotated[
        Path | None, typer.Option(help="Landmarker models (.task); those of `signtalk models install` by default.")
    ] = None,
    only_own: OnlyOwnOption = False,
    calibration: CalibrationOption = None,
    as_json: Json = False,
) -> None:
    """Write a page that recognises in the browser, without a connection: a folder for any web server.

    Example: signtalk bundle web sign_encoder_bundle.zip page && python -m http.server --directory page
    """
    from signtalk.bundle.bundle import open_bundle
    from signtalk.bundle.web import export_web

    with open_bundle(bundle) as opened_bundle:
        decided = opened_bundle.decided_by(calibration)
        done = export_web(decided.without_sentences() if only_own else decided, out, models)
    told = {"page": str(out), "files": done.num_files, "bytes": done.num_bytes, "golden_clips": done.num_golden}
    show(told, as_json)


def _print_export(exported: Exported, out: Path) -> None:
    from signtalk.evaluation.report import closing_summary

    for note in exported.notes:
        print_error(note)
    out_console.print(closing_summary(sorted(out.iterdir())))
    out_console.print(_variant_table(exported))
    for name, reason in exported.variants.left_out.items():
        print_error(f"no {name} encoder: {reason}")


def _variant_table(exported: Exported) -> Any:
    from rich.table import Table

    found = exported.variants
    clips = f"R@1 on {found.num_clips} clips" if found.num_clips else "R@1"
    table = Table("encoder", "bytes", clips, "points lost", "", title="Encoders")
    full = "-" if found.recall_at_1 is None else f"{found.recall_at_1:.3f}"
    rows = [("fp32", found.num_bytes, full, "0")]
    rows += [(name, v.num_bytes, f"{v.recall_at_1:.3f}", f"{v.loss:.2f}") for name, v in found.made.items()]
    for name, size, recall, loss in rows:
        table.add_row(name, f"{size:,}", recall, loss, "offered" if name == found.offered else "")
    return table
