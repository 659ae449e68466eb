"""The service over HTTP: answers are those of the recogniser, and nothing from outside does harm."""

import base64
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

from made.service import BEARER, CLIP, KEY, asked_service, json_of, signing
from made.small_run import SmallRun
from signtalk.bundle.bundle import open_bundle
from signtalk.index.personal import takes_of
from signtalk.index.takes import clip_path
from signtalk.landmarks.clip import load_clip
from signtalk.landmarks.legacy_rows import to_prototype_rows
from signtalk.landmarks.wire import decode_clip, encode_clip
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.translation import TranslationRule

HIDDEN = ("video_file", "feature_path")


def told(value: Any) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value))


def recognized(bundle: Path, data: Path, count: int = 3) -> list[dict[str, Any]]:
    with open_bundle(bundle) as opened:
        return [answer.to_dict() for answer in opened.recognizer.recognize([clip for _, clip in signing(data, count)])]


def assert_same(answer: dict[str, Any], expected: dict[str, Any]) -> None:
    for name in ("outcome", "text", "text_source", "reason", "num_possible", "translation", "promise"):
        assert answer[name] == expected[name]
    assert answer["confidence"] == pytest.approx(expected["confidence"], abs=1e-4)
    for name in ("candidates", "choices"):
        assert [line["sentence"] for line in answer[name]] == [line["sentence"] for line in expected[name]]
        for line, other in zip(answer[name], expected[name], strict=True):
            assert line["similarity"] == pytest.approx(other["similarity"], abs=1e-4)
            assert not set(HIDDEN) & set(line)


def test_an_answer_is_that_of_the_recogniser_as_bytes_and_as_json(small_run: SmallRun) -> None:
    expected = recognized(small_run.bundle, small_run.data)
    with asked_service(small_run.bundle) as (client, _):
        for (_, clip), truth in zip(signing(small_run.data), expected, strict=True):
            by_bytes = client.post("/v1/recognize", content=encode_clip(clip), headers=CLIP)
            assert by_bytes.status_code == 200
            assert_same(by_bytes.json(), told(truth))
            by_json = client.post("/v1/recognize", json=json_of(clip))
            assert_same(by_json.json(), told(truth))


