"""The page's files as the service gives them."""

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from made.landmarker_bundle import made_bundle
from signtalk.service.app import create_app
from signtalk.service.errors import add_error_handlers
from signtalk.service.page import add_page


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "vendor").mkdir(parents=True)
    (folder / "index.html").write_text("<title>SignTalk</title>", encoding="utf-8")
    (folder / "vendor" / "x.wasm").write_bytes(b"\0asm")
    (folder / "app.js").write_text("export {}", encoding="utf-8")
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    return folder


def paged(web: Path, models: Path) -> tuple[TestClient, str]:
    app = FastAPI()
    add_error_handlers(app)
    lacks = add_page(app, models, web)
    return TestClient(app), lacks


def test_files_have_the_types_that_browsers_want(web: Path, tmp_path: Path) -> None:
    client, lacks = paged(web, tmp_path)
    assert "holistic_landmarker.task" in lacks
    assert "SignTalk" in client.get("/").text
    assert client.get("/vendor/x.wasm").headers["content-type"] == "application/wasm"
    assert "javascript" in client.get("/app.js").headers["content-type"]
    for path in ("/../secret", "/%2e%2e/secret", "/vendor/..%2f..%2fsecret", "/none"):
        assert client.get(path).status_code == 404


def test_what_a_browser_has_is_not_sent_again_and_what_is_large_is_packed(web: Path, tmp_path: Path) -> None:
    (web / "large.js").write_text("export const x = 1;\n" * 1000, encoding="utf-8")
    model = made_bundle(tmp_path / "holistic_landmarker.task")
    client, _ = paged(web, model)
    for path, packed in (("/large.js", True), ("/app.js", False), ("/models/holistic_landmarker.task", True)):
        answer = client.get(path)
        assert answer.headers["cache-control"] == "no-cache", path
        assert (answer.headers.get("content-encoding") == "gzip") == packed, path
        again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path
    answer = client.get("/large.js")
    assert answer.text == (web / "large.js").read_text()
    assert int(answer.headers["content-length"]) < 1000
    plain = client.get("/large.js", headers={"Accept-Encoding": "identity"})
    assert (plain.text, "content-encoding" in plain.headers, plain.headers["vary"]) == (
        answer.text, False, "Accept-Encoding",
    )  # fmt: skip
    head = client.head("/large.js")
    assert (head.content, head.headers["etag"]) == (b"", answer.headers["etag"])
    (web / "large.js").write_text("export const x = 2;\n" * 1001, encoding="utf-8")
    changed = client.get("/large.js", headers={"If-None-Match": answer.headers["etag"]})
    assert changed.status_code == 200
    assert changed.text.startswith("export const x = 2")


def test_the_list_of_files_holds_what_this_page_needs_and_when(web: Path, tmp_path: Path) -> None:
    for name in ("vision_x.wasm", "ort-x.wasm", "x.d.mts"):
        (web / "vendor" / name).write_bytes(name.encode())
    (web / "package.json").write_text("{}", encoding="utf-8")
    model = made_bundle(tmp_path / "holistic_landmarker.task")
    client, _ = paged(web, model)
    answer = client.get("/files.json")
    files = answer.json()["files"]
    assert answer.headers["cache-control"] == "no-store"
    later = {name for name, each in files.items() if each.get("when_used")}
    assert later == {"models/holistic_landmarker.task", "vendor/vision_x.wasm"}
    assert set(files) - later == {"app.js", "index.html", "vendor/x.wasm"}
    for name, each in files.items():
        content = client.get(f"/{name}").content
        assert (each["sha256"], each["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content)), name
    (web / "app.js").write_text("export const changed = 1", encoding="utf-8")
    assert client.get("/files.json").json()["files"]["app.js"] != files["app.js"]
    without, _ = paged(web, tmp_path / "none")
    assert "models/holistic_landmarker.task" not in without.get("/files.json").json()["files"]


def test_what_the_page_lacks_is_told(web: Path, tmp_path: Path) -> None:
    (web / "vendor" / "x.wasm").unlink()
    (web / "vendor").rmdir()
    client, lacks = paged(web, tmp_path)
    assert "make web" in lacks
    answer = client.get("/models/holistic_landmarker.task")
    assert answer.status_code == 404
    assert "signtalk models install" in answer.text
    assert str(tmp_path) not in answer.text


def test_a_wrong_method_is_told_although_the_page_stands_below_every_path(tmp_path: Path) -> None:
    no_model: Any = SimpleNamespace(answer=None)  # it is not asked
    app = create_app(no_model)
    add_page(app, page=tmp_path)
    with TestClient(app) as client:
        for method, path, allowed in (
            ("GET", "/v1/recognize", "POST"), ("DELETE", "/v1/enroll", "POST"), ("POST", "/v1/config", "GET"),
            ("POST", "/v1/sentences/x/sign", "GET"), ("PUT", "/predict", "POST"), ("HEAD", "/v1/config", "GET"),
        ):  # fmt: skip
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed), (method, path)
        assert client.get("/v1/nothing").status_code == 404
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert client.request(method, "/v1/nothing").status_code == 404, method
            assert client.request(method, "/../secret").status_code == 404, method
            for name in ("%00", "a" * 300):  # names that no file can have
                assert client.request(method, f"/{name}").status_code == 404, (method, name)


def test_a_file_of_the_page_is_read_alone(web: Path, tmp_path: Path) -> None:
    client, _ = paged(web, tmp_path)
    for path in ("/", "/app.js", "/vendor/x.wasm"):
        assert client.head(path).status_code == 200
        assert client.post(path).status_code == 405, path
    assert client.post("/none.js").status_code == 404
