"""`signtalk clinic` and `signtalk doctor` as a person at a laptop calls them."""

import socket
from pathlib import Path
from typing import Any

import pytest

from made.small_run import SmallRun
from made.taught import signed
from signtalk.landmarks.clip import save_clip


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the server was called with, instead of a server."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr("signtalk.service.run.serve", lambda *arguments: calls.append(arguments))
    return calls


@pytest.mark.usefixtures("port_is_free")
def test_one_command_makes_everything_and_opens_the_page(
    tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path / "my-clinic"
    told = " ".join(ask("clinic", folder, "--port", 8123).err.split())
    ((app, host, port, tls, opens),) = listening
    key = (folder / "key.txt").read_text().strip()
    assert (host, port, tls, opens) == ("127.0.0.1", 8123, None, f"#key={key}")
    settings = app.state.service.settings
    assert settings.key.get_secret_value() == key
    assert settings.may_keep_clips
    assert settings.hosts == ("localhost", "127.0.0.1")
    assert "http://localhost:8123/" in told
    assert key not in told
    assert f"the folder {folder} is new and knows no sentence yet" in told
    again = " ".join(ask("clinic", folder, "--port", 8123, "--no-open").err.split())
    assert f"the folder {folder} holds all that was taught" in again
    assert listening[1][4] is None


def test_a_port_that_is_taken_is_one_line_and_nothing_is_made(
    tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        error = ask("clinic", tmp_path / "clinic", "--port", taken.getsockname()[1], code=2).err
    assert "another program listens there" in error
    assert listening == []
    assert not (tmp_path / "clinic").exists()


@pytest.mark.usefixtures("port_is_free")
def test_a_key_that_is_too_short_is_one_line(tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]]) -> None:
    (tmp_path / "key.txt").write_text("ward-3\n")
    assert "a key needs at least 16 characters" in ask("clinic", tmp_path, "--no-open", code=2).err
    assert listening == []


@pytest.mark.slow
@pytest.mark.usefixtures("port_is_free")
def test_a_new_model_answers_what_was_taught(
    tmp_path: Path, ask: Any, small_run: SmallRun, listening: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path / "clinic"
    ask("clinic", folder, "--no-open")
    save_clip(tmp_path / "a.npz", signed(1))
    taught = ("--index", folder / "taught", "--consent", "recognize")
    ask("enroll", "The pump beeps", tmp_path / "a.npz", "--bundle", folder / "clinic.zip", *taught)
    assert "1 sentences of your own were carried" in ask("clinic", folder, "--model", small_run.bundle, "--no-open").err
    assert len(listening) == 2


def test_the_doctor_tells_faults_by_its_code(tmp_path: Path, ask: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = ask("doctor", tmp_path / "clinic", "--port", port, code=1).out
    (line,) = [line for line in said.splitlines() if " port: " in line]
    assert line.startswith("BAD ")
    assert "another program listens there" in line


def test_the_doctor_speaks_to_machines(tmp_path: Path, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signtalk.service.doctor.examine", lambda *_: iter(()))
    assert ask("doctor", tmp_path / "clinic", "--json") == []
