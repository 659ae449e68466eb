"""`signtalk record` up to the moment in which it would listen."""

from pathlib import Path
from typing import Any

import pytest

from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the server was called with, instead of a server."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr("signtalk.service.run.serve", lambda *arguments: calls.append(arguments))
    return calls


def paths_of(app: Any) -> set[str]:
    return {path for route in app.routes if (path := getattr(route, "path", "")).startswith("/recorder")}


def test_a_list_of_sentences_becomes_a_page(tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]]) -> None:
    (tmp_path / "sentences.txt").write_text("Where does it hurt?\nThe pump beeps\n")
    told = ask("record", tmp_path / "sentences.txt", "--out", tmp_path / "signs", "--port", 8234).err
    ((app, host, port, tls, opens),) = listening
    assert (host, port, tls, opens) == ("127.0.0.1", 8234, None, "recorder.html")
    assert app.state.service.settings.key is None
    assert "2 sentences; 0 takes are in" in told
    assert "http://localhost:8234/recorder.html" in told


def test_what_cannot_be_recorded_is_one_line(tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]]) -> None:
    (tmp_path / "none.txt").write_text("\n")
    assert "holds no sentence" in ask("record", tmp_path / "none.txt", "--out", tmp_path / "signs", code=2).err
    (tmp_path / "one.txt").write_text("Pain\n")
    error = ask("record", tmp_path / "one.txt", "--out", tmp_path / "signs", "--form", tmp_path / "no.txt", code=2).err
    assert "no.txt: cannot be read" in error
    assert listening == []
    assert not (tmp_path / "signs").exists()


@pytest.mark.slow
def test_signs_of_a_bundle_prompt(tmp_path: Path, ask: Any, small_run: SmallRun, listening: list[Any]) -> None:
    known = next(record.sentence for record in load_manifest(small_run.data).records if record.sentence)
    (tmp_path / "sentences.txt").write_text(f"{known}\nNobody knows this\n")
    ask("record", tmp_path / "sentences.txt", "--out", tmp_path / "signs", "--signs", small_run.bundle, "--no-open")
    assert listening[0][4] is None
