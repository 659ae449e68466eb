import pytest
import torch
from pydantic import ValidationError

from signtalk.models.config import EncoderConfig
from signtalk.models.encoders import build_encoder, reverse_valid

KINDS = ("gru", "transformer", "conv-transformer")


def encoder(kind: str) -> torch.nn.Module:
    torch.manual_seed(0)
    sizes = {"width": 16, "embedding_dim": 16, "num_layers": 2, "num_heads": 2, "feed_forward": 32, "kernel_size": 5}
    return build_encoder(EncoderConfig(kind=kind, num_features=12, **sizes)).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_a_padded_batch_gives_what_the_clip_gives_alone(kind: str) -> None:
    model = encoder(kind)
    lengths = (9, 4, 1)
    features, motion = torch.randn(3, 9, 12), torch.rand(3, 9)
    valid = torch.arange(9)[None] < torch.tensor(lengths)[:, None]
    features[~valid] = 1e3  # what stands in padding must not matter
    with torch.no_grad():
        together = model(features * valid[..., None], valid, motion * valid)
        for clip, length in enumerate(lengths):
            alone = model(
                features[clip : clip + 1, :length], valid[clip : clip + 1, :length], motion[clip : clip + 1, :length]
            )
            torch.testing.assert_close(together.embedding[clip], alone.embedding[0], atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(together.memory[clip, :length], alone.memory[0], atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(together.projections[clip, :length], alone.projections[0], atol=1e-5, rtol=1e-5)
            assert (together.memory[clip, length:] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_unit_length_and_gradients(kind: str) -> None:
    model = encoder(kind).train()
    features, valid = torch.randn(4, 7, 12), torch.ones(4, 7, dtype=torch.bool)
    output = model(features, valid, torch.rand(4, 7))
    assert output.embedding.shape == (4, 16)
    torch.testing.assert_close(output.embedding.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(output.attention.sum(dim=1), torch.ones(4))
    (output.embedding.sum() + output.memory.pow(2).sum()).backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


def test_the_prototypes_gru_equals_torchs_bidirectional_one() -> None:
    model = encoder("gru")
    reference = torch.nn.GRU(16, 16, bidirectional=True, batch_first=True)
    with torch.no_grad():
        for ours, suffix in ((model.forwards[0], ""), (model.backwards[0], "_reverse")):
            for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
                getattr(reference, name + suffix).copy_(getattr(ours, name))
        sequence, valid = torch.randn(2, 6, 16), torch.ones(2, 6, dtype=torch.bool)
        valid[1, 4:] = False
        packed = torch.nn.utils.rnn.pack_padded_sequence(sequence, torch.tensor([6, 4]), batch_first=True)
        expected, _ = torch.nn.utils.rnn.pad_packed_sequence(reference(packed)[0], batch_first=True)
        back = reverse_valid(model.backwards[0](reverse_valid(sequence, valid))[0], valid)
        found = torch.cat([model.forwards[0](sequence)[0], back], dim=-1) * valid[..., None]
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_reversing_twice_gives_the_input_back() -> None:
    sequence = torch.randn(3, 5, 2)
    valid = torch.arange(5)[None] < torch.tensor([5, 2, 0])[:, None]
    torch.testing.assert_close(reverse_valid(reverse_valid(sequence, valid), valid), sequence)
    torch.testing.assert_close(reverse_valid(sequence, valid)[1, :2], sequence[1, [1, 0]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kernel_size": 4}, {"kind": "gru", "width": 9}, {"kind": "lstm"}, {"depth": 3}, {"width": 30, "num_heads": 4},
        {"kind": "transformer", "embedding_dim": 30, "num_heads": 4},
        {"kind": "transformer", "embedding_dim": 9, "num_heads": 3},
    ],
)  # fmt: skip
def test_sizes_that_do_not_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EncoderConfig(num_features=4, **wrong)
