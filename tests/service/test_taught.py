"""What was taught, by the service: listed, shown, renamed, forgotten, put back; all of it behind the key."""

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from made.service import BEARER, KEY, asked_service, json_of
from made.taught import same_landmarks, signed
from signtalk.landmarks.wire import decode_clip
from signtalk.service.model import ServiceModel
from signtalk.service.taught import TaughtSentences

PUMP = "The pump beeps."


@pytest.fixture
def asked(empty_bundle: Path, tmp_path: Path) -> Iterator[tuple[TestClient, ServiceModel]]:
    """A service that was taught one sentence with two clips, of which one is kept, and another one without."""
    with asked_service(empty_bundle, personal=tmp_path / "ward", key=KEY, keep_clips=True) as (client, model):
        for text, number, told in (
            (PUMP, 1, {"consent": "recognize", "language": "en", "signer_id": "s07"}),
            (PUMP, 2, {}),
            ("Open your mouth", 3, {}),
        ):
            body = {"text": text, "category": "ward", "clips": [json_of(signed(number))], **told}
            answer = client.post("/v1/enroll", json=body, headers=BEARER)
            assert answer.status_code == 200, answer.text
        yield client, model


def listed(client: TestClient, query: str = "") -> dict[str, Any]:
    answer = client.get("/v1/taught", params={"query": query}, headers=BEARER)
    assert answer.status_code == 200
    return dict(answer.json())


def test_nothing_is_told_and_nothing_changed_without_the_key(asked: tuple[TestClient, ServiceModel]) -> None:
    client, _ = asked
    for path in ("/v1/taught", "/v1/taught/clip?clip_id=x"):
        assert client.get(path).status_code == 401
    for path in ("/v1/rename", "/v1/forget", "/v1/restore"):
        assert client.post(path, json={}).status_code == 401
    assert listed(client)["total"] == 2


def test_taught_sentences_are_listed_with_what_is_told_of_them(asked: tuple[TestClient, ServiceModel]) -> None:
    client, _ = asked
    assert [each["sentence"] for each in listed(client)["sentences"]] == ["Open your mouth", PUMP]
    (pump,) = listed(client, "beeps pump")["sentences"]
    assert (pump["num_clips"], pump["num_kept"], pump["has_sign"]) == (2, 1, True)
    assert (pump["signers"], pump["language"], pump["category"]) == (["s07"], "en", "ward")
    assert pump["date"] and sorted(take["consent"] for take in pump["takes"]) == ["", "recognize"]
    assert listed(client, "never taught") == {"total": 0, "sentences": []}


def test_a_kept_clip_is_the_sign_of_its_sentence(asked: tuple[TestClient, ServiceModel]) -> None:
    client, _ = asked
    mouth, pump = client.get("/v1/sentences").json()["sentences"]
    assert (mouth["has_sign"], pump["has_sign"]) == (False, True)
    answer = client.get(f"/v1/sentences/{pump['sentence_id']}/sign")  # the page's patient has no key
    assert same_landmarks(decode_clip(answer.content), signed(1))
    assert client.get(f"/v1/sentences/{mouth['sentence_id']}/sign").status_code == 404
    clips = {}
    for take in listed(client, PUMP)["sentences"][0]["takes"]:
        answer = client.get("/v1/taught/clip", params={"clip_id": take["clip_id"]}, headers=BEARER)
        clips[take["consent"]] = answer
    assert clips[""].status_code == 404
    np.testing.assert_array_equal(decode_clip(clips["recognize"].content).landmarks, signed(1).landmarks)
    for strange in ("../../etc/passwd", "clip-1"):
        answer = client.get("/v1/taught/clip", params={"clip_id": strange}, headers=BEARER)
        assert answer.status_code == 404


def test_another_text_and_back(asked: tuple[TestClient, ServiceModel], tmp_path: Path) -> None:
    client, _ = asked
    renamed = client.post("/v1/rename", json={"text": PUMP, "new_text": "The pump peeps."}, headers=BEARER)
    assert (renamed.status_code, renamed.json()["sentence"]) == (200, "The pump peeps.")
    assert [each["sentence"] for each in listed(client)["sentences"]] == ["Open your mouth", "The pump peeps."]
    for body, message in (
        ({"text": PUMP, "new_text": "Something"}, "no enrolled sentence"),
        ({"text": "The pump peeps.", "new_text": "open your mouth"}, "known already"),
        ({"text": "The pump peeps.", "new_text": "?!"}, "holds no word"),
    ):
        refused = client.post("/v1/rename", json=body, headers=BEARER)
        assert refused.status_code == 400 and message in refused.json()["error"]["message"]
        assert str(tmp_path) not in refused.text
    client.post("/v1/rename", json={"text": "The pump peeps.", "new_text": PUMP}, headers=BEARER)
    assert [each["sentence"] for each in listed(client)["sentences"]] == ["Open your mouth", PUMP]


