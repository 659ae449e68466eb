"""The front door of answering: a model opened, and single clips segmented and turned into features.

    path -> load -> Model -> recognize, enroll, search, embed, stream
    clip -> segment, features

`import signtalk` offers what stands here, in `_model`, `_answers` and `_runs`, and the command line calls it. A path is
a `str` or a `Path`.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from signtalk._clips import ClipLike, PathLike
from signtalk._model import Model
from signtalk.arrays import FloatArray
from signtalk.bundle.base import bundle_place
from signtalk.bundle.bundle import Bundle, open_bundle
from signtalk.errors import ArtifactError, ConfigError
from signtalk.extraction.reader import read_clip
from signtalk.index.files import BUNDLE_MANIFEST
from signtalk.index.index import SentenceIndex
from signtalk.index.open import open_references
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import FeatureConfig, extract_features
from signtalk.recognition.decision import read_decision
from signtalk.recognition.promise import Policy
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.segmentation.seen import Sentences, sentences_of
from signtalk.segmentation.segmenter import SegmenterSettings
from signtalk.training.names import BEST_NAME, own_index

if TYPE_CHECKING:
    from signtalk.training.run import RunFolder


def load(
    path: PathLike,
    *,
    index: PathLike | None = None,
    variant: str = "fp32",
    calibration: PathLike | None = None,
    references: PathLike = "",
    into_run: bool = False,
    prototype_gate: bool = False,
    policy: Policy | None = None,
    signer: PathLike | None = None,
) -> Model:
    """Open a model: an exported bundle, which needs no torch, or a run folder.

    Args:
        path: bundle (a zip, or a folder with its files) or run folder.
        index: folder of a personal index, read besides and taught into; it need not be there yet.
        variant: encoder of the bundle that answers: "fp32", "int8", "fp16", or "offered" = the smallest good one.
        calibration: a file of `signtalk calibrate` to decide by.
        references: further references: a folder or address of `signtalk pack`.
        into_run: teach into the run's own index instead of a personal one; `signtalk index` makes that anew.
        prototype_gate: decide as the research prototype did, for comparison.
        policy: "strict" holds back answers whose promise validation did not prove, "research" shows and marks them;
            None = what was chosen at export, strict by default.
        signer: a file of `Model.learn_signer`: answer as this person signs.

    Raises:
        ArtifactError: it is missing, damaged, or neither a bundle nor a run.
        MissingExtraError: a run folder needs the extra `train`.
    """
    place = Path(path)
    with ExitStack() as opening:
        source, recognizer = _opened(place, variant, opening)
        if place_of := os.fspath(references):
            encoder_id = recognizer.index.encoder_id
            recognizer = recognizer.over(opening.enter_context(open_references(place_of, encoder_id)))
        if calibration is not None:
            recognizer = recognizer.changed(decision=read_decision(Path(calibration), recognizer.index.encoder_id))
        if prototype_gate:
            recognizer = recognizer.changed(decision=_prototype_decision(recognizer.decision))
        recognizer = recognizer.changed(decision=recognizer.decision.under(policy))
        if into_run:  # what the run's index holds is met as the personal one
            index = _index_of(place, index)
            recognizer = recognizer.changed(index=SentenceIndex.build((), (), recognizer.index.encoder_id))
        model = Model(place, recognizer, opening.pop_all(), source)
    try:
        if index is not None:
            model._use(Path(index))
        if signer is not None:
            model.know(signer)
    except BaseException:
        model.close()
        raise
    return model


def _opened(place: Path, variant: str, opening: ExitStack) -> tuple[Bundle | RunFolder, Recognizer]:
    """A bundle or run, and what answers from it.

    Args:
        place: its path.
        variant: encoder of a bundle.
        opening: closes what was unpacked.
    """
    place = bundle_place(place)
    if not _is_run(place):
        bundle = opening.enter_context(open_bundle(place, variant))
        return bundle, bundle.recognizer
    if variant != "fp32":
        raise ConfigError(f"{place}: variants are a bundle's; a run has the full encoder alone")
    if not (place / BEST_NAME).is_file():
        raise ArtifactError(
            f"{place}: neither a bundle (no {BUNDLE_MANIFEST}) nor a trained run (no such checkpoint as "
            f"{BEST_NAME}); give what `signtalk export` or `signtalk train` wrote"
        )
    from signtalk.training.run import RunFolder

    run = RunFolder.open(place)
    return run, run.recognizer(run.sentence_index(), run.decision())


def _prototype_decision(decision: DecisionConfig) -> DecisionConfig:
    """How the prototype decided; the longest text is the decoder's and stays."""
    return DecisionConfig.prototype().model_copy(update={"decoding": decision.decoding})


def segment(clip: ClipLike, *, settings: PathLike | SegmenterSettings | None = None) -> Sentences:
    """The sentences in a long clip: where each begins and ends.

    Args:
        clip: a clip, or a file that `read_clip` reads.
        settings: numbers of `signtalk fit-segmenter`; the shipped ones by default.

    Returns:
        A tuple of spans. Its `seen` tells what was seen; printed, it says why there is none.

    Raises:
        ClipError: the file cannot be used.
    """
    numbers = SegmenterSettings.of(settings)  # before a video is read, which takes a while
    return sentences_of(clip if isinstance(clip, LandmarkClip) else read_clip(clip, trim=False), numbers)


def features(clip: ClipLike, config: FeatureConfig | None = None) -> FloatArray:
    """What a network reads of a clip.

    Args:
        clip: a clip, or a file that `read_clip` reads.
        config: which landmarks, how many frames; `FeatureConfig()` by default. `Model.feature_config` has a model's.

    Returns:
        (T, F) float32, the clip resampled in time; a missing landmark is told by its presence column.

    Raises:
        ClipError: the file cannot be used, or no frame shows both shoulders.
    """
    read = clip if isinstance(clip, LandmarkClip) else read_clip(clip)
    prepared = extract_features(read, config or FeatureConfig())
    return prepared.features[prepared.valid]


def _is_run(path: Path) -> bool:
    """Whether a folder was made by training; a bundle's folder holds its manifest."""
    return path.is_dir() and not (path / BUNDLE_MANIFEST).exists()


def _index_of(run: Path, index: PathLike | None) -> Path:
    """The own index of a run, which takes the place of a personal one."""
    if not _is_run(run) or index is not None:
        raise ConfigError(f"{run}: into_run teaches into the own index of a run; give a run, and no other index")
    return own_index(run)
