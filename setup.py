"""What pyproject.toml cannot say: a wheel without the live page's libraries is built only by who asks for that."""

import os
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

_LIBRARIES = Path("src", "signtalk", "service", "web", "vendor", "releases.json")
_WITHOUT = "SIGNTALK_WITHOUT_PAGE"
_MISSING = (
    f"signtalk: the live page's libraries are not there, so a page of this build would find no hands. Run `make web` "
    f"(npm) first, or set {_WITHOUT}=1 for a build without the page.\n"
)


class _BuildWithPage(build_py):
    """Copies the package's files once the page's libraries are among them, or are not wanted."""

    def run(self) -> None:
        """Build."""
        if not (_LIBRARIES.is_file() or self.editable_mode or os.environ.get(_WITHOUT) == "1"):
            sys.exit(_MISSING)
        super().run()


setup(cmdclass={"build_py": _BuildWithPage})
