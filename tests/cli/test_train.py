"""`signtalk train`: what it says at the end, at Ctrl-C and of damaged clips."""

import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import signtalk
from made.commands import run_cli
from made.small_run import SmallRun
from signtalk.data.manifest import Problem
from signtalk.export.initial import load_initial
from signtalk.training.module import SignTraining
from signtalk.training.train import TrainResult


def test_a_strict_training_stops_at_a_damaged_clip(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_run.data, tmp_path / "data")
    broken = next((tmp_path / "data").rglob("*A.npz"))
    broken.write_bytes(b"no clip")
    split = small_run.run / "split.json"
    train = ("train", tmp_path / "data", "--split", split, "--out", tmp_path / "run", "--recipe", "tiny", "--strict")
    assert run_cli(monkeypatch, *train) == 2
    told = capsys.readouterr().err
    assert str(broken) in told
    assert "pickle=" not in told
    assert not (tmp_path / "run" / "recipe.json").exists()


def test_ctrl_c_says_how_to_go_on(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(SignTraining, "training_step", stop)
    train = ("train", small_run.data, "--split", small_run.run / "split.json", "--out", tmp_path / "run")
    assert run_cli(monkeypatch, *train, "--recipe", "tiny", "--json") == 130
    signal.signal(signal.SIGINT, before)  # Lightning leaves it ignored
    assert "signtalk: stopped; go on with --resume" in capsys.readouterr().err
    assert (tmp_path / "run" / "recipe.json").is_file()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[SignTraining]:
    """What begins to train, and is stopped there."""
    modules: list[SignTraining] = []

    def stop(module: SignTraining, *_: object) -> None:
        modules.append(module)
        raise KeyboardInterrupt

    monkeypatch.setattr("signtalk.training.train.fit", stop)
    return modules


def test_a_training_from_the_base_needs_no_recipe(
    small_run: SmallRun, begun: list[SignTraining], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = ("train", small_run.data, "--split", small_run.run / "split.json", "--out", tmp_path / "run")
    assert run_cli(monkeypatch, *train, "--init", "base", "--json") == 130
    with pytest.raises(KeyboardInterrupt):
        signtalk.train(small_run.data, tmp_path / "other", init="base", progress=False)
    assert [module.recipe.name for module in begun] == ["base", "base"]
    base = load_initial("base").model.encoder.state_dict()
    for module in begun:
        assert all(torch.equal(tensor, base[name]) for name, tensor in module.model.encoder.state_dict().items())


def test_where_no_recipe_is_named_training_starts_from_the_base_if_that_fits(
    small_run: SmallRun,
    begun: list[SignTraining],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train = ("train", small_run.data, "--split", small_run.run / "split.json", "--out")
    assert run_cli(monkeypatch, *train, tmp_path / "run") == 130
    assert "recipe base, from base\n" in capsys.readouterr().err
    assert run_cli(monkeypatch, *train, tmp_path / "face", "--set", "features.use_face=true") == 130
    assert run_cli(monkeypatch, *train, tmp_path / "fresh", "--set", "init=") == 130
    assert run_cli(monkeypatch, *train, tmp_path / "old", "--recipe", "tiny") == 130
    assert run_cli(monkeypatch, *train, tmp_path / "old", "--resume") == 130  # goes on as it was begun
    only_there = ("--set", "losses.mask_weight=0.7")
    prototype = (*train, tmp_path / "prototype", *only_there)
    assert run_cli(monkeypatch, *prototype, "--recipe", "prototype") == 130
    assert run_cli(monkeypatch, *prototype, "--resume") == 130
    assert [(module.recipe.name, module.recipe.init) for module in begun] == [
        ("base", "base"), ("default", ""), ("default", ""), ("tiny", ""), ("tiny", ""), ("prototype", ""),
        ("prototype", ""),
    ]  # fmt: skip
    assert run_cli(monkeypatch, *train, tmp_path / "typo", *only_there) == 2
    assert "mask" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert run_cli(monkeypatch, *train, "base", "--recipe", "tiny") == 130  # a run may be called so
    assert run_cli(monkeypatch, *train, "more") == 130
    assert begun[-1].recipe.init == "base"


def test_a_recipe_that_does_not_fit_the_base_stays_and_is_told(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = ("train", small_run.data, "--split", small_run.run / "split.json", "--out", tmp_path / "run")
    assert run_cli(monkeypatch, *train, "--init", "base", "--recipe", "body") == 2
    told = capsys.readouterr().err
    assert "init base: its encoder is of other features or sizes than recipe body; train with --recipe base" in told


def trained(left_out: tuple[Problem, ...] = (), notes: tuple[str, ...] = ()) -> SimpleNamespace:
    """What a training returns, as far as its command prints it."""
    result = TrainResult(Path("runs/a/best.safetensors"), 7, 4, 0.75, "tiny", "signtalk index runs/a --data d")
    return SimpleNamespace(result=result, left_out=left_out, notes=notes)


def test_a_training_ends_with_its_figures_and_the_next_command(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem("c1", "bad_clip", "c1.npz: no clip")
    monkeypatch.setattr(signtalk, "train", lambda *_, **__: trained((problem,), ("m.csv: odd",)))
    train = ("train", "d", "--split", "s.json", "--out", "runs/a")
    printed = ask(*train)
    assert printed.out.splitlines() == [
        "best: runs/a/best.safetensors", "epochs: 7", "best_epoch: 4", "val_retrieval_mrr: 0.75",
        "next: signtalk index runs/a --data d",
    ]  # fmt: skip
    assert printed.err == "left out: 1 (first: c1: c1.npz: no clip)\nnote: m.csv: odd\n"
    told = ask(*train, "--json")
    assert (told["left_out"], told["notes"], told["recipe"]) == ([vars(problem)], ["m.csv: odd"], "tiny")
    assert "next" not in told


def test_what_is_set_reaches_the_training(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[tuple[object, ...], dict[str, object]]] = []
    monkeypatch.setattr(signtalk, "train", lambda *given, **named: calls.append((given, named)) or trained())
    settings = ("--set", "optimiser.epochs=3", "--set", "data.seed=1")
    ask("train", "d", "--split", "s.json", "--out", "o", "--recipe", "tiny", *settings, "--resume", "--devices", 2)
    ((given, named),) = calls
    assert given == (Path("d"), Path("o"))
    assert named == {
        "recipe": "tiny", "init": None, "split": Path("s.json"), "settings": ["optimiser.epochs=3", "data.seed=1"],
        "resume": True, "devices": 2, "strict": False, "progress": True,
    }  # fmt: skip


def test_of_several_processes_the_first_alone_speaks(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(signtalk, "train", lambda *_, **__: trained())
    printed = ask("train", "d", "--split", "s.json", "--out", "o")
    assert (printed.out, printed.err) == ("", "")
