import pytest
from pydantic import ValidationError

from signtalk.models.config import EncoderConfig, EncoderSize, LossConfig, TextDecoderConfig, TextEncoderConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel_size": 4}, "even"),
        ({"kind": "gru", "width": 33}, "odd"),
        ({"width": 33}, "not a multiple of num_heads 4"),
        ({"kind": "transformer", "embedding_dim": 30}, "embedding_dim 30 is not a multiple"),
        ({"kind": "transformer", "embedding_dim": 33, "num_heads": 3}, "embedding_dim 33 is odd"),
    ],
)
def test_sizes_that_no_encoder_has_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EncoderSize.model_validate(settings)


def test_the_memory_is_as_wide_as_what_the_encoder_ends_with() -> None:
    widths = [EncoderConfig(kind=kind, num_features=3).memory_width for kind in ("conv-transformer", "gru")]
    assert widths == [128, 256]


def test_heads_divide_the_width() -> None:
    with pytest.raises(ValidationError, match="3 heads"):
        TextDecoderConfig(vocabulary_size=9, num_heads=3)
    with pytest.raises(ValidationError, match="3 heads"):
        TextEncoderConfig(vocabulary_size=9, embedding_dim=8, num_heads=3)


def test_losses_that_teach_nothing_are_refused() -> None:
    assert LossConfig.prototype().align_weight == 0
    with pytest.raises(ValidationError, match="moves nothing"):
        LossConfig(align_weight=0, align_gradient=True)
