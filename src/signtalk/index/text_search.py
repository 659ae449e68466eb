"""Find clips by what they mean: a text, placed among the signs, and the clips nearest to it.

    text -> TextSpace.embed -> vector -> search_clips(SentenceIndex, further references) -> hits

PyTorch (checkpoint) and ONNX Runtime (bundle) both offer a `TextEmbedder`; `written` uses the same vectors to index
sentences that nobody has signed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from signtalk.arrays import FloatArray, IntArray
from signtalk.data.records import text_key
from signtalk.data.tokenizer import UNK_ID, SentenceTokenizer, split_words
from signtalk.errors import ConfigError
from signtalk.index.index import SentenceIndex
from signtalk.index.references import Hit, InMemory, NameKind, Only, Searchable

NO_TEXT_ENCODER = (
    "the model has no text encoder, so texts and signs cannot be compared; train one with losses.align_weight above "
    "0, as the default recipe does, index it and, for a bundle, export it again"
)

MAX_WORDS = 100
"""Longest text that is placed among signs: attention takes memory by the square of it, and texts come from outside."""
_MAX_LETTERS = 40
"""Letters a word, on average, that a text of MAX_WORDS may have."""
_TEXTS_AT_ONCE = 256


class TextEmbedder(Protocol):
    """Anything that places token ids among the sign embeddings."""

    def encode(self, tokens: IntArray) -> FloatArray:
        """(B, S) int64 ids, padded at the end, to (B, D) float32 of unit length."""
        ...


@dataclass(frozen=True, eq=False)
class TextSpace:
    """Texts as points among the signs.

    Attributes:
        embedder: the model's text encoder.
        tokenizer: the model's tokenizer.
    """

    embedder: TextEmbedder
    tokenizer: SentenceTokenizer

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(B, D) float32, unit length.

        Raises:
            ConfigError: a text holds no word, or more than MAX_WORDS.
        """
        empty = [text for text in texts if not split_words(text)]
        if empty:
            raise ConfigError(f"the text '{empty[0]}' holds no word; give one")
        for text in texts:
            refuse_endless(text)
        blocks = [texts[start : start + _TEXTS_AT_ONCE] for start in range(0, max(len(texts), 1), _TEXTS_AT_ONCE)]
        encoded = [self.embedder.encode(self.tokenizer.encode_batch(block)[0][:, 1:]) for block in blocks]
        return np.concatenate(encoded)  # without sos; eos does not count

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """The words of a text that the model never learned, or that hold a letter it never saw."""
        words = dict.fromkeys(split_words(text))
        return tuple(word for word in words if UNK_ID in self.tokenizer.encode(word, add_special=False))


def refuse_endless(text: str) -> None:
    """Make sure that a text can be placed among signs.

    Raises:
        ConfigError: it has more than MAX_WORDS words, or as many letters as no such text has.
    """
    if (num_words := len(split_words(text))) > MAX_WORDS or len(text) > MAX_WORDS * _MAX_LETTERS:
        raise ConfigError(
            f"the text '{text[:40]}...' has {num_words} words, {len(text)} letters; a sentence has at most {MAX_WORDS} "
            "words"
        )


def search_clips(
    space: TextSpace,
    text: str,
    index: SentenceIndex,
    k: int = 5,
    *,
    further: Searchable | None = None,
    categories: Collection[str] = (),
    signers: Collection[str] = (),
) -> tuple[Hit, ...]:
    """The k clips that mean a text: those that say exactly this, then those nearest to it.

    Case, punctuation and blanks do not count (`records.text_key`). Written sentences are no clips and are not found.

    Args:
        space: places the text among the signs.
        text: what the clips shall mean.
        index: the references.
        k: at least 1.
        further: references below them, such as a large index; a clip that both hold is taken from `index`.
        categories: only clips of these categories, upper and lower case alike; empty = all.
        signers: only clips by these signers, likewise.

    Raises:
        ConfigError: the text holds no word or too many, or no clip has such a category or signer.
    """
    if k < 1:
        raise ValueError(f"{k} clips asked for; expected at least 1")
    own = InMemory(index)
    places: list[Searchable] = [own] if further is None else [own, further]
    _refuse_unknown("category", "categories", categories, places)
    _refuse_unknown("signer", "signers", signers, places)
    query, only = space.embed([text]), Only(tuple(categories), tuple(signers))
    exact = replace(only, text_keys=(text_key(text),))
    hits: dict[str, Hit] = {}
    for each in (exact, only):
        nearest = [
            hit
            for place in places
            for hit in place.search(query, k, each)[0]
            if place is own or hit.clip_id not in index.row_of
        ]
        for hit in sorted(nearest, key=lambda hit: -hit.similarity):
            hits.setdefault(hit.clip_id, hit)
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(list(hits.values())[:k], 1))


def _refuse_unknown(singular: str, kind: NameKind, wanted: Collection[str], places: Sequence[Searchable]) -> None:
    """Make sure that some place knows each name; one that does not list its names may know any."""
    known = [names for place in places if (names := place.names(kind)) is not None]
    if not wanted or len(known) < len(places):
        return
    there = {name.casefold() for names in known for name in names}
    unknown = {name.casefold() for name in wanted} - there
    if unknown:
        raise ConfigError(f"no {singular} '{min(unknown)}'; there are {', '.join(sorted(there))}")
