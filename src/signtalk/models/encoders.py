"""Three sign encoders with one interface: features and mask in; embedding, projections and memory out.

`gru` and `transformer` are the prototype's two encoders with masks done right; `conv-transformer` is
SignTalk's own: depthwise convolutions over time and attention in turn.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from signtalk.models.config import EncoderConfig
from signtalk.models.layers import (
    AttentionBlock,
    AttentionPooling,
    ConvBlock,
    masked_mean,
    sinusoidal_positions,
)


class EncoderOutput(NamedTuple):
    """What an encoder says about a batch.

    Attributes:
        embedding: (B, D) unit length.
        projections: (B, T, P) frame projections, for DTW; zeros in padding.
        memory: (B, T, M) what the decoder reads; zeros in padding.
        attention: (B, T) weight of each frame in the pooling, sums to 1 over valid frames.
    """

    embedding: Tensor
    projections: Tensor
    memory: Tensor
    attention: Tensor


class FrameProjector(nn.Module):
    """LayerNorm, Linear, GELU, dropout, Linear, GELU: the prototype's frame projector (docs/contract.md 1.6)."""

    def __init__(self, num_features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(num_features),
            nn.Linear(num_features, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.GELU(),
        )

    def forward(self, features: Tensor, valid: Tensor) -> Tensor:
        """(B, T, F) to (B, T, W); zeros in padding."""
        projected: Tensor = self.layers(features)
        return projected * valid.unsqueeze(-1).to(projected.dtype)


class EmbeddingHead(nn.Module):
    """The clip's vector: a projection of its own, so that the contrastive loss leaves the memory alone."""

    def __init__(self, width: int, embedding_dim: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, embedding_dim)
        self.norm = nn.LayerNorm(embedding_dim)

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, W) to (B, D) of unit length."""
        return nn.functional.normalize(self.norm(self.project(pooled)), dim=-1)


def _uniform_attention(valid: Tensor, dtype: torch.dtype) -> Tensor:
    weight = valid.to(dtype)
    return weight / weight.sum(dim=1, keepdim=True).clamp_min(1.0)


def reverse_valid(sequence: Tensor, valid: Tensor) -> Tensor:
    """Reverse the valid head of each (T, W) sequence and leave the padded tail in its place; its own inverse."""
    steps = torch.arange(sequence.shape[1], device=sequence.device).unsqueeze(0)
    lengths = valid.sum(dim=1, keepdim=True)
    source = torch.where(steps < lengths, lengths - 1 - steps, steps)
    return sequence.gather(1, source.unsqueeze(-1).expand(-1, -1, sequence.shape[2]))


class GruEncoder(nn.Module):
    """Bidirectional GRU with attention pooling (docs/contract.md 1.6).

    The backward direction runs over the reversed valid frames, so that padding is never read; that
    works the same in training, in TorchScript and in ONNX, which packed sequences do not.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = config.width
        self.projector = FrameProjector(config.num_features, width, config.dropout)
        sizes = [width] + [2 * width] * (config.num_layers - 1)
        self.forwards = nn.ModuleList(nn.GRU(size, width, batch_first=True) for size in sizes)
        self.backwards = nn.ModuleList(nn.GRU(size, width, batch_first=True) for size in sizes)
        self.dropout = nn.Dropout(config.dropout)
        self.pooling = AttentionPooling(2 * width, config.num_heads)
        self.head = EmbeddingHead(2 * width, config.embedding_dim)
        self.context = nn.Linear(2 * width, config.embedding_dim)

    def forward(self, features: Tensor, valid: Tensor, motion: Tensor) -> EncoderOutput:
        """Encode standardised features (B, T, F).

        Args:
            features: (B, T, F) float32.
            valid: (B, T) bool, True = real frame.
            motion: (B, T) z-scored motion of each frame.
        """
        projections = self.projector(features, valid)
        keep = valid.unsqueeze(-1).to(projections.dtype)
        sequence = projections
        for onward, backward in zip(self.forwards, self.backwards, strict=True):
            ahead = onward(sequence)[0]
            back = reverse_valid(backward(reverse_valid(sequence, valid))[0], valid)
            sequence = self.dropout(torch.cat([ahead, back], dim=-1)) * keep
        pooled, attention = self.pooling(sequence, valid, motion)
        return EncoderOutput(self.head(pooled), projections, self.context(sequence) * keep, attention)


