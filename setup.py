"""What pyproject.toml cannot say: a wheel without the live page's libraries tells so when it is built."""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

_LIBRARIES = Path("src", "signtalk", "service", "web", "vendor", "releases.json")


class _BuildAndTell(build_py):
    """Copies the package's files, and says what the page will lack."""

    def run(self) -> None:
        """Build."""
        super().run()
        if not _LIBRARIES.is_file():
            sys.stderr.write(
                "signtalk: the live page's libraries are not there, so this build will serve a page that finds no "
                "hands; run `make web` (npm) before building to include them\n"
            )


setup(cmdclass={"build_py": _BuildAndTell})
