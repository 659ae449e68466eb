"""References and queries made up for `speed.py`, as many as are asked for, alike to those of a trained model.

A vocabulary of 2,000 words; a word is a direction in the embedding space and eight frames of projections. A sentence
is three to eight words, the frequent ones more often, as in speech, and a direction of its own (two of 2,000 mixed):
sentences that share words lie near each other. A clip is its sentence seen through one of 200 signers, each with a
direction of their own, and noise, nearly all of it in 48 of the 256 dimensions: two clips of a sentence have a cosine
of about 0.75. Its frames are those of its words at another tempo for each clip, each frame one of eight noisy forms.
Two to four clips a sentence. A query is one further clip, with more noise; what its frames spell is right for most
words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from signtalk.arrays import FloatArray, IntArray
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.index.encoded import Encoded
from signtalk.index.files import HalfArray, IndexEntry
from signtalk.index.index import SentenceIndex, unit_rows

WIDTH, FRAMES, PROJECTION = 256, 64, 128
ENCODER_ID = "made-up references"
_WORDS, _WORD_FRAMES, _SIGNERS, _FORMS = 2000, 8, 200, 8
_DIMENSIONS, _REST = 48, 0.15
_CLIPS_AT_ONCE = 4000


@dataclass(frozen=True)
class MadeReferences:
    """So many references, the same ones for the same numbers.

    Attributes:
        num_clips: N.
        seed: of all that is drawn.
    """

    num_clips: int
    seed: int = 0

    @cached_property
    def _basis(self) -> FloatArray:
        """(48, D) orthonormal rows."""
        drawn = np.random.default_rng(self.seed + 9).standard_normal((WIDTH, _DIMENSIONS))
        return np.asarray(np.linalg.qr(drawn)[0].T, dtype=np.float32)

    @cached_property
    def _shared(self) -> tuple[FloatArray, HalfArray, FloatArray]:
        """Words as directions (also those of sentences), words as frames in some forms, signers as directions."""
        rng = np.random.default_rng(self.seed)
        basis = self._basis
        words = unit_rows(rng.standard_normal((_WORDS, _DIMENSIONS)) @ basis)
        walks = unit_rows(rng.standard_normal((_WORDS, _WORD_FRAMES, PROJECTION)).cumsum(axis=1))
        noise = rng.standard_normal((_FORMS, _WORDS, _WORD_FRAMES, PROJECTION)) * (0.5 / PROJECTION**0.5)
        return (
            words,
            (walks + noise).astype(np.float16),
            unit_rows(rng.standard_normal((_SIGNERS, _DIMENSIONS)) @ basis),
        )

    @cached_property
    def sentences(self) -> tuple[IntArray, IntArray, IntArray]:
        """(C, 8) words of each sentence, (C,) how many of them count, and (N,) sentence of each clip."""
        rng = np.random.default_rng(self.seed + 1)
        clips = np.sort(np.repeat(np.arange(self.num_clips // 2 + 1), rng.integers(2, 5, self.num_clips // 2 + 1)))
        clips = clips[: self.num_clips]
        num = int(clips[-1]) + 1
        frequent = np.minimum(rng.pareto(0.7, (num, 8)) * 12, _WORDS * rng.random((num, 8)))
        return frequent.astype(np.int64), rng.integers(3, 9, num), rng.permutation(clips)

    def text(self, sentence: int) -> str:
        """The words of a sentence; its number makes it unlike every other one."""
        words, lengths, _ = self.sentences
        return " ".join(f"w{word}" for word in words[sentence, : lengths[sentence]]) + f" n{sentence}"

    @cached_property
    def tokenizer(self) -> SentenceTokenizer:
        """Knows the words; that a sentence's number is none of them counts for all alike."""
        return SentenceTokenizer.fit([f"w{word}" for word in range(_WORDS)])

    def parts(self) -> Iterator[SentenceIndex]:
        """All references, some thousand at a time."""
        for start in range(0, self.num_clips, _CLIPS_AT_ONCE):
            rows = np.arange(start, min(start + _CLIPS_AT_ONCE, self.num_clips))
            of_clips = self.sentences[2][rows]
            embeddings, frames = self._clips(of_clips, np.random.default_rng((self.seed, 2, start)), 0.55)
            entries = tuple(self._entry(int(row), int(s)) for row, s in zip(rows, of_clips, strict=True))
            lengths = np.full(len(rows), FRAMES, dtype=np.int64)
            yield SentenceIndex(embeddings, frames, lengths, entries, ENCODER_ID)

    def _entry(self, row: int, sentence: int) -> IndexEntry:
        text = self.text(sentence)
        return IndexEntry(
            clip_id=f"{sentence}-{row}",
            video_file=f"{sentence}-{row}.mp4",
            feature_path=f"clips/{row // 10_000}/{sentence}-{row}.npz",
            sentence_id=str(sentence),
            sentence=text.capitalize(),
            category=f"category {sentence % 26}",
            signer_id=f"s{row % _SIGNERS:03}",
            text_key=text,
        )

    def _clips(self, sentences: IntArray, rng: np.random.Generator, spread: float) -> tuple[FloatArray, HalfArray]:
        """(B, D) embeddings and (B, T', P) projections of one clip of each sentence."""
        words, lengths = self.sentences[0][sentences], self.sentences[1][sentences]
        directions, forms, of_signers = self._shared
        spoken = np.arange(8) < lengths[:, None]
        meaning = unit_rows((directions[words] * spoken[..., None]).sum(axis=1))
        own = unit_rows(directions[sentences % 1999] - directions[(sentences // 1999 + 7 * sentences) % 1997])
        signers = of_signers[rng.integers(0, _SIGNERS, len(sentences))]
        varied = rng.standard_normal((len(sentences), _DIMENSIONS)) @ self._basis * (spread / _DIMENSIONS**0.5)
        rest = rng.standard_normal((len(sentences), WIDTH)) * (_REST / WIDTH**0.5)
        embeddings = unit_rows(unit_rows(meaning + own) + 0.2 * signers + varied + rest)
        bends = np.sort(rng.random((len(sentences), FRAMES)), axis=1)
        places = 0.7 * np.linspace(0, 1, FRAMES) + 0.3 * bends
        places = (places * (lengths * _WORD_FRAMES - 1)[:, None]).astype(np.int64)
        said = np.take_along_axis(words, places // _WORD_FRAMES, axis=1)
        return embeddings, forms[rng.integers(0, _FORMS, said.shape), said, places % _WORD_FRAMES]

    def queries(self, count: int) -> tuple[Encoded, IntArray]:
        """Further clips of some sentences, and which."""
        rng = np.random.default_rng((self.seed, 4))
        words, lengths, clips = self.sentences
        chosen = rng.choice(clips, count)
        embeddings, frames = self._clips(chosen, rng, 0.75)
        vocabulary = self.tokenizer.vocabulary_size
        shown = np.full((count, FRAMES, vocabulary), np.log(0.1 / vocabulary), dtype=np.float32)
        shown += rng.standard_normal(shown.shape).astype(np.float32)
        shown[..., 0] = np.log(0.6)
        for query, sentence in enumerate(chosen):
            length = lengths[sentence]
            ids = self.tokenizer.encode(" ".join(f"w{w}" for w in words[sentence, :length]), add_special=False)
            for place, token in enumerate(ids):
                if rng.random() < 0.85:
                    shown[query, (place * FRAMES + FRAMES // 2) // length, token] = np.log(0.7)
        shown -= np.logaddexp.reduce(shown, axis=2, keepdims=True)
        made = Encoded(
            embeddings=embeddings,
            projections=frames.astype(np.float32),
            memory=np.zeros((count, FRAMES, 1), dtype=np.float32),
            memory_valid=np.ones((count, FRAMES), dtype=np.bool_),
            attention_mean=np.zeros(count, dtype=np.float32),
            word_log_probs=shown,
        )
        return made, chosen


def agreement(embeddings: FloatArray, classes: IntArray) -> tuple[float, float]:
    """Median cosine of two clips of a sentence, and of a clip and the nearest one of another sentence."""
    near: npt.NDArray[np.float32] = embeddings @ embeddings.T
    same = classes[:, None] == classes[None]
    others = np.where(same, -1, near).max(axis=1)
    np.fill_diagonal(same, False)
    return float(np.median(near[same])), float(np.median(others))
