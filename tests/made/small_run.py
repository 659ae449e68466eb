"""One small run of the whole chain on made-up clips, as the tests share it."""

import pickle
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_RESULT = "result.pickle"  # written last: where it stands, the run is whole


@dataclass(frozen=True)
class SmallRun:
    out: Path

    @property
    def data(self) -> Path:
        return self.out / "data"

    @property
    def run(self) -> Path:
        return self.out / "run"

    @property
    def bundle(self) -> Path:
        return self.out / "export" / "sign_encoder_bundle.zip"

    @cached_property
    def result(self) -> Any:
        """What `run_demo` returned to the worker that made the run."""
        return pickle.loads((self.out / _RESULT).read_bytes())


def make_small_run(out: Path) -> None:
    from signtalk.cli.story import SMALL, run_demo

    said: list[str] = []
    result = run_demo(out, SMALL, said.append, progress=False)
    assert len(said) == 8
    (out / _RESULT).write_bytes(pickle.dumps(result))


def is_made(out: Path) -> bool:
    return (out / _RESULT).exists()


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}