def test_what_was_forgotten_is_put_back_once(asked: tuple[TestClient, ServiceModel], tmp_path: Path) -> None:
    client, _ = asked
    before = listed(client)
    gone = client.post("/v1/forget", json={"text": PUMP, "undo": True}, headers=BEARER).json()
    assert listed(client)["total"] == 1 and not (tmp_path / "ward" / "clips").exists()
    restored = client.post("/v1/restore", json={"undo": gone["undo"]}, headers=BEARER)
    assert (restored.json()["sentence"], len(restored.json()["clip_ids"])) == (PUMP, 2)
    after = listed(client)
    assert {frozenset(str(take) for take in each["takes"]) for each in after["sentences"]} == {
        frozenset(str(take) for take in each["takes"]) for each in before["sentences"]
    }
    again = client.post("/v1/restore", json={"undo": gone["undo"]}, headers=BEARER)
    assert (again.status_code, again.json()["error"]["code"]) == (404, "too_late")
    assert "undo" not in client.post("/v1/forget", json={"text": PUMP}, headers=BEARER).json()


def test_what_was_forgotten_is_held_for_a_while_alone(asked: tuple[TestClient, ServiceModel]) -> None:
    _, model = asked
    taught = TaughtSentences(model, undo_s=0.05)
    undo = taught.forget(PUMP, undo=True)["undo"]
    until = time.monotonic() + 5
    while taught._held and time.monotonic() < until:
        time.sleep(0.02)
    assert undo not in taught._held


def test_a_service_without_a_personal_index_knows_nothing_taught(empty_bundle: Path) -> None:
    with asked_service(empty_bundle, key=KEY) as (client, _):
        assert listed(client) == {"total": 0, "sentences": []}
        refused = client.post("/v1/rename", json={"text": "a", "new_text": "b"}, headers=BEARER)
        assert "--index" in refused.json()["error"]["message"]
        assert client.post("/v1/forget", json={"text": "a", "undo": True}, headers=BEARER).status_code == 400


ZIP = {"Content-Type": "application/zip", **BEARER}


def test_what_is_kept_goes_out_as_one_file_and_into_another_service(
    asked: tuple[TestClient, ServiceModel], empty_bundle: Path, tmp_path: Path
) -> None:
    client, _ = asked
    assert client.get("/v1/collection").status_code == 401
    assert client.post("/v1/collection", content=b"x").status_code == 401
    answer = client.get("/v1/collection", headers=BEARER)
    assert answer.headers["content-type"] == "application/zip"
    assert "signtalk-taught-" in answer.headers["content-disposition"]
    none = client.get("/v1/collection", params={"training": True}, headers=BEARER)
    assert (none.status_code, none.json()["error"]["code"]) == (404, "nothing_kept")
    other = {"personal": tmp_path / "other", "key": KEY}
    with asked_service(empty_bundle, **other) as (elsewhere, _):
        assert elsewhere.get("/v1/collection", headers=BEARER).status_code == 404
        refused = elsewhere.post("/v1/collection", content=answer.content, headers=ZIP)
        assert refused.status_code == 400 and "--keep-clips" in refused.json()["error"]["message"]
    with asked_service(empty_bundle, **other, keep_clips=True) as (elsewhere, _):
        imported = elsewhere.post("/v1/collection", content=answer.content, headers=ZIP).json()
        assert (imported["sentences"], imported["num_known"], imported["left_out"]) == ([PUMP], 0, [])
        assert [each["sentence"] for each in listed(elsewhere)["sentences"]] == [PUMP]
        again = elsewhere.post("/v1/collection", content=answer.content, headers=ZIP).json()
        assert (again["clip_ids"], again["num_known"]) == ([], 1)


def test_a_file_that_cannot_be_used_is_told_without_a_place_of_this_machine(
    asked: tuple[TestClient, ServiceModel], tmp_path: Path
) -> None:
    client, _ = asked
    content = client.get("/v1/collection", headers=BEARER).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    clip = next(name for name in files if name.endswith(".npz"))
    table = files["takes.csv"].replace(b"s07", b"s08")
    for odd, message in (
        (b"no zip", "not a readable zip"),
        (packed({**files, "../out": b"x"}), "leaves the collection"),
        (packed({"takes.csv": b"clip_id\n"}), "columns clip_id"),
        (packed({**files, "takes.csv": table.replace(b"clip-1-", b"new-1-"), clip: b"x"}), "none of its 1 clips"),
    ):
        refused = client.post("/v1/collection", content=odd, headers=ZIP)
        assert refused.status_code == 400, refused.text
        assert message in refused.json()["error"]["message"]
        assert "/tmp" not in refused.text and "signtalk-collection" not in refused.text
        assert str(tmp_path) not in refused.text


def packed(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_a_collection_may_be_larger_than_another_body(empty_bundle: Path, tmp_path: Path) -> None:
    settings = {"max_body_bytes": 2048, "max_collection_bytes": 4096}
    with asked_service(empty_bundle, personal=tmp_path / "ward", key=KEY, keep_clips=True, **settings) as (client, _):
        assert client.post("/v1/collection", content=b"[" * 4000, headers=ZIP).status_code == 400
        assert client.post("/v1/collection", content=b"x" * 4097, headers=ZIP).status_code == 413
        assert client.post("/v1/forget", content=b"x" * 3000, headers=ZIP).status_code == 413
