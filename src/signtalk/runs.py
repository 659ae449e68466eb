"""A run folder put to use: what `train` left, opened for index, evaluation, recognition and export.

`index_run` adds to a run what is fitted after training: `index/` and `decision.json`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from signtalk.calibration import calibrate
from signtalk.checkpoint import Checkpoint, TorchEncoder, load_checkpoint
from signtalk.errors import ArtifactError
from signtalk.files import read_json, write_json
from signtalk.index import SentenceIndex
from signtalk.manifest import Manifest
from signtalk.recognizer import DecisionConfig, Recognizer, index_records
from signtalk.splits import Split
from signtalk.store import PackedClips, load_store
from signtalk.text_decoder import TorchStepDecoder

BEST_NAME = "best.safetensors"
INDEX_NAME = "index"
DECISION_NAME = "decision.json"


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
        return Split.load(self.folder / "split.json", manifest)

    def store(self) -> PackedClips:
        """Its packed clips."""
        return load_store(self.folder / "store")

    def index(self) -> SentenceIndex:
        """Its index; an index of another model is refused."""
        return SentenceIndex.load(self.folder / INDEX_NAME, self.checkpoint.encoder_id)

    def decision(self) -> DecisionConfig:
        """What was fitted by `index_run`."""
        path = self.folder / DECISION_NAME
        try:
            return DecisionConfig.model_validate(read_json(path)["decision"])
        except (KeyError, TypeError, ValidationError) as error:
            raise ArtifactError(f"{path}: damaged; run `signtalk index` again") from error

    def recognizer(self, index: SentenceIndex, decision: DecisionConfig) -> Recognizer:
        """Its model over an index."""
        checkpoint = self.checkpoint
        encoder = TorchEncoder(checkpoint.model, checkpoint.features)
        return Recognizer(encoder, index, decision, TorchStepDecoder(checkpoint.model.decoder), checkpoint.tokenizer)


def index_run(run: Run, manifest: Manifest, precision: float = 0.98) -> dict[str, Any]:
    """Index the training clips of a run and fit its decision on the validation clips.

    Returns:
        The report of the fit.
    """
    checkpoint, split, store = run.checkpoint, run.split(manifest), run.store()
    encoder = TorchEncoder(checkpoint.model, checkpoint.features)
    index = index_records(encoder, store, split.records(manifest, "train"), checkpoint.encoder_id)
    decision, report = calibrate(run.recognizer(index, DecisionConfig()), manifest, split, store, precision)
    index.save(run.folder / INDEX_NAME)
    write_json(run.folder / DECISION_NAME, {"decision": decision.model_dump(mode="json"), "report": report})
    return {"num_references": len(index), "num_sentences": len(index.sentences), **report}
