"""What happened in each epoch: `training_history.csv`, its curves, and the best model so far.

The rows travel inside Lightning's checkpoint too, so that a resumed run goes on with exactly the history
of the state it resumes.
"""

from __future__ import annotations

import datetime
import math
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.evaluation.plots import plot_training_curves
from signtalk.files import write_csv
from signtalk.models.model import SignModel
from signtalk.training.checkpoint import save_checkpoint
from signtalk.training.names import BEST_NAME, CURVES_NAME, HISTORY_NAME
from signtalk.training.recipe import Recipe
from signtalk.training.validation import ValidationMeasures, ValidationSet

# docs/contract.md 1.7, then ours.
HISTORY_COLUMNS = (
    "run_id", "timestamp", "epoch", "train_loss", "supcon_loss", "ce_loss", "mask_loss", "val_inst_top1",
    "val_pos_sim", "val_neg_sim", "val_decoder_wer", "val_decoder_bleu", "val_decoder_exact",
    "val_retrieval_top1", "val_retrieval_mrr", "class_loss", "ctc_loss", "align_loss", "learning_rate",
)  # fmt: skip
_LOSS_COLUMNS = {
    "train": "train_loss", "supcon": "supcon_loss", "text": "ce_loss", "mask": "mask_loss",
    "class": "class_loss", "ctc": "ctc_loss", "align": "align_loss",
}  # fmt: skip


class RunHistory:
    """Rows of a run, and the epoch whose model is shipped.

    Attributes:
        rows: one dict an epoch, keys HISTORY_COLUMNS; an empty cell was not measured.
        best_epoch: epoch of the best model, from 1; 0 before the first evaluation.
        best_score: its validation MRR; -1.0 before the first evaluation.
    """

    def __init__(self, out: Path, recipe: Recipe, tokenizer: SentenceTokenizer) -> None:
        self._out, self._recipe, self._tokenizer = out, recipe, tokenizer
        self._run_id = uuid.uuid4().hex[:12]
        self.rows: list[dict[str, Any]] = []
        self.best_epoch = 0
        self.best_score = -1.0

    @property
    def evaluations_without_gain(self) -> int:
        """Evaluations since the best score was first reached: patience counts these, not epochs."""
        scores = [row["val_retrieval_mrr"] for row in self.rows if row["val_retrieval_mrr"] != ""]
        return len(scores) - 1 - scores.index(self.best_score) if self.best_score in scores else 0

    def record(
        self,
        epoch: int,
        losses: dict[str, float],
        measures: ValidationMeasures | None,
        learning_rate: float,
        model: SignModel,
        data: ValidationSet,
    ) -> float:
        """Add an epoch, write the table, keep the model if it is the best; returns the best score so far.

        Args:
            epoch: counted from 0; the table counts from 1.
            losses: mean of each part over the epoch.
            measures: of the validation; None in an epoch without one.
            learning_rate: of the epoch.
            model: what is kept if it is the best.
            data: the validation clips.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        row: dict[str, Any] = dict.fromkeys(HISTORY_COLUMNS, "")
        row |= {"run_id": self._run_id, "timestamp": now, "epoch": epoch + 1, "learning_rate": learning_rate}
        row |= {_LOSS_COLUMNS[name]: value for name, value in losses.items()}
        if measures is not None:
            row |= {f"val_{name}": value for name, value in asdict(measures).items() if not math.isnan(value)}
        self.rows.append(row)
        # Of equal ones the later: validation by people whom training knows is soon perfect, the model is not.
        if measures is not None and measures.retrieval_mrr >= self.best_score:
            self.best_epoch, self.best_score = epoch + 1, measures.retrieval_mrr
            self._keep(model, data)
        write_csv(self._out / HISTORY_NAME, HISTORY_COLUMNS, self.rows)
        return self.best_score

    def _keep(self, model: SignModel, data: ValidationSet) -> None:
        origin = {
            "recipe": self._recipe.model_dump(mode="json"),
            "split_hash": data.split_hash,
            "epoch": self.best_epoch,
            "val_retrieval_mrr": self.best_score,
            "num_train_clips": len(data.train_records),
        }
        save_checkpoint(self._out / BEST_NAME, model, data.store.config, self._tokenizer, origin)

    def finish(self) -> None:
        """Draw the curves of the whole run."""
        plot_training_curves(self.rows, self.best_epoch, self._out / CURVES_NAME)

    def to_state(self) -> dict[str, Any]:
        """Plain values for Lightning's checkpoint."""
        return {"run_id": self._run_id, "rows": self.rows, "best": [self.best_epoch, self.best_score]}

    def from_state(self, state: dict[str, Any]) -> None:
        """Take the values of `to_state` back."""
        self._run_id, self.rows = state["run_id"], [dict(row) for row in state["rows"]]
        self.best_epoch, self.best_score = int(state["best"][0]), float(state["best"][1])
