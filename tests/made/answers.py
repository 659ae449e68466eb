"""The small run's model with clips to ask it, for the tests of what is fitted after training."""

from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest
from signtalk.recognition.asked import Asked, asked_packed
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.training.run import RunFolder


def trained_clips(small_run: SmallRun) -> tuple[Recognizer, Asked]:
    """The small run's model over its index, with the training clips as queries."""
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.sentence_index(), DecisionConfig())
    asked = asked_packed(recognizer.encoder, run.store(), run.split(manifest).records(manifest, "train"))
    assert asked is not None
    return recognizer, asked
