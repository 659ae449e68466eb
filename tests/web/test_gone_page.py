"""A page that is hidden, or whose network is cut, in a real browser: told, and found again with nothing lost."""

import json
from pathlib import Path

import pytest

from made.landmarker_bundle import made_bundle
from made.page_driver import check_always, drive_at, steps_of
from made.service import KEY, running_service
from made.takes import made_up_takes
from made.web import in_each_browser, needs_browser
from signtalk.bundle.base import new_bundle
from signtalk.bundle.web import PAGE

TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())
HURT = "Where does it hurt?"
NOTICED_MS = 3000 + 500
"""Within three seconds, and what the test itself needs to cause it."""


@in_each_browser
@pytest.mark.slow
def test_a_hidden_page_says_that_it_pauses_and_goes_on_where_it_was(browser: str, tmp_path: Path) -> None:
    steps = steps_of("gone_page.mjs", "hidden", tmp_path, browser=browser)
    assert steps["hidden"] == {"seen": "hidden", "state": "paused", "title": TEXTS["title.paused"], "notices": ""}
    assert steps["seen"] == {"seen": "visible", "state": "asking", "title": TEXTS["title"], "notices": ""}
    assert max(steps[name] for name in ("asking", "signing", "starting", "stalled")) < NOTICED_MS
    assert steps["lines"] == [["patient confirmed", HURT]]


@needs_browser
@pytest.mark.slow
def test_a_page_that_the_browser_lets_stand_still_goes_on_where_it_was(tmp_path: Path) -> None:
    steps = steps_of("gone_page.mjs", "asleep", tmp_path)
    assert (steps["small"]["seen"], steps["small"]["state"]) == ("hidden", "paused")
    assert steps["seen"] == {"seen": "visible", "state": "asking", "title": TEXTS["title"], "notices": ""}
    assert steps["asking"] < NOTICED_MS
    assert steps["lines"] == [["patient confirmed", HURT]]


@needs_browser
@pytest.mark.slow
def test_a_network_that_is_cut_is_noticed_told_and_used_again_at_once(tmp_path: Path) -> None:
    models, bundle = made_bundle(tmp_path / "holistic_landmarker.task"), new_bundle(tmp_path / "clinic.zip")
    (take,), _ = made_up_takes(tmp_path, seed=11, num_words=1)
    typed = "Please wait here"
    with running_service(bundle, "--index", tmp_path / "taught", "--models", models, key=KEY) as (address, _):
        seen = drive_at(
            f"http://{address}/", KEY, "cut", tmp_path, script="gone_page.mjs",
            take=take["clip"], typed=typed, listed=TEXTS["picker.bare"],
        )  # fmt: skip
    check_always(seen)
    assert seen["console"] == []
    steps = seen["steps"]
    assert steps["before"].startswith(TEXTS["answer.untaught"])
    assert steps["noticed"] < NOTICED_MS
    assert steps["told"] == TEXTS["error.lost"]
    assert steps["stands"] == [steps["before"], True]
    assert steps["back"] < NOTICED_MS
    assert steps["lines"] == [["staff shown", typed]]
    assert steps["after"] == steps["before"] and steps["notices"] == ""
