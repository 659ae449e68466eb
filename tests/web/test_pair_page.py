"""Two devices of one talk: paired by a code, each with its own half, in a real browser."""

import json
from pathlib import Path
from typing import Any

import pytest

from made.page_driver import check_always, drive_at, steps_of
from made.web import in_each_browser, needs_browser, offline_page
from signtalk.bundle.web import PAGE

TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())
HURT, FEVER, MORNING = "Where does it hurt?", "I have a fever.", "Good morning."
EVERYTHING = ["#camera", "#patient-half", "#staff-half", "[role=tablist]"]
NOTICED_MS = 3000 + 1000
"""Within three seconds, and what the test itself needs to cause it."""


def two(scenario: str, folder: Path, browser: str = "chromium") -> dict[str, Any]:
    return steps_of("pair_page.mjs", scenario, folder, browser=browser)


@in_each_browser
@pytest.mark.slow
def test_a_conversation_on_two_devices(browser: str, tmp_path: Path) -> None:
    steps = two("conversation", tmp_path, browser)
    assert steps["wrong"] == TEXTS["pair_failed.no_code"]
    assert steps["visible"] == [["#camera", "#patient-half"], ["#staff-half", "#partner"]]
    assert steps["asked"] == HURT
    said = ["patient confirmed", HURT]
    assert steps["told"] == [[said], HURT]
    assert steps["shown"] == MORNING
    lines = [said, ["staff shown", MORNING], ["staff shown", "Please wait outside"], ["patient tapped", "Yes"]]
    assert steps["lines"] in ([lines, lines], [joined(lines), joined(lines)])
    assert steps["pointed"] == "Yes"
    assert (steps["confirmed"], steps["takenBack"]) == (FEVER, "")
    assert steps["reloaded"] == [["#staff-half", "#partner"], steps["lines"][1]]
    assert steps["ended"] == [EVERYTHING, EVERYTHING, []]
    assert steps["left"] == [None, None]


def joined(lines: list[list[str]]) -> list[list[str]]:
    """Two sentences that staff showed within one turn are one line."""
    first, (who, one), (_, other), last = lines
    return [first, [who, f"{one} · {other}"], last]


@needs_browser
@pytest.mark.slow
def test_a_lost_device_and_a_service_that_stands_still_are_noticed(tmp_path: Path) -> None:
    steps = two("lost", tmp_path)
    assert steps["silent"] < NOTICED_MS
    assert steps["stopped"] < NOTICED_MS
    assert steps["unpaired"] == [EVERYTHING, EVERYTHING]


@needs_browser
@pytest.mark.slow
def test_a_page_without_a_service_is_one_device(tmp_path: Path) -> None:
    with offline_page(tmp_path) as url:
        seen = drive_at(url, "", "offline", tmp_path, script="pair_page.mjs")
    check_always(seen)
    assert seen["console"] == []
    assert seen["steps"] == {"offered": False, "tiles": [TEXTS["phrases.all"]], "lines": [["patient tapped", "Yes"]]}