class TransformerSignEncoder(nn.Module):
    """Pre-norm transformer with sinusoidal positions and masked mean pooling (docs/contract.md 1.6)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = config.embedding_dim
        self.projector = FrameProjector(config.num_features, config.width, config.dropout)
        self.widen = nn.Linear(config.width, width)
        self.blocks = nn.ModuleList(
            AttentionBlock(width, config.num_heads, config.feed_forward, config.dropout)
            for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = EmbeddingHead(width, config.embedding_dim)

    def forward(self, features: Tensor, valid: Tensor, motion: Tensor) -> EncoderOutput:  # noqa: ARG002  # one interface
        """Encode standardised features (B, T, F).

        Args:
            features: (B, T, F) float32.
            valid: (B, T) bool, True = real frame.
            motion: (B, T) z-scored motion of each frame.
        """
        projections = self.projector(features, valid)
        keep = valid.unsqueeze(-1).to(projections.dtype)
        positions = torch.arange(features.shape[1], device=features.device)
        sequence = self.widen(projections) + sinusoidal_positions(positions, self.widen.out_features)
        for block in self.blocks:
            sequence = block(sequence, valid)
        sequence = self.norm(sequence) * keep
        return EncoderOutput(
            self.head(masked_mean(sequence, valid)), projections, sequence, _uniform_attention(valid, sequence.dtype)
        )


class ConvTransformer(nn.Module):
    """Depthwise convolutions over time, then attention, in rounds: SignTalk's own encoder.

    After the winner of Google's isolated sign language contest (2023). The frame projections for DTW are
    the memory's directions: unlike single frames they know their neighbourhood in time.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = config.width
        self.stem = nn.Linear(config.num_features, width)
        self.stem_norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList()
        for _ in range(config.num_layers):
            self.blocks.extend(
                ConvBlock(width, config.kernel_size, 2, config.dropout) for _ in range(config.conv_blocks)
            )
            self.blocks.append(AttentionBlock(width, config.num_heads, config.feed_forward, config.dropout))
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.dropout = nn.Dropout(config.dropout)
        self.head = EmbeddingHead(2 * width, config.embedding_dim)

    def forward(self, features: Tensor, valid: Tensor, motion: Tensor) -> EncoderOutput:  # noqa: ARG002  # one interface
        """Encode standardised features (B, T, F).

        Args:
            features: (B, T, F) float32.
            valid: (B, T) bool, True = real frame.
            motion: (B, T) z-scored motion of each frame.
        """
        keep = valid.unsqueeze(-1).to(features.dtype)
        sequence = self.stem_norm(self.stem(features)) * keep
        for block in self.blocks:
            sequence = block(sequence, valid)
        memory = self.norm(sequence) * keep
        pooled = masked_mean(nn.functional.silu(self.widen(memory)), valid)
        attention = _uniform_attention(valid, memory.dtype)
        # Unit length, so that the distance of two frames is that of their directions.
        projections = nn.functional.normalize(memory, dim=-1)
        return EncoderOutput(self.head(self.dropout(pooled)), projections, memory, attention)


def build_encoder(config: EncoderConfig) -> GruEncoder | TransformerSignEncoder | ConvTransformer:
    """The encoder that the configuration names, freshly initialised."""
    if config.kind == "gru":
        return GruEncoder(config)
    return TransformerSignEncoder(config) if config.kind == "transformer" else ConvTransformer(config)
