"""Certificates and addresses that cannot be used are one line, told before a model is loaded."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from made.certificates import made_certificate
from signtalk.errors import ConfigError
from signtalk.service.listening import check_address, check_certificate

NO_BUNDLE = "no_bundle.zip"  # never opened: what cannot listen is told first


def test_a_certificate_and_its_key_pass_and_others_do_not(tmp_path: Path) -> None:
    certificate, key = made_certificate(tmp_path, "ward")
    _, other_key = made_certificate(tmp_path, "other")
    locked_certificate, locked_key = made_certificate(tmp_path, "locked", "secret")
    check_certificate(None, None)
    check_certificate(certificate, key)
    both = tmp_path / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    check_certificate(both, None)
    with pytest.raises(ConfigError, match="key values mismatch"):
        check_certificate(certificate, other_key)
    with pytest.raises(ConfigError, match="the key without a password"):
        check_certificate(locked_certificate, locked_key)
    with pytest.raises(ConfigError, match="not a certificate with its key"):
        check_certificate(key, key)


def test_files_that_are_missing_or_nothing_are_named(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    with pytest.raises(ConfigError, match=f"{junk}: not a certificate with its key"):
        check_certificate(junk, None)
    with pytest.raises(ConfigError, match=r"none\.pem: no such file"):
        check_certificate(tmp_path / "none.pem", None)
    with pytest.raises(ConfigError, match="without a certificate"):
        check_certificate(None, junk)


def test_a_port_that_is_taken_and_a_host_that_is_not_here() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1 port {port}: another program listens there"):
            check_address("127.0.0.1", port)
    check_address("127.0.0.1", port)
    check_address("127.0.0.1", 0)
    with pytest.raises(ConfigError, match="no address of this machine"):
        check_address("192.0.2.1", 0)
    with pytest.raises(ConfigError, match="no such name or address"):
        check_address("no.such.host.invalid", 0)


def test_the_command_says_so_in_one_line(tmp_path: Path, ask: Callable[..., Any]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        error = ask("serve", NO_BUNDLE, "--port", taken.getsockname()[1], code=2).err
    assert error.startswith("signtalk: cannot listen") and error.count("\n") == 1
    error = ask("serve", NO_BUNDLE, "--port", 0, "--ssl-certfile", tmp_path / "none.pem", code=2).err
    assert error.startswith(f"signtalk: {tmp_path}/none.pem: no such file") and error.count("\n") == 1
