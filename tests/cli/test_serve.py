"""`signtalk serve` up to the moment in which it would listen: what it refuses, and what it hands to the server."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from made.certificates import made_certificate
from made.recording import FORM, PROMPTS
from made.small_run import SmallRun
from signtalk.bundle.bundle import open_bundle
from signtalk.recognition.decision import write_decision
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.service.recording import RecordingFolder
from signtalk.service.settings import KEY_VARIABLE

pytestmark = pytest.mark.usefixtures("port_is_free")


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the server was called with, instead of a server."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr("signtalk.service.run.serve", lambda *arguments: calls.append(arguments))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return calls


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--origin", "*"), "origins: origin '*'; expected scheme and host alone"),
        (("--origin", "https://ward.example/"), "expected scheme and host alone"),
        (("--variant", "int1"), "no variant 'int1'"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_listens(
    options: tuple[str, ...], expected: str, small_run: SmallRun, ask: Any, listening: list[tuple[Any, ...]]
) -> None:
    error = ask("serve", small_run.bundle, *options, "--no-page", code=2).err
    assert expected in error
    assert error.startswith("signtalk: ")
    assert error.count("\n") == 1
    assert listening == []


def test_a_short_key_is_refused_and_not_repeated(
    small_run: SmallRun, ask: Any, listening: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "secret")
    error = ask("serve", small_run.bundle, "--no-page", code=2).err
    assert "a key needs at least 16 characters" in error
    assert "secret" not in error
    assert listening == []


@pytest.mark.parametrize("name", ["none.zip", "text.zip"])
def test_what_is_no_bundle_is_named(name: str, tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]]) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    assert name in ask("serve", tmp_path / name, "--no-page", code=2).err
    assert listening == []


@pytest.mark.parametrize(("option", "value"), [("--port", 65536), ("--port", -1), ("--max-streams", 0)])
def test_a_number_out_of_range_is_refused(option: str, value: int, tmp_path: Path, ask: Any) -> None:
    assert option in ask("serve", tmp_path / "x.zip", option, value, code=2).err


@pytest.mark.parametrize(
    ("options", "hosts"),
    [
        ((), ("localhost", "127.0.0.1", "::1")),
        (("--host", "0.0.0.0"), ()),
        (("--host", "0.0.0.0", "--allow-host", "a.example"), ("localhost", "127.0.0.1", "::1", "a.example")),
    ],
)
def test_a_local_service_answers_to_its_own_names_alone(
    options: tuple[str, ...], hosts: tuple[str, ...], small_run: SmallRun, ask: Any, monkeypatch: pytest.MonkeyPatch,
    listening: list[tuple[Any, ...]],
) -> None:  # fmt: skip
    settings: list[Any] = []
    monkeypatch.setattr("signtalk.service.app.create_app", lambda _, given: settings.append(given))
    bounds = ("--max-streams", 7, "--signer-sentences", 5)
    ask("serve", small_run.bundle, "--no-page", "--open", "--port", 0, *bounds, *options)
    ((_, host, port, tls, opens),) = listening
    assert (host, port, tls, opens) == (options[1] if options else "127.0.0.1", 0, None, None)
    assert settings[0].hosts == hosts
    assert settings[0].max_streams_a_client == 7  # all of them, where nothing else is said
    assert settings[0].max_signer_sentences == 5


def test_so_few_sentences_as_teach_no_person_are_refused(
    small_run: SmallRun, ask: Any, listening: list[tuple[Any, ...]]
) -> None:
    error = ask("serve", small_run.bundle, "--signer-sentences", 2, code=2).err
    assert "2 sentences teach nothing; expected 0, or at least" in error
    assert listening == []


def test_certificates_and_the_page_reach_the_server(
    small_run: SmallRun, tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]]
) -> None:
    (tmp_path / "none").mkdir()
    certificate, key = made_certificate(tmp_path, "a")
    tls = ("--port", 0, "--ssl-certfile", certificate, "--ssl-keyfile", key)
    error = ask("serve", small_run.bundle, "--open", "--models", tmp_path / "none", *tls).err
    ((_, _, _, certificates, opens),) = listening
    assert certificates == (str(certificate), str(key))
    assert opens == ""
    assert error.startswith("the page will not find hands: ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "options", "lacks"),
    [
        ("", (), "a key of your own in SIGNTALK_KEY and a folder for --index"),
        ("", ("--index", "ward"), "a key of your own in SIGNTALK_KEY"),
        ("a key of some length", (), "a folder for --index"),
        ("a key of some length", ("--index", "ward"), ""),
    ],
)
def test_a_bundle_without_sentences_tells_what_teaching_lacks(
    key: str, options: tuple[str, ...], lacks: str, tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(KEY_VARIABLE, key)
    error = ask("serve", "base", "--no-page", *options).err
    expected = f"no sentence is known here, and none can be taught on the page without {lacks}\n" if lacks else ""
    assert error == expected
    assert len(listening) == 1


def test_sigterm_while_it_opens_leaves_no_unpacked_bundle_behind(
    small_run: SmallRun, tmp_path: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    unpacked: list[Path] = []

    def ended(*_: object) -> None:
        unpacked.extend(tmp_path.iterdir())
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("signtalk.service.run.serve", ended)
    ask("serve", small_run.bundle, "--no-page", code=128 + signal.SIGTERM)
    assert len(unpacked) == 1
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_own_sentences_alone_and_a_calibration_of_this_place_reach_the_service(
    small_run: SmallRun, tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    models: list[Any] = []
    monkeypatch.setattr("signtalk.service.app.create_app", lambda model, _: models.append(model))
    with open_bundle(small_run.bundle) as bundle:
        fitted = DecisionConfig(gate=GateConfig(threshold=0.123), translate=False)
        write_decision(tmp_path / "here.json", fitted, {}, bundle.recognizer.index.encoder_id)
        write_decision(tmp_path / "other.json", fitted, {}, "another-model")
    ask("serve", small_run.bundle, "--no-page")
    ask("serve", small_run.bundle, "--no-page", "--only-own", "--calibration", tmp_path / "here.json")
    plain, own = models
    assert len(plain.recognizer.index) > 0 and len(own.recognizer.index) == 0
    assert own.recognizer.decision.gate.threshold == 0.123
    error = ask("serve", small_run.bundle, "--no-page", "--calibration", tmp_path / "other.json", code=2).err
    assert "fitted for another model" in error
    assert len(listening) == 2


def test_films_reach_the_service_and_a_folder_without_consents_is_refused(
    small_run: SmallRun, tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    models: list[Any] = []
    monkeypatch.setattr("signtalk.service.app.create_app", lambda model, _: models.append(model))
    RecordingFolder(tmp_path / "signs", PROMPTS, FORM, keeps_videos=True).agree("s01")
    ask("serve", small_run.bundle, "--no-page", "--films", tmp_path / "signs")
    assert models[0].films.folder == tmp_path / "signs"
    error = ask("serve", small_run.bundle, "--no-page", "--films", tmp_path, code=2).err
    assert "expected a folder that `signtalk record --videos` filled" in error and error.count("\n") == 1
    assert len(listening) == 1


def test_the_policy_reaches_the_service_over_that_of_bundle_and_calibration(
    small_run: SmallRun, tmp_path: Path, ask: Any, listening: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    policies: list[str] = []
    monkeypatch.setattr(
        "signtalk.service.app.create_app", lambda model, _: policies.append(model.recognizer.decision.policy)
    )
    with open_bundle(small_run.bundle) as bundle:
        own = bundle.recognizer.decision.policy
        write_decision(tmp_path / "here.json", DecisionConfig(translate=False), {}, bundle.recognizer.index.encoder_id)
    for options in ((), ("--policy", "research"), ("--policy", "strict"), ("--policy", "research", "--calibration",
                    tmp_path / "here.json")):  # fmt: skip
        ask("serve", small_run.bundle, "--no-page", *options)
    assert policies == [own, "research", "strict", "research"]
    assert "strict" in ask("serve", small_run.bundle, "--policy", "lax", code=2).err
    assert len(listening) == 4
