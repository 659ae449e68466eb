"""Answers that the patient confirmed or corrected, by the service: kept with consent, behind the key, taken back."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from made.service import BEARER, KEY, asked_service, json_of
from made.taught import same_landmarks, signed
from signtalk.landmarks.wire import decode_clip, encode_clip
from signtalk.service.model import ServiceModel

PUMP = "The pump beeps."


@pytest.fixture
def asked(empty_bundle: Path, tmp_path: Path) -> Iterator[tuple[TestClient, ServiceModel]]:
    """A service that was taught one sentence."""
    with asked_service(empty_bundle, personal=tmp_path / "ward", key=KEY, keep_clips=True) as (client, model):
        taught = {"text": PUMP, "category": "ward", "clips": [json_of(signed(1))], "signer_id": "s07"}
        assert client.post("/v1/enroll", json=taught, headers=BEARER).status_code == 200
        yield client, model


def body_of(number: int, text: str = PUMP, **told: str) -> dict[str, Any]:
    clip = base64.b64encode(encode_clip(signed(number))).decode()
    return {"text": text, "origin": "confirmed", "consent": "train", "clip": clip, **told}


def said(client: TestClient, number: int, text: str = PUMP, **told: str) -> str:
    answer = client.post("/v1/said", json=body_of(number, text, **told), headers=BEARER)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["clip_id"])


def listed(client: TestClient) -> dict[str, dict[str, Any]]:
    sentences = client.get("/v1/taught", headers=BEARER).json()["sentences"]
    return {each["sentence"]: each for each in sentences}


def test_it_is_kept_listed_and_shown_and_the_index_stays(asked: tuple[TestClient, ServiceModel]) -> None:
    client, model = asked
    index = model.recognizer.index
    said(client, 2, signer_id="s08", language="en")
    clip_id = said(client, 3, "Open your mouth", origin="corrected")
    pump, mouth = listed(client)[PUMP], listed(client)["Open your mouth"]
    assert (pump["num_clips"], pump["num_said"], pump["signers"]) == (1, 1, ["s07", "s08"])
    assert [take["origin"] for take in pump["takes"]] == ["taught", "confirmed"]
    assert (mouth["num_clips"], mouth["num_said"], mouth["takes"]) == (
        0, 1, [{"clip_id": clip_id, "consent": "train", "origin": "corrected"}],
    )  # fmt: skip
    clip = client.get("/v1/taught/clip", params={"clip_id": clip_id}, headers=BEARER)
    assert same_landmarks(decode_clip(clip.content), signed(3))
    assert model.recognizer.index is index
    assert [each["sentence"] for each in client.get("/v1/sentences").json()["sentences"]] == [PUMP]
    files = zipfile.ZipFile(io.BytesIO(client.get("/v1/collection", headers=BEARER).content)).namelist()
    assert sum(name.startswith("clips/said-") for name in files) == 2 and "processed_metadata.csv" in files


def test_what_it_was_not_is_taken_back_or_gets_the_right_sentence(asked: tuple[TestClient, ServiceModel]) -> None:
    client, _ = asked
    clip_id = said(client, 2)
    assert client.post("/v1/unsaid", json={"clip_id": clip_id}, headers=BEARER).json() == {"clip_id": clip_id}
    assert listed(client)[PUMP]["num_said"] == 0
    assert client.post("/v1/unsaid", json={"clip_id": clip_id}, headers=BEARER).status_code == 404
    said(client, 2)
    said(client, 2, "Open your mouth", origin="corrected")
    assert (listed(client)[PUMP]["num_said"], listed(client)["Open your mouth"]["num_said"]) == (0, 1)


def test_it_is_forgotten_and_put_back_with_its_sentence(asked: tuple[TestClient, ServiceModel]) -> None:
    client, _ = asked
    said(client, 2, "Open your mouth")
    gone = client.post("/v1/forget", json={"text": "open your mouth", "undo": True}, headers=BEARER).json()
    assert list(listed(client)) == [PUMP] and gone["sentence"] == "Open your mouth"
    restored = client.post("/v1/restore", json={"undo": gone["undo"]}, headers=BEARER).json()
    assert restored == {"sentence": "Open your mouth", "clip_ids": gone["clip_ids"]}
    assert list(listed(client)) == ["Open your mouth", PUMP]


def test_what_cannot_be_kept_is_refused(asked: tuple[TestClient, ServiceModel]) -> None:
    client, _ = asked
    for told, status in (
        ({"consent": ""}, 422),
        ({"consent": "recognize"}, 422),
        ({"origin": "taught"}, 422),
        ({"text": "?!"}, 400),
        ({"language": "../.."}, 400),
        ({"clip": "AAAA"}, 400),
    ):
        refused = client.post("/v1/said", json={**body_of(2), **told}, headers=BEARER)
        assert refused.status_code == status, told
    assert listed(client)[PUMP]["num_said"] == 0


def test_nothing_without_the_key_or_where_no_clips_are_kept(
    asked: tuple[TestClient, ServiceModel], empty_bundle: Path, tmp_path: Path
) -> None:
    client, _ = asked
    assert client.post("/v1/said", json=body_of(2)).status_code == 401
    assert client.post("/v1/unsaid", json={"clip_id": "x"}).status_code == 401
    for options, message in (({}, "--index"), ({"personal": tmp_path / "other"}, "--keep-clips")):
        with asked_service(empty_bundle, key=KEY, **options) as (elsewhere, _):
            refused = elsewhere.post("/v1/said", json=body_of(2), headers=BEARER)
            assert refused.status_code == 400 and message in refused.json()["error"]["message"]
            assert elsewhere.post("/v1/unsaid", json={"clip_id": "x"}, headers=BEARER).status_code == 404
