"""Certificates that openssl makes for one test."""

import shutil
import subprocess
from pathlib import Path

import pytest


def made_certificate(folder: Path, name: str, password: str = "") -> tuple[Path, Path]:
    """Files of a certificate and of its key; the test is skipped where there is no openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    protection = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=ward", "-days", "1", *protection]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], capture_output=True, check=True)
    return certificate, key
