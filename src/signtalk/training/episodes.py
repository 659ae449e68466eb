"""What a base encoder is pretrained on: batches in which every sign is made by several people.

made-up groups (`synthetic.endless`) --MadeUpClips--> Episode <--RecordedClips-- packed clips of data folders

A made-up clip is drawn several times, otherwise varied each time, before its pool makes room for the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.data.manifest import ClipRecord
from signtalk.data.packed import PackedClips
from signtalk.errors import ClipError, DataError
from signtalk.landmarks.augment import augment_points, warp_positions
from signtalk.landmarks.features import FeatureConfig, derive, normalise_clip, resample
from signtalk.processes import start_workers
from signtalk.synthetic.drawn_signs import PHONOLOGY
from signtalk.synthetic.endless import NO_SIGN, EndlessConfig, draw_group
from signtalk.training.pretrain_config import PretrainConfig


@dataclass(frozen=True, eq=False)
class Episode:
    """A batch of B clips in which several people make each sign.

    Attributes:
        features: (B, T, F) float32.
        valid: (B, T) bool.
        labels: (B,) int64, clips of one number say the same.
        phonology: (B, T, 7) int64 which value of each parameter each frame has; NO_SIGN where it is not known.
        is_single: (B,) bool, the clip is one sign whose parameters are known.
    """

    features: FloatArray
    valid: BoolArray
    labels: IntArray
    phonology: IntArray
    is_single: BoolArray


@dataclass(frozen=True, eq=False)
class Pool:
    """Made-up clips, one after the other.

    Attributes:
        rows: (R, L, C) float16 normalised landmarks; NaN = missing.
        phonology: (R, 7) int8 of each frame.
        first_rows: (N,) int64.
        num_frames: (N,) int64.
        groups: (N,) int64 number of the group.
    """

    rows: npt.NDArray[np.float16]
    phonology: npt.NDArray[np.int8]
    first_rows: npt.NDArray[np.int64]
    num_frames: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]


def make_pool(config: EndlessConfig, features: FeatureConfig, first_group: int, num_groups: int) -> Pool:
    """The clips of consecutive groups, normalised.

    Args:
        config: of the groups.
        features: what is kept of a clip.
        first_group: number of the first one.
        num_groups: how many.
    """
    rows, phonology, groups = [], [], []
    for group in range(first_group, first_group + num_groups):
        for drawn in draw_group(config, group):
            try:
                normal = normalise_clip(drawn.clip, features)
            except ClipError:
                continue  # a camera that never sees both shoulders
            rows.append(normal.astype(np.float16))
            phonology.append(drawn.phonology)
            groups.append(group)
    num_frames = np.array([len(each) for each in rows], dtype=np.int64)
    first_rows = np.concatenate([[0], np.cumsum(num_frames)[:-1]])
    return Pool(np.concatenate(rows), np.concatenate(phonology), first_rows, num_frames, np.array(groups))


class MadeUpClips:
    """Pools of made-up clips, made ahead by a process of its own; close it, or use it in a `with` block.

    Batch and pool depend on seed and step alone: however fast pools are made, a step draws from the same ones.
    """

    def __init__(self, config: PretrainConfig) -> None:
        self._config = config
        self._endless = config.made_up()
        self._pools: dict[int, Future[Pool]] = {}
        self._ending = ExitStack()
        self._worker = start_workers(1, self._ending)
        if self._worker is None:  # a thread gives the same, more slowly
            self._worker = ThreadPoolExecutor(1)
            self._ending.callback(self._worker.shutdown, wait=False, cancel_futures=True)

    def batch(self, step: int, num_frames: int, rng: np.random.Generator) -> Episode:
        """A batch of `config.groups` groups.

        Args:
            step: from 0; later steps draw from later pools.
            num_frames: T.
            rng: every chance.
        """
        newest = step // self._config.steps_per_pool
        oldest = max(0, newest - self._config.pools + 1)
        for number in [number for number in self._pools if number < oldest]:
            del self._pools[number]
        for number in range(oldest, newest + 2):
            self._ask_for(number)
        pool = self._pools[int(rng.integers(oldest, newest + 1))].result()
        return self._draw(pool, num_frames, rng)

    def _ask_for(self, number: int) -> None:
        if number not in self._pools:
            size = self._config.pool_groups
            self._pools[number] = self._worker.submit(
                make_pool, self._endless, self._config.features, number * size, size
            )

    def _draw(self, pool: Pool, num_frames: int, rng: np.random.Generator) -> Episode:
        pairs = np.unique(pool.groups // 2)
        chosen = rng.choice(pairs, self._config.groups // 2, replace=False)
        which = np.flatnonzero(np.isin(pool.groups // 2, chosen))
        positions = stretched(pool.num_frames[which], num_frames, self._config, rng)
        nearest = pool.first_rows[which][:, None] + np.rint(positions).astype(np.int64)
        phonology = pool.phonology[nearest].astype(np.int64)
        return Episode(
            *varied_features(resample(pool.rows, pool.first_rows[which], positions), self._config, rng),
            labels=pool.groups[which],
            phonology=phonology,
            is_single=single_signs(phonology),
        )

    def close(self) -> None:
        """End the process that makes pools."""
        self._ending.close()

    def __enter__(self) -> MadeUpClips:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def single_signs(phonology: IntArray) -> BoolArray:
    """(B,) whether all frames of a clip that belong to a sign belong to the same one."""
    known = phonology[..., 0] != NO_SIGN
    most = phonology.max(axis=1)
    least = np.where(known[..., None], phonology, np.iinfo(np.int64).max).min(axis=1)
    return np.asarray((most == least).all(axis=-1) & known.any(axis=1))


class RecordedClips:
    """Clips of data folders: a batch is of one folder, its labels are signed by different people where they are.

    Args:
        stores: packed clips of each folder.
        records: of each folder, those that are learned from.
        config: size of a batch.
    """

    def __init__(
        self, stores: Sequence[PackedClips], records: Sequence[Sequence[ClipRecord]], config: PretrainConfig
    ) -> None:
        self._config = config
        self._folders = [_Folder(store, each) for store, each in zip(stores, records, strict=True)]

    def batch(self, num_frames: int, rng: np.random.Generator) -> Episode:
        """A batch of up to `config.groups` labels, `config.people` clips each.

        Args:
            num_frames: T.
            rng: every chance.
        """
        folder = self._folders[int(rng.integers(len(self._folders)))]
        which, labels = folder.draw(self._config.groups, self._config.people, rng)
        store = folder.store
        positions = stretched(store.num_frames[which], num_frames, self._config, rng)
        return Episode(
            *varied_features(store.gather(which, positions), self._config, rng),
            labels=labels,
            phonology=np.full((*positions.shape, len(PHONOLOGY)), NO_SIGN, dtype=np.int64),
            is_single=np.zeros(len(which), dtype=np.bool_),
        )


class _Folder:
    """The clips of one data folder by label, and who signs each."""

    def __init__(self, store: PackedClips, records: Sequence[ClipRecord]) -> None:
        self.store = store
        usable = [record for record in store.held(records) if not record.is_idle]
        places = store.positions_of([record.clip_id for record in usable])
        by_label: dict[str, dict[str, list[int]]] = {}
        for record, place in zip(usable, places.tolist(), strict=True):
            by_label.setdefault(record.text_key, {}).setdefault(record.signer_id, []).append(place)
        self._labels = [list(signers.values()) for _, signers in sorted(by_label.items())]
        if len(self._labels) < 2:
            raise DataError("a folder for pretraining needs two sentences or more")

    def draw(self, num_labels: int, num_clips: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Places of clips and the number of each one's label; different people first."""
        chosen = rng.permutation(len(self._labels))[:num_labels]
        places = []
        for label in chosen:
            signers = self._labels[label]
            order = rng.permutation(len(signers))
            for turn in range(num_clips):
                clips = signers[order[turn % len(signers)]]
                places.append(clips[int(rng.integers(len(clips)))])
        return np.array(places, dtype=np.int64), np.repeat(chosen.astype(np.int64), num_clips)


