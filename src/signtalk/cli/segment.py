"""`signtalk segment` finds sentences in a long clip; `signtalk fit-segmenter` fits its numbers on a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signtalk.cli.console import ProgressBar, out_console, print_json, show, tell_left_out, tell_notes
from signtalk.cli.options import Folder, Json, ReadingOptions, grouped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signtalk.data.manifest import Manifest, Problem
    from signtalk.landmarks.clip import LandmarkClip
    from signtalk.segmentation.segmenter import Span
    from signtalk.segmentation.streams import Recorded

_STREAMS_PER_SIGNER = 15
_CLIPS_PER_SIGNER, _RESTS_PER_SIGNER = 75, 30
"""As many as those streams use; a data folder may hold more than the memory does."""
_SEED = 0


@grouped
def segment(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="Video, or landmark file of any format.")],
    reading: ReadingOptions,
    settings: Annotated[
        Path | None, typer.Option(help="Numbers of `signtalk fit-segmenter`; the shipped ones by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for each sentence as a landmark file of its own.")] = None,
    as_json: Json = False,
) -> None:
    """Find the sentences in a long clip: when each begins and ends.

    Example: signtalk segment consultation.mp4 --out sentences
    """
    import signtalk
    from signtalk.segmentation.segmenter import SegmenterSettings

    numbers = SegmenterSettings.of(settings)
    # A film whole: its rests tell what signing is, and times are those of the film.
    read = signtalk.read_clip(clip, fps=reading.fps, smoothing_alpha=reading.smoothing_alpha, trim=False)
    notes = tell_notes(read.notes, as_json)
    spans = signtalk.segment(read, settings=numbers)
    files = _written(read, spans, out, clip.stem) if out else [None] * len(spans)
    if as_json:
        sentences = [span.to_dict() | {"file": file} for span, file in zip(spans, files, strict=True)]
        whole = spans.seen.activity
        activity = {"signing_s": whole.seconds, "signing_share": whole.share, "activity": whole.mean}
        whole_clip = {"clip": str(clip), "duration_s": read.duration_s, **activity, "seen": spans.seen.to_dict()}
        nothing = {"nothing_found": spans.nothing_found or None}
        print_json({**whole_clip, "sentences": sentences, **nothing, "notes": notes})
        return
    if not spans:
        out_console.print(f"{clip.name}: {spans.nothing_found}", soft_wrap=True)
        return
    _print_spans(clip.name, spans)
    if out and spans:
        out_console.print(f"written: {len(spans)} clips in {out}", soft_wrap=True)


def fit_segmenter(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="File to write, for `signtalk segment --settings`.")],
    test_signer: Annotated[
        list[str] | None, typer.Option(help="Measure on this signer instead of fitting; repeat for several.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit the segmenter on a data folder's clips, joined to streams with rest between; idle clips are its rests.

    Example: signtalk fit-segmenter ~/signtalk-gh --test-signer E --out segmenter.json
    """
    from signtalk.data.manifest import load_manifest
    from signtalk.errors import DataError
    from signtalk.segmentation.fit import fit_segmenter as fit_on
    from signtalk.segmentation.fit import measure_segmenter
    from signtalk.segmentation.streams import recorded_streams

    manifest = load_manifest(folder)
    held = set(test_signer or ())
    recorded, problems = _recorded(manifest, held, as_json)
    left_out = tell_left_out(problems, as_json)
    notes = tell_notes(manifest.notes, as_json)
    streams = {each.signer_id: recorded_streams(each, _SEED, _STREAMS_PER_SIGNER) for each in recorded if each.clips}
    if held - streams.keys():
        raise DataError(f"--test-signer {min(held - streams.keys())}: none of the signer's clips can be read")
    training = [stream for signer, each in streams.items() if signer not in held for stream in each]
    origin = f"signtalk fit-segmenter, {len(training)} streams of {len(streams.keys() - held)} signers"
    with ProgressBar("fitting", hidden=as_json) as bar:
        fit = fit_on(training, origin, bar)
    fit.settings.save(out)
    shown: dict[str, Any] = {"written": str(out), "f1_of_the_fit": round(fit.scores.boundary_f1(0.5), 3)}
    for signer in sorted(held):
        scores = measure_segmenter(streams[signer], fit.settings)
        shown[f"f1_of_{signer}"] = round(scores.boundary_f1(0.5), 3)
    show(shown | ({"left_out": left_out, "notes": notes} if as_json else {}), as_json)


def _written(clip: LandmarkClip, spans: Sequence[Span], folder: Path, stem: str) -> list[str]:
    """Each sentence as FOLDER/STEM_001.npz ..., with the times that it had in the stream."""
    from signtalk.landmarks.clip import save_clip

    files = []
    for number, span in enumerate(spans, 1):
        path = folder / f"{stem}_{number:03}.npz"
        save_clip(path, span.cut(clip), {"cut_from": stem, "start_s": span.start_s, "end_s": span.end_s})
        files.append(str(path))
    return files


def _print_spans(name: str, spans: Sequence[Span]) -> None:
    from rich.table import Table

    table = Table("", "start s", "end s", "frames", "activity", "ended by", title=f"Sentences in {name}")
    for number, span in enumerate(spans, 1):
        frames = f"{span.first}-{span.stop - 1}"
        table.add_row(
            str(number), f"{span.start_s:.2f}", f"{span.end_s:.2f}", frames, f"{span.activity:.2f}", span.cause
        )
    out_console.print(table)


def _recorded(manifest: Manifest, held: set[str], as_json: bool) -> tuple[list[Recorded], list[Problem]]:
    """Clips of each signer, drawn by chance and without their idle ends, and those that could not be read."""
    from signtalk.data.manifest import Problem, clip_of_record
    from signtalk.errors import ClipError, ConfigError
    from signtalk.extraction.trimming import find_signing, trim_clip
    from signtalk.segmentation.streams import Recorded
    from signtalk.synthetic.signers import generator

    signers = sorted({record.signer_id for record in manifest.records if not record.is_idle})
    unknown = held - set(signers)
    if unknown or not set(signers) - held:
        raise ConfigError(f"--test-signer {', '.join(sorted(unknown or held))}: signers here are {', '.join(signers)}")
    found, problems = [], list(manifest.problems)
    with ProgressBar("reading", hidden=as_json) as bar:
        for done, signer in enumerate(signers, 1):
            taken: dict[bool, list[LandmarkClip]] = {True: [], False: []}
            own = [record for record in manifest.records if record.signer_id == signer]
            for i in generator(_SEED, "clips of", signer).permutation(len(own)):
                record, most = own[i], _RESTS_PER_SIGNER if own[i].is_idle else _CLIPS_PER_SIGNER
                if len(taken[record.is_idle]) >= most:
                    continue
                try:
                    clip = clip_of_record(record)
                except ClipError as error:
                    problems.append(Problem(record.clip_id, "bad_clip", str(error)))
                    continue
                taken[record.is_idle].append(clip if record.is_idle else trim_clip(clip, find_signing(clip), 0.0)[0])
            found.append(Recorded(signer, taken[False], taken[True]))
            bar(done, len(signers))
    return found, problems
