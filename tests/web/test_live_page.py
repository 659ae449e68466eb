"""The live page: its files by themselves, and in a real browser with a fake camera against tests/page_service.py.

The browser's tests need node, Debian's chromium and `make web`; those that find hands the landmarker's models, and a
video of SIGNTALK_DATA.
"""

import base64
import json
import os
import re
import struct
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from made.page_driver import check_always, drive, drive_at
from made.service import KEY, running_service
from made.web import NODE, ROOT, needs_browser, needs_node
from signtalk.bundle.base import new_bundle
from signtalk.bundle.bundle import open_bundle
from signtalk.bundle.web import export_web
from signtalk.export.export import export_bundle
from signtalk.landmarks.clip import FACE_INDICES, HOLISTIC, PARTS
from signtalk.recognition.evidence import FIGURES
from signtalk.recognition.gate import Figure, GateConfig, Reason
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.training.run import RunFolder

WEB = ROOT / "src" / "signtalk" / "service" / "web"
DATA = Path(os.environ.get("SIGNTALK_DATA", ROOT.parent / "shared" / "data"))
MODEL = Path(os.environ.get("SIGNTALK_LANDMARKER", DATA.parent / "models" / "holistic_landmarker.task"))
FILM = DATA / "videos" / "isl_Hello.mp4"
FRAME = np.dtype([("time_s", "<f8"), ("points", "<f4", (169, 3)), ("visibility", "<f4", (33,))])
TEXTS: dict[str, str] = json.loads((WEB / "texts" / "en.json").read_text())
SCRIPTS = sorted((WEB / "page").glob("*.js"))

needs_model = pytest.mark.skipif(not MODEL.is_file(), reason=f"no landmarker's models at {MODEL}")
needs_film = pytest.mark.skipif(not FILM.is_file(), reason=f"no video {FILM}")


# Files


def used_texts() -> set[str]:
    pages = "".join(page.read_text() for page in WEB.glob("*.html"))
    used = set(re.findall(r'data-(?:text|label|hint)="([^"]+)"', pages))
    for script in SCRIPTS:
        code = script.read_text()
        used |= {name for name in re.findall(r'"([a-z_]+\.[a-z_]+|title)"', code) if not name.endswith((".js", ".svg"))}
    return used


def test_every_text_is_there_and_none_is_left_over():
    by_code = (
        "reason.", "hint.", "error.", "state.", "who.", "how.", "answer.signed", "answer.translated", "gpu.",
        "answer.confirmed", "answer.chosen", "board.", "body.", "welcome.", "pair.is.", "pair_ended.", "pair_failed.",
            "teach_again.",
    )  # fmt: skip
    assert used_texts() <= set(TEXTS)
    plain = {name.removesuffix(".engine") for name in TEXTS}  # what an offline page says instead
    assert plain <= set(TEXTS)
    assert {name for name in plain - used_texts() if not name.startswith(by_code)} == set()


@pytest.mark.parametrize("path", sorted((WEB / "texts").glob("*.json")), ids=lambda path: path.stem)
def test_a_language_says_nothing_else_than_the_first(path: Path):
    texts = json.loads(path.read_text())
    assert set(texts) <= set(TEXTS)
    for name, text in texts.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", TEXTS[name])), name
    listed = (WEB / "page" / "texts.js").read_text().partition("LANGUAGES = {")[2].partition("}")[0]
    assert f"{path.stem}: " in listed


def test_every_language_has_seven_days():
    for path in (WEB / "texts").glob("*.json"):
        assert len(json.loads(path.read_text())["board.days"].split(",")) == 7, path.stem


def test_each_reason_of_the_gate_is_told_in_words():
    assert {f"reason.{reason}" for reason in get_args(Reason) if reason} <= set(TEXTS)


def test_states_and_problems_have_texts():
    status = (WEB / "page" / "status.js").read_text()
    states = re.findall(r'"?(\w+)"?: "[\w-]+",', status.partition("ICONS = {")[2].partition("}")[0])
    assert len(states) == 13 and {f"state.{state}" for state in states} <= set(TEXTS)
    codes = re.findall(r'"(camera_\w+|model_\w+|landmarker)"', "".join(script.read_text() for script in SCRIPTS))
    assert len(codes) > 8 and {f"error.{code}" for code in codes} <= set(TEXTS)
    reasons = re.findall(r'(\w+): "[\w-]+"', status.partition("REASON_ICONS = {")[2].partition("}")[0])
    assert {*(each for each in get_args(Reason) if each), "hands", "far", "dark", "fast"} <= set(reasons)
    assert all({f"reason.{each}", f"hint.{each}"} & set(TEXTS) for each in reasons)


