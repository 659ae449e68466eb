import shutil
from pathlib import Path

import pytest

from made.checkpoint import tiny_checkpoint, tiny_index
from signtalk.errors import ArtifactError
from signtalk.export.export import ExportExtras, export_bundle
from signtalk.export.initial import initial_of, load_initial
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.training.checkpoint import load_checkpoint, save_checkpoint
from signtalk.training.names import BEST_NAME
from signtalk.training.recipe import Recipe


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    made = tiny_checkpoint("conv-transformer")
    save_checkpoint(path, made.model, made.features, made.tokenizer, made.origin)
    return path


@pytest.fixture(scope="module")
def bundle(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkpoint = load_checkpoint(weights)
    out = tmp_path_factory.mktemp("bundle")
    extras = ExportExtras(weights=weights, scripted=False)
    return export_bundle(checkpoint, tiny_index(checkpoint), DecisionConfig(translate=False), out, extras)


@pytest.mark.slow
def test_a_checkpoint_a_run_and_a_bundle_with_weights_give_the_same(
    weights: Path, bundle: Path, tmp_path: Path
) -> None:
    shutil.copyfile(weights, tmp_path / BEST_NAME)
    found = {load_initial(str(path)).encoder_id for path in (weights, tmp_path, bundle, bundle.parent)}
    assert found == {load_checkpoint(weights).encoder_id}


def test_a_recipe_without_a_start_has_none(weights: Path) -> None:
    assert initial_of(Recipe.named("default")) is None
    named = initial_of(Recipe.named("default").changed([f"init={weights}"]))
    assert named is not None and named.encoder_id == load_checkpoint(weights).encoder_id


def test_what_holds_no_weights_is_told(tmp_path: Path) -> None:
    fixture = Path(__file__).resolve().parent.parent / "fixtures" / "format5" / "bundle.zip"
    with pytest.raises(ArtifactError, match="ships no weights to go on from; export it again with --weights"):
        load_initial(str(fixture))
    with pytest.raises(ArtifactError, match="holds neither"):
        load_initial(str(tmp_path))


@pytest.mark.slow
def test_without_its_script_a_bundle_is_smaller_and_still_whole(bundle: Path) -> None:
    assert not (bundle.parent / "sign_encoder.ts").exists()
