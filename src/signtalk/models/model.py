"""The trainable whole: standardised features -> sign encoder -> embedding and memory -> text decoder.

Tensors only, no files. Recognition needs `encode` and `spell`, translation adds `decoder`, search by text
`text_encoder`; the other heads exist to teach the encoder and stay behind when a model is exported.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from signtalk.models.config import ModelConfig
from signtalk.models.encoders import EncoderOutput, build_encoder
from signtalk.models.text_decoder import TextDecoder
from signtalk.models.text_encoder import TextEncoder

_STANDARD_LIMIT = 8.0
"""Standardised features are clipped here: one wild frame must not decide (docs/contract.md 2.7)."""


_POSE_COLUMNS = 132
"""Of the prototype's rows: x, y, z, visibility of 33 points (docs/contract.md 1.1)."""


class TrainingOutput(NamedTuple):
    """One pass over a training view.

    Attributes:
        encoded: the encoder's output.
        contrast: (B, P) unit length, what the contrastive loss compares.
        text_logits: (B, S, V) next-token logits under teacher forcing.
        word_log_probs: (B, T, V) log probability of each word at each frame, id 0 the blank, for CTC.
        reconstruction: (B, T, num_coordinates) standardised coordinates predicted from the memory.
        text_embedding: (B, D) unit length, each row's text among the signs; None without a text encoder.
    """

    encoded: EncoderOutput
    contrast: Tensor
    text_logits: Tensor
    word_log_probs: Tensor
    reconstruction: Tensor
    text_embedding: Tensor | None = None


class SignModel(nn.Module):
    """Sign encoder, text decoder and the heads that only training uses.

    Attributes:
        config: what it was built from.
        feature_mean: (F,) mean of each feature over the valid frames of the training clips.
        feature_std: (F,) spread likewise; 1 for columns that are not standardised.
    """

    feature_mean: Tensor
    feature_std: Tensor
    moving_columns: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        features, memory = config.encoder.num_features, config.encoder.memory_width
        self.register_buffer("feature_mean", torch.zeros(features))
        self.register_buffer("feature_std", torch.ones(features))
        moving = [i for i in range(features) if i >= _POSE_COLUMNS or i % 4 != 3]  # all but visibility
        self.register_buffer("moving_columns", torch.tensor(moving), persistent=False)
        self.encoder = build_encoder(config.encoder)
        self.decoder = TextDecoder(config.decoder)
        self.word_head = nn.Linear(memory, config.decoder.vocabulary_size)
        self.mask_token = nn.Parameter(torch.zeros(features))
        self.mask_head = nn.Sequential(
            nn.LayerNorm(memory), nn.Linear(memory, memory), nn.GELU(), nn.Linear(memory, config.num_coordinates)
        )
        self.contrast_head: nn.Module = nn.Identity()
        if config.supcon_dim:
            width = config.encoder.embedding_dim
            self.contrast_head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, config.supcon_dim))
        with torch.random.fork_rng(
            devices=()
        ):  # all other parts begin with the same weights whether it is there or not
            self.text_encoder = TextEncoder(config.text_encoder) if config.text_encoder else None

    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Take over the training clips' statistics, (F,) each."""
        self.feature_mean.copy_(mean)
        self.feature_std.copy_(std)

    def standardise(self, features: Tensor) -> Tensor:
        """(B, T, F) to zero mean and unit spread, clipped."""
        return ((features - self.feature_mean) / self.feature_std).clamp(-_STANDARD_LIMIT, _STANDARD_LIMIT)

    def encode(self, features: Tensor, valid: Tensor) -> EncoderOutput:
        """Encode clips.

        Args:
            features: (B, T, F) float32 from `features.derive`.
            valid: (B, T) bool, True = real frame; padding only at the end.

        Returns:
            Embedding, projections, memory and attention; padding changes none of them.
        """
        keep = valid.unsqueeze(-1).to(features.dtype)
        return self.encoder(self.standardise(features) * keep, valid, self.motion(features) * keep.squeeze(-1))

    def motion(self, features: Tensor) -> Tensor:
        """(B, T) how much each frame moves, in the features' own unit; what padding holds there does not matter."""
        if self.config.motion == "last-column":
            return features[..., -1]
        points = features[..., self.moving_columns]
        moved = torch.linalg.vector_norm(points[:, 1:] - points[:, :-1], dim=-1)
        return nn.functional.pad(moved, (1, 0))

    def spell(self, memory: Tensor) -> Tensor:
        """(B, T, V) log probability of each word at each frame of a memory (B, T, M), id 0 = no word."""
        return self.word_head(memory).log_softmax(dim=-1)

    def forward(self, features: Tensor, valid: Tensor, masked: Tensor, tokens: Tensor) -> TrainingOutput:
        """One training pass; every loss reads from it.

        Args:
            features: (B, T, F) as for `encode`.
            valid: (B, T) bool, True = real frame.
            masked: (B, T) bool, True = frame hidden behind the learned token; all False hides nothing.
            tokens: (B, S) int64, sos first; what the decoder has already said.

        Returns:
            What the losses need.
        """
        keep = valid.unsqueeze(-1).to(features.dtype)
        seen = torch.where(masked.unsqueeze(-1), self.mask_token, self.standardise(features)) * keep
        motion = self.motion(features) * keep.squeeze(-1) * ~masked
        encoded = self.encoder(seen, valid, motion)
        return TrainingOutput(
            encoded=encoded,
            contrast=nn.functional.normalize(self.contrast_head(encoded.embedding), dim=-1),
            text_logits=self.decoder(tokens, encoded.memory, valid),
            word_log_probs=self.spell(encoded.memory),
            reconstruction=self.mask_head(encoded.memory),
            text_embedding=self.text_encoder(tokens[:, 1:]) if self.text_encoder is not None else None,
        )
