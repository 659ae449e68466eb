from collections.abc import Callable
from pathlib import Path

import pytest

import signtalk
from made.commands import run_cli
from made.small_run import SmallRun
from signtalk.bundle.base import BASE_NAMES, base_path, new_bundle
from signtalk.bundle.bundle import open_bundle, verify_bundle
from signtalk.errors import ArtifactError, DataError
from signtalk.export.initial import load_initial
from signtalk.synthetic.endless import EndlessConfig, draw_group

MOST_BYTES = 4_000_000


def test_the_bases_in_the_package_are_whole_and_small() -> None:
    assert sum(base_path(name).stat().st_size for name in BASE_NAMES) <= MOST_BYTES
    for name in BASE_NAMES:
        verify_bundle(base_path(name))


def test_its_name_opens_it_and_nothing_else_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_bundle("base") as bundle:
        assert len(bundle.recognizer.index) == 0
    own = new_bundle(tmp_path / "mine.zip").rename(tmp_path / "base")
    for ask in (open_bundle, signtalk.load):
        with pytest.raises(ArtifactError, match=f"and {own} has that name, too; give its whole path if that is meant"):
            ask("base")
    with open_bundle(own) as bundle:
        assert len(bundle.recognizer.index) == 0
    assert load_initial("base").model.config == load_initial(str(base_path())).model.config
    own.unlink()
    own.mkdir()  # such as a run's
    with pytest.raises(ArtifactError, match="has that name, too"):
        signtalk.load("base")


def test_a_run_of_that_name_is_opened_as_a_run(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base").symlink_to(small_run.run)
    with signtalk.Run("base").load() as model:
        assert model.run is not None and model.sentences
    assert run_cli(monkeypatch, "list", "--run", "base", "--json") == 0


@pytest.mark.parametrize("ask", [signtalk.load, open_bundle, load_initial])
def test_where_nothing_is_the_base_is_named(
    ask: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match="Base: no such file; give a bundle or a run, or base for the model in"):
        ask("Base")


def test_a_new_bundle_is_taught_by_one_clip_and_understands_another_person(tmp_path: Path) -> None:
    out = new_bundle(tmp_path / "clinic.zip")
    config = EndlessConfig(seed=11, people=2)
    groups = [draw_group(config, number) for number in range(0, 12, 2)]
    with signtalk.load(out, index=tmp_path / "ward", policy="research") as model:
        for number, (taught, _) in enumerate(groups):
            model.enroll(f"sentence {number}", taught.clip)
        answers = [model.recognize(asked.clip) for _, asked in groups]
    first = [answer.candidates[0].sentence for answer in answers]
    assert sum(sentence == f"sentence {number}" for number, sentence in enumerate(first)) >= 4


def test_nothing_is_written_over_and_no_other_base_is_known(tmp_path: Path) -> None:
    (tmp_path / "clinic.zip").write_text("mine")
    with pytest.raises(DataError, match="is there already"):
        new_bundle(tmp_path / "clinic.zip")
    with pytest.raises(ArtifactError, match="there are base"):
        base_path("bass")
