"""The options that several commands share, as dataclasses whose fields each become an option.

::

    @dataclass(frozen=True)
    class ReadingOptions:
        fps: Fps = 30.0

    @grouped
    def segment(clip: ..., reading: ReadingOptions) -> None: ...      # signtalk segment CLIP --fps 25
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Data folder with processed_metadata.csv.")]
RunFolderArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `signtalk train`.")]
DataOption = Annotated[Path, typer.Option("--data", help="The data folder that the run was trained on.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Strict = Annotated[bool, typer.Option(help="Stop at the first clip that cannot be used.")]
VariantOption = Annotated[
    str, typer.Option(help="Encoder of the bundle that answers: fp32, int8, fp16, or offered = the smallest good one.")
]
PolicyOption = Annotated[
    Literal["strict", "research"] | None,
    typer.Option(
        help="strict: no answer whose promise validation did not prove. research: all, marked. Default: as exported.",
        show_default=False,
    ),
]
CalibrationOption = Annotated[Path | None, typer.Option(help="Decide by this file of `signtalk calibrate`.")]
SignerOption = Annotated[Path | None, typer.Option(help="Who signs: a file of `signtalk signer learn`.")]
OnlyOwnOption = Annotated[
    bool, typer.Option("--only-own", help="Leave the bundle's own sentences out; only what is taught answers.")
]
FilmsOption = Annotated[
    Path | None,
    typer.Option(help="Folder of `signtalk record --videos`: who agreed there to be seen shows the signs."),
]
IndexOption = Annotated[Path | None, typer.Option(help="Personal index of `signtalk enroll`, read besides.")]


def not_nan(value: float | None) -> float | None:
    """Refuse NaN, which passes every comparison of a range: callback of a float option."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter("nan is no number; give one")
    return value


@dataclass(frozen=True)
class ModelOptions:
    """Which model answers: one of the two."""

    run: Annotated[Path | None, typer.Option(help="Run folder with an index.")] = None
    bundle: Annotated[Path | None, typer.Option(help="Exported bundle; needs no torch.")] = None


@dataclass(frozen=True)
class ReadingOptions:
    """How files are read that do not tell everything of themselves."""

    fps: Annotated[
        float,
        typer.Option(
            min=1, max=1000, callback=not_nan, help="Frame rate of files that do not know theirs, such as .npy."
        ),
    ] = 30.0
    smoothing_alpha: Annotated[
        float,
        typer.Option(
            min=1e-3,
            max=1,
            callback=not_nan,
            help="Weight of the new frame in the smoothing of .npy files; 1 = not smoothed.",
        ),
    ] = 0.2


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take dataclasses of options: Typer sees each field as an option of its own.

    The parameter stands without a default in the command; its options come where it stands.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            parameters += [_option(field, groups[name]) for field in fields(groups[name])]
        else:
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))

    def run(**values: Any) -> None:
        own = {
            name: kind(**{field.name: values.pop(field.name) for field in fields(kind)})
            for name, kind in groups.items()
        }
        command(**own, **values)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _option(field: Field[Any], group: Any) -> inspect.Parameter:
    annotation = get_type_hints(group, include_extras=True)[field.name]
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
