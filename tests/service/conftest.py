"""What tests of the service share."""

from pathlib import Path

import pytest

from signtalk.bundle.base import new_bundle


@pytest.fixture(scope="session")
def empty_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that knows no sentence."""
    return new_bundle(tmp_path_factory.mktemp("made") / "clinic.zip")
