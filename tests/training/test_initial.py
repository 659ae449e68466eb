from dataclasses import replace

import numpy as np
import pytest
import torch

from made.checkpoint import FEATURES, tiny_checkpoint
from made.small_run import SmallRun
from signtalk.data.manifest import ClipRecord, clip_of_record, load_manifest
from signtalk.errors import ConfigError
from signtalk.evaluation.perturbations import without_hands
from signtalk.export.initial import load_initial
from signtalk.landmarks.clip import LandmarkClip
from signtalk.models.model import SignModel
from signtalk.training.initial import recipe_for, recipe_of_nobodys_choice, start_from
from signtalk.training.network import model_config
from signtalk.training.recipe import Recipe

RECIPE = Recipe.named("default").changed(
    [
        "init=somewhere", "features.num_frames=32", "network.width=16", "network.embedding_dim=16",
        "network.num_layers=1", "network.num_heads=2", "network.feed_forward=16", "network.conv_blocks=1",
        "network.kernel_size=5",
    ]
)  # fmt: skip


def fresh(recipe: Recipe = RECIPE) -> SignModel:
    torch.manual_seed(9)
    return SignModel(model_config(recipe, vocabulary_size=11)).eval()


def test_the_encoder_and_its_statistics_come_along_and_nothing_else() -> None:
    initial = tiny_checkpoint("conv-transformer", with_texts=True)
    width = FEATURES.num_features
    initial.model.set_statistics(torch.linspace(-1, 1, width), torch.linspace(1, 2, width))
    model, untouched = fresh(), fresh()
    start_from(model, initial, RECIPE)
    features, valid = torch.randn(2, 20, width), torch.ones(2, 20, dtype=torch.bool)
    ours, theirs = model.encode(features, valid), initial.model.encode(features, valid)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), atol=1e-6)
    assert torch.equal(model.word_head.weight, untouched.word_head.weight)


def test_other_features_or_sizes_are_told_with_the_settings_that_fit() -> None:
    initial = tiny_checkpoint("conv-transformer")
    other = RECIPE.changed(["features.num_differences=1", "network.kernel_size=3"])
    with pytest.raises(ConfigError, match=r"--set features.num_differences=2 --set network.kernel_size=5"):
        start_from(fresh(other), initial, other)


@pytest.mark.parametrize(
    ("name", "settings", "given", "told"),
    [
        ("default", [], "base", "train with --recipe default, or from fresh weights"),
        ("base", [], "gru", "train with --recipe base, or"),
        ("tiny", ["network.kernel_size=3"], "base", "train with --recipe tiny --set network.kernel_size=3, or"),
        (
            "body", ["features.num_differences=1", "network.kernel_size=11"], "base",
            "train with --recipe body --set features.num_differences=1 --set network.kernel_size=11, or",
        ),
    ],
)  # fmt: skip
def test_the_recipe_that_fits_is_told_where_another_is_nearer(
    name: str, settings: list[str], given: str, told: str
) -> None:
    made, recipe = Recipe.named(name).changed(settings), Recipe.named(given).changed(["init=somewhere"])
    initial = replace(tiny_checkpoint("gru"), model=fresh(made), features=made.features)
    with pytest.raises(ConfigError, match=f"than recipe {given}; {told}"):
        start_from(fresh(recipe), initial, recipe)


def test_the_number_of_frames_may_differ() -> None:
    initial = tiny_checkpoint("conv-transformer")
    longer = replace(initial, features=initial.features.model_copy(update={"num_frames": 99}))
    start_from(fresh(), longer, RECIPE)


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("default", [], "default"),
        ("base", [], "base"),
        ("tiny", [], "tiny"),
        ("tiny", ["network.kernel_size=3"], "base"),
    ],
)
def test_an_encoder_is_given_the_recipe_of_its_features_and_sizes(
    name: str, settings: list[str], expected: str
) -> None:
    made = Recipe.named(name).changed(settings)
    initial = replace(tiny_checkpoint("gru"), model=fresh(made), features=made.features)
    recipe = recipe_for(initial, ["optimiser.epochs=7"])
    assert (recipe.name, recipe.optimiser.epochs) == (expected, 7)


def test_clips_without_hands_do_not_start_from_an_encoder_that_reads_them(
    small_run: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, base = load_manifest(small_run.data).records, load_initial("base")
    assert recipe_of_nobodys_choice(base, records, ["optimiser.epochs=7"]) == Recipe.named("base").changed(
        ["optimiser.epochs=7"]
    )
    assert recipe_of_nobodys_choice(base, ()).name == "default"

    def read(record: ClipRecord) -> LandmarkClip:
        return without_hands(clip_of_record(record), 1.0, np.random.default_rng(0))

    monkeypatch.setattr("signtalk.training.initial.clip_of_record", read)
    assert recipe_of_nobodys_choice(base, records).name == "default"
    with pytest.raises(ConfigError, match=r"no setting 'features\.hands'"):
        recipe_of_nobodys_choice(base, records, ["features.hands=true"])


@pytest.mark.parametrize("setting", ["features.use_depth=false", "features.use_hands=true"])
def test_a_setting_that_one_recipe_cannot_take_says_nothing_about_the_others(setting: str) -> None:
    base = Recipe.named("base")
    initial = replace(tiny_checkpoint("gru"), model=fresh(base), features=base.features)
    assert recipe_for(initial, [setting]) == base
    with pytest.raises(ConfigError, match=r"no setting 'features\.hands'"):
        recipe_for(initial, ["features.hands=true"])
