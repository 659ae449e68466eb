"""The first screen, answers by pointing, keeping a talk and one screen for two sides, in a real browser."""

import json
from pathlib import Path
from typing import Any

import pytest

from made.page_driver import steps_of
from made.thumbs import write_thumb
from made.web import needs_browser
from signtalk.bundle.web import PAGE

TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())


def board(scenario: str, folder: Path, **more: Any) -> dict[str, Any]:
    return steps_of("board_page.mjs", scenario, folder, **more)


@needs_browser
@pytest.mark.slow
def test_the_first_screen_explains_itself_by_pictures_that_can_be_stopped(tmp_path: Path) -> None:
    steps = board("welcome", tmp_path)
    names = ["camera", "sign", "ask", "speak"]
    assert [name for name, _, _ in steps["pictures"]] == names
    assert all(count > 0 for _, count, _ in steps["pictures"])
    assert [words for *_, words in steps["pictures"]] == [TEXTS[f"welcome.{name}"] for name in names]
    assert steps["moving"] == [True, "turn-of"]
    assert steps["stopped"] == [True, "none"]
    assert [steps["calm"], steps["wanted"]] == [True, True]


HURT, FEVER, MORNING, SIT, MEDICINE = (
    "Where does it hurt?", "I have a fever.", "Good morning.", "Please sit down.", "Do you take any medicine?",
)  # fmt: skip


@needs_browser
@pytest.mark.slow
def test_sentences_can_be_pointed_at_by_category_and_use(tmp_path: Path) -> None:
    steps = board("phrases", tmp_path)
    every = ["complaint", "greeting", "instruction", "question", TEXTS["phrases.all"]]
    assert steps["first"] == [every, [HURT, FEVER]]
    assert steps["all"] == [HURT, FEVER, MORNING, SIT, MEDICINE]
    assert steps["lines"] == [["patient tapped", f"{FEVER} · {SIT}"]]
    assert steps["spoken"] == [f"own: {FEVER}", f"own: {SIT}"]
    assert steps["next"] == [SIT]
    assert steps["recent"] == [FEVER, SIT]
    assert steps["kept"] == [json.dumps([FEVER]), None]  # nobody ticked that counts are kept
    assert steps["newPerson"] == [TEXTS["phrases.favourites"], *every]
    assert steps["starred"] == [[TEXTS["phrases.favourites"], *every], [FEVER]]


@needs_browser
@pytest.mark.slow
def test_where_is_answered_on_a_drawn_body(tmp_path: Path) -> None:
    steps = board("body", tmp_path)
    assert steps["two"] == [[["patient tapped", "Right knee · Belly"]], ["Belly", "Right knee"]]
    assert steps["one"] == [[["patient tapped", "Right knee"]], ["Right knee"]]
    assert steps["focus"] == "Chest"
    assert steps["line"] == [["patient tapped", "Right knee · Chest · Lower back · Pain: 7 of 10"]]
    assert {"Right eye", "Left ear", "Throat"} < set(steps["labels"])
    assert steps["cleared"] == [[], []]
    said = ("Right knee", "Belly", "Chest", "Lower back", "Pain: 7 of 10")
    assert steps["spoken"] == [f"own: {words}" for words in said]


@needs_browser
@pytest.mark.slow
def test_a_talk_is_saved_and_printed_only_with_consent(tmp_path: Path) -> None:
    steps = board("kept", tmp_path)
    assert steps["before"] is True
    assert steps["asked"] == steps["again"] == [True, True, True]  # each time anew
    assert steps["agreed"] == [False, False, False]
    name, words = steps["text"]
    assert name.startswith("signtalk-") and name.endswith(".txt")
    said, shown = words.strip().splitlines()[-2:]
    assert said.endswith("Patient (pointed at): No") and shown.endswith("Staff (shown): <b>Please</b> wait")
    name, page = steps["page"]
    assert name.endswith(".html") and "&lt;b&gt;Please&lt;/b&gt; wait" in page
    assert steps["blank"] == ""
    assert "<b>Please</b> wait" in steps["printed"] and TEXTS["camera.start"] not in steps["printed"]
    assert steps["left"] == ["", []]


@needs_browser
@pytest.mark.slow
def test_the_patients_half_can_be_turned_round(tmp_path: Path) -> None:
    steps = board("turned", tmp_path)
    for size in ("phone", "small", "tablet", "laptop", "large"):
        above, outside = steps[size]
        assert above and outside <= 0, size
    assert steps["angle"] == ["matrix(-1, 0, 0, -1, 0, 0)", "matrix(-1, 0, 0, -1, 0, 0)", "none"]
    assert steps["lines"] == [["patient confirmed", HURT], ["staff shown", MORNING]]
    assert steps["practise"] == "none"


@needs_browser
@pytest.mark.slow
def test_a_thumb_that_is_held_answers_the_question(tmp_path: Path) -> None:
    clips = {"up": write_thumb(tmp_path / "up.clip", 4), "down": write_thumb(tmp_path / "down.clip", 4, down=True)}
    clips |= {"brief": write_thumb(tmp_path / "brief.clip", 0.5)}
    steps = board("thumbs", tmp_path, **{name: str(path) for name, path in clips.items()})
    assert steps["withdrawn"] == [[], 0, True]
    assert steps["up"] == [["patient confirmed", HURT]]
    assert steps["down"] == steps["up"]  # other sentences are offered, and nothing is said
    assert steps["off"] == [True, 0]


@needs_browser
@pytest.mark.slow
def test_other_languages_have_the_board_and_long_texts_fit(tmp_path: Path) -> None:
    steps = board("languages", tmp_path)
    french, twi = (json.loads((PAGE / "texts" / f"{language}.json").read_text()) for language in ("fr", "tw"))
    assert steps["fr"] == ["fr", "Oui", "lundi", french["camera.start"]]
    assert steps["tw"] == ["tw", twi["board.yes"], "Dwoada", TEXTS["camera.start"]]  # what Twi lacks is said in English
    assert steps["long"] < 844


@needs_browser
@pytest.mark.slow
def test_what_is_pointed_at_stays_under_the_finger(tmp_path: Path) -> None:
    steps = board("steady", tmp_path)
    assert steps["grown"] > 50  # a question came above it
    assert all(abs(pixels) <= 1 for pixels in steps["moved"])
