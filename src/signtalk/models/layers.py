"""Building blocks that know which frames are real.

Every layer takes `valid` (B, T) bool, True = real frame, and neither reads nor changes what padding
holds, so that a clip gives the same result alone and in a padded batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def masked_mean(sequence: Tensor, valid: Tensor) -> Tensor:
    """(B, W) mean over the valid frames of (B, T, W); zeros for a clip without any."""
    weight = valid.to(sequence.dtype).unsqueeze(-1)
    return (sequence * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1.0)


def sinusoidal_positions(num_positions: Tensor, width: int) -> Tensor:
    """Sine and cosine position codes (Vaswani et al. 2017, section 3.5).

    Args:
        num_positions: (T,) positions, any numeric dtype.
        width: even.

    Returns:
        (T, width) float32, sine and cosine interleaved.
    """
    # Numbers, for an exporter computes a formula anew: the last digit of a rate is 6e-5 at frame 1,000.
    constants = [10000.0 ** (-place / width) for place in range(0, width, 2)]
    rates = torch.tensor(constants, dtype=torch.float32, device=num_positions.device)
    angles = num_positions.to(torch.float32).unsqueeze(-1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation over channels whose statistics come from valid frames only."""

    def forward(self, sequence: Tensor, valid: Tensor) -> Tensor:  # type: ignore[override]  # one more input
        """Normalise (B, T, W); padding comes out as zeros."""
        if self.training:
            if bool(valid.all()):  # the usual case where whole clips are stretched; gathering rows would only cost time
                rows = super().forward(sequence.flatten(0, 1))
                return rows.view_as(sequence).to(sequence.dtype)
            normal = torch.zeros_like(sequence)
            normal[valid] = super().forward(sequence[valid]).to(sequence.dtype)
            return normal
        assert self.running_mean is not None and self.running_var is not None
        scale = self.weight / torch.sqrt(self.running_var + self.eps)
        normal = (sequence - self.running_mean) * scale + self.bias
        return normal * valid.unsqueeze(-1).to(sequence.dtype)


class ChannelAttention(nn.Module):
    """Efficient channel attention (Wang et al. 2020): a gate for each channel from its neighbours' means."""

    def __init__(self, kernel_size: int = 5) -> None:
        super().__init__()
        self.mix = nn.Conv1d(1, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, sequence: Tensor, valid: Tensor) -> Tensor:
        """Scale the channels of (B, T, W)."""
        gate = self.mix(masked_mean(sequence, valid).unsqueeze(1)).squeeze(1)
        return sequence * torch.sigmoid(gate).unsqueeze(1)


class DropPath(nn.Module):
    """Skip a residual branch for whole clips while training (Huang et al. 2016)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, branch: Tensor) -> Tensor:
        """(B, ...) with the branch of some clips zeroed and the others scaled up."""
        if not self.training or self.probability == 0.0:
            return branch
        keep = 1.0 - self.probability
        shape = (len(branch),) + (1,) * (branch.ndim - 1)
        return branch * torch.bernoulli(torch.full(shape, keep, device=branch.device)) / keep


class ConvBlock(nn.Module):
    """Expand, depthwise convolution over time, batch norm, channel attention, project back; residual.

    After the building block of the winning entry of Google's isolated sign language contest (2023), with
    centred instead of causal convolutions.
    """

    def __init__(self, width: int, kernel_size: int, expand: int, dropout: float) -> None:
        super().__init__()
        inner = width * expand
        self.expand = nn.Linear(width, inner)
        # A two-dimensional kernel of one column: in channels-last memory it runs five times faster on a CPU
        # than the same one-dimensional convolution (measured on a training step, docs/experiments.md).
        self.depthwise = nn.Conv2d(
            inner, inner, (kernel_size, 1), padding=(kernel_size // 2, 0), groups=inner, bias=False
        )
        self.depthwise.weight.data = self.depthwise.weight.data.to(memory_format=torch.channels_last)
        self.norm = MaskedBatchNorm(inner)
        self.attention = ChannelAttention()
        self.project = nn.Linear(inner, width)
        self.drop_path = DropPath(dropout)

    def forward(self, sequence: Tensor, valid: Tensor) -> Tensor:
        """(B, T, W) to (B, T, W)."""
        keep = valid.unsqueeze(-1).to(sequence.dtype)
        inner = nn.functional.silu(self.expand(sequence)) * keep
        inner = self.depthwise(inner.transpose(1, 2).unsqueeze(-1)).squeeze(-1).transpose(1, 2)
        inner = self.attention(self.norm(inner, valid), valid)
        return sequence + self.drop_path(self.project(inner))


class AttentionBlock(nn.Module):
    """Pre-norm transformer encoder layer with a valid mask."""

    def __init__(self, width: int, num_heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        if width % num_heads:
            raise ValueError(f"width {width} is not a multiple of {num_heads} heads")
        self.num_heads = num_heads
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.norm_feed_forward = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward), nn.GELU(), nn.Dropout(dropout), nn.Linear(feed_forward, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, sequence: Tensor, valid: Tensor) -> Tensor:
        """(B, T, W) to (B, T, W); valid frames attend to valid frames alone."""
        batch, frames, width = sequence.shape
        parts = self.query_key_value(self.norm_attention(sequence)).view(batch, frames, 3, self.num_heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        # A clip without any valid frame would give a softmax over nothing; it attends everywhere instead.
        allowed = (valid | ~valid.any(dim=1, keepdim=True))[:, None, None, :]
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        sequence = sequence + self.dropout(self.output(mixed.transpose(1, 2).reshape(batch, frames, width)))
        return sequence + self.dropout(self.feed_forward(self.norm_feed_forward(sequence)))


class AttentionPooling(nn.Module):
    """Additive attention, heads averaged, with the frame's z-scored motion as a bias (docs/contract.md 1.6)."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.logits = nn.Linear(width, num_heads)

    def forward(self, sequence: Tensor, valid: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Pool (B, T, W) to (B, W); also the weights (B, T), which sum to 1 over the valid frames.

        Args:
            sequence: (B, T, W).
            valid: (B, T) bool, True = real frame.
            motion: (B, T) z-scored motion, added to the logits.
        """
        mean = masked_mean(motion.unsqueeze(-1), valid)
        spread = masked_mean((motion.unsqueeze(-1) - mean.unsqueeze(1)) ** 2, valid).sqrt()
        bias = (motion.unsqueeze(-1) - mean.unsqueeze(1)) / (spread.unsqueeze(1) + 1e-5)
        logits = self.logits(torch.tanh(self.hidden(sequence))) + bias
        allowed = valid | ~valid.any(dim=1, keepdim=True)
        logits = logits.masked_fill(~allowed.unsqueeze(-1), torch.finfo(logits.dtype).min)
        weights = logits.softmax(dim=1).mean(dim=-1)
        return torch.einsum("bt,btw->bw", weights, sequence), weights
