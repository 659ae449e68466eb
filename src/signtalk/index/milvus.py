"""References in Milvus: for more clips than one machine holds, or for many writers; the same code, another address.

    "references.db" -> Milvus Lite, in this process      "http://HOST:19530" -> a server or cluster

A clip is one row with all that is known of it, its frames included, so that a row is there whole or not at all. A
collection belongs to one model and is named after it; clips of two models never meet. What filters ask for is stored
as hashes: no text from outside becomes part of a query. A row carries a checksum, because Milvus Lite reads damaged
files without a word.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.errors import ArtifactError, DataError, MissingExtraError, one_line
from signtalk.files import absolute, read_json, sha256_text, write_json
from signtalk.index.encoded import padded_frames
from signtalk.index.files import HalfArray, IndexEntry
from signtalk.index.index import SentenceIndex, unit_rows
from signtalk.index.references import (
    MOST_CLIPS_A_SENTENCE,
    Hit,
    NameKind,
    Narrowed,
    Only,
    refuse_known,
    refuse_unfit,
    widened,
)

TOKEN_VARIABLE = "SIGNTALK_MILVUS_TOKEN"
"""Names the environment variable that holds "user:password" or a token, where a server asks for one."""
_FILE_SUFFIX = ".db"
MOST_A_REQUEST = 16_384
"""More rows Milvus does not give to one request."""
_ROWS_AT_ONCE = 500
"""Rows of one request, which stays below a server's 64 MB."""
_MOST_LETTERS = 65_535
_LEAST_LOOKED_AT = 200
"""HNSW's ef: how many neighbours a search holds while it looks."""
_FIELDS = ("id", "vector", "sentence", "category", "signer", "entry", "frames", "num_frames", "check")
_SHORT = 64


def is_milvus_address(place: str) -> bool:
    """Whether a place for references is an address of Milvus and not a folder."""
    return place.startswith(("http://", "https://")) or place.endswith(_FILE_SUFFIX)


