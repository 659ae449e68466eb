import json

from made.blocked import WITHOUT_TORCH, ran_without
from signtalk.training import names

NAMES_OF_A_RUN = """
from signtalk.training import names, network, recipe
import signtalk.models.config
chosen = recipe.Recipe.named("tiny").changed(["optimiser.epochs=3"])
print(json.dumps([names.RECIPE_NAME, chosen.optimiser.epochs, network.model_config(chosen, 9).encoder.width]))
"""


def test_names_and_recipes_are_read_without_torch() -> None:
    assert json.loads(ran_without((*WITHOUT_TORCH, "sklearn", "matplotlib"), NAMES_OF_A_RUN)) == ["recipe.json", 3, 32]


def test_no_two_files_share_a_name() -> None:
    values = [value for name, value in vars(names).items() if name.endswith(("_NAME", "_FOLDER"))]
    assert len(values) > 8
    assert len(set(values)) == len(values)
