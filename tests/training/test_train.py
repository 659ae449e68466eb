"""Training runs on a few made-up clips: every option acts, one seed gives one run, a killed run goes on."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from made.full_disk import is_one_line, small_disk
from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest
from signtalk.errors import ArtifactError, ConfigError, DataError
from signtalk.files import TEMPORARY_PREFIX
from signtalk.training import train as training
from signtalk.training.checkpoint import load_checkpoint
from signtalk.training.folder import wait_for_store
from signtalk.training.recipe import Recipe
from signtalk.training.run import RunFolder
from signtalk.training.train import train
from signtalk.training.trainer import TrainOptions

SMALL = ("optimiser.epochs=2", "optimiser.batch_size=12", "optimiser.val_every=1")


def trained(
    small_run: SmallRun, out: Path, *settings: str, recipe: str = "tiny", **options: object
) -> list[dict[str, str]]:
    manifest = load_manifest(small_run.data)
    split = RunFolder.open(small_run.run).split(manifest)
    chosen = Recipe.named(recipe).changed([*SMALL, *settings])
    train(manifest, split, chosen, TrainOptions(out, progress=False, **options))
    return history(out)


def history(out: Path) -> list[dict[str, str]]:
    with (out / "training_history.csv").open() as file:
        return list(csv.DictReader(file))


def losses(rows: list[dict[str, str]]) -> list[float]:
    return [float(row["train_loss"]) for row in rows]


@pytest.fixture(scope="module")
def reference(small_run: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reference")
    trained(small_run, out)
    return out


@pytest.fixture(autouse=True)
def undrawn(reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no curves, which take longer than to train: those of the reference are looked at."""
    monkeypatch.setattr("signtalk.training.history.plot_training_curves", lambda *_: None)


@pytest.fixture(scope="module")
def trained_once(small_run: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("once") / "run"
    trained(small_run, out, "optimiser.epochs=1")
    return out


@pytest.mark.slow
def test_one_seed_gives_one_run(small_run: SmallRun, tmp_path: Path, reference: Path) -> None:
    again = trained(small_run, tmp_path / "again")
    assert losses(again) == losses(history(reference))
    names = {path.name for path in reference.iterdir()}
    assert names >= {
        "best.safetensors", "last.ckpt", "training_history.csv", "training_curves.png", "feature_stats.npz",
        "recipe.json", "split.json", "tokenizer_vocab.json", "tensorboard", "store",
    }  # fmt: skip
    assert len(again) == 2


CHANGES = [
    "seed=1", "augment.noise=0.3", "views.num_views=2", "views.kind=even-odd", "network.width=48",
    "network.dropout=0.5", "network.decoder_dropout=0.5", "network.supcon_dim=8", "losses.temperature=0.5",
    "losses.memory_size=64", "losses.mask_weight=1", "optimiser.learning_rate=0.01", "optimiser.schedule=constant",
    "optimiser.warmup_share=0.5", "optimiser.min_rate_share=0.5", "optimiser.accumulation=2",
    "optimiser.gradient_clip=0.01", "optimiser.batch_size=24", "optimiser.clips_per_class=4",
    "optimiser.weight_decay=0.9", "optimiser.precision=bf16-mixed", "features.max_gap_s=0",
    "tokenizer.kind=bpe", "tokenizer.vocabulary=20", "losses.align_weight=0.1", "losses.align_temperature=0.5",
    "losses.align_gradient=true", "network.text_width=16", "network.text_layers=0", "network.text_heads=1",
    "network.text_dropout=0.5",
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.slow
def test_every_option_changes_the_run(change: str, small_run: SmallRun, tmp_path: Path, reference: Path) -> None:
    extra = ("views.mask_share=0.3",) if "mask_weight" in change else ()
    shutil.copytree(reference / "store", tmp_path / "run" / "store")
    changed = trained(small_run, tmp_path / "run", "optimiser.val_every=2", change, *extra)
    assert losses(changed) != losses(history(reference))


@pytest.mark.slow
def test_texts_that_only_listen_leave_the_signs_as_they_are_without_them(small_run: SmallRun, tmp_path: Path) -> None:
    clip = "optimiser.gradient_clip=0.5"  # low, so that every step is clipped
    trained(small_run, tmp_path / "with", clip)
    trained(small_run, tmp_path / "without", clip, "losses.align_weight=0")
    trained(small_run, tmp_path / "moved", clip, "losses.align_gradient=true")
    ours, plain, moved = (
        load_checkpoint(tmp_path / name / "best.safetensors").model for name in ("with", "without", "moved")
    )
    assert plain.text_encoder is None
    states = [{k: v for k, v in m.state_dict().items() if "text_encoder" not in k} for m in (ours, plain, moved)]
    assert set(states[0]) == set(states[1])
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])


