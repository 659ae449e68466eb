"""A run folder put to use: what `train` left, opened for index, evaluation, recognition and export.

`index_run` adds to a run what is fitted after training: `index/` and `decision.json`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signtalk.calibration.calibrate import (
    CalibrationConfig,
    calibrate,
    clips_of_folder,
    clips_of_split,
    recalibrate,
)
from signtalk.data.manifest import Manifest, Problem
from signtalk.data.packed import PackedClips, changed_sources, load_store
from signtalk.data.splits import Split
from signtalk.errors import ArtifactError, ConfigError, DataError
from signtalk.files import read_json
from signtalk.index.files import locked
from signtalk.index.index import SentenceIndex
from signtalk.index.text_search import NO_TEXT_ENCODER
from signtalk.index.written import WrittenSentence, write_sentences
from signtalk.models.text_decoder import TorchStepDecoder
from signtalk.recognition.beam_search import DecodingOptions
from signtalk.recognition.decision import read_decision, write_decision
from signtalk.recognition.recognizer import DecisionConfig, Recognizer, index_records
from signtalk.training.checkpoint import Checkpoint, TorchEncoder, load_checkpoint
from signtalk.training.names import BEST_NAME, DECISION_NAME, INDEX_NAME, SPLIT_NAME, STORE_NAME


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What was fitted once more.

    Attributes:
        decision: what to decide with.
        report: figures of the fit.
        left_out: clips that could not be used, and why.
    """

    decision: DecisionConfig
    report: dict[str, Any]
    left_out: tuple[Problem, ...]


