"""A run folder put to use: what `train` left, opened for index, evaluation, recognition and export.

`index_run` adds to a run what is fitted after training: `index/` and `decision.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signtalk.calibration.calibrate import CalibrationConfig, calibrate
from signtalk.calibration.clips import clips_of_split
from signtalk.calibration.local import Calibrated, calibrate_locally, told_against
from signtalk.calibration.reports import CalibrationReport
from signtalk.data.manifest import Manifest
from signtalk.data.packed import PackedClips, changed_sources, load_store
from signtalk.data.splits import Split
from signtalk.errors import ArtifactError, ConfigError
from signtalk.files import read_json
from signtalk.index.files import locked
from signtalk.index.index import SentenceIndex
from signtalk.index.text_search import NO_TEXT_ENCODER
from signtalk.index.written import Writing, WrittenSentence, write_sentences
from signtalk.models.text_decoder import TorchStepDecoder
from signtalk.recognition.asked import index_records
from signtalk.recognition.beam_search import DecodingOptions
from signtalk.recognition.decision import read_decision, write_decision
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.training.checkpoint import Checkpoint, TorchEncoder, load_checkpoint
from signtalk.training.names import BEST_NAME, DECISION_NAME, SPLIT_NAME, STORE_NAME, own_index


@dataclass(frozen=True, eq=False)
class RunFolder:
    """An opened run folder.

    Attributes:
        folder: where it lies.
        checkpoint: the best model.
    """

    folder: Path
    checkpoint: Checkpoint

    @classmethod
    def open(cls, folder: Path) -> RunFolder:
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

    def sentence_index(self) -> SentenceIndex:
        """Its index; an index of another model is refused."""
        folder = own_index(self.folder)
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
        return Recognizer(
            encoder=encoder,
            index=index,
            decision=decision,
            decoder=decoder,
            tokenizer=checkpoint.tokenizer,
            text_space=checkpoint.text_space,
        )


@dataclass(frozen=True)
class IndexReport:
    """What an index holds, and how its decision came about.

    Attributes:
        num_references: clips in the index.
        num_sentences: sentences, those that are only written included.
        split_hash: of the split whose clips these are.
        fit: how the decision came about.
        writing: what became of the written sentences; None where none were given.
        notes: what is odd about the file of the written sentences.
    """

    num_references: int
    num_sentences: int
    split_hash: str
    fit: CalibrationReport
    writing: Writing | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All figures by name; plain values, as JSON has them."""
        counts = {"num_references": self.num_references, "num_sentences": self.num_sentences}
        return {**counts, **self.fitted()}

    def fitted(self) -> dict[str, Any]:
        """What decision.json keeps of it."""
        written: dict[str, Any] = {}
        if self.writing is not None:
            unknown = self.writing.unknown_words
            about = {"num": len(self.writing.written), "already": self.writing.already, "unknown_words": unknown}
            written = {"written": about}
        return {**written, **self.fit.to_dict(), "split_hash": self.split_hash}


def index_run(
    run: RunFolder,
    manifest: Manifest,
    config: CalibrationConfig | None = None,
    written: Sequence[WrittenSentence] = (),
) -> IndexReport:
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
    decision, fit = calibrate(recognizer, clips_of_split(recognizer, manifest, split, store), config)
    writing = None
    if written and checkpoint.text_space is not None:
        writing = write_sentences(index, written, checkpoint.text_space)
        index = writing.index
    report = IndexReport(int((~index.written).sum()), len(index.sentences), split.hash, fit, writing)
    with locked(own_index(run.folder)):
        index.save(own_index(run.folder))
    write_decision(run.folder / DECISION_NAME, decision, report.fitted(), checkpoint.encoder_id)
    return report


def calibrate_run(run: RunFolder, manifest: Manifest, config: CalibrationConfig) -> Calibrated:
    """Fit a run's decision once more, for other promises; its index stays and nothing is written.

    Args:
        run: an indexed run.
        manifest: the data it was trained on: its validation clips are asked. Or other data, such as clips that were
            recorded before another camera: then all of them are, and only the gate and the candidate sets are fitted.
        config: what to promise.

    Raises:
        DataError: other data shares clips with the run's own.
    """
    recognizer, roles = run.recognizer(run.sentence_index(), run.decision()), run.roles()
    if roles.keys() >= {record.clip_id for record in manifest.records}:
        split, store = run.split(manifest), run.store(manifest)
        clips = clips_of_split(recognizer, manifest, split, store)
        decision, report = calibrate(recognizer, clips, config)
        return Calibrated(decision, told_against(recognizer, decision, clips, report), store.problems, manifest.notes)
    return calibrate_locally(recognizer, manifest, config, roles)
