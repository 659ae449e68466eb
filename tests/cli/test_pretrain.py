import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from made.pretraining import TINY
from signtalk.cli.main import app
from signtalk.export.adapt import Adapted
from signtalk.training.adapt import Adaptation, AskedOnce
from signtalk.training.names import BEST_NAME

SETTINGS = [
    argument
    for name, value in TINY.model_dump(mode="json").items()
    if name not in ("name", "features", "augment", "encoder")
    for argument in ("--set", f"{name}={json.dumps(value)}")
] + ["--set", "encoder.width=16", "--set", "encoder.num_layers=1", "--set", "encoder.conv_blocks=1"]  # fmt: skip


@pytest.mark.slow
def test_it_makes_weights_and_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = CliRunner().invoke(app, ["pretrain", str(out), *SETTINGS, "--stop-after", "1", "--json"])
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["epochs"] == 1
    second = CliRunner().invoke(app, ["pretrain", str(out), *SETTINGS, "--resume", "--json"])
    told = json.loads(second.stdout)
    assert (told["epochs"], told["learned_clips"]) == (2, {})
    assert Path(told["best"]) == out / BEST_NAME


def test_a_setting_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no setting 'epoch'; did you mean epochs"):
        CliRunner().invoke(app, ["pretrain", str(tmp_path / "run"), "--set", "epoch=3"], catch_exceptions=False)


def test_tuning_tells_what_it_gave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}
    once = AskedOnce(recall_at_1=0.5, mrr=0.6, answered=3, wrong=0)
    shown = Adaptation(once, replace(once, recall_at_1=0.75), num_questions=8, by="people", gain_low=0.1)

    def fake(bundle: str, data: Path, out: Path, **settings: object) -> Adapted:
        asked.update(bundle=bundle, data=data, **settings)
        return Adapted(out, shown, 12, 4)

    monkeypatch.setattr("signtalk._base.adapt", fake)
    monkeypatch.setattr("signtalk.adapt", fake, raising=False)
    arguments = ["adapt", "base", "clips", "--out", str(tmp_path / "a.zip"), "--steps", "5"]
    told = CliRunner().invoke(app, arguments)
    assert "0.500 before, 0.750 after" in told.stdout and "held back by people" in told.stdout
    assert asked == {"bundle": "base", "data": Path("clips"), "steps": 5, "seed": None}
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert document["after"]["recall_at_1"] == 0.75 and document["num_questions"] == 8