@dataclass(frozen=True, eq=False)
class Run:
    """An opened run folder.

    Attributes:
        folder: where it lies.
        checkpoint: the best model.
    """

    folder: Path
    checkpoint: Checkpoint

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Read the best model of a run.

        Raises:
            ArtifactError: there is none, or it is damaged.
        """
        return cls(folder, load_checkpoint(folder / BEST_NAME))

    def split(self, manifest: Manifest) -> Split:
        """The split it was trained on, checked against the data."""
        return Split.load(self.folder / SPLIT_NAME, manifest)

    def roles(self) -> Mapping[str, str]:
        """Role of each clip of its split, whatever became of the data since.

        Raises:
            ArtifactError: the split is missing or damaged.
        """
        path = self.folder / SPLIT_NAME
        try:
            return dict(read_json(path)["roles"])
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{path}: not a split file") from error

    def store(self, manifest: Manifest | None = None) -> PackedClips:
        """Its packed clips, checked against the files of `manifest` if it is given.

        Raises:
            ArtifactError: it is damaged, or a file changed since it was packed.
        """
        store = load_store(self.folder / STORE_NAME)
        changed = [] if manifest is None else changed_sources(store, manifest.records)
        if changed:
            raise ArtifactError(
                f"{self.folder / STORE_NAME}: {len(changed)} landmark files changed since they were packed (first "
                f"{changed[0].feature_path}); put them back, or run `signtalk train` with --resume, which packs them"
            )
        return store

    def index(self) -> SentenceIndex:
        """Its index; an index of another model is refused."""
        folder = self.folder / INDEX_NAME
        try:
            return SentenceIndex.load(folder, self.checkpoint.encoder_id)
        except ArtifactError as error:
            if folder.exists():
                raise
            raise ArtifactError(f"{folder}: no index yet; run `signtalk index` first") from error

    def decision(self) -> DecisionConfig:
        """What was fitted by `index_run` or `calibrate_run`."""
        path = self.folder / DECISION_NAME
        if not path.exists():
            raise ArtifactError(f"{path}: no such file yet; run `signtalk index` first")
        return read_decision(path, self.checkpoint.encoder_id)

    def recognizer(self, index: SentenceIndex, decision: DecisionConfig) -> Recognizer:
        """Its model over an index."""
        checkpoint = self.checkpoint
        encoder = TorchEncoder(checkpoint.model, checkpoint.features)
        decoder = TorchStepDecoder(checkpoint.model.decoder)
        return Recognizer(encoder, index, decision, decoder, checkpoint.tokenizer, checkpoint.text_space)


def index_run(
    run: Run,
    manifest: Manifest,
    config: CalibrationConfig | None = None,
    written: Sequence[WrittenSentence] = (),
) -> dict[str, Any]:
    """Index the training clips of a run and fit its decision on the validation clips.

    Args:
        run: the run; its folder gets the index.
        manifest: the data it was trained on.
        config: what the decision shall promise.
        written: sentences to be recognised although nobody has signed them.

    Returns:
        The report of the fit.

    Raises:
        ConfigError: sentences are to be written and the model has no text encoder.
    """
    if written and run.checkpoint.text_space is None:
        raise ConfigError(f"{run.folder}: {NO_TEXT_ENCODER}")
    checkpoint, split, store = run.checkpoint, run.split(manifest), run.store(manifest)
    encoder = TorchEncoder(checkpoint.model, checkpoint.features)
    index = index_records(encoder, store, split.records(manifest, "train"), checkpoint.encoder_id, manifest.root)
    longest = min(DecodingOptions().max_tokens, checkpoint.model.config.decoder.max_tokens)
    start = DecisionConfig(decoding=DecodingOptions(max_tokens=longest))
    recognizer = run.recognizer(index, start)
    decision, report = calibrate(recognizer, clips_of_split(recognizer, manifest, split, store), config)
    report["split_hash"] = split.hash
    if written and checkpoint.text_space is not None:
        writing = write_sentences(index, written, checkpoint.text_space)
        index = writing.index
        sentences = {"num": len(writing.written), "already": writing.already, "unknown_words": writing.unknown_words}
        report = {"written": sentences, **report}
    with locked(run.folder / INDEX_NAME):
        index.save(run.folder / INDEX_NAME)
    write_decision(run.folder / DECISION_NAME, decision, report, checkpoint.encoder_id)
    return {"num_references": int((~index.written).sum()), "num_sentences": len(index.sentences), **report}


def calibrate_run(run: Run, manifest: Manifest, config: CalibrationConfig) -> Calibrated:
    """Fit a run's decision once more, for other promises; its index stays and nothing is written.

    Args:
        run: an indexed run.
        manifest: the data it was trained on: its validation clips are asked. Or other data, such as clips that were
            recorded before another camera: then all of them are, and only the gate and the candidate sets are fitted.
        config: what to promise.

    Raises:
        DataError: other data shares clips with the run's own.
    """
    recognizer, roles = run.recognizer(run.index(), run.decision()), run.roles()
    if roles.keys() >= {record.clip_id for record in manifest.records}:
        split, store = run.split(manifest), run.store(manifest)
        fitted = calibrate(recognizer, clips_of_split(recognizer, manifest, split, store), config)
        return Calibrated(*fitted, store.problems)
    return calibrate_locally(recognizer, manifest, config, roles)


def calibrate_locally(
    recognizer: Recognizer, manifest: Manifest, config: CalibrationConfig, used: Collection[str] = ()
) -> Calibrated:
    """Fit gate and candidate sets on all clips of a folder.

    Args:
        recognizer: of a run or a bundle.
        manifest: clips that neither training, index nor test has seen.
        config: what to promise.
        used: ids of clips that have been seen, besides those of the index.

    Raises:
        DataError: some of the clips have been seen, or they are too few for a gate.
    """
    seen = {entry.clip_id for entry in recognizer.index.entries} | set(used)
    shared = sorted(record.clip_id for record in manifest.records if record.clip_id in seen)
    if shared:
        raise DataError(
            f"{manifest.root}: {len(shared)} clips belong to the model's own data (first {shared[0]}); what was "
            "trained on, indexed or is to be tested proves nothing here, so give other clips, or all of that data"
        )
    clips = clips_of_folder(recognizer, manifest)
    decision, report = recalibrate(recognizer, clips, config)
    if not decision.gate.fitted:
        raise DataError(
            f"{manifest.root}: {report['gate']['fallback']} (a known clip asks twice, once without its sentence); "
            "record more clips of indexed sentences and of others; the gate stays as it was"
        )
    return Calibrated(decision, report, clips.left_out)
