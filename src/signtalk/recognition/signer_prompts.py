"""Which known sentences to ask a new person for, so that a few tell most about how they sign.

index + sentences that were signed already -> next_sentences -> sentences, the one that tells most first
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from signtalk.arrays import BoolArray, FloatArray
from signtalk.data.records import text_key
from signtalk.data.tokenizer import UNK_ID, SentenceTokenizer
from signtalk.index.index import SentenceIndex
from signtalk.recognition.ctc import BLANK_ID, SpelledSentences

AGAIN = 0.5
"""What a word still tells when it was signed before, as a share of what it told then."""


def next_sentences(
    index: SentenceIndex, tokenizer: SentenceTokenizer | None, signed: Collection[str] = (), limit: int = 10
) -> tuple[str, ...]:
    """Sentences to ask for, in order; fewer where the index holds no more.

    The words of a sentence tell the more, the more sentences hold them and the less often they were signed. A model
    without words is asked for sentences that lie far from those signed.

    Args:
        index: sentences with clips are asked for.
        tokenizer: of the model's words; None for a model that does not spell.
        signed: sentences that the person signed already, known or not.
        limit: how many.
    """
    clips = np.flatnonzero(~index.written_classes)
    keys, entries = index.groups.text_keys, index.entries
    sentences = [entries[index.groups.canonical_rows[c]].sentence for c in clips.tolist()]
    done = {text_key(text) for text in signed}
    open_still = np.array([keys[c] not in done for c in clips.tolist()], dtype=np.bool_)
    limit = min(limit, int(open_still.sum()))
    if tokenizer is None:
        places = _far_apart(index.centroid_matrix()[clips], open_still, limit)
    else:
        places = _telling_most(_said(tokenizer, sentences), _said(tokenizer, list(signed)), open_still, limit)
    return tuple(sentences[place] for place in places)


def _said(tokenizer: SentenceTokenizer, texts: list[str]) -> SpelledSentences:
    """The words of texts, each once, unknown ones left out."""
    ids = ([word for word in tokenizer.encode(text, add_special=False) if word != UNK_ID] for text in texts)
    return SpelledSentences.of([list(dict.fromkeys(each)) for each in ids])


def _telling_most(sentences: SpelledSentences, signed: SpelledSentences, free: BoolArray, limit: int) -> list[int]:
    """Places of sentences, each the one that tells most after those before it."""
    size = 1 + max(int(sentences.words.max(initial=0)), int(signed.words.max(initial=0)))
    tells = np.bincount(sentences.words.ravel(), minlength=size).astype(np.float64)
    tells[BLANK_ID] = 0  # no word
    for words in signed.words:
        tells[words] *= AGAIN
    free, places = free.copy(), []
    for _ in range(limit):
        gains = np.where(free, tells[sentences.words].sum(axis=1) / np.maximum(sentences.lengths, 1) ** 0.5, -1.0)
        places.append(int(gains.argmax()))
        free[places[-1]] = False
        tells[sentences.words[places[-1]]] *= AGAIN
    return places


def _far_apart(centroids: FloatArray, free: BoolArray, limit: int) -> list[int]:
    """Places of sentences, each as far as can be from the nearest of those before it and those already signed."""
    places: list[int] = []
    taken = np.flatnonzero(~free).tolist()
    for _ in range(limit):
        usual = -centroids @ centroids.mean(axis=0)  # whoever signed nothing begins with what is most like all
        nearest = (centroids @ centroids[taken].T).max(axis=1) if taken else usual
        nearest[taken] = np.inf
        places.append(int(nearest.argmin()))
        taken.append(places[-1])
    return places
