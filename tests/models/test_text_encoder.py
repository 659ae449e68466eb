"""The text encoder: unit vectors that padding does not change and that words and their order do."""

import pytest
import torch

from signtalk.models.config import TextEncoderConfig
from signtalk.models.text_encoder import TextEncoder


def encoder(**changes: object) -> TextEncoder:
    torch.manual_seed(0)
    size = {"vocabulary_size": 9, "embedding_dim": 6, "width": 8, "num_heads": 2} | changes
    return TextEncoder(TextEncoderConfig(**size)).eval()


@torch.no_grad()
def test_padding_and_special_tokens_change_nothing() -> None:
    model = encoder()
    together = model(torch.tensor([[4, 5, 3, 2, 0], [6, 0, 0, 0, 0], [7, 4, 8, 5, 6]]))
    torch.testing.assert_close(together[0], model(torch.tensor([[4, 5, 3]]))[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(together[1], model(torch.tensor([[6]]))[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(3))


@torch.no_grad()
def test_words_their_order_and_unknown_ones_count() -> None:
    found = encoder()(torch.tensor([[4, 5], [5, 4], [4, 6], [4, 3]]))
    for i in range(4):
        for j in range(i):
            assert float((found[i] - found[j]).abs().max()) > 1e-4


@torch.no_grad()
def test_a_text_without_a_word_gives_a_number() -> None:
    assert torch.isfinite(encoder()(torch.tensor([[2, 0]]))).all()


def test_layers_and_dropout_act() -> None:
    assert len(encoder(num_layers=3).blocks) == 3
    assert len(encoder(num_layers=0).blocks) == 0
    model, tokens = encoder(dropout=0.5).train(), torch.tensor([[4, 5, 6]])
    assert float((model(tokens) - model(tokens)).detach().abs().max()) > 0


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="width 8 is not a multiple of 3 heads"):
        TextEncoderConfig(vocabulary_size=9, embedding_dim=6, width=8, num_heads=3)
