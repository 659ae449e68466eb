import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from signtalk.models.layers import (
    AttentionBlock,
    AttentionPooling,
    DropPath,
    MaskedBatchNorm,
    masked_mean,
    sinusoidal_positions,
)


@given(seed=st.integers(0, 500))
def test_masked_mean_is_the_mean_of_the_valid_frames(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    sequence = torch.randn(3, 7, 4, generator=generator)
    valid = torch.rand(3, 7, generator=generator) < 0.5
    valid[0] = False
    found = masked_mean(sequence, valid)
    for clip in range(3):
        expected = sequence[clip][valid[clip]].mean(dim=0) if valid[clip].any() else torch.zeros(4)
        torch.testing.assert_close(found[clip], expected)


def test_batch_norm_equals_torch_on_valid_frames_alone() -> None:
    torch.manual_seed(0)
    ours, theirs = MaskedBatchNorm(5), nn.BatchNorm1d(5)
    sequence, valid = torch.randn(4, 6, 5), torch.ones(4, 6, dtype=torch.bool)
    valid[1, 3:] = False
    found = ours(sequence, valid)
    torch.testing.assert_close(found[valid], theirs(sequence[valid]))
    assert (found[~valid] == 0).all()
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(sequence, valid)[valid], theirs(sequence[valid]))


def test_attention_equals_torchs_encoder_layer() -> None:
    torch.manual_seed(0)
    ours = AttentionBlock(8, 2, 16, 0.0).eval()
    theirs = nn.TransformerEncoderLayer(8, 2, 16, 0.0, activation="gelu", batch_first=True, norm_first=True).eval()
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(ours.query_key_value.weight)
        theirs.self_attn.in_proj_bias.copy_(ours.query_key_value.bias)
        theirs.self_attn.out_proj.load_state_dict(ours.output.state_dict())
        theirs.norm1.load_state_dict(ours.norm_attention.state_dict())
        theirs.norm2.load_state_dict(ours.norm_feed_forward.state_dict())
        theirs.linear1.load_state_dict(ours.feed_forward[0].state_dict())
        theirs.linear2.load_state_dict(ours.feed_forward[3].state_dict())
        sequence, valid = torch.randn(3, 5, 8), torch.ones(3, 5, dtype=torch.bool)
        valid[0, 2:] = False
        expected = theirs(sequence, src_key_padding_mask=~valid)
        torch.testing.assert_close(ours(sequence, valid)[valid], expected[valid], atol=1e-5, rtol=1e-5)


def test_pooling_weights_sum_to_one_over_valid_frames_and_follow_motion() -> None:
    torch.manual_seed(0)
    pooling = AttentionPooling(6, 2).eval()
    sequence, valid = torch.randn(2, 5, 6), torch.ones(2, 5, dtype=torch.bool)
    valid[0, 3:] = False
    motion = torch.zeros(2, 5)
    _, weights = pooling(sequence, valid, motion)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    assert (weights[0, 3:] == 0).all()
    motion[1, 2] = 5.0
    _, moved = pooling(sequence, valid, motion)
    assert moved[1, 2] > weights[1, 2]


def test_positions_are_sines_and_cosines() -> None:
    found = sinusoidal_positions(torch.arange(7), 6).numpy()
    for place in range(7):
        for pair in range(3):
            angle = place / 10000 ** (2 * pair / 6)
            np.testing.assert_allclose(found[place, 2 * pair : 2 * pair + 2], [np.sin(angle), np.cos(angle)], atol=1e-5)


def test_drop_path_drops_whole_clips_while_training_alone() -> None:
    torch.manual_seed(0)
    layer, branch = DropPath(0.5), torch.ones(64, 3, 2)
    dropped = layer(branch).flatten(1)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert ((dropped == 0).all(dim=1) | (dropped == 2).all(dim=1)).all()
    torch.testing.assert_close(layer.eval()(branch), branch)
