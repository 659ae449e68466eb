"""Small parts of an encoder tuned on some dozens of taught clips, where that helps: between enrolment and training.

Checkpoint + packed clips --cross_validate--> Adaptation (before and after) ; --tuned--> SignModel

Only the norms, the last layer of the frames and the head of the clip's vector move; everything else stays what
pretraining made it. Whether that helps is asked of people, or of clips, that the tuning did not see.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, Field
from pytorch_metric_learning.losses import SupConLoss
from torch import nn

from signtalk.arrays import FloatArray, IntArray
from signtalk.calibration.logistic import MIN_ACCEPTED
from signtalk.data.manifest import ClipRecord
from signtalk.data.packed import PackedClips
from signtalk.errors import DataError
from signtalk.evaluation.intervals import bootstrap_mean, wilson_interval
from signtalk.models.model import SignModel
from signtalk.recognition.asked import encode_all, index_records
from signtalk.recognition.evidence import Evidence
from signtalk.recognition.gate import confidences
from signtalk.recognition.recognizer import Recognizer
from signtalk.training.checkpoint import Checkpoint, TorchEncoder
from signtalk.training.episodes import RecordedClips
from signtalk.training.pretrain_config import PretrainConfig
from signtalk.training.pretrain_module import rate_share

_CLIPS_OF_A_SENTENCE = 2
"""Fewer show nothing about how a sentence varies."""
_WARMUP_STEPS = 10
_SURE = 0.8
"""Level of the two-sided interval whose lower end must lie above no gain: 9 in 10 draws of the questions show one."""


class AdaptConfig(BaseModel, frozen=True, extra="forbid"):
    """How small parts are tuned.

    Attributes:
        seed: of batches and variation.
        steps: of one tuning; cross-validation makes one for each fold.
        sentences: of a batch.
        clips: of each sentence in a batch, by different people where there are some.
        learning_rate: highest, of AdamW; falls to zero along a cosine.
        folds: of the cross-validation, at most.
    """

    seed: int = Field(default=0, ge=0)
    steps: int = Field(default=15, ge=1)
    sentences: int = Field(default=16, ge=2, multiple_of=2)
    clips: int = Field(default=3, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    folds: int = Field(default=3, ge=2)


@dataclass(frozen=True)
class AskedOnce:
    """What became of the questions of all folds under one encoder.

    Attributes:
        recall_at_1: share of the questions whose sentence came first.
        mrr: mean reciprocal rank.
        answered: questions that the gate let through.
        wrong: answers that were not right.
    """

    recall_at_1: float
    mrr: float
    answered: int
    wrong: int


@dataclass(frozen=True)
class Adaptation:
    """What tuning gave in cross-validation.

    Attributes:
        before: as the encoder was.
        after: as it is tuned, each fold on the clips of the others.
        num_questions: asked in all folds.
        by: whose clips a fold holds back: people, or clips where one person signs all.
        gain_low: lower end of the 80% interval of the gain over questions: in reciprocal rank, and one more where a
            question got a right answer that it did not get before.
    """

    before: AskedOnce
    after: AskedOnce
    num_questions: int
    by: str
    gain_low: float

    def reason_against(self, precision: float | None) -> str:
        """Why the tuned encoder should not take the place of the other one; "" = it should.

        Args:
            precision: share of the answers that the gate promises to be right; None = it promises nothing.
        """
        before, after = self.before, self.after
        if self.gain_low <= 0 or after.recall_at_1 < before.recall_at_1:
            return (
                f"no gain is certain: of {self.num_questions} questions R@1 went from {before.recall_at_1:.3f} to "
                f"{after.recall_at_1:.3f}, the mean reciprocal rank from {before.mrr:.3f} to {after.mrr:.3f}, right "
                f"answers from {before.answered - before.wrong} to {after.answered - after.wrong}"
            )
        if precision is None:
            return ""
        if after.answered < MIN_ACCEPTED or after.wrong > math.floor((1 - precision) * after.answered):
            return (
                f"of {after.answered} answers {after.wrong} would be wrong ({before.wrong} of {before.answered} "
                f"before), which does not show the promise of {precision:g} on {MIN_ACCEPTED} answers or more"
            )
        return ""

    def promise(self) -> dict[str, Any]:
        """The fields of a gate that tell what was shown of the tuned encoder, by this alone."""
        after = self.after
        right = after.answered - after.wrong
        return {
            "precision_reached": True,
            "precision_found": right / after.answered,
            "precision_lower_bound": wilson_interval(right, after.answered).low,
            "num_accepted": after.answered,
        }

    def to_dict(self) -> dict[str, Any]:
        """All figures by name."""
        return asdict(self)


def tuned(checkpoint: Checkpoint, store: PackedClips, records: Sequence[ClipRecord], config: AdaptConfig) -> SignModel:
    """A copy of the model whose small parts have learned from these clips.

    Args:
        checkpoint: whose model it is.
        store: holds the clips.
        records: the clips to learn from, of two sentences or more.
        config: how.
    """
    model = copy.deepcopy(checkpoint.model).eval()  # normed by pretraining's statistics: dozens of clips have none
    weights = small_parts(model)
    batches = PretrainConfig(features=checkpoint.features, groups=config.sentences, people=config.clips)
    clips = RecordedClips([store], [records], batches)
    optimizer = torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_share(step, config.steps, _WARMUP_STEPS))
    loss_of = SupConLoss(temperature=batches.temperature)
    rng = np.random.default_rng(config.seed)
    for _ in range(config.steps):
        batch = clips.batch(int(rng.choice(batches.frame_counts[:-1])), rng)
        encoded = model.encode(torch.from_numpy(batch.features), torch.from_numpy(batch.valid))
        loss = loss_of(encoded.embedding.float(), torch.from_numpy(batch.labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    return model.requires_grad_(True)


def small_parts(model: SignModel) -> list[nn.Parameter]:
    """The weights that move; all others are held fast."""
    model.requires_grad_(False)
    encoder = model.encoder
    norms = [part for part in encoder.modules() if isinstance(part, nn.LayerNorm | nn.BatchNorm1d)]
    moving = [part for name, part in encoder.named_children() if name in ("head", "widen")]
    weights = {id(each): each for part in (*norms, *moving) for each in part.parameters()}
    for weight in weights.values():
        weight.requires_grad_(True)
    return list(weights.values())


def cross_validate(
    checkpoint: Checkpoint,
    recognizer: Recognizer,
    store: PackedClips,
    records: Sequence[ClipRecord],
    config: AdaptConfig,
) -> Adaptation:
    """Tune on all folds but one, teach their clips, and ask those of the one; before and after.

    Args:
        checkpoint: the encoder as it is.
        recognizer: whose scoring and gate decide; its index does not count.
        store: holds the clips.
        records: clips of sentences.
        config: of the tuning.

    Raises:
        DataError: too few clips to hold any back.
    """
    records = [record for record in store.held(records) if not record.is_idle]
    by, fold_of = _folds(records, config.folds)
    outcomes: list[list[tuple[FloatArray, FloatArray]]] = [[], []]
    for fold in np.unique(fold_of):
        taught = [record for record, own in zip(records, fold_of, strict=True) if own != fold]
        sentences = {record.text_key for record in taught}
        asked = [r for r, own in zip(records, fold_of, strict=True) if own == fold and r.text_key in sentences]
        if not asked or len(sentences) < 2:
            continue
        models = (checkpoint.model, tuned(checkpoint, store, taught, config))
        for kept, model in zip(outcomes, models, strict=True):
            kept.append(_ask(recognizer, TorchEncoder(model, checkpoint.features), store, taught, asked))
    if not outcomes[0]:
        raise DataError("too few clips: hold back any and nothing is taught; give two clips of two sentences or more")
    before, after = (tuple(np.concatenate(part) for part in zip(*kept, strict=True)) for kept in outcomes)
    gains = _worth(*after) - _worth(*before)
    gain = bootstrap_mean(gains, None, np.random.default_rng(config.seed), level=_SURE) if len(gains) > 1 else None
    return Adaptation(_summary(*before), _summary(*after), len(gains), by, gain.low if gain else 0.0)


def _folds(records: Sequence[ClipRecord], most: int) -> tuple[str, IntArray]:
    """What is held back together, and the fold of each clip: by people where two sign the same, else by clips."""
    people = sorted({record.signer_id for record in records})
    signed: dict[str, set[str]] = {}
    for record in records:
        signed.setdefault(record.text_key, set()).add(record.signer_id)
    if sum(len(signers) > 1 for signers in signed.values()) > 1:  # else who is held back asks what nobody taught
        return "people", np.array([people.index(record.signer_id) % most for record in records])
    seen: dict[str, int] = {}
    folds = []
    for record in records:
        folds.append(seen.get(record.text_key, 0) % most)
        seen[record.text_key] = seen.get(record.text_key, 0) + 1
    if max(seen.values(), default=0) < _CLIPS_OF_A_SENTENCE:
        raise DataError(
            "one clip of each sentence by one person: nothing can be held back; record a second one of each"
        )
    return "clips", np.array(folds)


def _ask(
    recognizer: Recognizer,
    encoder: TorchEncoder,
    store: PackedClips,
    taught: Sequence[ClipRecord],
    asked: Sequence[ClipRecord],
) -> tuple[FloatArray, FloatArray]:
    """(Q,) reciprocal rank of each question, and (Q,) confidence of its answer; -1 where it got none."""
    index = index_records(encoder, store, taught, "fold")
    which = store.positions_of([record.clip_id for record in asked])
    ranking = recognizer.changed(index=index).rank(encode_all(encoder, store, which))
    ranks = ranking.ranks_of([record.text_key for record in asked])
    gate = recognizer.decision.gate.for_enrolled
    sure = confidences(Evidence.from_ranking(ranking), gate)
    reciprocal = (1 / ranks).astype(np.float32)
    return reciprocal, np.where(sure >= gate.threshold, sure, -1).astype(np.float32)


def _worth(reciprocal_ranks: FloatArray, confidence: FloatArray) -> FloatArray:
    """(Q,) what each question gave: how high the right sentence came, and one more where it was told."""
    return reciprocal_ranks + ((reciprocal_ranks == 1) & (confidence >= 0)).astype(np.float32)


def _summary(reciprocal_ranks: FloatArray, confidence: FloatArray) -> AskedOnce:
    right, answered = reciprocal_ranks == 1, confidence >= 0
    return AskedOnce(
        recall_at_1=float(right.mean()), mrr=float(reciprocal_ranks.mean()), answered=int(answered.sum()),
        wrong=int((answered & ~right).sum()),
    )  # fmt: skip
