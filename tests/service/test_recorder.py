"""The recorder's requests: a day of recording over HTTP, and what is refused."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from made.recording import FORM, PROMPTS, signed_take
from made.taught import signed
from signtalk.bundle.web import PAGE
from signtalk.data.manifest import load_manifest
from signtalk.landmarks.wire import CLIP_MEDIA_TYPE, decode_clip, encode_clip
from signtalk.service.errors import add_error_handlers
from signtalk.service.recorder import RECORDER_PAGE, add_recorder
from signtalk.service.recording import PromptedTake, RecordingFolder

CLIP = {"Content-Type": CLIP_MEDIA_TYPE}


@pytest.fixture
def recording(tmp_path: Path) -> RecordingFolder:
    return RecordingFolder(tmp_path / "signs", PROMPTS, FORM)


@pytest.fixture
def client(recording: RecordingFolder) -> Iterator[TestClient]:
    app = FastAPI()
    add_error_handlers(app)
    add_recorder(app, recording, 3, {1: lambda: signed(7)})
    with TestClient(app) as asked:
        yield asked


def take(client: TestClient, number: int, seed: int, signer: str = "s01", session: str = "today") -> tuple[int, dict]:
    where = {"number": number, "signer": signer, "session": session}
    answer = client.post("/recorder/take", params=where, content=encode_clip(signed_take(seed)), headers=CLIP)
    return answer.status_code, answer.json()


def test_a_day_of_recording(client: TestClient, recording: RecordingFolder) -> None:
    plan = client.get("/recorder/plan").json()
    assert [each["sentence"] for each in plan["sentences"]] == ["Where does it hurt?", "The pump beeps"]
    assert [each["has_sign"] for each in plan["sentences"]] == [False, True]
    assert (plan["consent_form"], plan["takes_each"], plan["has_agreed"]) == (FORM, 3, False)
    status, refused = take(client, 0, 1)
    assert (status, refused["error"]["code"]) == (400, "bad_value")
    assert client.post("/recorder/agree", json={"signer": "s01", "form": plan["form"]}).status_code == 200
    assert take(client, 0, 1) == (200, {"clip_id": "0001_s01_1", "takes": 1})
    assert take(client, 0, 1) == (200, {"clip_id": "0001_s01_1", "takes": 1})  # its answer was not heard
    assert take(client, 0, 2)[1]["takes"] == 2
    assert client.post("/recorder/undo", json={"number": 0, "signer": "s01"}).json()["takes"] == 1
    assert client.get("/recorder/plan", params={"signer": "s01"}).json()["sentences"][0]["takes"] == 1
    assert len(load_manifest(recording.folder).records) == 1
    assert client.post("/recorder/withdraw", json={"signer": "s01"}).json() == {"takes": 1}
    assert client.post("/recorder/undo", json={"number": 0, "signer": "s01"}).status_code == 404


def test_a_sign_prompts_where_one_is_known(client: TestClient) -> None:
    answer = client.get("/recorder/sign", params={"number": 1})
    assert decode_clip(answer.content).num_frames == signed(7).num_frames
    assert client.get("/recorder/sign", params={"number": 0}).status_code == 404
    assert client.get("/recorder/sign", params={"number": -1}).status_code == 422


def test_the_form_takes_no_session_that_would_refuse_every_take() -> None:
    (pattern,) = re.findall(r'id="session"[^>]*pattern="([^"]+)"', (PAGE / RECORDER_PAGE).read_text())
    assert re.fullmatch(pattern, "2026-11-28") and not re.fullmatch(pattern, "Ward 3")
    for letter in map(chr, range(33, 127)):
        if re.fullmatch(pattern, letter):
            PromptedTake(0, "s01", letter)


def test_what_is_refused(client: TestClient, recording: RecordingFolder) -> None:
    changed = client.post("/recorder/agree", json={"signer": "s01", "form": "another"})
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "form_changed")
    recording.agree("s01")
    assert take(client, 0, 1, signer="../s01")[0] == 400
    assert take(client, 9, 1)[0] == 400
    where = {"number": 0, "signer": "s01", "session": "today"}
    assert client.post("/recorder/take", params=where, json={"frames": []}).status_code == 415
    for body in (b"", b"SGT1", encode_clip(signed_take(1))[:-1]):
        assert client.post("/recorder/take", params=where, content=body, headers=CLIP).status_code == 400
    assert recording.num_takes == 0


def test_a_video_is_kept_where_it_is_wanted_and_allowed(tmp_path: Path) -> None:
    recording = RecordingFolder(tmp_path / "signs", PROMPTS, FORM, keeps_videos=True)
    app = FastAPI()
    add_error_handlers(app)
    add_recorder(app, recording, 3)
    with TestClient(app) as client:
        plan = client.get("/recorder/plan").json()
        assert plan["keeps_videos"] is True
        agreed = client.post("/recorder/agree", json={"signer": "s01", "form": plan["form"], "videos": True})
        assert agreed.json() == {"signer": "s01", "videos": True, "shown": False}
        clip_id = take(client, 0, 1)[1]["clip_id"]
        film = {"Content-Type": "video/webm;codecs=vp8"}
        where = {"clip_id": clip_id}
        assert client.post("/recorder/video", params=where, content=b"film", headers=film).status_code == 200
        assert client.post("/recorder/video", params=where, content=b"film", headers=CLIP).status_code == 415
        unknown = client.post("/recorder/video", params={"clip_id": "x"}, content=b"film", headers=film)
        assert unknown.status_code == 400
    assert (recording.folder / "videos" / f"{clip_id}.webm").read_bytes() == b"film"
