"""What the pages say in Python runs, what they name exists, and the front door is told whole."""

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

import signtalk
from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest
from signtalk.extraction import reader
from signtalk.training import train as training
from signtalk.training.recipe import Recipe

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
WITH_PYTHON = [page for page in PAGES if FENCE.search(page.read_text(encoding="utf-8"))]


@pytest.fixture
def shelf(small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages speak of: clips under any name, a bundle, a data folder."""
    records = load_manifest(small_run.data).records
    for place, name in enumerate(("clip", "a", "b", "c")):
        shutil.copy(records[place].feature_path, tmp_path / f"{name}.npz")
        shutil.copy(records[place].feature_path, tmp_path / f"{name}.mp4")
    shutil.copytree(small_run.data / "clips", tmp_path / "clips")
    shutil.copytree(small_run.data, tmp_path / "DATA")
    for name in ("clinic.zip", "sign_encoder_bundle.zip"):
        shutil.copy(small_run.bundle, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    # A video here is a clip that was extracted already, and training is cut short: both have their own tests.
    monkeypatch.setattr(reader.ClipReader, "_of_video", lambda _, path: reader.load_clip(path))
    monkeypatch.setattr(Recipe, "named", classmethod(lambda cls, _: cls.model_validate(tiny.model_dump())))
    shortened = training.train
    monkeypatch.setattr(
        training,
        "train",
        lambda manifest, split, recipe, options: shortened(
            manifest, split, recipe, dataclasses.replace(options, stop_after=1, progress=False)
        ),
    )
    return tmp_path


tiny = Recipe.named("tiny")


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, shelf: Path) -> None:
    """All blocks of a page one after the other, as a reader would type them."""
    names: dict[str, object] = {}
    for block in FENCE.findall(page.read_text(encoding="utf-8")):
        exec(compile(block, f"{page.name}:\n{block}", "exec"), names)
    for value in names.values():
        if isinstance(value, signtalk.Model):
            value.close()


def test_readme_shows_python() -> None:
    assert PROJECT / "README.md" in WITH_PYTHON


def test_the_reference_tells_of_every_name_of_the_door() -> None:
    page = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
    told = set(
        re.findall(r"^\s*(?:\.\.|```\{|:::)?\s*(?:auto\w+\}?|autofunction|autoclass)?:*\s*signtalk\.(\w+)", page, re.M)
    )
    assert told | {"__version__"} == set(signtalk.__all__)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(r"\b((?:src|tests|benchmarks|examples|docs)/[\w./-]+\.\w+)", page.read_text(encoding="utf-8"))
    assert sorted({name for name in named if not (PROJECT / name).exists()}) == []
