"""The small run's model with clips to ask it, for the tests of what is fitted after training."""

from made.small_run import SmallRun
from signtalk.calibration.clips import CalibrationClips, clips_of_split
from signtalk.data.manifest import load_manifest
from signtalk.data.splits import Split
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


def split_clips(small_run: SmallRun) -> tuple[Recognizer, CalibrationClips, Split]:
    """The small run's model over its index, with the validation clips of its split."""
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer, split = run.recognizer(run.sentence_index(), DecisionConfig()), run.split(manifest)
    return recognizer, clips_of_split(recognizer, manifest, split, run.store()), split