def test_a_model_of_word_parts_writes_words(small_run: SmallRun, tmp_path: Path) -> None:
    trained(small_run, tmp_path / "run", "tokenizer.kind=bpe", "tokenizer.vocabulary=60")
    checkpoint = load_checkpoint(tmp_path / "run" / "best.safetensors")
    assert checkpoint.tokenizer.merges is not None
    assert checkpoint.tokenizer.vocabulary_size == checkpoint.model.config.decoder.vocabulary_size == 60
    text = "Where does it hurt?"
    assert checkpoint.tokenizer.decode(checkpoint.tokenizer.encode(text)) == "where does it hurt"
    assert (tmp_path / "run" / "tokenizer_vocab.json").read_text().count('"merges"') == 1


@pytest.mark.slow
def test_patience_stops_early_and_epochs_end_a_run(small_run: SmallRun, tmp_path: Path) -> None:
    still = ("optimiser.learning_rate=1e-12", "optimiser.epochs=8", "optimiser.patience=2")
    assert len(trained(small_run, tmp_path / "patient", *still)) == 3
    seldom = ("optimiser.val_every=2", "optimiser.patience=1")
    assert len(trained(small_run, tmp_path / "seldom", *still, *seldom)) == 4  # counted in evaluations
    assert (tmp_path / "seldom" / "best.safetensors").is_file()
    assert len(trained(small_run, tmp_path / "few", "optimiser.epochs=3", "optimiser.val_every=5")) == 3


@pytest.mark.slow
def test_measures_are_taken_when_due_and_the_best_epoch_is_kept(small_run: SmallRun, tmp_path: Path) -> None:
    rows = trained(small_run, tmp_path / "run", "optimiser.epochs=5", "optimiser.val_every=2")
    assert [bool(row["val_retrieval_mrr"]) for row in rows] == [False, True, False, True, True]
    scores = {int(row["epoch"]): float(row["val_retrieval_mrr"]) for row in rows if row["val_retrieval_mrr"]}
    origin = load_checkpoint(tmp_path / "run" / "best.safetensors").origin
    assert origin["val_retrieval_mrr"] == max(scores.values())
    assert scores[origin["epoch"]] == max(scores.values())


def test_stopping_and_going_on_gives_the_run_that_was_never_stopped(small_run: SmallRun, tmp_path: Path) -> None:
    settings = ("optimiser.epochs=4", "losses.memory_size=32")
    whole = trained(small_run, tmp_path / "whole", *settings)
    assert len(trained(small_run, tmp_path / "part", *settings, stop_after=2)) == 2
    resumed = trained(small_run, tmp_path / "part", *settings, resume=True)
    assert losses(resumed) == pytest.approx(losses(whole), rel=1e-6)
    assert [row["val_retrieval_mrr"] for row in resumed] == [row["val_retrieval_mrr"] for row in whole]


@pytest.mark.slow
def test_a_finished_run_is_made_longer(small_run: SmallRun, trained_once: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(trained_once, out)
    before = history(out)
    rows = trained(small_run, out, "optimiser.epochs=3", resume=True)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert rows[0] == before[0]
    assert Recipe.model_validate_json((out / "recipe.json").read_text()).optimiser.epochs == 3
    assert float(rows[1]["learning_rate"]) > float(before[0]["learning_rate"])  # the schedule is that of three epochs
    with pytest.raises(ArtifactError, match="longer, not shorter"):
        trained(small_run, out, "optimiser.epochs=2", resume=True)


@pytest.mark.parametrize("kilobytes", [1024, 2048, 2600])
@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_no_half_file(
    kilobytes: int, small_run: SmallRun, tmp_path: Path, ask: Callable[..., Any]
) -> None:
    changes = [word for setting in SMALL for word in ("--set", setting)]
    arguments = ["train", small_run.data, "--split", small_run.run / "split.json", "--recipe", "tiny", *changes]
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        error = ask(*arguments, "--out", disk / "run", "--json", code=2).err
        assert is_one_line(error) and "No space left on device" in error and str(disk) in error
        names = {path.name for path in disk.rglob("*") if path.is_file()}
        assert not [name for name in names if name.startswith(TEMPORARY_PREFIX)]
        if "last.ckpt" in names:
            torch.load(disk / "run" / "last.ckpt", weights_only=True)
        if "best.safetensors" in names:
            load_checkpoint(disk / "run" / "best.safetensors")
        subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)  # somebody made room
        resume = ["--resume"] if (disk / "run").exists() else []
        assert ask(*arguments, "--out", disk / "run", *resume, "--json")["epochs"] == 2


def command(small_run: SmallRun, out: Path, *more: str) -> list[str]:
    split = small_run.run / "split.json"
    changes = [word for setting in SMALL for word in ("--set", setting)]
    base = [sys.executable, "-m", "signtalk", "train", str(small_run.data), "--split", str(split), "--out", str(out)]
    return [*base, "--recipe", "tiny", *changes, "--json", *more]