def stretched(
    clip_frames: npt.NDArray[np.int64], num_frames: int, config: PretrainConfig, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """(B, T) frame positions of whole clips, at an uneven tempo and cut a little.

    Args:
        clip_frames: (B,) frames of each clip.
        num_frames: T.
        config: how far tempo and cut vary.
        rng: every chance.
    """
    steps = np.linspace(0, 1, num_frames)[None] * (clip_frames[:, None] - 1)
    return warp_positions(steps, clip_frames, config.augment, rng)


def varied_features(
    points: FloatArray, config: PretrainConfig, rng: np.random.Generator
) -> tuple[FloatArray, BoolArray]:
    """(B, T, F) network input of clips as they might have been, and (B, T) which frames are real: all.

    Args:
        points: (B, T, L, C) normalised landmarks at the positions of `stretched`.
        config: features and augmentation.
        rng: every chance.
    """
    varied = augment_points(points, config.features, config.augment, rng)
    valid = np.ones(points.shape[:2], dtype=np.bool_)
    return derive(varied, valid, config.features), valid


def episode(config: PretrainConfig, made_up: MadeUpClips, recorded: RecordedClips | None, step: int) -> Episode:
    """The batch of a step; the same for the same configuration and step.

    Args:
        config: of the training.
        made_up: made-up clips.
        recorded: recorded ones; None = there are none.
        step: from 0.
    """
    rng = np.random.default_rng((config.seed, step))
    num_frames = int(rng.choice(config.frame_counts))
    if recorded is not None and rng.random() < config.recorded_share:
        return recorded.batch(num_frames, rng)
    return made_up.batch(step, num_frames, rng)
