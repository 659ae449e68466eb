"""The first screen, answers by pointing, keeping a talk and one screen for two sides, in a real browser."""

import json
from pathlib import Path
from typing import Any

import pytest

from made.page_driver import check_always, drive_at, page_service
from made.web import needs_browser
from signtalk.bundle.web import PAGE

TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())


def board(scenario: str, folder: Path) -> dict[str, Any]:
    """What each step of a scenario told; whatever stood on the page is looked at, too."""
    with page_service(None) as (url, _):
        seen = drive_at(url, "", scenario, folder, script="board_page.mjs")
    check_always(seen)
    assert seen["console"] == []
    steps: dict[str, Any] = seen["steps"]
    return steps


@needs_browser
@pytest.mark.slow
def test_the_first_screen_explains_itself_by_pictures_that_can_be_stopped(tmp_path: Path) -> None:
    steps = board("welcome", tmp_path)
    names = ["camera", "sign", "ask", "speak"]
    assert [name for name, _, _ in steps["pictures"]] == names
    assert all(count > 0 for _, count, _ in steps["pictures"])
    assert [words for *_, words in steps["pictures"]] == [TEXTS[f"welcome.{name}"] for name in names]
    assert steps["moving"] == [True, "turn-of"]
    assert steps["stopped"] == [False, "none"]
    assert [steps["calm"], steps["wanted"]] == [False, True]
