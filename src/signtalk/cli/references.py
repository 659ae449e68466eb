"""`signtalk pack`: index folders into a large index, or into Milvus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signtalk.cli.console import out_console, print_json
from signtalk.cli.options import Json

if TYPE_CHECKING:
    from signtalk.index.index import SentenceIndex


def pack(
    indexes: Annotated[list[Path], typer.Argument(metavar="INDEX...", help="Index folders, such as runs/first/index.")],
    out: Annotated[str, typer.Option(help="Folder of the large index; or FILE.db, http://HOST:19530: Milvus.")],
    as_json: Json = False,
) -> None:
    """Pack index folders of one model for recognition among very many clips; sentences only written are left out.

    Example: signtalk pack runs/first/index more/index --out references && signtalk recognize clip.npz --run runs/first
    --references references
    """
    from rich.console import Console
    from rich.progress import track

    from signtalk.index.index import SentenceIndex
    from signtalk.index.large_files import write_large_index
    from signtalk.index.milvus import MilvusStore, is_milvus_address

    first = SentenceIndex.load(indexes[0])

    def loaded() -> Iterator[SentenceIndex]:
        for folder in track(indexes, "packing", console=Console(stderr=True), transient=True):
            index = SentenceIndex.load(folder, first.encoder_id)
            yield index.without([index.entries[row].clip_id for row in index.written.nonzero()[0]])

    if is_milvus_address(out):
        store = MilvusStore(out, first.encoder_id)
        try:
            for index in loaded():
                store.add(index)
            told = {"num_references": len(store), "place": out}
        finally:
            store.close()
    else:
        num_frames = max(SentenceIndex.load(folder).projections.shape[1] for folder in indexes)
        report = write_large_index(Path(out), loaded(), first.encoder_id, num_frames)
        told = {"place": out, **report.model_dump()}
    if as_json:
        print_json(told)
    else:
        out_console.print(", ".join(f"{name}: {value}" for name, value in told.items()))
