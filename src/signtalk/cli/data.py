"""`signtalk data ...`: look at a data folder and prepare it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from signtalk.cli.console import ProgressBar, out_console, print_error, print_json, show, tell_left_out, tell_notes
from signtalk.cli.options import Folder, Json, Strict
from signtalk.errors import checked

data_app = typer.Typer(help="Look at a data folder and prepare it.", no_args_is_help=True)


@data_app.command("check")
def data_check(folder: Folder, strict: Strict = False, as_json: Json = False) -> None:
    """Validate every clip of a data folder and report on it.

    Writes report and plots into DIR/.signtalk; a run that was interrupted goes on where it was.

    Example: signtalk data check ~/signtalk-gh
    """
    from signtalk.data.check import check_folder
    from signtalk.data.report import write_check
    from signtalk.errors import DataError

    with ProgressBar("checking", hidden=as_json) as bar:
        report = check_folder(folder, strict=strict, progress=bar)
    if as_json:
        print_json(report.to_dict())
    else:
        out_console.print(report.to_table())
        for problem in report.problems:
            out_console.print(f"{problem.kind}: {problem.clip_id}: {problem.message}", markup=False, soft_wrap=True)
    try:
        written = write_check(report, folder)
    except DataError as error:  # a folder that may only be read can be checked all the same
        print_error(f"not written: {error}")
        return
    if not as_json:
        out_console.print(f"written: {', '.join(map(str, written))}", markup=False, highlight=False, soft_wrap=True)


@data_app.command("pack")
def data_pack(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Folder of the store.")],
    recipe: Annotated[str, typer.Option(help="Recipe whose features are packed.")] = "default",
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Normalise all clips once into one memory-mapped store.

    Example: signtalk data pack ~/signtalk-gh --out store
    """
    from signtalk.data.manifest import load_manifest
    from signtalk.data.packed import pack_clips
    from signtalk.training.recipe import Recipe

    manifest = load_manifest(folder, strict=strict)
    notes = tell_notes(manifest.notes, as_json)
    with ProgressBar("packing", hidden=as_json) as bar:
        store = pack_clips(manifest.records, Recipe.named(recipe).features, out, strict=strict, progress=bar)
    left_out = [vars(problem) for problem in (*manifest.problems, *store.problems)]
    shown = {"clips": len(store.clips), "frames": len(store.rows), "left_out": left_out, "store": str(out)}
    show(shown | ({"notes": notes} if as_json else {}), as_json)


@data_app.command("synthesize")
def data_synthesize(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the made-up data set.")],
    sentences: Annotated[int, typer.Option(help="How many sentences.")] = 120,
    signers: Annotated[int, typer.Option(help="How many signers.")] = 5,
    signs: Annotated[int, typer.Option(help="Draw a language of so many signs (20-7000); 0 = the small lexicon.")] = 0,
    seed: Annotated[int, typer.Option(help="Other seed, other people.")] = 0,
    prototype: Annotated[bool, typer.Option(help="Write files of the prototype's form.")] = False,
    as_json: Json = False,
) -> None:
    """Make up clips of signers who do not exist.

    Example: signtalk data synthesize made-up --sentences 40
    """
    from signtalk.synthetic.dataset import SyntheticConfig, write_dataset

    config = checked(
        lambda: SyntheticConfig(num_sentences=sentences, drawn_signs=signs, num_signers=signers, seed=seed)
    )
    with ProgressBar("rendering", hidden=as_json) as bar:
        table = write_dataset(out, config, "prototype" if prototype else "clips", bar)
    show({"table": str(table)}, as_json)


@data_app.command("split")
def data_split(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="The split file to write.")],
    test_signer: Annotated[list[str] | None, typer.Option(help="Signer to test on; repeat for several.")] = None,
    val_signer: Annotated[list[str] | None, typer.Option(help="Signer to choose and calibrate on.")] = None,
    val_fraction: Annotated[
        float | None, typer.Option(help="Share of clips for validation without --val-signer; a tenth by default.")
    ] = None,
    new_clip_fraction: Annotated[float | None, typer.Option(help="Share of clips that test known signers.")] = None,
    holdout_sentences: Annotated[float | None, typer.Option(help="Share of sentences kept out of training.")] = None,
    test_size: Annotated[
        float | None, typer.Option(help="Share of sentences that are tested under unseen_sentence.")
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="unseen_signer (default) or unseen_sentence.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the draw.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace another file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Give every clip its role, once, in a hashed file.

    Example: signtalk data split ~/signtalk-gh --test-signer E --holdout-sentences 0.1 --out split.json
    """
    from signtalk.data.manifest import load_manifest
    from signtalk.data.roles import SplitConfig
    from signtalk.data.splits import make_split

    options: dict[str, Any] = {
        "protocol": protocol, "test_signers": tuple(test_signer or ()), "val_signers": tuple(val_signer or ()),
        "val_fraction": val_fraction, "new_clip_fraction": new_clip_fraction, "test_size": test_size,
        "holdout_sentences": holdout_sentences, "seed": seed,
    }  # fmt: skip
    given = {name: value for name, value in options.items() if value is not None}  # the defaults are SplitConfig's
    manifest = load_manifest(folder)
    split = make_split(manifest, checked(lambda: SplitConfig.model_validate(given)))
    split.save(out, replace=force)
    left_out = tell_left_out(manifest.problems, as_json)
    notes = tell_notes(manifest.notes, as_json)
    shown: dict[str, Any] = {"split": str(out), "hash": split.hash, **{k: v for k, v in split.counts.items() if v}}
    show(shown | ({"left_out": left_out, "notes": notes} if as_json else {}), as_json)


@data_app.command("stats")
def data_stats(
    folder: Folder,
    split: Annotated[Path, typer.Option(help="Split file; its training clips alone are counted.")],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("global_stats.npz"),
    as_json: Json = False,
) -> None:
    """Write global_stats.npz of the prototype's 540 columns over the training clips of a split.

    Example: signtalk data stats ~/signtalk-gh --split split.json --out global_stats.npz
    """
    from signtalk.data.global_stats import write_global_stats
    from signtalk.data.manifest import load_manifest
    from signtalk.data.splits import Split

    manifest = load_manifest(folder)
    notes = tell_notes(manifest.notes, as_json)
    records = Split.load(split, manifest).records(manifest, "train")
    shown = {"stats": str(write_global_stats(folder, records, out)), "clips": len(records)}
    show(shown | ({"notes": notes} if as_json else {}), as_json)
