import pytest

from made.blocked import WITHOUT_TORCH, ran_without
from signtalk.errors import ConfigError
from signtalk.training.pretrain_config import PretrainConfig
from signtalk.training.recipe import RECIPE_NAMES, Recipe


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_every_recipe_is_complete_and_survives_json(name: str) -> None:
    recipe = Recipe.named(name)
    assert recipe.name == name
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_the_prototype_has_the_figures_of_the_contract() -> None:
    recipe = Recipe.named("prototype")
    assert (recipe.features.preset, recipe.features.num_frames) == ("prototype", 64)
    assert (recipe.network.kind, recipe.network.width, recipe.network.embedding_dim) == ("gru", 160, 256)
    losses = recipe.losses
    assert (losses.supcon_weight, losses.text_weight, losses.mask_weight, losses.temperature) == (0.5, 0.5, 0.2, 0.07)
    optimiser = recipe.optimiser
    assert (optimiser.learning_rate, optimiser.weight_decay, optimiser.accumulation) == (1e-4, 1e-5, 2)
    assert (optimiser.schedule, optimiser.restart_epochs, optimiser.min_rate_share) == ("warm-restarts", 40, 0.2)
    assert (recipe.views.kind, recipe.views.mask_share) == ("even-odd", 0.15)


def test_without_a_name_what_starts_from_an_encoder_is_the_base_recipe() -> None:
    assert Recipe.chosen(None) == Recipe.named("default")
    assert Recipe.chosen(None, ["init="]) == Recipe.named("default")
    assert Recipe.chosen(None, ["init=runs/a", "seed=7"]) == Recipe.named("base").changed(["init=runs/a", "seed=7"])
    assert Recipe.chosen("gru", ["init=base"]) == Recipe.named("gru").changed(["init=base"])
    assert Recipe.chosen("default", ["init=base"]).name == "default"


def test_the_base_recipe_reads_what_pretraining_makes_by_default() -> None:
    made, recipe = PretrainConfig(), Recipe.named("base")
    assert recipe.features == made.features
    sizes = made.encoder.model_dump(exclude={"dropout"})
    assert recipe.network.model_dump(include=set(sizes)) == sizes


def test_settings_are_changed_by_name() -> None:
    changed = Recipe().changed(["optimiser.epochs=3", "network.kind=gru", "seed=7", "features.use_face=true"])
    assert changed.optimiser.epochs == 3
    assert changed.network.kind == "gru"
    assert changed.seed == 7
    assert changed.features.use_face
    assert Recipe().optimiser.epochs != 3


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("optimiser.speed=3", "no setting 'optimiser.speed'; optimiser has epochs, batch_size"),
        (
            "optimizer.epochs=3",
            r"no setting 'optimizer.epochs'; did you mean optimiser.epochs\?; sections are features",
        ),
        ("optimiser.epoch=3", r"did you mean optimiser.epochs\?; optimiser has epochs, "),
        ("network.epochs=3", r"did you mean optimiser.epochs\?; network has kind, width"),
        ("epochs=3", r"did you mean optimiser.epochs\?; sections are"),
        ("optimiser=3", "no setting 'optimiser'.*; optimiser has epochs, batch_size"),
        ("optimiser.epochs", "setting 'optimiser.epochs' without a value; write optimiser.epochs=VALUE"),
        ("a.b.c=1", "no setting"),
        ("seed.x=1", "no setting"),
        ("optimiser.epochs=0", "optimiser.epochs: .*found 0"),
        ("network.kind=lstm", "network.kind: .*found 'lstm'"),
        ("features.preset=prototype", "features: .*crop"),
        ("network.kernel_size=4", "network: kernel_size 4 is even"),
        ("network.width=33", "network: width 33 is not a multiple of num_heads 4"),
        ("network.num_heads=5", "network: width 128 is not a multiple of num_heads 5"),
        ("network.decoder_heads=3", "network: decoder_width 128 is not a multiple of decoder_heads 3"),
        ("network.decoder_width=33", "network.decoder_width: .*multiple of 2; found 33"),
        ("optimiser.batch_size=1", "optimiser: batch_size 1 is under clips_per_class 2"),
        ("losses.mask_weight=1", "setting of the recipe: losses.mask_weight 1 with views.mask_share 0"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Recipe().changed([assignment])


def test_every_loss_off_is_an_error() -> None:
    off = [f"losses.{part}_weight=0" for part in ("supcon", "class", "text", "ctc", "mask", "align")]
    assert Recipe().changed(off[:-3]).losses.ctc_weight == 1.0
    with pytest.raises(ConfigError, match=r"losses: supcon_weight, .*are all 0"):
        Recipe().changed(off)


def test_a_gru_pools_with_any_number_of_heads() -> None:
    assert Recipe.named("gru").changed(["network.num_heads=5"]).network.num_heads == 5


def test_an_unknown_recipe_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no recipe 'best'; there are default"):
        Recipe.named("best")
    with pytest.raises(ConfigError, match=r"no recipe 'defualt'; did you mean default\?"):
        Recipe.named("defualt")


@pytest.mark.parametrize("assignment", ["optimzer.epochs=3", "x=1", "network.x=1", "a.b.c.d=1", "=", ""])
def test_a_wrong_setting_fits_on_a_few_lines(assignment: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Recipe().changed([assignment])
    assert len(str(caught.value)) < 450


TYPO = """
from signtalk.cli.main import main
sys.argv = ["signtalk", *ARGUMENTS]
sys.stderr = sys.stdout
try:
    main()
except SystemExit as error:
    print("code", error.code)
"""


@pytest.mark.parametrize(("option", "value"), [("--set", "optimizer.epochs=3"), ("--recipe", "tinny")])
def test_the_command_tells_a_typo_before_it_loads_torch_or_reads_a_file(option: str, value: str) -> None:
    command = ("train", "no data", "--split", "no split", "--out", "no run", option, value)
    printed = ran_without((*WITHOUT_TORCH, "sklearn", "scipy"), TYPO, *command)
    assert "did you mean" in printed
    assert printed.endswith("code 2\n")