class MilvusStore:
    """References in Milvus, of one model.

    Attributes:
        address: a server's, or a path ending in `.db` for Milvus Lite, which one process at a time may use.
        encoder_id: the model.
    """

    def __init__(self, address: str, encoder_id: str, most_a_request: int = MOST_A_REQUEST) -> None:
        """Connect; nothing is made before the first clip is added.

        Args:
            address: a server's, or a path ending in `.db`.
            encoder_id: the model.
            most_a_request: rows that one request may give.

        Raises:
            MissingExtraError: pymilvus is not installed.
            ArtifactError: there is no such server, the file is damaged or another process uses it.
        """
        if not is_milvus_address(address):
            raise ValueError(f"{address}: no address of Milvus; expected http://HOST:PORT or a path ending in .db")
        try:
            import pymilvus
        except ImportError as error:
            raise MissingExtraError("references in Milvus need pymilvus: pip install 'signtalk[milvus]'") from error
        self.address, self.encoder_id, self._most_a_request = address, encoder_id, most_a_request
        self._milvus = pymilvus
        self._local = None if address.startswith("http") else absolute(Path(address))
        self._name = f"signtalk_{sha256_text(encoder_id)[:24]}"
        self._lock = threading.Lock()  # writers of one process; a server's own processes meet in their rows
        for name in ("pymilvus", "milvus_lite"):  # they print what they raise as well
            logging.getLogger(name).setLevel(logging.CRITICAL)
        with self._explained():
            token = os.environ.get(TOKEN_VARIABLE, "")
            self._client = pymilvus.MilvusClient(str(self._local or address), token=token)
        try:
            with self._explained():
                self._there = False
                if self._is_there():
                    self._client.load_collection(self._name)
            self._check_count()
        except ArtifactError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection, and of a local file."""
        self._client.close()
        if self._local is not None:
            from milvus_lite.server_manager import server_manager_instance

            server_manager_instance.release_server(str(self._local))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._milvus.MilvusException as error:
            message = one_line(error.message)
            raise ArtifactError(f"{self.address}: Milvus says: {message}; see whether it runs and is whole") from error

    @property
    def _count_file(self) -> Path | None:
        return None if self._local is None else self._local.with_name(f".{self._local.name}.signtalk.json")

    def _check_count(self) -> None:
        """Milvus Lite takes a store with a damaged table of contents for an empty one; we know how much was there."""
        if self._count_file is None or not self._count_file.exists():
            return
        least = read_json(self._count_file).get(self._name, 0)
        if len(self) < least:
            raise ArtifactError(f"{self.address}: {len(self)} clips, {least} were confirmed; put back a copy of it")

    def _confirm(self, least: int) -> None:
        """Note how many clips are there at least; never more than there are, whenever this is killed."""
        if self._count_file is not None:
            known = read_json(self._count_file) if self._count_file.exists() else {}
            write_json(self._count_file, {**known, self._name: least})

    def _is_there(self) -> bool:
        """Whether anything was ever added; asked until it was, for others may add as well."""
        self._there = self._there or self._client.has_collection(self._name)
        return self._there

    def __len__(self) -> int:
        """Number of clips."""
        with self._explained():
            if not self._is_there():
                return 0
            return int(self._client.query(self._name, filter="", output_fields=["count(*)"])[0]["count(*)"])

    def sentence_texts(self) -> None:
        """Too many to be listed: words choose among those that the clips have found."""

    def add(self, references: SentenceIndex) -> None:
        """Keep further clips; what returned without an error is kept, whatever happens next.

        More than some hundred go in several requests, each of them whole or not at all.

        Raises:
            DataError: a clip_id is there already, or a clip is too long for a row.
            ArtifactError: they are of another model, or the server does not answer.
            ValueError: a reference is no clip.
        """
        refuse_unfit(references, self.encoder_id)
        if not len(references):
            return
        rows = [_row(references, row) for row in range(len(references))]
        with self._lock, self._explained():
            self._make(references.embeddings.shape[1])
            refuse_known(references, self._known(entry.clip_id for entry in references.entries))
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                self._client.upsert(self._name, rows[start : start + _ROWS_AT_ONCE])
            self._confirm(len(self))

    def _make(self, width: int) -> None:
        """The collection, where it is not there yet."""
        if not self._is_there():
            kinds = self._milvus.DataType
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", kinds.VARCHAR, max_length=_SHORT, is_primary=True)
            schema.add_field("vector", kinds.FLOAT_VECTOR, dim=width)
            for name in ("sentence", "category", "signer", "check"):
                schema.add_field(name, kinds.VARCHAR, max_length=_SHORT)
            for name in ("entry", "frames"):
                schema.add_field(name, kinds.VARCHAR, max_length=_MOST_LETTERS)
            schema.add_field("num_frames", kinds.INT64)
            index = self._client.prepare_index_params()
            graph = {"index_type": "HNSW", "params": {"M": 16, "efConstruction": 200}}
            index.add_index("vector", metric_type="COSINE", **({"index_type": "FLAT"} if self._local else graph))
            self._client.create_collection(self._name, schema=schema, index_params=index, consistency_level="Strong")
        self._there = True

    def _known(self, clip_ids: Iterable[str]) -> set[str]:
        """Those that are there."""
        names = {_hash(clip_id): clip_id for clip_id in clip_ids}
        return {names[row["id"]] for row in self._rows(list(names), ["id"])}

    def _rows(self, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            rows += self._client.get(
                self._name, ids=list(ids[start : start + _ROWS_AT_ONCE]), output_fields=list(fields)
            )
        return rows

    def delete(self, clip_ids: Collection[str]) -> int:
        """Forget clips; how many of them were there."""
        with self._lock, self._explained():
            if not clip_ids or not self._is_there():
                return 0
            known = self._known(clip_ids)
            if known:
                self._confirm(len(self) - len(known))
                self._client.delete(self._name, ids=[_hash(clip_id) for clip_id in known])
        return len(known)

    def search(self, queries: FloatArray, k: int, only: Only = Only()) -> tuple[tuple[Hit, ...], ...]:
        """As `Searchable.search`."""
        return tuple(
            tuple(
                Hit.of(IndexEntry(*json.loads(row["entity"]["entry"])), rank, float(row["distance"]))
                for rank, row in enumerate(of_query, 1)
            )
            for of_query in self._nearest(queries, k, ["entry"], _expression(only))
        )

    def names(self, kind: NameKind) -> None:
        """Not listed: the rows hold hashes of them."""

    def _nearest(self, queries: FloatArray, k: int, fields: list[str], expression: str = "") -> list[list[Any]]:
        k = min(k, self._most_a_request)
        options = {} if self._local else {"params": {"ef": max(2 * k, _LEAST_LOOKED_AT)}}
        with self._explained():
            if not len(queries) or not self._is_there():
                return [[] for _ in queries]
            return list(
                self._client.search(
                    self._name,
                    data=list(np.asarray(queries, dtype=np.float32)),
                    anns_field="vector",
                    limit=k,
                    filter=expression,
                    output_fields=fields,
                    search_params={"metric_type": "COSINE", **options},
                )
            )

    def narrowed(self, queries: FloatArray, num_sentences: int, classes: IntArray | None = None) -> Narrowed:
        """As `References.narrowed`; of a sentence with very many clips only some.

        Raises:
            ArtifactError: a row is damaged, or the server does not answer.
        """
        assert classes is None, "sentence_texts lists nothing that classes could stand for"
        near, said = self._near_sentences(queries, num_sentences)
        if not said:
            return Narrowed(SentenceIndex.build((), (), self.encoder_id))
        with self._explained():
            counts: dict[str, int] = {}
            wanted = sorted(near)
            for row in sorted(self._clips_saying(sorted(said)), key=lambda row: str(row["id"])):
                counts[row["sentence"]] = counts.get(row["sentence"], 0) + 1
                if counts[row["sentence"]] <= MOST_CLIPS_A_SENTENCE and row["id"] not in near:
                    wanted.append(row["id"])
            rows = self._rows(wanted, _FIELDS)
        return Narrowed(self._index_of(rows))

    def _clips_saying(self, sentences: list[str]) -> list[dict[str, Any]]:
        """Id and sentence of the clips of these; where they are more than one answer holds, it is asked in parts."""
        fields = ["id", "sentence"]
        rows = self._client.query(
            self._name, filter=_one_of("sentence", sentences), output_fields=fields, limit=self._most_a_request
        )
        if len(rows) < self._most_a_request or len(sentences) == 1:
            return list(rows)
        half = len(sentences) // 2
        return self._clips_saying(sentences[:half]) + self._clips_saying(sentences[half:])

    def _near_sentences(self, queries: FloatArray, num_sentences: int) -> tuple[set[str], set[str]]:
        """Ids of the nearest clips, and hashes of what they say."""

        def look(k: int) -> tuple[tuple[set[str], set[str]], BoolArray]:
            rows = self._nearest(queries, k, ["sentence"])
            said = [{row["entity"]["sentence"] for row in of_query} for of_query in rows]
            lacking = [
                len(sentences) < num_sentences and len(of_query) >= k
                for sentences, of_query in zip(said, rows, strict=True)
            ]
            nearest = {row["id"] for of_query in rows for row in of_query}
            return (nearest, set().union(*said)), np.array(lacking, dtype=np.bool_)

        return widened(look, num_sentences, self._most_a_request)

    def _index_of(self, rows: list[dict[str, Any]]) -> SentenceIndex:
        rows = sorted(rows, key=lambda row: str(row["entry"]))
        parts = [self._reference(row) for row in rows]
        num_frames = max(len(frames) for _, frames in parts)
        return SentenceIndex(
            embeddings=unit_rows(np.array([row["vector"] for row in rows], dtype=np.float32)),
            projections=np.concatenate([padded_frames(frames[None], num_frames) for _, frames in parts]),
            projection_lengths=np.array([len(frames) for _, frames in parts], dtype=np.int64),
            entries=tuple(entry for entry, _ in parts),
            encoder_id=self.encoder_id,
        )

    def _reference(self, row: dict[str, Any]) -> tuple[IndexEntry, HalfArray]:
        if row["check"] != _checksum(row):
            raise ArtifactError(f"{self.address}: row {row['id']} is damaged; put back a copy, or add that clip again")
        frames = np.frombuffer(base64.b64decode(row["frames"]), dtype=np.float16)
        return IndexEntry(*json.loads(row["entry"])), frames.reshape(int(row["num_frames"]), -1)


def _row(references: SentenceIndex, row: int) -> dict[str, Any]:
    entry, num_frames = references.entries[row], int(references.projection_lengths[row])
    frames = base64.b64encode(np.asarray(references.projections[row][:num_frames]).tobytes()).decode()
    columns = {
        "id": _hash(entry.clip_id),
        "vector": references.embeddings[row],
        "sentence": _hash(entry.text_key),
        "category": _hash(entry.category.casefold()),
        "signer": _hash(entry.signer_id.casefold()),
        "entry": json.dumps(astuple(entry)),
        "frames": frames,
        "num_frames": num_frames,
    }
    if max(len(frames), len(columns["entry"])) > _MOST_LETTERS:
        raise DataError(
            f"clip {entry.clip_id}: {num_frames} frames of {references.projections.shape[2]} numbers are more than a "
            f"row of Milvus holds ({_MOST_LETTERS} letters); use a large index"
        )
    return {**columns, "check": _checksum(columns)}


def _checksum(row: dict[str, Any]) -> str:
    vector = np.asarray(row["vector"], dtype=np.float32).tobytes().hex()
    return sha256_text("\n".join([vector, row["sentence"], row["entry"], row["frames"], str(row["num_frames"])]))[:32]


def _hash(text: str) -> str:
    return sha256_text(text)[:32]


def _one_of(field: str, hashes: Collection[str]) -> str:
    return f"{field} in {json.dumps(sorted(hashes))}"


def _expression(only: Only) -> str:
    wanted = (
        ("category", [name.casefold() for name in only.categories]),
        ("signer", [name.casefold() for name in only.signers]),
        ("sentence", only.text_keys),
    )
    return " and ".join(_one_of(field, {_hash(text) for text in texts}) for field, texts in wanted if texts)
