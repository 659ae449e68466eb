"""The small run's model with clips to ask it, for the tests of what is fitted after training."""

from conftest import SmallRun
from signtalk.encoding import Encoded
from signtalk.manifest import ClipRecord, load_manifest
from signtalk.recognizer import DecisionConfig, Recognizer, encode_all
from signtalk.runs import Run


def trained_clips(small_run: SmallRun) -> tuple[Recognizer, Encoded, tuple[ClipRecord, ...]]:
    """The small run's model over its index, with the training clips as queries."""
    run, manifest = Run.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.index(), DecisionConfig())
    records = run.split(manifest).records(manifest, "train")
    store = run.store()
    encoded = encode_all(recognizer.encoder, store, store.positions_of([record.clip_id for record in records]))
    return recognizer, encoded, records
