"""`signtalk recognize`: the sentence that a clip says, or "not sure" with the reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signtalk.cli.console import existing, open_model, out_console, print_error, print_json, tell_notes
from signtalk.cli.options import (
    CalibrationOption,
    IndexOption,
    Json,
    ModelOptions,
    PolicyOption,
    ReadingOptions,
    SignerOption,
    Strict,
    VariantOption,
    grouped,
)
from signtalk.errors import ClipError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signtalk.recognition.answer import Answer

_WORTH_NAMING = 0.1
"""A refused sentence less probable than this is noise, such as what resembles a person at rest."""
ReferencesOption = Annotated[
    str, typer.Option(help="Further references: a folder or address of `signtalk pack`; see docs/scale.md.")
]


@grouped
def recognize(
    clips: Annotated[
        list[Path], typer.Argument(metavar="CLIP...", help="Videos, landmark files of any format, or folders of them.")
    ],
    which: ModelOptions,
    reading: ReadingOptions,
    variant: VariantOption = "fp32",
    index: IndexOption = None,
    calibration: CalibrationOption = None,
    references: ReferencesOption = "",
    prototype_gate: Annotated[bool, typer.Option(help="Decide as the prototype did, for comparison.")] = False,
    policy: PolicyOption = None,
    signer: SignerOption = None,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Recognise clips: the sentence, or "not sure" with the reason.

    Example: signtalk recognize clip.mp4 --bundle sign_encoder_bundle.zip
    """
    with open_model(
        which, index=existing(index), variant=variant, calibration=calibration, references=references,
        prototype_gate=prototype_gate, policy=policy, signer=signer,
    ) as model:  # fmt: skip
        answers = model.recognize(
            clips,
            strict=strict or (len(clips) == 1 and not clips[0].is_dir()),
            fps=reading.fps,
            smoothing_alpha=reading.smoothing_alpha,
        )
    for problem in answers.left_out:
        print_error(f"left out: {problem.message}")
    tell_notes(answers.notes, as_json=False)  # the document has a key a clip, and no other
    by_clip = dict(zip(answers.clips, answers, strict=True))
    if as_json:
        print_json({clip: answer.to_dict() if answer else None for clip, answer in by_clip.items()})
    elif any(by_clip.values()):
        print_answers({clip: answer for clip, answer in by_clip.items() if answer})
        if any(answer.reason == "empty_index" for answer in by_clip.values() if answer):
            print_error("no sentence is known yet; teach some with `signtalk enroll`, and give their --index here")
    if not any(by_clip.values()):
        raise ClipError(f"none of the {len(by_clip)} clips could be used; the lines above say why")


def print_answers(answers: Mapping[str, Answer]) -> None:
    """Print one row a clip; at 80 columns long names and answers are folded, and nothing is cut off.

    A translation that may not be shown stands in the JSON alone: nothing has proven it.
    """
    from rich.table import Table

    from signtalk.recognition.promise import NOT_PROVEN

    table = Table("clip", "answer", title="Answers")
    for column in table.columns:
        column.overflow = "fold"
    for name, answer in zip(_short_names(list(answers)), answers.values(), strict=True):
        lines = [str(answer)]
        if answer.outcome == "not_sure" and answer.confidence >= _WORTH_NAMING and len(answer.candidates) > 1:
            # One sentence alone would read as an answer.
            near = " / ".join(candidate.sentence for candidate in answer.candidates[:2])
            lines.append(f"nearest, {NOT_PROVEN}: {near}")
        table.add_row(name, "\n".join(lines), end_section=True)
    out_console.print(table)


def _short_names(paths: list[str]) -> list[str]:
    """Paths without the folders that all of them share."""
    folders = {os.path.dirname(path) for path in paths}  # noqa: PTH120  # names need not be paths
    if len(folders) == 1:
        return [os.path.basename(path) or path for path in paths]  # noqa: PTH119
    try:
        shared = os.path.commonpath(paths)
    except ValueError:
        return paths
    return [os.path.relpath(path, shared) if shared else path for path in paths]