def test_as_many_candidates_as_asked_for_and_how_near_one_sentence_was(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with asked_service(small_run.bundle) as (client, _):
        everything = client.post("/v1/recognize?candidates=50", content=encode_clip(clip), headers=CLIP).json()
        line = everything["candidates"][3]
        query = {"candidates": 2, "sentence_id": line["sentence_id"]}
        answer = client.post("/v1/recognize", params=query, content=encode_clip(clip), headers=CLIP).json()
        assert len(answer["candidates"]) == 2
        assert answer["asked"]["rank"] == 4
        assert answer["asked"]["similarity"] == pytest.approx(line["similarity"])
        query["sentence_id"] = "no such sentence"
        answer = client.post("/v1/recognize", params=query, content=encode_clip(clip), headers=CLIP).json()
        assert answer["asked"] is None


def test_a_translation_is_that_of_the_answer(small_run: SmallRun) -> None:
    expected = recognized(small_run.bundle, small_run.data, 1)[0]
    with asked_service(small_run.bundle) as (client, _):
        clip = signing(small_run.data, 1)[0][1]
        answer = client.post("/v1/translate", content=encode_clip(clip), headers=CLIP).json()
    assert answer["translation"] == expected["translation"]
    assert answer["text"] == (expected["translation"] if expected["translation_shown"] else None)
    assert (answer["promise"] is None) == (answer["text"] is None)


def test_a_text_that_nothing_has_proven_is_marked_by_every_path(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle) as (client, model):
        shown = TranslationRule(fitted=True, threshold=0.0)
        gate = GateConfig(threshold=0.0, motion_floor=0.0)
        decision = model.recognizer.decision.model_copy(
            update={"translation": shown, "gate": gate, "policy": "research"}
        )
        model._current = model.recognizer.changed(decision=decision)
        clip = signing(small_run.data, 1)[0][1]
        text = client.post("/v1/translate", content=encode_clip(clip), headers=CLIP).json()
        assert text["text"] and (text["promise"]["population"], text["promise"]["proven"]) == ("translated", False)
        body = {"features": to_prototype_rows(clip).tolist(), "fps": clip.fps}
        prediction = client.post("/predict", json=body).json()
        assert prediction["accepted"] and not prediction["promise"]["proven"]


def test_what_is_odd_about_a_clip_is_told_beside_its_answer(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    mirrored = clip.landmarks * np.array([-1, 1, 1], dtype=np.float32) + np.array([1, 0, 0], dtype=np.float32)
    with asked_service(small_run.bundle) as (client, _):
        fine = client.post("/v1/recognize", content=encode_clip(clip), headers=CLIP).json()
        odd = client.post("/v1/recognize", json=json_of(replace(clip, landmarks=mirrored))).json()
    assert fine["notes"] == [] and any("x is mirrored" in note for note in odd["notes"])


def test_the_configuration_tells_policy_and_promises(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle) as (client, model):
        config = client.get("/v1/config").json()
        assert config["policy"] == "strict"
        assert list(config["promises"]) == ["trained", "enrolled", "written", "translated"]
        assert not any(promise["proven"] for promise in config["promises"].values())
        assert config["promises"]["trained"] == told(model.recognizer.decision.promises["trained"].to_dict())


def test_sentences_are_listed_and_found(small_run: SmallRun, tmp_path: Path) -> None:
    with asked_service(small_run.bundle, personal=tmp_path / "ward") as (client, model):
        listed = client.get("/v1/sentences").json()
        index = model.recognizer.index
        assert listed["total"] == len(index.sentences)
        assert {each["sentence"] for each in listed["sentences"]} == set(index.sentence_texts)
        first = listed["sentences"][0]["sentence"]
        word = first.split()[-1].strip(".?!,").upper()
        found = client.get("/v1/sentences", params={"query": word}).json()
        assert first in [each["sentence"] for each in found["sentences"]]
        assert client.get("/v1/sentences", params={"query": "xyzzy"}).json()["total"] == 0
        paged = [client.get("/v1/sentences", params={"limit": 1, "offset": at}).json() for at in range(2)]
        assert [page["sentences"][0]["sentence"] for page in paged] == [
            each["sentence"] for each in listed["sentences"][:2]
        ]
        assert client.get("/v1/sentences/none/sign").status_code == 404


def test_sentences_are_listed_by_category(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle) as (client, model):
        counts = client.get("/v1/categories").json()["categories"]
        assert sum(each["sentences"] for each in counts) == len(model.recognizer.index.sentences)
        assert [each["category"] for each in counts] == sorted({each["category"] for each in counts})
        for each in counts:
            listed = client.get("/v1/sentences", params={"category": each["category"]}).json()
            assert listed["total"] == each["sentences"]
            assert {one["category"] for one in listed["sentences"]} == {each["category"]}
        assert client.get("/v1/sentences", params={"category": "xyzzy"}).json()["total"] == 0


def test_a_sign_is_a_clip_to_draw(small_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> None:
    record, clip = signing(small_run.data, 1)[0]
    with asked_service(small_run.bundle) as (client, model):
        monkeypatch.setattr(type(model), "sign", lambda self, wanted: clip if wanted == record.sentence_id else None)
        answer = client.get(f"/v1/sentences/{record.sentence_id}/sign")
        assert answer.headers["content-type"] == CLIP["Content-Type"]
        np.testing.assert_array_equal(decode_clip(answer.content).landmarks, clip.landmarks)


def test_search_finds_what_the_command_finds(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle) as (client, model):
        text = model.recognizer.index.sentence_texts[0]
        answer = client.post("/v1/search", json={"text": text, "limit": 3})
        if model.recognizer.text_space is None:
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_value")
            return
        assert answer.json() == told(model.search(text, 3))
        assert len(answer.json()["hits"]) == 3
        assert not {*HIDDEN, "signer_id"} & set(answer.json()["hits"][0])
        assert client.post("/v1/search", json={"text": "?!"}).status_code == 400
        assert client.post("/v1/search", json={"text": "pain", "categories": ["none"]}).status_code == 400


def test_enrolled_is_met_by_the_next_question_and_forgotten_is_not(small_run: SmallRun, tmp_path: Path) -> None:
    (_, first), (_, second), *_ = signing(small_run.data)
    settings = {"personal": tmp_path / "ward", "key": KEY}
    with asked_service(small_run.bundle, **settings) as (client, _):
        assert client.get("/v1/config").json()["can_enroll"] is True
        clips = [base64.b64encode(encode_clip(first)).decode(), json_of(second)]
        body = {"text": "The kettle whistles.", "category": "ward", "clips": clips}
        enrolled = client.post("/v1/enroll", json=body, headers=BEARER)
        assert enrolled.status_code == 200, enrolled.text
        assert len(enrolled.json()["clip_ids"]) == 2
        answer = client.post("/v1/recognize", content=encode_clip(first), headers=CLIP).json()
        assert answer["candidates"][0]["sentence"] == "The kettle whistles."
        listed = client.get("/v1/sentences", params={"query": "kettle"}).json()["sentences"]
        assert [(each["layer"], each["num_clips"]) for each in listed] == [("personal", 2)]
        again = client.post("/v1/enroll", json=body, headers=BEARER)
        assert (again.status_code, again.json()["error"]["code"]) == (400, "bad_clip")
        gone = client.post("/v1/forget", json={"text": "the kettle whistles"}, headers=BEARER)
        assert gone.json()["sentence"] == "The kettle whistles."
        answer = client.post("/v1/recognize", content=encode_clip(first), headers=CLIP).json()
        assert answer["candidates"][0]["sentence"] != "The kettle whistles."
        unknown = client.post("/v1/forget", json={"text": "the kettle whistles"}, headers=BEARER)
        assert unknown.status_code == 400
        assert str(tmp_path) not in unknown.text


def test_clips_are_kept_where_the_service_may_and_the_request_tells_consent(
    small_run: SmallRun, tmp_path: Path
) -> None:
    (_, first), (_, second), *_ = signing(small_run.data)
    ward = tmp_path / "ward"
    body = {"text": "The kettle whistles.", "clips": [json_of(first)], "language": "en"}
    with asked_service(small_run.bundle, personal=ward, key=KEY) as (client, _):
        assert client.get("/v1/config").json()["can_keep_clips"] is False
        refused = client.post("/v1/enroll", json={**body, "consent": "train"}, headers=BEARER)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_value")
        assert "--keep-clips" in refused.json()["error"]["message"]
    with asked_service(small_run.bundle, personal=ward, key=KEY, keep_clips=True) as (client, _):
        assert client.get("/v1/config").json()["can_keep_clips"] is True
        client.post("/v1/enroll", json={**body, "consent": "train"}, headers=BEARER)
        client.post("/v1/enroll", json={**body, "clips": [json_of(second)]}, headers=BEARER)  # no consent is told
        (listed,) = client.get("/v1/sentences", params={"query": "kettle"}).json()["sentences"]
        assert (listed["language"], listed["num_clips"], listed["num_kept"]) == ("en", 2, 1)
        (kept,) = [take for take in takes_of(ward).values() if take.consent]
        assert kept.consent == "train" and kept.date
        np.testing.assert_array_equal(load_clip(clip_path(ward, kept.clip_id)).landmarks, first.landmarks)
        for wrong in ({"consent": "everything"}, {"language": "x" * 300}):
            assert client.post("/v1/enroll", json={**body, **wrong}, headers=BEARER).status_code == 422
        client.post("/v1/forget", json={"text": "the kettle whistles"}, headers=BEARER)
        assert not (ward / "clips").exists() and takes_of(ward) == {}


def test_what_can_never_be_recognised_is_not_enrolled_and_what_is_odd_is_told(
    small_run: SmallRun, tmp_path: Path
) -> None:
    clip = signing(small_run.data, 1)[0][1]
    turned = clip.landmarks.copy()
    turned[..., 1] = 1 - turned[..., 1]
    fast = replace(clip, timestamps_s=clip.timestamps_s / 20)
    with asked_service(small_run.bundle, personal=tmp_path / "ward", key=KEY) as (client, _):
        body = {"text": "The kettle whistles.", "clips": [json_of(clip), json_of(replace(clip, landmarks=turned))]}
        refused = client.post("/v1/enroll", json=body, headers=BEARER)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_clip")
        assert refused.json()["error"]["message"].startswith("clip 2: the person is upside down")
        enrolled = client.post("/v1/enroll", json={**body, "clips": [json_of(fast)]}, headers=BEARER)
        assert enrolled.status_code == 200
        assert any("frames a second" in warning for warning in enrolled.json()["warnings"])


def test_what_can_never_be_recognised_is_not_asked_about(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    turned = clip.landmarks.copy()
    turned[..., 1] = 1 - turned[..., 1]
    clip = replace(clip, landmarks=turned)
    with asked_service(small_run.bundle) as (client, _):
        for path in ("/v1/recognize", "/v1/translate"):
            for answer in (client.post(path, content=encode_clip(clip), headers=CLIP),
                           client.post(path, json=json_of(clip))):  # fmt: skip
                assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_clip")
                assert "upside down" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x", "Bearer \xff"]
)
@pytest.mark.parametrize("path", ["/v1/enroll", "/v1/forget"])
def test_nothing_changes_without_the_key(small_run: SmallRun, tmp_path: Path, path: str, header: str | None) -> None:
    body = {"text": "x", **({"clips": ["U0dUMQ=="]} if path.endswith("enroll") else {})}
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    with asked_service(small_run.bundle, personal=tmp_path / "ward", key=KEY) as (client, _):
        answer = client.post(path, json=body, headers=headers)
        unread = client.post(path, content=b"{", headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == unread.status_code == 401  # nobody's body is read before the key is seen
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not (tmp_path / "ward").exists()


def test_a_service_without_a_key_changes_nothing(small_run: SmallRun, tmp_path: Path) -> None:
    with asked_service(small_run.bundle, personal=tmp_path / "ward") as (client, _):
        assert client.post("/v1/forget", json={"text": "x"}, headers=BEARER).status_code == 403
        assert client.get("/v1/config").json()["can_enroll"] is False
    with asked_service(small_run.bundle, key=KEY) as (client, _):
        answer = client.post("/v1/forget", json={"text": "x"}, headers=BEARER)
        assert "without --index" in answer.json()["error"]["message"]


def test_the_paths_of_the_prototype_answer_in_its_fields(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    body = {"features": to_prototype_rows(clip).tolist(), "fps": clip.fps, "top_k": 3}
    with asked_service(small_run.bundle) as (client, _):
        for path in ("/predict", "/v1/inference"):
            answer = client.post(path, json=body)
            assert answer.status_code == 200, answer.text
            prediction = answer.json()
            fields = {"accepted", "reason", "confidence", "motion_mean", "sentence", "promise", "results"}
            assert set(prediction) == fields
            assert not prediction["accepted"] or prediction["promise"]["population"] == "trained"
            assert prediction["accepted"] or prediction["sentence"] is None
            assert [line["rank"] for line in prediction["results"]] == [1, 2, 3]
            named = {"sentence_id", "sentence", "category", "similarity", "raw_similarity", "confidence",
                     "proto_similarity", "dtw_distance", "dtw_score", "attention_mean"}  # fmt: skip
            assert named <= set(prediction["results"][0])
        assert client.post("/predict", json={"features": [[0.0] * 540, [0.0] * 3]}).status_code == 400
        assert client.post("/predict", json={"features": [[0.0] * 7]}).status_code == 400
        assert client.post("/predict", json={"features": [[1e300] * 540]}).status_code == 400
        for too_many in ([[0.0] * 2001], [[]] * 100_001):
            assert client.post("/predict", json={"features": too_many}).status_code == 422


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "application/json", 400, "bad_json"),
        (b"{", "application/json", 400, "bad_json"),
        (b"[" * 100_000, "application/json", 400, "bad_json"),
        (b'"U0dUMQ=="', "application/json", 422, "invalid"),
        (b"[]", "application/json", 400, "bad_clip"),
        (b"null", "application/json", 400, "bad_clip"),
        (b'{"frames": []}', "application/json", 400, "bad_clip"),
        (b'{"frames": [{"pose": NaN}]}', "application/json", 400, "bad_clip"),
        (b'{"frames": [{"pose": [[1e999, 0, 0]]}]}', "application/json", 400, "bad_clip"),
        (b'{"frames": ' + json.dumps([{}] * 3000).encode() + b"}", "application/json", 400, "bad_clip"),
        (b"\xff\xfe", "application/json", 400, "bad_json"),
        (b"SGT1", "application/vnd.signtalk.clip", 400, "bad_clip"),
        (b"SGT1\x00\xca\x9a\x3b\x00\x00\x80\x3f", "application/vnd.signtalk.clip", 400, "bad_clip"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    ],
)
def test_bad_clips_are_refused(small_run: SmallRun, content: bytes, kind: str, status: int, code: str) -> None:
    with asked_service(small_run.bundle) as (client, _):
        answer = client.post("/v1/recognize", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


@pytest.mark.slow
def test_bodies_are_bounded_whether_or_not_their_length_is_told(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle, max_body_bytes=2000) as (client, _):
        told_ = client.post("/v1/recognize", content=b"x" * 3000, headers=CLIP)
        assert (told_.status_code, told_.json()["error"]["code"]) == (413, "too_large")
        untold = client.post("/v1/recognize", content=iter([b"x" * 1500] * 9), headers=CLIP)
        assert untold.status_code == 413
        as_json = client.post(
            "/v1/search", content=iter([b"x" * 1500] * 9), headers={"Content-Type": "application/json"}
        )
        assert as_json.status_code == 413


def test_errors_of_every_kind_have_one_form_and_leak_nothing(
    small_run: SmallRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with asked_service(small_run.bundle) as (client, _):
        for answer in (client.get("/v1/none"), client.get("/v1/recognize"), client.post("/v1/search", json={}),
                       client.get("/v1/sentences?limit=0")):  # fmt: skip
            assert answer.status_code in (404, 405, 422)
            assert set(answer.json()) == {"error"}

        def broken(*_: Any, **__: Any) -> Any:
            raise RuntimeError(f"secret in {small_run.bundle}")

        monkeypatch.setattr("signtalk.service.model.search_clips", broken)
        answer = client.post("/v1/search", json={"text": "pain"})
        assert answer.status_code == 500
        assert answer.json() == {
            "error": {"code": "internal", "message": "something went wrong in the service; its log says what"}
        }
        assert "secret" in caplog.text  # in the log, for those who run it


def test_neither_sentences_nor_addresses_stand_in_the_log(
    small_run: SmallRun, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _, clip = signing(small_run.data, 1)[0]
    with asked_service(small_run.bundle) as (client, model):
        texts = model.recognizer.index.sentence_texts
        client.get("/v1/sentences", params={"query": "hurt"})
        client.post("/v1/recognize", content=encode_clip(clip), headers=CLIP)
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name == "signtalk.service")
    assert "POST /v1/recognize 200" in ours
    assert "hurt" not in ours
    assert "10.0.0.1" not in ours
    assert not any(text in ours for text in texts)
    caplog.clear()
    with asked_service(small_run.bundle, log_content=True) as (client, _):
        client.post("/v1/recognize", content=encode_clip(clip), headers=CLIP)
    assert "answer by request" in caplog.text


def test_other_hosts_pages_may_ask_only_where_that_was_said(small_run: SmallRun) -> None:
    other = {"Origin": "https://ward.example"}
    with asked_service(small_run.bundle) as (client, _):
        assert "access-control-allow-origin" not in client.get("/v1/config", headers=other).headers
    with asked_service(small_run.bundle, origins=("https://ward.example",)) as (client, _):
        allowed = client.get("/v1/config", headers=other).headers
        assert allowed["access-control-allow-origin"] == "https://ward.example"
        assert (
            "access-control-allow-origin"
            not in client.get("/v1/config", headers={"Origin": "https://evil.example"}).headers
        )


def test_only_names_that_were_allowed_are_answered(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle, hosts=("localhost",)) as (client, _):
        assert client.get("/healthz", headers={"Host": "localhost:8000"}).status_code == 200
        for host in ("evil.example", "localhost.evil.example", "", "[", "xlocalhost"):
            answer = client.get("/healthz", headers={"Host": host})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_host")
            assert "--allow-host" in answer.text
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/v1/stream", headers={"Host": "evil"}):
            pass
    with asked_service(small_run.bundle, hosts=("::1", "*.Ward.example")) as (client, _):
        for host in ("[::1]:8000", "a.ward.example", "A.WARD.EXAMPLE:443"):
            assert client.get("/healthz", headers={"Host": host}).status_code == 200
        assert client.get("/healthz", headers={"Host": "ward.example"}).status_code == 400


def test_every_answer_keeps_browsers_safe(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle) as (client, _):
        for path in ("/healthz", "/none"):
            headers = client.get(path).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "unsafe-inline" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"


def test_operation(small_run: SmallRun) -> None:
    _, clip = signing(small_run.data, 1)[0]
    with asked_service(small_run.bundle) as (client, model):
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ready"}
        client.post("/v1/recognize", content=encode_clip(clip), headers=CLIP)
        page = client.get("/metrics").text
        assert 'signtalk_requests_total{method="POST",route="/v1/recognize",status="200"} 1.0' in page
        assert "signtalk_answers_total" in page
        assert client.get("/v1/config").json()["encoder_id"] == model.recognizer.index.encoder_id
        client.app.state.service.stopping = True
        assert client.get("/healthz").status_code == 200
        stopping = client.get("/readyz")
        assert (stopping.status_code, stopping.json()["error"]["code"]) == (503, "stopping")
        assert "retry-after" in stopping.headers
        client.app.state.service.stopping = False


def test_the_description_names_every_path_and_no_other_host_is_asked(small_run: SmallRun) -> None:
    with asked_service(small_run.bundle) as (client, _):
        described = client.get("/openapi.json").json()
        assert {"/v1/recognize", "/v1/translate", "/v1/enroll", "/v1/forget", "/v1/search", "/v1/config",
                "/v1/sentences", "/healthz", "/readyz", "/metrics", "/predict", "/v1/inference"} <= set(
            described["paths"]
        )  # fmt: skip
        clip = described["paths"]["/v1/recognize"]["post"]["requestBody"]["content"]["application/json"]["example"]
        assert client.post("/v1/recognize", json=clip).status_code == 200
        assert client.get("/docs").status_code == 404
