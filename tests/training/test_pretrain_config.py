import pytest

from signtalk.errors import ConfigError
from signtalk.training.pretrain_config import PretrainConfig
from signtalk.training.settings import with_settings


def test_the_two_bases_read_what_their_trackers_find() -> None:
    hands, body = PretrainConfig.named("hands"), PretrainConfig.named("body")
    assert hands.features.use_hands and hands.features.use_hand_angles
    assert not body.features.use_hands and body.features.use_depth and body.features.frontal
    assert body.augment.mirror_probability == 0 < hands.augment.mirror_probability
    assert (hands.made_up().trackers, body.made_up().trackers) == ("hands", "body")
    for config in (hands, body):
        assert PretrainConfig.model_validate_json(config.model_dump_json()) == config


def test_settings_are_changed_by_name() -> None:
    changed = with_settings(PretrainConfig(), ["epochs=3", "encoder.width=64", "frame_counts=[16, 24]"])
    assert (changed.epochs, changed.encoder.width, changed.frame_counts) == (3, 64, (16, 24))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("groups=7", "multiple of 2"),
        ("frame_counts=[]", "frame_counts needs numbers"),
        ("features.resampling=rate", "stretches whole clips"),
        ("pool_groups=10", "24 groups a batch from pools of 10"),
        ("epoch=3", "did you mean epochs"),
        ("name=body", "features.use_hands True: hands are read where trackers find them"),
    ],
)
def test_settings_that_cannot_work_are_refused(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        with_settings(PretrainConfig(), [assignment])


def test_signs_that_training_never_meets_have_a_seed_of_their_own() -> None:
    config = PretrainConfig(seed=3, people=5)
    assert (config.made_up().seed, config.made_up(100).seed) == (3, 103)
    assert config.made_up(100).people == 5
