"""Small networks, and batches for them."""

import torch

from signtalk.models.config import EncoderConfig, ModelConfig, TextDecoderConfig
from signtalk.models.model import SignModel


def small_config(**changes: object) -> ModelConfig:
    encoder = EncoderConfig(
        num_features=12, width=16, embedding_dim=16, num_layers=1, num_heads=2, feed_forward=16, conv_blocks=1,
        kernel_size=3, dropout=0.0,
    )  # fmt: skip
    decoder = TextDecoderConfig(
        vocabulary_size=8, width=16, num_layers=1, num_heads=2, feed_forward=16, dropout=0.0, memory_width=16
    )
    return ModelConfig(encoder=encoder, decoder=decoder, num_coordinates=6, **changes)


def small_model(**changes: object) -> SignModel:
    torch.manual_seed(0)
    return SignModel(small_config(**changes)).eval()


def clips() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(3, 9, 12), torch.arange(9)[None] < torch.tensor([9, 5, 1])[:, None]
