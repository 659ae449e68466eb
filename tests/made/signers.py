"""A small world of signs in memory alone: a model that reads words linearly, and a person who signs one of them so that
it is taken for another."""

from dataclasses import dataclass

import numpy as np

from made.references import entry, log_softmax
from signtalk.data.records import text_key
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex, unit_rows

WORDS = ("small", "tea", "coffee", "large", "hello", "yes", "no")
SENTENCES = tuple(f"{first} {second}" for first in WORDS for second in WORDS if first != second)
_WIDTH, _PROJECTION, _A_WORD = 12, 6, 4


@dataclass(frozen=True)
class SignWorld:
    """Signs as points in memory.

    Attributes:
        tokenizer: of the words.
        signs: (V, M) where each word's frames lie; the blank's row is rest.
    """

    tokenizer: SentenceTokenizer
    signs: np.ndarray

    @classmethod
    def made(cls, seed=0):
        tokenizer = SentenceTokenizer.fit(SENTENCES)
        signs = np.random.default_rng(seed).standard_normal((4 + len(WORDS), _WIDTH))
        return cls(tokenizer, signs)

    def own_way(self, word, taken_for, share=0.7):
        """The world of a person who signs a word much as others sign another one."""
        ids = [self.tokenizer.encode(each, add_special=False)[0] for each in (word, taken_for)]
        signs = self.signs.copy()
        signs[ids[0]] = (1 - share) * signs[ids[0]] + share * signs[ids[1]] + 0.6
        return SignWorld(self.tokenizer, signs)

    def encoded(self, texts, reader=None, seed=1, noise=0.25):
        """Clips that say these texts, as the model of `reader` (default: this world's own) encodes them."""
        rng, reader = np.random.default_rng(seed), reader or self
        spoken = [
            [w for word in self.tokenizer.encode(t, add_special=False) for w in (0, *[word] * _A_WORD)] for t in texts
        ]
        num_frames = max(map(len, spoken)) + 2
        memory = np.zeros((len(texts), num_frames, _WIDTH), dtype=np.float32)
        valid = np.zeros((len(texts), num_frames), dtype=np.bool_)
        for clip, words in enumerate(spoken):
            memory[clip, : len(words) + 1] = self.signs[[*words, 0]]
            valid[clip, : len(words) + 1] = True
        memory[valid] += noise * rng.standard_normal(memory[valid].shape)
        squares = ((memory[:, :, None] - reader.signs) ** 2).sum(axis=-1)
        squares[..., 1:4] = 1e3  # no sos, eos or unknown word is seen
        directions = np.random.default_rng(2).standard_normal((_WIDTH, _PROJECTION))
        projections = unit_rows((memory @ directions).reshape(-1, _PROJECTION).astype(np.float32))
        projections = projections.reshape(*memory.shape[:2], _PROJECTION) * valid[..., None]
        means = np.stack([frames[own].mean(axis=0) for frames, own in zip(projections, valid, strict=True)])
        return Encoded(
            embeddings=unit_rows(means.astype(np.float32)),
            projections=projections.astype(np.float32),
            memory=memory,
            memory_valid=valid,
            attention_mean=np.zeros(len(texts), dtype=np.float32),
            word_log_probs=log_softmax(-squares / 2) * valid[..., None],
        )

    def index(self, encoder_id="model-1", each=2):
        """References of all sentences as everybody signs them."""
        texts = [sentence for sentence in SENTENCES for _ in range(each)]
        entries = [entry(f"r{row}", text_key(text), str(row // each), text) for row, text in enumerate(texts)]
        return SentenceIndex.build([self.encoded(texts, seed=7)], entries, encoder_id)
