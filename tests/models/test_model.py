import numpy as np
import torch

from made.networks import clips, small_config, small_model
from signtalk.landmarks.legacy_rows import frame_motion
from signtalk.models.model import SignModel


def test_a_padded_clip_is_encoded_as_it_is_alone_whatever_stands_in_padding() -> None:
    model, (features, valid) = small_model(), clips()
    model.set_statistics(torch.full((12,), 3.0), torch.full((12,), 2.0))  # zeros in padding are no zeros any more
    features[~valid] = 77.0
    with torch.no_grad():
        together = model.encode(features, valid)
        alone = model.encode(features[1:2, :5], valid[1:2, :5])
    torch.testing.assert_close(together.embedding[1], alone.embedding[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together.memory[1, :5], alone.memory[0], atol=1e-5, rtol=1e-5)


def test_features_are_standardised_and_clipped() -> None:
    model = small_model()
    model.set_statistics(torch.full((12,), 1.0), torch.full((12,), 0.5))
    found = model.standardise(torch.tensor([1.0, 2.0, 1e6]).view(1, 3, 1).expand(1, 3, 12))
    assert found[0, :, 0].tolist() == [0.0, 2.0, 8.0]


def test_a_hidden_frame_cannot_be_seen() -> None:
    model, (features, valid) = small_model(), clips()
    tokens = torch.tensor([[1, 4]] * 3)
    masked = torch.zeros_like(valid)
    masked[0, 4] = True
    other = features.clone()
    other[0, 4] += 5.0
    with torch.no_grad():
        first, second = model(features, valid, masked, tokens), model(other, valid, masked, tokens)
        open_view = model(other, valid, torch.zeros_like(valid), tokens)
    torch.testing.assert_close(first.encoded.embedding, second.encoded.embedding)
    torch.testing.assert_close(first.reconstruction, second.reconstruction)
    assert not torch.allclose(open_view.encoded.embedding[0], second.encoded.embedding[0])


def test_training_and_serving_see_the_same_embedding() -> None:
    model, (features, valid) = small_model(), clips()
    with torch.no_grad():
        served = model.encode(features, valid).embedding
        trained = model(features, valid, torch.zeros_like(valid), torch.tensor([[1]] * 3))
    torch.testing.assert_close(trained.encoded.embedding, served)
    assert trained.text_logits.shape == (3, 1, 8)
    torch.testing.assert_close(trained.word_log_probs.exp().sum(-1), torch.ones(3, 9))


def test_the_contrastive_projection_is_a_head_of_its_own() -> None:
    model, (features, valid) = small_model(supcon_dim=4), clips()
    output = model(features, valid, torch.zeros_like(valid), torch.tensor([[1]] * 3))
    assert output.contrast.shape == (3, 4)
    torch.testing.assert_close(output.contrast.norm(dim=1), torch.ones(3))


def test_motion_of_prototype_rows_is_their_movement_without_visibility() -> None:
    config = small_config()
    encoder = config.encoder.model_copy(update={"num_features": 540})
    model = SignModel(config.model_copy(update={"encoder": encoder, "motion": "prototype-rows"}))
    rows = np.random.default_rng(0).standard_normal((2, 7, 540)).astype(np.float32)
    found = model.motion(torch.from_numpy(rows))
    for clip in range(2):
        np.testing.assert_allclose(found[clip], frame_motion(rows[clip]), rtol=1e-5)
    features = torch.randn(1, 4, 12)
    torch.testing.assert_close(small_model().motion(features), features[..., -1])
