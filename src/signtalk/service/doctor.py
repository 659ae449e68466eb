"""What a counter needs on this machine, looked at one by one: what is there, what is wrong, and what to do.

ClinicFolder, port --examine--> findings
"""

from __future__ import annotations

import http
import http.client
import importlib.metadata
import json
import os
import platform
import shlex
import shutil
import sys
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from signtalk.bundle.bundle import open_bundle, verify_bundle
from signtalk.bundle.web import PAGE, VENDOR_NAME
from signtalk.errors import ConfigError, SignTalkError, one_line
from signtalk.extraction.models import find_bundle
from signtalk.index.personal import layer_exists, list_sentences, load_layer
from signtalk.service.clinic import ClinicFolder
from signtalk.service.listening import check_address
from signtalk.version import VERSION

Health = Literal["good", "mind", "bad"]
_FREE_BYTES = 500 * 1024**2
"""A collection of a thousand sentences, its backup, and the page's files."""
_CORES = 2
_ANSWERING_S = 2.0
_LONGEST_ANSWER = 64 * 1024
_CAMERAS = Path("/dev")
_SERVICE_PARTS = ("fastapi", "httptools", "prometheus-client", "uvicorn", "websockets")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: of the thing.
        state: good; mind = it works, but; bad = the counter does not work so.
        told: what was found.
        remedy: what to do; "" = nothing.
    """

    name: str
    state: Health
    told: str
    remedy: str = ""


def examine(clinic: ClinicFolder, port: int, models: Path | None = None) -> Iterator[Finding]:
    """Look at everything, one after the other; what fails does not hide the rest.

    Args:
        clinic: the folder, made or not.
        port: at which the page shall be.
        models: the landmarker's bundle, or its folder; by default where `signtalk models install` puts it.
    """
    looks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("version", _version),
        ("machine", _machine),
        ("page", _page),
        ("landmarker", lambda: _landmarker(models)),
        ("browser", _browser),
        ("camera", _camera),
        ("port", lambda: _port(port)),
        ("disk", lambda: _disk(clinic.folder)),
        ("folder", lambda: _folder(clinic)),
        ("bundle", lambda: _bundle(clinic)),
        ("own sentences", lambda: _taught(clinic)),
    )
    for name, look in looks:
        try:
            yield look()
        except SignTalkError as error:
            yield Finding(name, "bad", one_line(error, 400))
        except OSError as error:
            yield Finding(name, "bad", f"cannot be looked at ({one_line(error)})")


def _version() -> Finding:
    told = f"SignTalk {VERSION}, Python {platform.python_version()}"
    try:
        versions = ", ".join(f"{part} {importlib.metadata.version(part)}" for part in _SERVICE_PARTS)
    except importlib.metadata.PackageNotFoundError as error:
        remedy = f'python -m pipx install --force "./signtalk-{VERSION}-py3-none-any.whl[serve]"'
        return Finding("version", "bad", f"{told}; {error.name} is missing", f"{remedy} installs all of it")
    return Finding("version", "good", f"{told}, {versions}")


def _machine() -> Finding:
    cores = os.cpu_count() or 1
    told = f"{platform.system()} {platform.machine()}, {cores} cores"
    if cores < _CORES:
        return Finding("machine", "mind", told, "one core finds few pictures a second; use the page by its button")
    return Finding("machine", "good", told)


def _page() -> Finding:
    if (PAGE / VENDOR_NAME / "releases.json").is_file():
        return Finding("page", "good", "its libraries are in this installation")
    remedy = "install a wheel that holds them; in a source checkout `make web` fetches them"
    return Finding("page", "bad", "its libraries are missing, so it finds no hands", remedy)


def _landmarker(models: Path | None) -> Finding:
    return Finding("landmarker", "good", f"{find_bundle(models)}")


def _browser() -> Finding:
    try:
        name = webbrowser.get().name or "the system's own"  # Windows names none
    except webbrowser.Error:
        remedy = "install Chrome, Edge, Firefox or Safari; or open the page from another device"
        return Finding("browser", "mind", "none was found", remedy)
    except AttributeError:  # of some systems' own openers
        name = "the system's own"
    return Finding("browser", "good", one_line(name))


def _camera() -> Finding:
    if sys.platform != "linux":
        return Finding("camera", "good", "the browser asks for it when the page starts")
    cameras = sorted(path.name for path in _CAMERAS.glob("video*"))
    if cameras:
        return Finding("camera", "good", ", ".join(cameras))
    return Finding("camera", "mind", f"none in {_CAMERAS}", "plug one in, or open the page from another device")


def _port(port: int) -> Finding:
    try:
        check_address("127.0.0.1", port)
    except ConfigError as error:
        if _answers(port):
            remedy = "go on if that is this clinic's page; else end it, or choose another --port"
            return Finding("port", "mind", f"a page of SignTalk is open at {port} already", remedy)
        return Finding("port", "bad", one_line(error, 400))
    return Finding("port", "good", f"{port} is free")


def _answers(port: int) -> bool:
    """Whether it is SignTalk that listens there."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWERING_S)
    try:
        line.request("GET", "/v1/config")
        answer = line.getresponse()
        told = json.loads(answer.read(_LONGEST_ANSWER))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return False
    finally:
        line.close()
    return answer.status == http.HTTPStatus.OK and isinstance(told, dict) and "promises" in told


def _disk(folder: Path) -> Finding:
    place = _nearest(folder)
    free = shutil.disk_usage(place).free
    told = f"{free / 1024**3:.1f} GB free at {place}"
    if free < _FREE_BYTES:
        return Finding("disk", "bad", told, f"free at least {_FREE_BYTES // 1024**2} MB, or choose another folder")
    return Finding("disk", "good", told)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())


def _folder(clinic: ClinicFolder) -> Finding:
    place = _nearest(clinic.folder)
    if not place.is_dir():
        return Finding("folder", "bad", f"{place} is no folder", "choose another name")
    if not os.access(place, os.W_OK):
        return Finding("folder", "bad", f"{place} cannot be written", "choose another folder, or change its owner")
    if not clinic.folder.exists():
        return Finding("folder", "good", f"{clinic.folder.absolute()} will be made")
    if clinic.key_file.exists():
        clinic.key()  # says what is wrong with it
    if not clinic.is_private:
        remedy = f"chmod 600 {shlex.quote(str(clinic.key_file))}"
        return Finding("folder", "mind", f"other users of this machine can read {clinic.key_file}", remedy)
    return Finding("folder", "good", str(clinic.folder.absolute()))


def _bundle(clinic: ClinicFolder) -> Finding:
    if not clinic.bundle.exists():
        return Finding("bundle", "good", f"{clinic.bundle.name} will be made, without sentences")
    largest = max(verify_bundle(clinic.bundle).values())
    return Finding(
        "bundle", "good", f"{clinic.bundle.name} answers as when it was made (differences below {largest:.0e})"
    )


def _taught(clinic: ClinicFolder) -> Finding:
    if not clinic.bundle.exists() or not layer_exists(clinic.taught):
        return Finding("own sentences", "good", "none yet")
    with open_bundle(clinic.bundle) as opened:
        taught = list_sentences({"own": load_layer(clinic.taught, opened.recognizer.index.encoder_id)})
    return Finding("own sentences", "good", f"{len(taught)} sentences")
