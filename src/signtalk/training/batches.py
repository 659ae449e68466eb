"""From the store to what one training step reads: two varied views of some clips, and their texts.

    PackedClips -> positions -> resample -> augment -> derive -> Batch of tensors

Everything is vectorised over the batch and drawn from a generator seeded by (seed, epoch, rank, batch), so
that a resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.data.manifest import ClipRecord
from signtalk.data.packed import PackedClips
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.errors import DataError
from signtalk.landmarks.augment import AugmentConfig, augment_points, warp_positions
from signtalk.landmarks.features import derive, frame_positions
from signtalk.training.recipe import Recipe, ViewConfig


class Batch(NamedTuple):
    """What one training step reads: every view of every clip is one row, the views one after the other.

    One pass over all rows costs a small network far less time than one pass a view.

    Attributes:
        features: (B, T, F) float32, B = views * clips.
        valid: (B, T) bool, True = real frame.
        masked: (B, T) bool, True = hidden behind the mask token.
        missing: (B, T, num_coordinates) bool, True where a landmark was not detected.
        tokens_in: (B, S) int64, sos first; a paraphrase drawn for each row.
        tokens_out: (B, S) int64, eos last, then padding.
        labels: (B,) int64 class of each row's clip.
        words: (B, W) int64 words of the canonical sentence, then padding.
    """

    features: Tensor
    valid: Tensor
    masked: Tensor
    missing: Tensor
    tokens_in: Tensor
    tokens_out: Tensor
    labels: Tensor
    words: Tensor


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """The training clips with everything that a batch is made of.

    Attributes:
        store: packed clips.
        which: (N,) their positions in the store.
        labels: (N,) class of each clip, 0 to num_classes - 1.
        texts: for each clip its variations, the canonical sentence first.
        tokenizer: fitted on these texts.
        augment: how clips are varied.
        views: how clips are seen.
        seed: of all randomness.
    """

    store: PackedClips
    which: npt.NDArray[np.int64]
    labels: IntArray
    texts: tuple[tuple[str, ...], ...]
    tokenizer: SentenceTokenizer
    augment: AugmentConfig
    views: ViewConfig
    seed: int

    def batch(self, members: IntArray, rng: np.random.Generator) -> Batch:
        """Make one batch of the clips `members` (positions among the training clips)."""
        view = np.repeat(np.arange(self.views.num_views), len(members))
        members = np.tile(members, self.views.num_views)
        points, valid = self._points(members, view, rng)
        num_coordinates = self.store.config.num_coordinates
        texts = [self.texts[i][rng.integers(len(self.texts[i]))] for i in members]
        ids, _ = self.tokenizer.encode_batch(texts)
        return Batch(
            features=torch.from_numpy(derive(points, valid, self.store.config)),
            valid=torch.from_numpy(valid),
            masked=torch.from_numpy(span_mask(valid, self.views.mask_share, self.views.mask_span, rng)),
            missing=torch.from_numpy(np.isnan(points[..., :num_coordinates]).reshape(*points.shape[:2], -1)),
            tokens_in=torch.from_numpy(ids[:, :-1].copy()),
            tokens_out=torch.from_numpy(ids[:, 1:].copy()),
            labels=torch.from_numpy(self.labels[members]),
            words=torch.from_numpy(self._words[members]),
        )

    @cached_property
    def _words(self) -> IntArray:
        """(N, W) words of each canonical sentence, then padding."""
        canonical = [self.tokenizer.encode(texts[0], add_special=False) for texts in self.texts]
        words = np.zeros((len(canonical), max(1, *map(len, canonical))), dtype=np.int64)
        for row, ids in enumerate(canonical):
            words[row, : len(ids)] = ids
        return words

    def _points(self, members: IntArray, view: IntArray, rng: np.random.Generator) -> tuple[FloatArray, BoolArray]:
        store, which = self.store, self.which[members]
        lengths = store.num_frames[which]
        if self.views.kind == "even-odd":
            positions, valid = even_odd_positions(store, which, view % 2)
        else:
            positions, valid = frame_positions(lengths, store.fps[which], store.config)
        if store.config.resampling == "crop" and self.views.random_crop:
            room = np.maximum(lengths - 1 - positions.max(axis=1), 0)
            low = -positions[:, 0]
            positions = positions + np.rint(rng.uniform(low, np.maximum(room, low)))[:, None]
        positions = warp_positions(positions, lengths, self.augment, rng)
        return augment_points(store.gather(which, positions), store.config, self.augment, rng), valid


def even_odd_positions(
    store: PackedClips, which: npt.NDArray[np.int64], parity: int | IntArray
) -> tuple[npt.NDArray[np.float64], BoolArray]:
    """Frame positions of the even (0) or odd (1) frames as a clip of its own; under 4 frames the clip itself.

    Args:
        store: the clips.
        which: (B,) places in it.
        parity: 0 or 1, for all or (B,) for each.

    Returns:
        As `features.frame_positions`: (B, T') float64 and (B, T') bool.
    """
    lengths, fps = store.num_frames[which], store.fps[which]
    short = lengths < 4
    step = np.where(short, 1, 2)
    start = np.where(short, 0, parity)
    positions, valid = frame_positions((lengths - start + step - 1) // step, fps / step, store.config)
    return np.minimum(positions * step[:, None] + start[:, None], lengths[:, None] - 1), valid


def span_mask(valid: BoolArray, share: float, span: int, rng: np.random.Generator) -> BoolArray:
    """(B, T) bool: about `share` of each clip's valid frames, in spans of `span` frames; never padding.

    Args:
        valid: (B, T) True = real frame.
        share: of the valid frames, 0-1.
        span: frames in a row.
        rng: every chance.
    """
    if share == 0:
        return np.zeros_like(valid)
    starts = rng.random(valid.shape) < share / span
    begun: IntArray = np.cumsum(starts, axis=1)
    covered = begun - np.pad(begun, [(0, 0), (span, 0)])[:, : valid.shape[1]]
    return (covered > 0) & valid


class EpochBatches(Dataset[Batch]):
    """The batches of one epoch on one rank, made when they are asked for."""

    def __init__(self, training: TrainingSet, members: Sequence[IntArray], epoch: int, rank: int) -> None:
        self.training, self.members, self.epoch, self.rank = training, members, epoch, rank

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, number: int) -> Batch:
        rng = np.random.default_rng((self.training.seed, self.epoch, self.rank, number))
        return self.training.batch(self.members[number], rng)


def training_set(store: PackedClips, records: tuple[ClipRecord, ...], recipe: Recipe) -> TrainingSet:
    """The training clips of a store; classes are numbered in the order of their texts.

    Args:
        store: packed clips.
        records: clips of the role `train`.
        recipe: all settings.

    Raises:
        DataError: no clip is left to train on.
    """
    if not records:
        raise DataError("no training clip; the split's `train` role is empty")
    classes = {key: number for number, key in enumerate(sorted({record.text_key for record in records}))}
    texts = tuple(record.variations or (record.sentence,) for record in records)
    return TrainingSet(
        store=store,
        which=store.positions_of([record.clip_id for record in records]),
        labels=np.array([classes[record.text_key] for record in records], dtype=np.int64),
        texts=texts,
        tokenizer=fit_tokenizer(records, recipe),
        augment=recipe.augment,
        views=recipe.views,
        seed=recipe.seed,
    )


def fit_tokenizer(records: Sequence[ClipRecord], recipe: Recipe) -> SentenceTokenizer:
    """The recipe's tokenizer of all texts of the training clips, paraphrases included."""
    texts = (text for record in records for text in record.variations or (record.sentence,))
    return SentenceTokenizer.fit(texts, config=recipe.tokenizer)
