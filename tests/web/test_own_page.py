"""The tab "Taught" in a real browser, of a service and of an offline page: the same sentences, the same steps.

Where SIGNTALK_PICTURES names a folder, the pictures of all states stay there.
"""

import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from made.landmarker_bundle import made_bundle
from made.service import BEARER, KEY, json_of, running_service
from made.taught import signed
from made.web import BROWSERS, NODE, ROOT, in_each_browser, offline_page
from signtalk.bundle.base import new_bundle
from signtalk.bundle.web import PAGE
from signtalk.landmarks.wire import encode_clip

TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())
PUMP, MOUTH = "The pump beeps.", "Open your mouth"
KEPT = {"consent": "recognize", "language": "en"}


def used(folder: Path, url: str, key: str, browser: str, **job: Any) -> dict[str, Any]:
    """What stood on the page."""
    job |= {"url": url, browser: BROWSERS[browser], "out": str(folder), "key": key}
    (folder / "job.json").write_text(json.dumps(job))
    command = [str(NODE), str(ROOT / "tests" / "web" / "own_page.mjs"), str(folder / "job.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=800)
    if pictures := os.environ.get("SIGNTALK_PICTURES"):
        for picture in folder.glob("*.png"):
            Path(pictures).mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, Path(pictures) / f"{'service' if key else 'offline'}-{picture.name}")
    assert done.returncode == 0, done.stderr[-3000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def check(seen: dict[str, Any]) -> None:
    """What both pages show alike."""
    steps = seen["steps"]
    assert steps["listed"] == {"told": TEXTS["own.all"].format(count=2), "sentences": [MOUTH, PUMP]}
    about_mouth, about_pump = steps["about"]
    assert TEXTS["own.consent_none"] in about_mouth and "2 clips" in about_pump
    assert "signed by s07" in about_pump and TEXTS["own.consent_recognize"] in about_pump
    assert steps["searched"] == [PUMP]
    assert steps["unkept"] == {"drawn": False, "told": TEXTS["own.no_clip"]}
    assert steps["kept"] == {"drawn": True, "told": ""}
    assert "known already" in steps["known"]
    assert steps["renamed"] == {
        "told": TEXTS["own.renamed"].format(before=PUMP, sentence="The pump peeps."),
        "listed": [MOUTH, "The pump peeps."],
    }
    assert steps["named_again"] == {"told": TEXTS["own.undone"], "listed": [MOUTH, PUMP]}
    assert steps["forgotten"] == {"told": TEXTS["own.forgotten"].format(sentence=PUMP), "listed": [MOUTH]}
    assert steps["focused"] == "own-undo"
    assert steps["restored"] == {"told": TEXTS["own.undone"], "listed": [MOUTH, PUMP]}
    copied = steps["copied"]
    lacking = {"name": copied["saved"]["name"], "sentences": f"“{MOUTH}”"}
    told = [TEXTS[f"copy.saved_without{kind}"].format(**lacking) for kind in ("", ".engine")]
    assert copied["saved"]["told"] in told
    assert copied["none"] == TEXTS["copy.nothing_kept"]
    assert copied["learned"] == TEXTS["copy.learned"].format(count=1, known=0)
    assert copied["again"] == TEXTS["copy.learned"].format(count=0, known=1)
    assert "not a readable zip" in copied["odd"]
    assert "1 clip · ward · signed by s07" in copied["about"][1]
    assert steps["gone"]["listed"] == [PUMP]
    assert steps["sign"] is True
    check_counts(steps["counted"])
    assert seen["axe"] == [] and seen["wide"] == []


def check_counts(counted: dict[str, Any]) -> None:
    today = str(date.today())
    assert counted["before"] is True
    assert counted["rows"] == [
        [today, TEXTS["tally.no_sentence"], "2", "0", "0", "1", "0"],
        [today, 'The "pump", beeps', "0", "1", "0", "0", "1"],
        ["2025-01-31", MOUTH, "0", "0", "2", "0", "0"],
    ]
    assert counted["table"].splitlines() == [
        "day,sentence,asked,answered,chosen,refused,corrected",
        f"{today},,2,0,0,1,0",
        f'{today},"The ""pump"", beeps",0,1,0,0,1',
        f"2025-01-31,{MOUTH},0,0,2,0,0",
    ]
    assert counted["erased"] == {"empty": True, "wanted": True}


@in_each_browser
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_a_service_was_taught_is_in_the_hands_of_who_has_the_key(browser: str, tmp_path: Path) -> None:
    models, bundle = made_bundle(tmp_path / "holistic_landmarker.task"), new_bundle(tmp_path / "clinic.zip")
    arguments = ("--index", tmp_path / "taught", "--models", models, "--keep-clips")
    with running_service(bundle, *arguments, key=KEY) as (address, _):
        for text, number, told in (
            (PUMP, 1, {**KEPT, "signer_id": "s07"}),
            (PUMP, 2, {}),
            (MOUTH, 3, {}),
        ):
            body = json.dumps({"text": text, "category": "ward", "clips": [json_of(signed(number))], **told})
            headers = {"Content-Type": "application/json", **BEARER}
            with urlopen(Request(f"http://{address}/v1/enroll", body.encode(), headers), timeout=30) as answer:
                assert answer.status == 200
        seen = used(tmp_path, f"http://{address}/", KEY, browser)
    check(seen)
    assert seen["steps"]["refused"] == TEXTS["error.key"]
    assert [line for line in seen["console"] if not any(code in line for code in ("401", "400", "404"))] == []


@in_each_browser
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_an_offline_page_was_taught_is_in_the_hands_of_who_opens_it(browser: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.clip" for number in range(3)]
    for number, file in enumerate(files, 1):
        file.write_bytes(encode_clip(signed(number)))
    taught = [(PUMP, 0, {**KEPT, "signer": "s07"}), (PUMP, 1, {}), (MOUTH, 2, {})]
    with offline_page(tmp_path) as url:
        seen = used(tmp_path, url, "", browser, clips=[str(file) for file in files], taught=taught)
    check(seen)
    assert seen["console"] == []
    learned = TEXTS["copy.learned"].format(count=1, known=0)
    assert seen["steps"]["elsewhere"] == {"before": [], "told": learned, "listed": [PUMP]}
    migrated = seen["steps"]["migrated"]
    assert [(take["sentence"], take["consent"]) for take in migrated["takes"]] == [("Old sentence", "")]
    assert (migrated["vectors"], migrated["left"], migrated["back"]) == (1, 0, 1)
