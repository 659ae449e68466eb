"""Words are taught on the page of an empty bundle and asked again: the page, the service and the base as they are.

Made-up clips stand in for what the landmarker finds: another person asks each word than taught it. Where SIGNTALK_DATA
has films, MediaPipe finds the landmarks in them. `pytest -s` shows the figures of docs/base-model.md.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from made.landmarker_bundle import made_bundle
from made.service import KEY, running_service
from made.takes import made_up_takes
from made.web import BROWSERS, NODE, ROOT, SECOND_BROWSER, needs_browser, offline_page
from signtalk.bundle.base import new_bundle
from signtalk.bundle.web import PAGE

DATA = Path(os.environ.get("SIGNTALK_DATA", ROOT.parent / "shared" / "data"))
MODEL = Path(os.environ.get("SIGNTALK_LANDMARKER", DATA.parent / "models" / "holistic_landmarker.task"))
FILMS = DATA / "videos"
TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())
WORDS = (
    "Pain", "Water", "Thirsty", "Doctor", "Help", "Medicine", "Yesterday", "Hungry", "Sleep", "Mother", "Key", "Fever",
)  # fmt: skip
TOLD = {"signer": "s07", "language": "en", "consent": "train"}
NUM_TAUGHT = 10
"""The words after these are asked without having been taught."""

needs_films = pytest.mark.skipif(
    not (MODEL.is_file() and len(list(FILMS.glob("isl_*.mp4"))) >= len(WORDS)),
    reason=f"no films in {FILMS}, or no landmarker's models at {MODEL}",
)


@dataclass(frozen=True)
class Figures:
    """How the taught words were answered, and how many of the others got an answer."""

    right: int
    wrong: int
    offered: int
    first: int
    unsure: int
    strangers: int

    def __str__(self) -> str:
        return (
            f"answered right {self.right}, answered wrong {self.wrong}, right and offered as a choice {self.offered}, "
            f"not sure but right first on the list {self.first}, not sure otherwise {self.unsure}; "
            f"untaught words that got an answer {self.strangers}"
        )


def figures_of(asked: Sequence[dict[str, Any]], words: Sequence[str]) -> Figures:
    """What the page showed of takes, the first of which are those of the taught words in order."""
    kinds = []
    for shown, word in zip(asked, words, strict=False):
        first = shown["offered"][:1] == [f"{word}?"]
        by_kind = {
            "said": "right" if shown["said"] == word else "wrong",
            "asking": "offered" if f"{word}?" in shown["offered"] else "unsure",
            "unsure": "first" if first else "unsure",
            "empty": "unsure",  # too little was seen
        }
        kinds.append(by_kind[shown["kind"]])
    strangers = sum(shown["kind"] == "said" for shown in asked[len(words) :])
    counts = {kind: kinds.count(kind) for kind in ("right", "wrong", "offered", "first", "unsure")}
    return Figures(**counts, strangers=strangers)


def shown_by(url: str, folder: Path, key: str, browser: str = "chromium", **job: Any) -> dict[str, Any]:
    """What stood on the page at an address while takes were taught, the page loaded anew, and takes asked."""
    job = {"url": url, "out": str(folder), "key": key, "films": None, "told": {}} | job
    path = folder / "job.json"
    path.write_text(json.dumps({browser: BROWSERS[browser], **job}))
    done = subprocess.run(
        [NODE, ROOT / "tests" / "web" / "taught_page.mjs", path],
        capture_output=True, text=True, timeout=1700, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def taught(takes: Sequence[dict[str, Any]], words: Sequence[str]) -> list[dict[str, Any]]:
    return [{**take, "words": word} for take, word in zip(takes, words, strict=False)]


def check_bare_and_known(shown: dict[str, Any], words: Sequence[str]) -> None:
    """The page says that nothing is taught, leads there, and knows the words after it is loaded anew."""
    hint = TEXTS["answer.untaught_hint"].format(teach=TEXTS["answer.teach"])
    assert shown["bare"] == {"first": TEXTS["answer.untaught"] + hint, "listed": TEXTS["picker.bare"]}
    lead = TEXTS["answer.teach_first"].format(teach=TEXTS["answer.teach"])
    assert shown["taught"][0]["told"] == TEXTS["answer.untaught"] + lead
    for each, word in zip(shown["taught"], words, strict=True):
        assert each["remembered"].startswith(TEXTS["enroll.saved"].format(sentence=word))
    assert shown["known"]["listed"] == TEXTS["picker.all"].format(count=len(words))
    assert shown["known"]["first"] == TEXTS["answer.none"] + TEXTS["answer.none_hint"]
    assert shown["console"] == []


@pytest.fixture
def empty_service(tmp_path: Path) -> Iterator[str]:
    """The address of a service on an empty bundle of the base."""
    models = MODEL if MODEL.is_file() else made_bundle(tmp_path / "holistic_landmarker.task")
    bundle = new_bundle(tmp_path / "clinic.zip")
    with running_service(bundle, "--index", tmp_path / "taught", "--models", models, key=KEY) as (address, _):
        yield f"http://{address}/"


@needs_browser
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_made_up_words_are_taught_by_one_person_and_asked_by_another(tmp_path: Path, empty_service: str) -> None:
    teach, ask = made_up_takes(tmp_path, seed=11, num_words=len(WORDS))
    words = WORDS[:NUM_TAUGHT]
    shown = shown_by(empty_service, tmp_path, KEY, teach=taught(teach, words), ask=ask)
    check_bare_and_known(shown, words)
    figures = figures_of(shown["asked"], words)
    sys.stdout.write(f"\nten made-up words, asked by another person: {figures}\n")
    assert {each["label"] for each in shown["asked"] if each["kind"] == "said"} <= {TEXTS["answer.confirmed"]}
    assert (figures.wrong, figures.strangers) == (0, 0)
    # How many of them are sure enough for an answer depends on how fast the page was fed.
    assert figures.right + figures.offered + figures.first >= 7


@needs_browser
@needs_films
@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_filmed_words_are_taught_and_asked_again(tmp_path: Path, empty_service: str) -> None:
    """Each film is there once: it is asked with the camera farther away and aside, and slower."""
    films = sorted(FILMS.glob("isl_*.mp4"))[: len(WORDS)]
    words = [film.stem.removeprefix("isl_").replace("_", " ") for film in films][:NUM_TAUGHT]
    near, far = {"slower": 1.0, "zoom": 1.0, "aside": 0}, {"slower": 1.2, "zoom": 0.8, "aside": 60}
    teach, ask = ([{"film": film.name, **take} for film in films] for take in (near, far))
    shown = shown_by(empty_service, tmp_path, KEY, teach=taught(teach, words), ask=ask, films=str(FILMS))
    if not shown["taught"]:
        pytest.skip(f"the landmarker finds {shown['rate']} pictures a second here, too few to see a sign")
    check_bare_and_known(shown, words)
    figures = figures_of(shown["asked"], words)
    sys.stdout.write(
        f"\nten filmed words, asked with the same films from farther away: {figures}; "
        f"{shown['rate']} pictures a second\n"
    )
    assert figures.wrong == 0
    assert figures.right >= 1
    assert figures.right + figures.offered + figures.first >= 6


@needs_browser
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_offline_page_of_an_empty_bundle_is_taught_and_remembers(tmp_path: Path) -> None:
    words = WORDS[:3]
    teach, ask = made_up_takes(tmp_path, seed=11, num_words=len(words))
    with offline_page(tmp_path) as url:
        shown = shown_by(url, tmp_path, "", SECOND_BROWSER, teach=taught(teach, words), ask=ask, told=TOLD)
    check_bare_and_known(shown, words)
    assert all(f"signed by s07 · {date.today()} · kept, may train models" in line for line in shown["own"])
    assert len(shown["own"]) == len(words) and shown["axe"] == []
    asked, *_, refused, _ = shown["counts"]
    kinds = [each["kind"] for each in (*shown["taught"], *shown["asked"])]
    assert asked >= sum(kind != "empty" for kind in kinds)
    assert refused >= sum(kind == "unsure" for kind in kinds)
    figures = figures_of(shown["asked"], words)
    assert figures.wrong == 0
    assert figures.right + figures.offered + figures.first >= 2
