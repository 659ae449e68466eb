"""The network that a recipe asks for, once its features and its vocabulary are known.

NetworkConfig (flat, as `recipe.json` and `--set` name it) -> model_config -> ModelConfig (nested)
"""

from __future__ import annotations

import math

from signtalk.models.config import EncoderConfig, EncoderSize, ModelConfig, TextDecoderConfig, TextEncoderConfig
from signtalk.training.recipe import Recipe


def model_config(recipe: Recipe, vocabulary_size: int) -> ModelConfig:
    """The network of a recipe for its features and so many words."""
    network = recipe.network
    encoder = EncoderConfig(
        num_features=recipe.features.num_features, **network.model_dump(include=set(EncoderSize.model_fields))
    )
    decoder = TextDecoderConfig(
        vocabulary_size=vocabulary_size,
        width=network.decoder_width,
        num_layers=network.decoder_layers,
        num_heads=network.decoder_heads,
        feed_forward=network.decoder_feed_forward,
        dropout=network.decoder_dropout,
        max_tokens=network.max_tokens,
        memory_width=encoder.memory_width,
    )
    text_encoder = TextEncoderConfig(
        vocabulary_size=vocabulary_size,
        embedding_dim=network.embedding_dim,
        width=network.text_width,
        num_layers=network.text_layers,
        num_heads=network.text_heads,
        dropout=network.text_dropout,
    )
    return ModelConfig(
        encoder=encoder,
        decoder=decoder,
        num_coordinates=math.prod(recipe.features.coordinate_shape),
        supcon_dim=network.supcon_dim,
        spells=recipe.losses.ctc_weight > 0,
        motion="prototype-rows" if recipe.features.preset == "prototype" else "last-column",
        text_encoder=text_encoder if recipe.losses.align_weight else None,
    )
