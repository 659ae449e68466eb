"""The page on a machine with a graphics card: it is tried, and used where it is faster and finds the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from made.page_driver import check_always, drive_at, page_service
from made.web import needs_browser
from signtalk.bundle.web import PAGE

TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())


def went(scenario: str, folder: Path) -> dict[str, Any]:
    with page_service(None) as (url, _):
        seen = drive_at(url, "", scenario, folder, script="card_page.mjs")
    check_always(seen)
    assert seen["console"] == []
    steps: dict[str, Any] = seen["steps"]
    return steps


@needs_browser
@pytest.mark.slow
def test_a_card_that_is_better_takes_over_until_a_setting_forbids_it(tmp_path: Path) -> None:
    steps = went("used", tmp_path)
    assert steps["workers"] == steps["still"] == 1  # one landmarker at a time, once it is decided
    assert steps["off"] == TEXTS["gpu.off"]
    assert steps["notices"] == ""


@needs_browser
@pytest.mark.slow
def test_a_card_that_finds_other_places_is_left_alone(tmp_path: Path) -> None:
    assert went("differs", tmp_path) == {"workers": 1, "told": TEXTS["gpu.differs"]}
