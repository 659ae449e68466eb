import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from made.pretraining import TINY
from signtalk.cli.main import app
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
