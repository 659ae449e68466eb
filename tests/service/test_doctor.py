"""What is wrong with a machine is found, one thing at a time, with what to do."""

import importlib.metadata
import socket
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

import signtalk.service.doctor
from made.landmarker_bundle import made_bundle
from signtalk.index.files import HEADER_FILE
from signtalk.service.clinic import ClinicFolder
from signtalk.service.doctor import Finding, examine
from signtalk.version import VERSION


@pytest.fixture
def clinic(tmp_path: Path) -> ClinicFolder:
    return ClinicFolder(tmp_path / "clinic")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def findings(clinic: ClinicFolder, models: Path | None = None, port: int = 0) -> dict[str, Finding]:
    return {each.name: each for each in examine(clinic, port or free_port(), models)}


def test_a_folder_that_is_not_there_yet_is_no_fault(clinic: ClinicFolder) -> None:
    told = findings(clinic)
    assert [told[name].state for name in ("version", "port", "disk", "folder", "bundle", "own sentences")] == [
        "good"
    ] * 6
    assert "will be made" in told["folder"].told
    assert not clinic.folder.exists()


def test_the_folder_is_told_from_the_root_on(
    clinic: ClinicFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    near = ClinicFolder(Path(clinic.folder.name))
    assert findings(near)["folder"].told == f"{clinic.folder} will be made"
    near.make_what_is_missing()
    assert findings(near)["folder"].told == str(clinic.folder)


def test_what_is_there_is_looked_at(clinic: ClinicFolder, tmp_path: Path) -> None:
    clinic.make_what_is_missing()
    models = made_bundle(tmp_path / "holistic_landmarker.task")
    told = findings(clinic, models)
    assert told["landmarker"] == Finding("landmarker", "good", str(models))
    assert "answers as when it was made" in told["bundle"].told


def test_each_fault_is_found_and_hides_no_other(
    clinic: ClinicFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signtalk.service.doctor, "_ANSWERING_S", 0.05)
    clinic.make_what_is_missing()
    clinic.bundle.write_bytes(b"no zip")
    clinic.taught.mkdir()
    (clinic.taught / HEADER_FILE).write_text("{")
    clinic.key_file.chmod(0o644)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()  # and never answers
        told = findings(clinic, tmp_path / "none", taken.getsockname()[1])
    assert {name for name, each in told.items() if each.state == "bad"} >= {
        "landmarker",
        "port",
        "bundle",
        "own sentences",
    }
    assert "run `signtalk models install`" in told["landmarker"].told
    assert "another program listens there" in told["port"].told
    assert (told["folder"].state, told["folder"].remedy) == ("mind", f"chmod 600 {clinic.key_file}")


@pytest.mark.parametrize(
    ("status", "config", "state"),
    [
        (200, b'{"promises": {}}', "mind"),
        (500, b'{"promises": {}}', "bad"),
        (200, b'{"status": "ok"}', "bad"),
        (200, b"no JSON", "bad"),
    ],
)
def test_a_page_that_is_open_already_is_no_fault_but_perhaps_another_ones(
    clinic: ClinicFolder, status: int, config: bytes, state: str
) -> None:
    class Told(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/v1/config" else 404)
            self.end_headers()
            self.wfile.write(config)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Told) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = findings(clinic, port=server.server_port)["port"]
        server.shutdown()
    assert port.state == state
    assert ("open at" in port.told) == ("--port" in port.remedy) == (state == "mind")


def test_a_folder_or_key_that_is_none_is_found(clinic: ClinicFolder) -> None:
    clinic.key_file.mkdir(parents=True)
    folder = findings(clinic)["folder"]
    assert (folder.state, "key.txt: cannot be read" in folder.told) == ("bad", True)
    file = ClinicFolder(clinic.folder.with_name("file"))
    file.folder.write_text("")
    for each in (file, ClinicFolder(file.folder / "clinic")):
        folder = findings(each)["folder"]
        assert folder == Finding("folder", "bad", f"{file.folder} is no folder", "choose another name")


def test_a_folder_that_cannot_be_made_is_found(clinic: ClinicFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    folder = findings(clinic)["folder"]
    assert (folder.state, folder.told) == ("bad", f"{clinic.folder.parent} cannot be written")


def test_a_browser_without_a_name_is_the_systems_own(clinic: ClinicFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "get", webbrowser.BaseBrowser)  # as on Windows
    assert findings(clinic)["browser"].told == "the system's own"


def test_a_machine_that_lacks_things_is_told(
    clinic: ClinicFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    def no_browser() -> None:
        raise webbrowser.Error

    monkeypatch.setattr(importlib.metadata, "version", missing)
    monkeypatch.setattr(webbrowser, "get", no_browser)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1024))
    monkeypatch.setattr(signtalk.service.doctor, "PAGE", tmp_path)
    monkeypatch.setattr(signtalk.service.doctor, "_CAMERAS", tmp_path)
    monkeypatch.setattr("sys.platform", "linux")
    told = findings(clinic)
    assert {name: each.state for name, each in told.items() if each.state != "good"} == {
        "version": "bad", "machine": "mind", "page": "bad", "browser": "mind", "camera": "mind", "disk": "bad",
    } | ({"landmarker": "bad"} if told["landmarker"].state == "bad" else {})  # fmt: skip
    assert all(each.remedy for name, each in told.items() if each.state != "good" and name != "landmarker")
    assert f'pipx install --force "./signtalk-{VERSION}-py3-none-any.whl[serve]"' in told["version"].remedy
    (tmp_path / "video0").touch()
    assert findings(clinic)["camera"] == Finding("camera", "good", "video0")
