"""A build without the live page's libraries says so."""

import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def built(tmp_path: Path, with_libraries: bool) -> subprocess.CompletedProcess[str]:
    tree = tmp_path / f"tree-{with_libraries}"
    package = tree / "src" / "signtalk"
    (package / "service" / "web").mkdir(parents=True)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, tree / name)
    for name in ("__init__.py", "service/__init__.py"):
        (package / name).write_text("")
    (package / "version.py").write_text('VERSION = "0"\n')
    (package / "service" / "web" / "index.html").write_text("<!doctype html>")
    if with_libraries:
        (package / "service" / "web" / "vendor").mkdir()
        (package / "service" / "web" / "vendor" / "releases.json").write_text("{}")
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tree / "out")]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)
    assert (tree / "out" / "signtalk" / "service" / "web" / "index.html").is_file()
    return done


def test_a_build_without_the_pages_libraries_says_so(tmp_path: Path) -> None:
    assert "run `make web` (npm) before building" in built(tmp_path, with_libraries=False).stderr
    assert "make web" not in built(tmp_path, with_libraries=True).stderr
