"""A tiny model with weights drawn at random, and an index of it."""

import torch

from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.export.graphs import random_clips
from signtalk.index.files import IndexEntry
from signtalk.index.index import SentenceIndex
from signtalk.landmarks.features import FeatureConfig
from signtalk.models.config import EncoderConfig, ModelConfig, TextDecoderConfig, TextEncoderConfig
from signtalk.models.model import SignModel
from signtalk.training.checkpoint import Checkpoint, TorchEncoder

FEATURES = FeatureConfig(num_frames=24)


def tiny_checkpoint(kind: str, seed: int = 0, with_texts: bool = False, width: int = 16) -> Checkpoint:
    torch.manual_seed(seed)
    tokenizer = SentenceTokenizer.fit(["where is the pain", "the pain is here"])
    encoder = EncoderConfig(
        kind=kind, num_features=FEATURES.num_features, width=width, embedding_dim=16, num_layers=1, num_heads=2,
        feed_forward=16, conv_blocks=1, kernel_size=5,
    )  # fmt: skip
    decoder = TextDecoderConfig(
        vocabulary_size=tokenizer.vocabulary_size, width=16, num_layers=1, num_heads=2, feed_forward=16,
        memory_width=encoder.memory_width,
    )  # fmt: skip
    texts = None
    if with_texts:
        texts = TextEncoderConfig(vocabulary_size=tokenizer.vocabulary_size, embedding_dim=16, width=8, num_heads=2)
    model = SignModel(ModelConfig(encoder=encoder, decoder=decoder, num_coordinates=110, text_encoder=texts))
    return Checkpoint(model.eval(), FEATURES, tokenizer, {"split_hash": "x"}, f"id-{kind}-{seed}")


def tiny_index(checkpoint: Checkpoint) -> SentenceIndex:
    features, valid = random_clips(checkpoint, batch=3, frames=24, seed=5)
    encoded = TorchEncoder(checkpoint.model, FEATURES).encode(features, valid)
    entries = [IndexEntry(f"c{i}", f"c{i}.mp4", "x", str(i), f"text {i}", "", "A", f"text {i}") for i in range(3)]
    return SentenceIndex.build(encoded, entries, checkpoint.encoder_id)
