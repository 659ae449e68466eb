"""One small run of the whole chain on made-up clips, as the tests share it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SmallRun:
    out: Path
    result: object

    @property
    def data(self) -> Path:
        return self.out / "data"

    @property
    def run(self) -> Path:
        return self.out / "run"

    @property
    def bundle(self) -> Path:
        return self.out / "export" / "sign_encoder_bundle.zip"
