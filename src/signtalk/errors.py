"""Errors that a user can meet, one tree to catch them all.

    SignTalkError                  anything the outside world did wrong; the CLI prints one line, exit code 2
    ├── DataError                  a data folder, metadata table or split that cannot be used
    │   └── ClipError              one clip that cannot be used; left out unless the caller is strict
    ├── ArtifactError              a store, checkpoint, index or bundle that is damaged or of another version
    │   └── ExportRefusedError     the exported graphs do not agree with the trained model
    ├── ConfigError                a setting that does not exist or has no such value
    ├── MissingExtraError          an optional dependency is not installed
    └── ServiceError               a service that was asked refuses, or cannot be reached

A caller's programming mistake is a plain `ValueError` or `TypeError`; a refusal of the gate is a
result and no error at all. Below the tree stand the words for messages: which extra is missing, and what came from
outside in one line that can be printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from pydantic import ValidationError

    _T = TypeVar("_T")


class SignTalkError(Exception):
    """Base of every error that is not a programming mistake."""


class DataError(SignTalkError):
    """A data folder, metadata table or split file cannot be used."""


class ClipError(DataError):
    """One clip cannot be used; the others are not affected."""


class ArtifactError(SignTalkError):
    """A written artefact (store, checkpoint, index, bundle) is damaged, incomplete or of another version."""


class ExportRefusedError(ArtifactError):
    """Export stopped because the exported graphs and the trained model give different answers."""


class ConfigError(SignTalkError):
    """A setting is unknown, has the wrong type or is out of range."""


class MissingExtraError(SignTalkError, ImportError):
    """An optional dependency is missing; the message names the pip command that installs it."""


class ServiceError(SignTalkError):
    """A service that was asked refuses, or cannot be reached.

    Attributes:
        code: for programs, as docs/protocol.md lists them; "unreachable" where nobody answered.
        status: of HTTP; 0 where nobody answered.
    """

    def __init__(self, message: str, code: str, status: int = 0) -> None:
        super().__init__(message)
        self.code, self.status = code, status


EXTRA_OF: dict[str, str] = {
    **dict.fromkeys(("PIL", "av", "flatbuffers", "fsspec", "mediapipe", "openpyxl"), "extract"),
    **dict.fromkeys(("pose_format", "pyarrow"), "interchange"),
    "distributed": "cluster",
    **dict.fromkeys(("fastapi", "httptools", "prometheus_client", "uvicorn", "uvloop", "websockets"), "serve"),
    **dict.fromkeys(("milvus_lite", "pymilvus"), "milvus"),
    "numba": "fast",
    "scipy": "calibrate",
    **dict.fromkeys(("onnx", "onnxscript"), "export"),
    **dict.fromkeys(
        (
            "jiwer", "lightning", "matplotlib", "pytorch_metric_learning", "sacrebleu", "safetensors", "sklearn",
            "tensorboard", "torch",
        ),
        "train",
    ),
}  # fmt: skip
"""Import name of each optional package, and the extra of `pip install 'signtalk[EXTRA]'` that brings it."""


def missing_extra(error: ImportError, needing: str = "this") -> MissingExtraError:
    """What to tell when an import failed: the package and the command that installs it.

    Args:
        error: what the import raised.
        needing: what cannot be done without the package, such as ".pose files"; begins the message.
    """
    package = (error.name or "").split(".")[0]
    if package not in EXTRA_OF:
        return MissingExtraError(f"{needing} needs {package or error}; install that package")
    return MissingExtraError(f"{needing} needs {package}: pip install 'signtalk[{EXTRA_OF[package]}]'")


def printable(text: str) -> str:
    """A name or message that can be printed and written as UTF-8, whatever bytes a file's name has."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(value: object, most: int = 200) -> str:
    """A value or message from outside in one line of at most `most` characters."""
    return " ".join(str(value).split())[:most]


def first_fault(error: ValidationError) -> str:
    """Where a document does not fit its form first, and why."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def checked(settings: Callable[[], _T]) -> _T:
    """A settings object, or one clear line about what is wrong with it.

    Raises:
        ConfigError: it cannot be made; the message names the setting.
    """
    from pydantic import ValidationError

    try:
        return settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        raise ConfigError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from error
