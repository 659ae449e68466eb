"""References by their address: a folder of `signtalk pack`, a Milvus file, or a Milvus server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signtalk.errors import ArtifactError
from signtalk.index.large import LargeIndex
from signtalk.index.milvus import MilvusStore, is_milvus_address
from signtalk.index.references import References


@contextmanager
def open_references(place: str, encoder_id: str) -> Iterator[References]:
    """The references at a place, closed at the end of the block.

    Args:
        place: folder, `FILE.db` or `http://HOST:19530`.
        encoder_id: the model that they must be of.

    Raises:
        ArtifactError: there are no references of this model.
        MissingExtraError: it is Milvus, and the extra `milvus` is not installed.
    """
    if not is_milvus_address(place):
        yield LargeIndex(Path(place), encoder_id)
        return
    if not place.startswith("http") and not Path(place).exists():  # Milvus would make an empty one
        raise ArtifactError(f"{place}: no such file; `signtalk pack` makes one")
    store = MilvusStore(place, encoder_id)
    try:
        if not len(store):
            raise ArtifactError(f"{place}: no clip of this model; pack an index of this model")
        yield store
    finally:
        store.close()
