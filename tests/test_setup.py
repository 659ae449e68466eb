"""A wheel holds the live page's libraries, or says at its build what to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def build(tmp_path: Path, libraries: bool, **environment: str) -> subprocess.CompletedProcess[str]:
    tree = tmp_path / "tree"
    package = tree / "src" / "signtalk"
    (package / "service" / "web").mkdir(parents=True)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, tree / name)
    for name in ("__init__.py", "service/__init__.py"):
        (package / name).write_text("")
    (package / "version.py").write_text('VERSION = "0"\n')
    (package / "service" / "web" / "index.html").write_text("<!doctype html>")
    if libraries:
        (package / "service" / "web" / "vendor").mkdir()
        (package / "service" / "web" / "vendor" / "releases.json").write_text("{}")
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tree / "out")]
    inherited = {name: value for name, value in os.environ.items() if name != "SIGNTALK_WITHOUT_PAGE"}
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, env=inherited | environment)


def holds(tmp_path: Path, name: str) -> bool:
    return (tmp_path / "tree" / "out" / "signtalk" / "service" / "web" / name).is_file()


def test_a_build_without_the_pages_libraries_is_refused(tmp_path: Path) -> None:
    done = build(tmp_path, libraries=False)
    assert done.returncode
    assert "Run `make web` (npm) first, or set SIGNTALK_WITHOUT_PAGE=1" in done.stderr
    assert not holds(tmp_path, "index.html")


def test_a_build_with_them_holds_them(tmp_path: Path) -> None:
    assert build(tmp_path, libraries=True).returncode == 0
    assert holds(tmp_path, "vendor/releases.json")


def test_who_wants_no_page_gets_none(tmp_path: Path) -> None:
    assert build(tmp_path, libraries=False, SIGNTALK_WITHOUT_PAGE="1").returncode == 0
    assert holds(tmp_path, "index.html")