@pytest.mark.slow
def test_a_run_killed_at_any_moment_goes_on(small_run: SmallRun, tmp_path: Path) -> None:
    out = tmp_path / "run"
    long = ("--set", "optimiser.epochs=12")
    process = subprocess.Popen(command(small_run, out, *long), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "last.ckpt").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (out / "last.ckpt").exists()
    done = subprocess.run(command(small_run, out, *long, "--resume"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [int(row["epoch"]) for row in history(out)] == list(range(1, 13))


@pytest.mark.slow
def test_two_processes_train_one_model(small_run: SmallRun, tmp_path: Path) -> None:
    out = tmp_path / "run"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command(small_run, out, "--devices", "2"), capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(history(out)) == 2
    assert load_checkpoint(out / "best.safetensors").origin["epoch"] in {1, 2}


def test_a_further_process_waits_for_the_store_and_writes_nothing(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(training, "wait_for_store", partial(wait_for_store, timeout_s=0))
    with pytest.raises(ArtifactError, match="the process with LOCAL_RANK 0 packs it"):
        trained(small_run, tmp_path / "run", devices=2)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_two_processes_under_torchrun_pack_once(small_run: SmallRun, tmp_path: Path) -> None:
    out = tmp_path / "run"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words = [*torchrun, "-m", *command(small_run, out, "--devices", "2")[2:]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(history(out)) == 2
    assert not list((out / "store").glob("*.partial"))


def test_another_run_is_not_overwritten(small_run: SmallRun, tmp_path: Path) -> None:
    trained(small_run, tmp_path / "run", "optimiser.epochs=1")
    with pytest.raises(ArtifactError, match="--resume"):
        trained(small_run, tmp_path / "run", "optimiser.epochs=1")
    with pytest.raises(ArtifactError, match="another recipe"):
        trained(small_run, tmp_path / "run", "optimiser.learning_rate=0.5", resume=True)


def test_what_cannot_be_built_claims_no_folder(small_run: SmallRun, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"clip .*tokens.*set network.max_tokens="):
        trained(small_run, tmp_path / "run", "network.max_tokens=2")
    assert not (tmp_path / "run").exists()


def test_a_damaged_clip_is_left_out_and_told_or_stops_a_strict_run(small_run: SmallRun, tmp_path: Path) -> None:
    shutil.copytree(small_run.data, tmp_path / "data")
    manifest = load_manifest(tmp_path / "data")
    split = RunFolder.open(small_run.run).split(manifest)
    bad = split.records(manifest, "train")[0]
    bad.feature_path.write_bytes(b"no clip")
    recipe = Recipe.named("tiny").changed([*SMALL, "optimiser.epochs=1"])
    with pytest.raises(DataError, match=bad.clip_id):
        train(manifest, split, recipe, TrainOptions(tmp_path / "run", progress=False, strict=True))
    assert not (tmp_path / "run" / "recipe.json").exists()  # a retry is no other run
    result = train(manifest, split, recipe, TrainOptions(tmp_path / "run", progress=False))
    assert [problem.clip_id for problem in result.left_out] == [bad.clip_id]
    with pytest.raises(DataError, match=bad.clip_id):  # a store that left it out does not hide it
        train(manifest, split, recipe, TrainOptions(tmp_path / "run", progress=False, strict=True, resume=True))


@pytest.mark.parametrize("damage", ["cut", "junk", "other"])
def test_a_damaged_state_is_told_before_anything_is_trained(
    damage: str, trained_once: Path, small_run: SmallRun, tmp_path: Path
) -> None:
    shutil.copytree(trained_once, tmp_path / "run")
    last = tmp_path / "run" / "last.ckpt"
    if damage == "other":
        content = torch.load(last, weights_only=True)
        content["state_dict"]["model.mask_token"] = torch.zeros(1)
        torch.save(content, last)
    else:
        last.write_bytes(last.read_bytes()[:999] if damage == "cut" else b"junk")
    with pytest.raises(ArtifactError, match=r"last.ckpt: .*remove it and resume again"):
        trained(small_run, tmp_path / "run", "optimiser.epochs=1", resume=True)
    last.unlink()
    assert len(trained(small_run, tmp_path / "run", "optimiser.epochs=1", resume=True)) == 1


@pytest.mark.slow
def test_the_prototype_recipe_trains_on_its_own_features(small_run: SmallRun, tmp_path: Path) -> None:
    small = ("network.width=16", "network.decoder_width=16", "network.decoder_feed_forward=16", "optimiser.epochs=1")
    rows = trained(small_run, tmp_path / "run", *small, recipe="prototype")
    assert {name for name in ("supcon_loss", "ce_loss", "mask_loss") if rows[0][name]} == {
        "supcon_loss", "ce_loss", "mask_loss"
    }  # fmt: skip
    assert load_checkpoint(tmp_path / "run" / "best.safetensors").features.preset == "prototype"
