"""What a patient confirms and corrects is kept where that person agreed, by a service and by an offline page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from made.landmarker_bundle import made_bundle
from made.page_driver import check_always, drive_at
from made.service import BEARER, KEY, json_of, running_service
from made.takes import made_up_takes
from made.web import SECOND_BROWSER, needs_browser, offline_page
from signtalk.bundle.archive import unpack_zip
from signtalk.bundle.base import new_bundle
from signtalk.bundle.collection import COLLECTION_ZIP
from signtalk.bundle.web import PAGE
from signtalk.data.check import check_folder
from signtalk.data.manifest import load_manifest
from signtalk.index.takes import read_takes
from signtalk.landmarks.wire import decode_clip

TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())
WORDS = ("Pain", "Water", "Doctor")


def check(seen: dict[str, Any], folder: Path) -> None:
    """What both pages show alike."""
    check_always(seen)
    assert seen["console"] == []
    steps = seen["steps"]
    assert steps["refused"] == [False, False] and steps["agreed"] is True
    assert steps["shown"] == [True, TEXTS["remember.shown"].format(count=0)]
    first, corrected, second = steps["first"]["words"], steps["corrected"], steps["second"]
    assert corrected not in (first, None) and steps["played"] is True
    origins = {corrected: ["corrected"]}
    origins.setdefault(second["words"], []).append("confirmed" if second["isOffered"] else "corrected")
    assert dict(steps["listed"]).keys() == set(WORDS)
    for sentence, about in steps["listed"]:
        for origin in ("confirmed", "corrected"):
            count = origins.get(sentence, []).count(origin)
            assert (TEXTS[f"own.{origin}"].format(count=count or 1) in about) is bool(count), (about, origins)
        assert "1 clip · " in about and ("signed by s08" in about) is (sentence in origins)
    unpack_zip(folder / "saved.zip", folder / "saved", COLLECTION_ZIP)
    takes = list(read_takes(folder / "saved").values())
    assert sorted((take.sentence, take.origin) for take in takes) == sorted(
        (sentence, origin) for sentence, those in origins.items() for origin in those
    )
    assert {(take.signer_id, take.consent) for take in takes} == {("s08", "train")}
    assert not check_folder(folder / "saved").problems
    assert len(load_manifest(folder / "saved", strict=True).records) == 2
    assert steps["another"] == [False, False] and steps["same"] is True
    assert steps["later"] == steps["listed"] == steps["restored"]  # of another person nothing is kept
    assert {sentence for sentence, _ in steps["deleted"]} == {*WORDS} - {corrected}


@needs_browser
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_service_keeps_what_is_confirmed_where_the_person_agreed(tmp_path: Path) -> None:
    models, bundle = made_bundle(tmp_path / "holistic_landmarker.task"), new_bundle(tmp_path / "clinic.zip")
    taught, asked = made_up_takes(tmp_path, seed=11, num_words=len(WORDS))
    arguments = ("--index", tmp_path / "taught", "--models", models, "--keep-clips")
    with running_service(bundle, *arguments, key=KEY) as (address, _):
        for words, take in zip(WORDS, taught, strict=True):
            clip = json_of(decode_clip(Path(take["clip"]).read_bytes()))
            body = json.dumps({"text": words, "clips": [clip]}).encode()
            headers = {"Content-Type": "application/json", **BEARER}
            with urlopen(Request(f"http://{address}/v1/enroll", body, headers), timeout=30) as answer:
                assert answer.status == 200
        seen = drive_at(
            f"http://{address}/", KEY, "conversation", tmp_path, script="said_page.mjs", browser=SECOND_BROWSER,
            takes=[take["clip"] for take in asked],
        )  # fmt: skip
    check(seen, tmp_path)


@needs_browser
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_offline_page_without_network_keeps_what_is_confirmed_where_the_person_agreed(tmp_path: Path) -> None:
    taught, asked = made_up_takes(tmp_path, seed=11, num_words=len(WORDS))
    with offline_page(tmp_path) as url:
        seen = drive_at(
            url, "", "conversation", tmp_path, script="said_page.mjs", takes=[take["clip"] for take in asked],
            taught=[[words, take["clip"]] for words, take in zip(WORDS, taught, strict=True)],
        )  # fmt: skip
    check(seen, tmp_path)
