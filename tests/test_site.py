"""The docs site builds from pages and docstrings, without a network and without a warning."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_site_builds_without_a_warning_and_asks_no_other_host(tmp_path: Path) -> None:
    command = ["-m", "sphinx", "--builder", "html", "--fail-on-warning", "--keep-going", "--quiet", "docs"]
    nowhere = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    done = subprocess.run(
        [sys.executable, *command, str(tmp_path / "site")], cwd=PROJECT, capture_output=True, text=True,
        timeout=580, check=False, env={**os.environ, **nowhere},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    pages = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "site").glob("*.html")}
    assert "signtalk.load" in pages["api.html"]
    assert "low_motion" in pages["calibration.html"]
    loaded = re.compile(r"""<(?:script|img|link)\b[^>]*(?:src|href)=["']https?://""")
    assert [name for name, text in pages.items() if loaded.search(text)] == []
    assert (tmp_path / "site" / "rooms" / "recognition.html").is_file()
