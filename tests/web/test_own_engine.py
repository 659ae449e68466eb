"""What was taught to an offline page, by its engine in node: carried to another model."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from made.taught import signed
from made.web import asked_in_node, needs_ort
from signtalk.bundle.base import new_bundle
from signtalk.bundle.bundle import Bundle, open_bundle
from signtalk.bundle.web import write_web_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    with open_bundle(new_bundle(tmp_path_factory.mktemp("made") / "clinic.zip")) as opened:
        yield opened


@pytest.fixture(scope="module")
def web(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web") / "bundle"
    write_web_bundle(bundle, folder)
    return folder


def of_another_model(web: Path, folder: Path) -> Path:
    """The same networks under another name, which is all that an engine knows a model by."""
    folder.mkdir()
    for path in web.iterdir():
        (folder / path.name).hardlink_to(path)
    manifest = json.loads((web / "manifest.json").read_text())
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").write_text(json.dumps(manifest | {"encoder_id": "another-model"}))
    return folder


@needs_ort
@pytest.mark.slow
def test_a_newer_page_is_taught_again_what_was_kept_and_tells_what_was_not(web: Path, tmp_path: Path) -> None:
    newer = of_another_model(web, tmp_path / "newer")
    seen = asked_in_node(tmp_path, "carried", (signed(1), signed(2)), bundle=str(web), newer=str(newer))
    assert [(each["sentence"], each["num_lost"]) for each in seen["before"]] == [
        ("Open your mouth", 0), ("The pump beeps.", 0),
    ]  # fmt: skip
    assert [(each["sentence"], each["num_lost"]) for each in seen["after"]] == [
        ("Open your mouth", 1), ("The pump beeps.", 0),
    ]  # fmt: skip
    assert seen["again"] == seen["after"]
    assert [each["sentence"] for each in seen["answer"]["candidates"]] == ["The pump beeps."]
    # Two of the first model and one of the other; forgetting reached the first model's, too.
    assert seen["vectors"] == [2, 2] and sorted(seen["encoders"])[0] == "another-model" and len(seen["encoders"]) == 2
