import numpy as np
import pytest
import torch

from made.pretraining import TINY
from signtalk.synthetic.drawn_signs import PHONOLOGY
from signtalk.synthetic.endless import NO_SIGN
from signtalk.training.episodes import Episode
from signtalk.training.pretrain_module import EpochEpisodes, Pretraining, base_model_config, base_tokenizer


def made_episode(step: int) -> Episode:
    rng = np.random.default_rng(step)
    features = rng.normal(size=(4, 12, TINY.features.num_features)).astype(np.float32)
    phonology = np.full((4, 12, len(PHONOLOGY)), NO_SIGN, dtype=np.int64)
    phonology[:2, 3:9] = 1
    return Episode(
        features, np.ones((4, 12), dtype=np.bool_), np.array([0, 0, 1, 1]), phonology,
        np.array([True, True, False, False]),
    )  # fmt: skip


def made_module() -> Pretraining:
    return Pretraining(TINY, made_episode, lambda module, losses: None)


def test_each_epoch_asks_for_the_steps_that_follow() -> None:
    asked: list[int] = []

    def make(step: int) -> Episode:
        asked.append(step)
        return made_episode(step)

    steps = EpochEpisodes(make, first_step=6, length=3)
    batches = [steps[i] for i in range(len(steps))]
    assert asked == [6, 7, 8]
    assert batches[0].features.shape == (4, 12, TINY.features.num_features)


def test_the_loss_falls_when_the_same_batch_is_learned() -> None:
    module = made_module()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    batch = EpochEpisodes(made_episode, 0, 1)[0]
    losses = []
    for _ in range(15):
        loss = module.training_step(batch, 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_frames_between_signs_and_clips_of_several_teach_no_parameter() -> None:
    module = made_module().eval()
    batch = EpochEpisodes(made_episode, 0, 1)[0]
    nothing = batch._replace(
        phonology=torch.full_like(batch.phonology, NO_SIGN), is_single=torch.zeros(4, dtype=torch.bool)
    )
    whole, bare = module.training_step(batch, 0).item(), module.training_step(nothing, 0).item()
    assert whole > bare


def test_phonology_loss_is_the_mean_cross_entropy_of_the_parameters() -> None:
    module = made_module()
    logits, values = torch.zeros(5, sum(module.sizes)), torch.zeros(5, len(module.sizes), dtype=torch.int64)
    expected = np.mean(np.log([len(names) for names in PHONOLOGY.values()]))
    assert float(module.phonology_loss(logits, values)) == pytest.approx(expected, rel=1e-5)


def test_a_base_has_no_words_and_the_smallest_decoder() -> None:
    config = base_model_config(TINY)
    assert config.decoder.vocabulary_size == base_tokenizer().vocabulary_size == 4
    assert not config.spells and config.text_encoder is None
