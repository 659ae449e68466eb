"""The yardstick of no training: the base in the package is taught the clips that a model would be trained on.

    Job -> measure_taught (a `Measure`) -> FoldResult

It answers with the decision that it is shipped with, so no clip of a set has chosen anything.
"""

from __future__ import annotations

from folds import FoldResult, Job, evaluated
from signtalk.bundle.base import base_path
from signtalk.bundle.bundle import open_bundle
from signtalk.data.packed import pack_clips
from signtalk.files import sha256_file
from signtalk.recognition.asked import asked_packed, enrolled_entries
from signtalk.training.names import STORE_NAME
from signtalk.training.train import PACKED_ROLES

TAUGHT_NAME = "taught"


def measure_taught(job: Job) -> FoldResult:
    """Teach the training clips of a fold, then evaluate."""
    with open_bundle(base_path()) as bundle:
        base = bundle.recognizer
        records = job.split.records(job.manifest, *PACKED_ROLES)
        store = pack_clips(records, base.encoder.feature_config, job.folder / STORE_NAME)
        lessons = asked_packed(base.encoder, store, job.split.records(job.manifest, "train"))
        assert lessons is not None  # every suite trains on somebody
        index = base.index.add(lessons.encoded, enrolled_entries(lessons.records))
        return evaluated(job, base.changed(index=index), store)


def taught_model() -> str:
    """Name and hash of what is measured."""
    return f"{TAUGHT_NAME}-{sha256_file(base_path())[:8]}"
