"""The text encoder: a written sentence as a point among the signed ones, so that either finds the other.

    token ids (B, S) -> unit vectors (B, D) in the space of the sign embeddings

Taught by `losses.alignment_loss` together with the sign encoder; used to search clips by text and to index
sentences that nobody has signed yet (`text_search`, `written`). Small on purpose: training has a few hundred
sentences, and a text must be found by its words more than by heart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from signtalk.data.tokenizer import EOS_ID
from signtalk.models.config import TextEncoderConfig
from signtalk.models.layers import AttentionBlock, masked_mean, sinusoidal_positions

_EMBEDDING_STD = 0.02


class TextEncoder(nn.Module):
    """Token embeddings with their places, attention among them, their mean projected.

    Attributes:
        config: what it was built from.
    """

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary_size, config.width)
        nn.init.normal_(self.embedding.weight, std=_EMBEDDING_STD)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            AttentionBlock(config.width, config.num_heads, 2 * config.width, config.dropout)
            for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.project = nn.Linear(config.width, config.embedding_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode texts.

        Args:
            tokens: (B, S) int64; pad, sos and eos do not count wherever they stand after the words, unk does.

        Returns:
            (B, D) float32, unit length; padding changes nothing.
        """
        valid = tokens > EOS_ID
        # As small as the embeddings: places tell word orders apart, words tell meanings.
        places = _EMBEDDING_STD * sinusoidal_positions(
            torch.arange(tokens.shape[1], device=tokens.device), self.config.width
        )
        sequence = self.dropout(self.embedding(tokens) + places)
        for block in self.blocks:
            sequence = block(sequence, valid)
        return nn.functional.normalize(self.project(self.norm(masked_mean(sequence, valid))), dim=-1)