def test_icons_are_drawn():
    drawn = set(re.findall(r'<symbol id="icon-([\w-]+)"', (WEB / "icons.svg").read_text()))
    tables = "".join(re.findall(r"ICONS = \{(.*?)\}", (WEB / "page" / "status.js").read_text(), re.S))
    code = "".join(script.read_text() for script in SCRIPTS)
    others = re.findall(r'(?:#show|reply)\("\w+", "([\w-]+)"|icon\("([\w-]+)"\)', code)
    used = {*re.findall(r': "([\w-]+)"', tables), *(name for names in others for name in names if name), "warning"}
    assert used <= drawn
    assert {name for name in drawn if f'"{name}"' not in code} == set()


def test_a_page_of_the_strictest_policy():
    page = (WEB / "index.html").read_text()
    assert re.findall(r"<script[^>]*>", page) == ['<script type="module" src="page/app.js">']
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)
    assert "script-src 'self' 'wasm-unsafe-eval';" in page


def test_no_address_outside():
    for file in [*WEB.glob("*.*"), *SCRIPTS, *WEB.glob("texts/*")]:
        outside = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}", file.read_text())) - {"http://www.w3.org"}
        assert not outside, f"{file}: {outside}"


def test_pins_are_exact():
    about = json.loads((ROOT / "web" / "package.json").read_text())
    locked = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    for name, version in (about["dependencies"] | about["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version) and locked[f"node_modules/{name}"]["version"] == version


# Bytes


def a_clip() -> tuple[np.ndarray, bytes]:
    rng = np.random.default_rng(5)
    frames = np.zeros(3, dtype=FRAME)
    frames["time_s"] = [10.0, 10.1, 10.25]
    frames["points"], frames["visibility"] = rng.uniform(0, 1, (3, 169, 3)), rng.uniform(0, 1, (3, 33))
    frames["points"][1, PARTS["left_hand"]] = np.nan
    frames["points"][2] = np.nan
    frames["visibility"][2] = np.nan
    return frames, struct.pack("<4sIf", b"SGT1", 3, 1.25) + frames.tobytes()


def a_result() -> dict[str, Any]:
    def points(count: int) -> list[dict[str, float]]:
        return [{"x": i / 1000, "y": i / 500, "z": -i / 250, "visibility": 1.5} for i in range(count)]

    return {
        "poseLandmarks": [points(33)], "leftHandLandmarks": [], "rightHandLandmarks": [points(21)],
        "faceLandmarks": [points(478)],
    }  # fmt: skip


@needs_node
def test_frames_and_clips_as_the_protocol_has_them():
    frames, clip = a_clip()
    job = json.dumps({"clip": base64.b64encode(clip).decode(), "result": a_result()})
    script = ROOT / "tests" / "web" / "frames.mjs"
    done = subprocess.run([NODE, script], input=job, capture_output=True, text=True, timeout=60, check=True)
    seen = json.loads(done.stdout)

    assert tuple(seen["names"]) == HOLISTIC.names
    assert base64.b64decode(seen["again"]) == clip
    assert seen["json"]["aspect"] == 1.25
    first, second, third = seen["json"]["frames"]
    np.testing.assert_array_equal(np.float32(first["face"]), frames["points"][0, PARTS["face"]])
    np.testing.assert_array_equal(np.float32(first["pose"])[:, 3], frames["visibility"][0])
    assert second["left_hand"] is None and len(second["right_hand"]) == 21 and second["time_s"] == 10.1
    assert [third[part] for part in PARTS] == [None] * 4

    frame = np.frombuffer(base64.b64decode(seen["frame"]), FRAME)[0]
    assert frame["time_s"] == 1.5 and seen["parts"] == [True, False, True, True]
    np.testing.assert_allclose(frame["points"][PARTS["face"], 0], np.array(FACE_INDICES) / 1000, rtol=1e-6)
    assert np.isnan(frame["points"][PARTS["left_hand"]]).all() and (frame["visibility"] == 1).all()

    assert seen["kept"] == [5, 6, 7] and seen["between"] == [6]
    places = frames["points"][:2, :, :2] * np.array([1.25, 1])
    width = np.linalg.norm(places[1, 11] - places[1, 12])
    moved = np.linalg.norm(places[1, [15, 16]] - places[0, [15, 16]], axis=-1).max()
    assert seen["speed"] == pytest.approx(moved / width / 0.1, rel=1e-5)
    assert "3 frames in 100 bytes" in seen["refused"]


# The page in a browser


@needs_browser
@pytest.mark.slow
def test_no_camera(tmp_path):
    seen = drive("refusals", tmp_path, None, None)
    check_always(seen)
    assert seen["steps"] == {"denied": "camera_denied", "none": "camera_none"}
    assert seen["console"] == []


@needs_browser
@pytest.mark.slow
def test_an_answer_whose_promise_is_not_proven_is_marked_and_not_spoken(tmp_path):
    steps = drive("marks", tmp_path, None, None)["steps"]
    assert steps["proven"] == TEXTS["answer.signed"] + "A"
    assert steps["unproven"] == steps["untold"] == TEXTS["answer.signed_unproven"] + "A"
    assert steps["translated"] == TEXTS["answer.translated_unproven"] + "A"
    assert steps["offered"] == TEXTS["answer.choose"] + TEXTS["answer.choose_hint"]
    assert steps["offeredUnproven"] == TEXTS["answer.choose"] + TEXTS["answer.choose_hint_unproven"]
    assert steps["one"] == TEXTS["answer.choose_one"] + TEXTS["answer.choose_hint"]
    marks = [how for _, _, how in steps["lines"]]
    assert marks == ["signed", *["signed_unproven"] * 2, "translated_unproven", "signed"]
    assert len(steps["spoken"]) == 1  # of the two proven ones, the second was cleared at once


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("key", [KEY, ""])
def test_a_page_that_knows_no_sentence(key, tmp_path):
    bundle = new_bundle(tmp_path / "clinic.zip")
    with running_service(bundle, "--index", tmp_path / "ward", "--models", MODEL, key=key) as (address, _):
        seen = drive_at(f"http://{address}/", key, "bare", tmp_path, None)
    check_always(seen)
    assert seen["console"] == []
    teaching = TEXTS["answer.untaught_hint"].format(teach=TEXTS["answer.teach"])
    hint = teaching if key else TEXTS["reason.empty_index"]
    assert seen["steps"] == {"answer": TEXTS["answer.untaught"] + hint, "listed": TEXTS["picker.bare"]}


@needs_browser
@pytest.mark.slow
def test_no_models(tmp_path):
    seen = drive("missing", tmp_path, None, None)
    assert TEXTS["error.model_missing"] in seen["steps"]["missing"] and seen["steps"]["state"] == "off"


@needs_browser
@needs_model
@pytest.mark.slow
def test_models_that_stop_to_arrive_are_told_and_the_camera_can_be_stopped_and_started_again(tmp_path):
    steps = drive("cut", tmp_path, None, MODEL)["steps"]
    assert steps["stopped"] == ["off", False, True]
    assert steps["told"] == ["off", False, TEXTS["error.model_stalled"]]
    assert steps["again"] == ""


@needs_browser
@needs_model
@pytest.mark.slow
def test_a_first_visit_is_small_and_nothing_is_sent_twice(tmp_path):
    steps = drive("visit", tmp_path, None, MODEL)["steps"]
    assert 0 < sum(sum(sizes) for sizes in steps["before"].values()) < 12_000_000
    assert "/models/holistic_landmarker.task" not in steps["before"]
    assert "/models/holistic_landmarker.task" in steps["camera"]
    # Each visit asks which version there is; the browser itself asks for the worker that keeps the files.
    twice = {path: sizes for path, sizes in steps["again"].items() if len(sizes) > 1}
    assert twice.keys() == {"/files.json", "/offline_worker.js"} and sum(map(sum, twice.values())) < 50_000


@needs_browser
@needs_model
@pytest.mark.slow
def test_nobody_before_the_camera(tmp_path):
    seen = drive("nobody", tmp_path, None, MODEL)
    check_always(seen)
    assert seen["steps"] == {"hint": TEXTS["hint.nobody"], "state": "idle", "card": "card answer empty"}
    assert seen["console"] == []


@needs_browser
@needs_model
@needs_film
@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_conversation(tmp_path):
    seen = drive("talk", tmp_path, FILM, MODEL)
    check_always(seen)
    assert seen["loaded"] == []  # errors in the console, until the service is stopped
    steps = seen["steps"]
    assert steps["keyboard"] == {"first": "skip", "practise": True, "talk": True}
    # On a busy machine the page sees few pictures a second, and says that first.
    assert (
        any(TEXTS[f"reason.{each}"] in steps["refused"] for each in ("low_similarity", "fast")) and steps["motion"] > 0
    )
    alike = TEXTS["enroll.alike"].format(other="Where is my key?", taught=TEXTS["tabs.own"])
    assert steps["enrolled"].startswith(f"Remembered: “I want to greet you.” {alike}")
    assert "0.51" not in steps["enrolled"]  # of the service's own warning
    assert steps["asked"] == "I want to greet you?" and steps["recognised"] == "I want to greet you."
    assert steps["offered"] == ["Where does it hurt?", "Where is my key?"] and steps["saidWhileAsking"] == 0
    assert steps["chosen"] == "Where is my key?"
    assert steps["spoken"] == ["own: I want to greet you.", "own: Where is my key?"]
    assert steps["nurse"] == "I have a fever." and steps["drawn"] > 20
    assert steps["plain"] and steps["typed"] == TEXTS["nurse.no_sign"]
    said = "Patient (signed, confirmed): I want to greet you."
    for line in (said, "(chosen): Where is my key?", "(shown): I have a fever."):
        assert line in steps["copied"]
    assert steps["left"] == 0 and steps["focus"] == "history-title"
    assert "Likeness" in steps["practised"]
    assert TEXTS["reason.low_motion"] in steps["button"]
    assert steps["late"] == "card answer empty"  # an answer to the person before
    assert steps["lost"] == TEXTS["error.busy"] and steps["back"] == ""
    assert steps["gone"] == {"button": True, "sign": TEXTS["nurse.unreachable"], "icon": True, "told": ""}
    assert steps["running"] == "stop-camera"
    assert float(steps["offline"]["rate"].split()[0]) > 0 and steps["offline"]["told"] == TEXTS["error.lost"]


@needs_browser
@needs_model
@needs_film
@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_page_of_the_real_service(tmp_path, small_run):
    """With a gate that weighs nothing but the cosine to a clip: the small run has too few clips to fit one.

    The film is less than 0.91 like any sentence of the small run, and more than 0.99 like itself.
    """
    near = {name: Figure(weight=0, typical=0, spread=1) for name in FIGURES}
    near["similarity"] = Figure(weight=5, typical=0.95, spread=0.02)
    gate = GateConfig(figures=near, bias=0, threshold=0.5, motion_floor=0.05)
    run = RunFolder.open(small_run.run)
    decision = DecisionConfig(gate=gate, translate=False, policy="research")
    bundle = export_bundle(run.checkpoint, run.sentence_index(), decision, tmp_path / "export")
    with running_service(bundle, "--index", tmp_path / "ward", "--models", MODEL, key=KEY) as (address, _):
        seen = drive_at(f"http://{address}/", KEY, "served", tmp_path, FILM)
    check_always(seen)
    assert seen["console"] == []
    assert seen["steps"]["recognised"] == "I want to greet you."
    assert seen["steps"]["mark"] == TEXTS["answer.confirm_unproven"]
    assert seen["steps"]["privacy"] == TEXTS["camera.privacy"]
    assert seen["steps"]["rate"] > 0


@needs_browser
@needs_model
@needs_film
@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_offline_page_answers_and_learns_by_itself(tmp_path, small_run):
    run = RunFolder.open(small_run.run)
    still = run.decision().gate.model_copy(update={"motion_floor": 0.0})  # the film runs at a third of its speed
    decision = run.decision().model_copy(update={"gate": still})
    with open_bundle(export_bundle(run.checkpoint, run.sentence_index(), decision, tmp_path / "export")) as bundle:
        export_web(bundle, tmp_path / "page", MODEL)
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=tmp_path / "page")) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        seen = drive_at(f"http://127.0.0.1:{server.server_port}/", "", "served", tmp_path, FILM)
        server.shutdown()
    check_always(seen)
    assert seen["console"] == []
    assert "I want to greet you." in seen["steps"]["listed"]
    assert seen["steps"]["privacy"] == TEXTS["camera.privacy.engine"]
