"""Find clips by what they mean: a text, placed among the signs, and the clips nearest to it.

    text -> TextSpace.embed -> vector -> search_clips(SentenceIndex) -> hits

PyTorch (checkpoint) and ONNX Runtime (bundle) both offer a `TextEmbedder`; `written` uses the same vectors to index
sentences that nobody has signed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from signtalk.arrays import FloatArray, IntArray
from signtalk.data.tokenizer import UNK_ID, SentenceTokenizer, split_words
from signtalk.errors import ConfigError
from signtalk.index.files import IndexEntry
from signtalk.index.index import SentenceIndex

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
        found = f"{num_words} words, {len(text)} letters"
        raise ConfigError(f"the text '{text[:40]}...' has {found}; a sentence has at most {MAX_WORDS} words")


@dataclass(frozen=True)
class ClipHit:
    """A clip that was found by a text.

    Attributes:
        rank: 1 = nearest.
        similarity: cosine between the text and the clip.
        clip_id: the clip.
        video_file: its video.
        feature_path: its landmark file.
        sentence_id: of its sentence.
        sentence: its text.
        category: of the sentence.
        signer_id: who signs.
    """

    rank: int
    similarity: float
    clip_id: str
    video_file: str
    feature_path: str
    sentence_id: str
    sentence: str
    category: str
    signer_id: str

    @classmethod
    def of(cls, entry: IndexEntry, rank: int, similarity: float) -> ClipHit:
        """The hit of a reference."""
        return cls(
            rank=rank,
            similarity=similarity,
            clip_id=entry.clip_id,
            video_file=entry.video_file,
            feature_path=entry.feature_path,
            sentence_id=entry.sentence_id,
            sentence=entry.sentence,
            category=entry.category,
            signer_id=entry.signer_id,
        )

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return asdict(self)


def search_clips(
    index: SentenceIndex, texts: FloatArray, k: int = 5, categories: Collection[str] = ()
) -> tuple[tuple[ClipHit, ...], ...]:
    """The k clips nearest to each text; written sentences are no clips and are not found.

    Args:
        index: the references.
        texts: (B, D) float32, unit length, of `TextSpace.embed`.
        k: at least 1.
        categories: only clips of these categories, upper and lower case alike; empty = all.

    Raises:
        ConfigError: no clip has such a category.
    """
    if k < 1:
        raise ValueError(f"{k} clips asked for; expected at least 1")
    wanted = {category.casefold() for category in categories}
    clips = [entry for entry in index.entries if entry.kind == "clip"]
    there = {entry.category.casefold() for entry in clips if entry.category}
    if wanted - there:
        raise ConfigError(f"no category '{min(wanted - there)}'; there are {', '.join(sorted(there))}")
    usable = [
        row
        for row, entry in enumerate(index.entries)
        if entry.kind == "clip" and (not wanted or entry.category.casefold() in wanted)
    ]
    similarities = index.all_similarities(texts)[:, usable]
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
    return tuple(
        tuple(
            ClipHit.of(index.entries[usable[place]], rank, float(row[place]))
            for rank, place in enumerate(places.tolist(), 1)
        )
        for row, places in zip(similarities, order, strict=True)
    )
