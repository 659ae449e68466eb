"""Encoded clips and small indexes made up for the tests of index, scoring and gate."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.index.encoded import Encoded
from signtalk.index.index import IndexEntry, SentenceIndex, unit_rows
from signtalk.index.text_search import TextSpace

WIDTH, FRAMES, PROJECTION = 8, 6, 3


def log_softmax(logits):
    return (logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)).astype(np.float32)


def encoded(num_clips, seed=0, num_frames=FRAMES, width=WIDTH, words=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, num_frames + 1, num_clips)
    return Encoded(
        embeddings=unit_rows(rng.standard_normal((num_clips, width))),
        projections=rng.standard_normal((num_clips, num_frames, PROJECTION)).astype(np.float32),
        memory=np.zeros((num_clips, num_frames, 2), dtype=np.float32),
        memory_valid=np.arange(num_frames) < lengths[:, None],
        attention_mean=np.zeros(num_clips, dtype=np.float32),
        word_log_probs=log_softmax(rng.standard_normal((num_clips, num_frames, words))),
    )


def entry(clip_id, text_key, sentence_id="7", sentence=None):
    return IndexEntry(
        clip_id=clip_id,
        video_file=f"{clip_id}.mp4",
        feature_path=f"clips/{clip_id}.npz",
        sentence_id=sentence_id,
        sentence=sentence or text_key.capitalize(),
        category="at the chemist, mornings",
        signer_id="s01",
        text_key=text_key,
    )


ENTRIES = [
    entry("a1", "where does it hurt", "12", "Where does it hurt?"),
    entry("b1", "open your mouth", "3"),
    entry("a2", "where does it hurt", "105", "Where does it hurt"),
    entry("c1", "null", "40", "null"),
    entry("b2", "open your mouth", "3"),
]


def small_index(encoder_id="model-1"):
    return SentenceIndex.build(encoded(5), ENTRIES, encoder_id)


def many_like(index: SentenceIndex, copies: int) -> SentenceIndex:
    """An index of so many times as many sentences, each like one of these."""
    rng = np.random.default_rng(0)
    embeddings, projections, entries = [index.embeddings], [index.projections], [*index.entries]
    for copy in range(1, copies):
        embeddings.append(unit_rows(index.embeddings + 0.05 * rng.standard_normal(index.embeddings.shape)))
        projections.append((index.projections + 0.3 * rng.standard_normal(index.projections.shape)).astype(np.float16))
        entries += [
            replace(each, clip_id=f"{each.clip_id}-{copy}", sentence=f"{each.sentence} {copy}",
                    text_key=f"{each.text_key} {copy}")
            for each in index.entries
        ]  # fmt: skip
    return SentenceIndex(
        embeddings=np.concatenate(embeddings),
        projections=np.concatenate(projections),
        projection_lengths=np.tile(index.projection_lengths, copies),
        entries=tuple(entries),
        encoder_id=index.encoder_id,
    )


def assert_same(first, second):
    assert first.entries == second.entries
    assert first.encoder_id == second.encoder_id
    for name in ("embeddings", "projections", "projection_lengths"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        assert getattr(first, name).dtype == getattr(second, name).dtype


class MadeEmbedder:
    """A `text_search.TextEmbedder` by rule: the mean of a fixed random vector of each word."""

    def encode(self, tokens):
        vectors = np.random.default_rng(9).standard_normal((500, WIDTH))
        return unit_rows(np.stack([vectors[row[row > 2]].mean(axis=0) for row in tokens]))


def made_space(*texts):
    known = [*(entry.sentence for entry in ENTRIES), *texts]
    return TextSpace(MadeEmbedder(), SentenceTokenizer.fit(known))


needs_milvus = pytest.mark.skipif(
    importlib.util.find_spec("pymilvus") is None, reason="pymilvus is missing: pip install 'signtalk[milvus]'"
)


MILVUS = pytest.param("milvus", marks=[needs_milvus, pytest.mark.filterwarnings("ignore::ResourceWarning")])
