"""What the sentences of an index are laid out as, once for all queries.

SentenceIndex, or an index beside a source -> PreparedIndex -> words and text embeddings of its sentences
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from signtalk.arrays import FloatArray
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex
from signtalk.index.references import References
from signtalk.index.text_search import TextSpace
from signtalk.recognition.ctc import SpelledSentences, most_shown
from signtalk.recognition.sketches import BegunSketches, Sketches


@dataclass(frozen=True, eq=False)
class PreparedIndex:
    """An index, and what every query needs of its sentences; made when first needed, and never changed.

    Several threads may ask at once: at worst two of them make the same thing, and one is kept. Whoever changes the
    index makes another of these.

    Attributes:
        index: the references.
        tokenizer: of the texts; None for a model that neither writes nor spells.
        text_space: where texts lie among signs; None for a model without a text encoder.
        source: further references below those of the index; None = none.
        laid_out: the words of the index's sentences where they are known already.
        sketched: sketches of the first references, likewise.
    """

    index: SentenceIndex
    tokenizer: SentenceTokenizer | None = None
    text_space: TextSpace | None = None
    source: References | None = None
    laid_out: SpelledSentences | None = None
    sketched: BegunSketches | None = None

    def changed(self, index: SentenceIndex) -> PreparedIndex:
        """The same for another index; sketches are kept where it begins with these references, as a grown one does."""
        if index is self.index:
            return self
        made = self.__dict__.get("sketches")  # nothing is made for this alone
        begun = self.sketched if made is None else made.to_go_on()
        sketched = begun if begun is not None and self._is_begun_by(index, len(begun.fine)) else None
        return replace(self, index=index, laid_out=None, sketched=sketched)

    def _is_begun_by(self, index: SentenceIndex, count: int) -> bool:
        """Whether the first `count` references of this index are those of another, too."""
        pairs = (self.index.projection_lengths, index.projection_lengths), (self.index.embeddings, index.embeddings)
        return len(index) >= count and all(np.array_equal(mine[:count], theirs[:count]) for mine, theirs in pairs)

    @cached_property
    def words(self) -> SpelledSentences | None:
        """The words of the index's sentences; None without a tokenizer."""
        return self._spelled_out(self.index.sentence_texts) if self.laid_out is None else self.laid_out

    @cached_property
    def text_embeddings(self) -> FloatArray | None:
        """(C, D) the index's sentences among the signs; None where none is only written."""
        if self.text_space is None or not self.index.written.any():
            return None
        return self.text_space.embed(self.index.sentence_texts)

    @cached_property
    def sketches(self) -> Sketches | None:
        """Of the index's references; None over a source, which has found what a query is compared with already."""
        if self.source is not None:
            return None
        return Sketches(self.index.projections, self.index.projection_lengths, self.sketched)

    @cached_property
    def source_words(self) -> SpelledSentences | None:
        """The words of all sentences of the source; None where they are not listed, or nothing spells."""
        texts = None if self.source is None else self.source.sentence_texts()
        return None if texts is None else self._spelled_out(texts)

    def _spelled_out(self, texts: Sequence[str]) -> SpelledSentences | None:
        if self.tokenizer is None:
            return None
        return SpelledSentences.of([self.tokenizer.encode(text, add_special=False) for text in texts])

    def narrowed(self, encoded: Encoded, num_sentences: int, spells: bool) -> PreparedIndex:
        """The references of the source that these queries are compared with, below those of the index.

        Args:
            encoded: the queries.
            num_sentences: how many sentences each query meets by their clips, and as many by their words.
            spells: whether words count at all.
        """
        if self.source is None:
            return self
        all_words = self.source_words if spells else None
        by_words = None
        if all_words is not None:
            by_words = most_shown(encoded.word_log_probs, encoded.memory_valid, all_words, num_sentences)
        near = self.source.narrowed(encoded.embeddings, num_sentences, by_words)
        if len(self.index):
            return replace(self, index=near.index.with_layer(self.index), laid_out=None)
        known = None if all_words is None or near.classes is None else all_words.select(near.classes)
        return replace(self, index=near.index, laid_out=known)
