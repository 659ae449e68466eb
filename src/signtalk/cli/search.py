"""`signtalk search`: the indexed clips that mean a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from signtalk.cli.console import existing, open_model, out_console, print_error, print_json
from signtalk.cli.options import IndexOption, Json, ModelOptions, grouped
from signtalk.cli.recognize import ReferencesOption

if TYPE_CHECKING:
    from signtalk.index.references import Hit


@grouped
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the clips shall mean, in your own words.")],
    which: ModelOptions,
    index: IndexOption = None,
    references: ReferencesOption = "",
    k: Annotated[int, typer.Option("-k", min=1, help="How many clips.")] = 5,
    category: Annotated[list[str] | None, typer.Option(help="Only clips of this category; repeat for several.")] = None,
    signer: Annotated[list[str] | None, typer.Option(help="Only clips of this signer; repeat for several.")] = None,
    as_json: Json = False,
) -> None:
    """Find the indexed clips that mean a text, nearest first; a sentence with just these words comes before all others.

    Example: signtalk search "where does it hurt" --bundle sign_encoder_bundle.zip
    """
    with open_model(which, index=existing(index), references=references) as model:
        hits = model.search(text, k, categories=category or (), signers=signer or ())
        unknown = model.unknown_words(text)
    if as_json:
        print_json({"text": text, "unknown_words": unknown, "clips": [hit.to_dict() for hit in hits]})
        return
    if unknown:
        print_error(f"not understood: {', '.join(unknown)} (the model never learned it)")
    _print_hits(text, hits)


def _print_hits(text: str, hits: tuple[Hit, ...]) -> None:
    from rich.table import Table

    title = f"Clips for '{text[:60]}{'...' if len(text) > 60 else ''}'"
    table = Table("", "clip", "sentence", "category", "similarity", title=title)
    for column in table.columns:
        column.overflow = "fold"
    for hit in hits:
        table.add_row(str(hit.rank), hit.clip_id, hit.sentence, hit.category or "-", f"{hit.similarity:.2f}")
    out_console.print(table)
