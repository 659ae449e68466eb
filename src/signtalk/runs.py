"""A run folder put to use: what `train` left, opened for index, evaluation, recognition and export.

`index_run` adds to a run what is fitted after training: `index/` and `decision.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from signtalk.calibration import calibrate
from signtalk.checkpoint import Checkpoint, TorchEncoder, load_checkpoint
from signtalk.decoding import DecodingOptions
from signtalk.errors import ArtifactError, ConfigError
from signtalk.files import read_json, write_json
from signtalk.index import SentenceIndex
from signtalk.index_files import locked
from signtalk.manifest import Manifest
from signtalk.recognizer import DecisionConfig, Recognizer, index_records
from signtalk.run_folder import BEST_NAME, DECISION_NAME, INDEX_NAME, SPLIT_NAME, STORE_NAME
from signtalk.splits import Split
from signtalk.store import PackedClips, changed_sources, load_store
from signtalk.text_decoder import TorchStepDecoder
from signtalk.text_search import NO_TEXT_ENCODER
from signtalk.written import WrittenSentence, write_sentences


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
        """What was fitted by `index_run`."""
        path = self.folder / DECISION_NAME
        if not path.exists():
            raise ArtifactError(f"{path}: no such file yet; run `signtalk index` first")
        try:
            return DecisionConfig.model_validate(read_json(path)["decision"])
        except (KeyError, TypeError, ValidationError) as error:
            raise ArtifactError(f"{path}: damaged; run `signtalk index` again") from error

    def recognizer(self, index: SentenceIndex, decision: DecisionConfig) -> Recognizer:
        """Its model over an index."""
        checkpoint = self.checkpoint
        encoder = TorchEncoder(checkpoint.model, checkpoint.features)
        decoder = TorchStepDecoder(checkpoint.model.decoder)
        return Recognizer(encoder, index, decision, decoder, checkpoint.tokenizer, checkpoint.text_space)


def index_run(
    run: Run, manifest: Manifest, precision: float = 0.98, written: Sequence[WrittenSentence] = ()
) -> dict[str, Any]:
    """Index the training clips of a run and fit its decision on the validation clips.

    Args:
        run: the run; its folder gets the index.
        manifest: the data it was trained on.
        precision: part of the accepted answers that shall be right.
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
    decision, report = calibrate(run.recognizer(index, start), manifest, split, store, precision)
    if written and checkpoint.text_space is not None:
        writing = write_sentences(index, written, checkpoint.text_space)
        index = writing.index
        told = {"num": len(writing.written), "already": writing.already, "unknown_words": writing.unknown_words}
        report = {"written": told, **report}
    with locked(run.folder / INDEX_NAME):
        index.save(run.folder / INDEX_NAME)
    write_json(run.folder / DECISION_NAME, {"decision": decision.model_dump(mode="json"), "report": report})
    return {"num_references": int((~index.written).sum()), "num_sentences": len(index.sentences), **report}
