"""What finds landmarks is kept at work: the next picture at once, and by a graphics card where that is better."""

import json
from pathlib import Path
from typing import Any

import pytest

from made.page_driver import steps_of
from made.web import needs_browser
from signtalk.bundle.web import PAGE

TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())


def went(scenario: str, folder: Path) -> dict[str, Any]:
    return steps_of("watch_page.mjs", scenario, folder)


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


@needs_browser
@pytest.mark.slow
def test_the_next_picture_is_at_work_before_the_last_one_is_told(tmp_path: Path) -> None:
    notes = went("ahead", tmp_path)["notes"]
    asked, told = ([time_s for what, time_s in notes if what == kind] for kind in ("asked", "told"))
    assert (
        asked == sorted(set(asked)) and told == sorted(set(told)) and set(told) <= set(asked)
    )  # the capture's own times
    after = [notes[i + 1][0] for i, (what, _) in enumerate(notes[:-1]) if what == "found"]
    assert after.count("asked") > 0.8 * len(after)
    waiting = 0
    for what, _ in notes:
        waiting += {"asked": 1, "found": -1}.get(what, 0)
        assert waiting <= 1  # never two in the worker
