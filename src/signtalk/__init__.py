"""SignTalk: from a signed sentence to text, or an honest "not sure".

    import signtalk
    model = signtalk.load("clinic.zip")
    print(model.recognize("clip.mp4"))

What stands in `__all__` is imported when it is first used, so that `import signtalk` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from signtalk.version import VERSION

__version__ = VERSION

_WHERE = {
    "load": "_api",
    "Model": "_model",
    "Stream": "_answers",
    "Answers": "_answers",
    "read_clip": "extraction.reader",
    "segment": "_api",
    "features": "_api",
    "extract": "_runs",
    "train": "_runs",
    "new": "_base",
    "pretrain": "_base",
    "adapt": "_base",
    "Run": "_runs",
    "Answer": "recognition.answer",
    "Candidate": "recognition.ranking",
    "Enrolled": "recognition.enrolment",
    "Clip": "landmarks.clip",
    "Span": "segmentation.segmenter",
    "SignerTransform": "recognition.signer_transform",
    "Sentences": "segmentation.seen",
    "Hit": "index.references",
    "FeatureConfig": "landmarks.features",
    "SignTalkError": "errors",
    "ArtifactError": "errors",
    "ClipError": "errors",
    "ConfigError": "errors",
    "DataError": "errors",
    "ExportRefusedError": "errors",
    "MissingExtraError": "errors",
}
_NAMES = {"Clip": "LandmarkClip"}  # inside, a clip of landmarks stands beside clips of other kinds

__all__ = [
    "Answer",
    "Answers",
    "ArtifactError",
    "Candidate",
    "Clip",
    "ClipError",
    "ConfigError",
    "DataError",
    "Enrolled",
    "ExportRefusedError",
    "FeatureConfig",
    "Hit",
    "MissingExtraError",
    "Model",
    "Run",
    "Sentences",
    "SignTalkError",
    "SignerTransform",
    "Span",
    "Stream",
    "__version__",
    "adapt",
    "extract",
    "features",
    "load",
    "new",
    "pretrain",
    "read_clip",
    "segment",
    "train",
]

if TYPE_CHECKING:
    from signtalk._answers import Answers, Stream
    from signtalk._api import features, load, segment
    from signtalk._base import adapt, new, pretrain
    from signtalk._model import Model
    from signtalk._runs import Run, extract, train
    from signtalk.errors import (
        ArtifactError,
        ClipError,
        ConfigError,
        DataError,
        ExportRefusedError,
        MissingExtraError,
        SignTalkError,
    )
    from signtalk.extraction.reader import read_clip
    from signtalk.index.references import Hit
    from signtalk.landmarks.clip import LandmarkClip as Clip
    from signtalk.landmarks.features import FeatureConfig
    from signtalk.recognition.answer import Answer
    from signtalk.recognition.enrolment import Enrolled
    from signtalk.recognition.ranking import Candidate
    from signtalk.recognition.signer_transform import SignerTransform
    from signtalk.segmentation.seen import Sentences
    from signtalk.segmentation.segmenter import Span


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'signtalk' has no attribute '{name}'; it offers {', '.join(__all__)}")
    from signtalk.threads import wait_passively

    wait_passively()  # before NumPy and PyTorch are imported: OpenMP reads its settings when it is loaded
    value = getattr(import_module(f"signtalk.{_WHERE[name]}"), _NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
