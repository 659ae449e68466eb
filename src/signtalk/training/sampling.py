"""Which training clips share a batch: several clips of each of several classes, so that contrast has pairs.

    class and signer of each training clip -> ClassBalancedBatches -> index arrays -> batches

Where a class has clips by different signers, a batch gets those: a pair by one person teaches that person's
habits, a pair by two teaches the sentence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from signtalk.arrays import IntArray


@dataclass(frozen=True, eq=False)
class ClassBalancedBatches:
    """Batches of `batch_size` with `clips_per_class` clips of each of `batch_size // clips_per_class` classes.

    An epoch shows every clip at least once. A clip is repeated only where a class does not fill its
    share (a class of one clip repeats it), where a batch would otherwise be short, and, if one class
    outweighs all others, where those have to accompany it: no class has two shares of one batch.
    With too few classes to fill a batch, each gets a larger share.

    Attributes:
        labels: (N,) class of each training clip, any integers.
        signers: (N,) signer of each training clip, any integers; None when nobody is known.
        batch_size: clips a batch.
        clips_per_class: least number of clips of each class in a batch.
        seed: another seed gives other batches.

    Raises:
        ValueError: no clip, signers of another shape, or sizes that do not fit each other.
    """

    labels: IntArray
    signers: IntArray | None = None
    batch_size: int = 8
    clips_per_class: int = 2
    seed: int = 42

    def __post_init__(self) -> None:
        if self.labels.ndim != 1 or not len(self.labels):
            raise ValueError(f"labels of shape {self.labels.shape}; expected (N,) with at least one clip")
        if self.signers is not None and self.signers.shape != self.labels.shape:
            raise ValueError(f"signers of shape {self.signers.shape}; expected {self.labels.shape} as the labels have")
        if not 1 <= self.clips_per_class <= self.batch_size:
            raise ValueError(f"clips_per_class {self.clips_per_class}; expected 1 to batch_size {self.batch_size}")

    @cached_property
    def _members(self) -> list[IntArray]:
        """Positions of each class's clips."""
        order = np.argsort(self.labels, kind="stable").astype(np.int64)
        starts = np.flatnonzero(np.diff(self.labels[order])) + 1
        return np.split(order, starts)

    @property
    def _share(self) -> int:
        """Clips of a class in a batch."""
        return max(self.clips_per_class, self.batch_size // len(self._members))

    @property
    def _shares_per_batch(self) -> int:
        return min(self.batch_size // self._share, len(self._members))

    def num_batches(self, world_size: int = 1) -> int:
        """Batches that each of `world_size` ranks gets in an epoch; the same in every epoch."""
        if world_size < 1:
            raise ValueError(f"world_size {world_size}; expected 1 or more")
        shares = [math.ceil(len(clips) / self._share) for clips in self._members]
        least = max(math.ceil(sum(shares) / self._shares_per_batch), max(shares))
        return math.ceil(least / world_size)

    def batches(self, epoch: int, rank: int = 0, world_size: int = 1) -> list[IntArray]:
        """The batches of one epoch for one rank.

        Args:
            epoch: 0 or more; each has its own order, decided by the seed alone.
            rank: which part of the epoch, 0 to world_size - 1; the parts together are the epoch.
            world_size: number of parts, all of the same number of batches.

        Returns:
            Arrays (batch_size,) of positions in `labels`; the clips of one class stand side by side.

        Raises:
            ValueError: epoch or rank out of range.
        """
        if epoch < 0 or not 0 <= rank < world_size:
            raise ValueError(
                f"epoch {epoch}, rank {rank} of {world_size}; expected epoch >= 0 and 0 <= rank < world_size"
            )
        rng = np.random.default_rng((self.seed, epoch))
        classes = rng.permutation(len(self._members))
        shares = {int(c): self._shares_of(self._members[c], rng) for c in classes}
        owners = np.repeat(classes, [len(shares[int(c)]) for c in classes])
        grid = _deal(owners, self.num_batches(world_size) * world_size, self._shares_per_batch, rng)
        epoch_batches = [self._batch(row, shares, rng) for row in grid]
        return epoch_batches[rank::world_size]

    def _shares_of(self, clips: IntArray, rng: np.random.Generator) -> list[IntArray]:
        """Cut a class's clips into shares of different signers where it can be done, each filled up."""
        count = math.ceil(len(clips) / self._share)
        order = self._signer_by_signer(clips, rng)
        return [self._filled(order[i::count], clips, rng) for i in range(count)]

    def _signer_by_signer(self, clips: IntArray, rng: np.random.Generator) -> IntArray:
        """The clips at random, those of a signer side by side: taken at strides they fall into different shares."""
        shuffled = rng.permutation(clips)
        if self.signers is None:
            return shuffled
        _, signer = np.unique(self.signers[shuffled], return_inverse=True)
        return shuffled[np.argsort(rng.permutation(signer.max() + 1)[signer], kind="stable")]

    def _filled(self, share: IntArray, clips: IntArray, rng: np.random.Generator) -> IntArray:
        """The share with further clips of its class, if possible others and by other signers, up to its size."""
        missing = self._share - len(share)
        if not missing:
            return share
        others = rng.permutation(clips)
        seen = np.isin(others, share).astype(np.int64)
        if self.signers is not None:
            seen = 2 * seen + np.isin(self.signers[others], self.signers[share])
        return np.concatenate([share, np.resize(others[np.argsort(seen, kind="stable")], missing)])

    def _batch(self, row: IntArray, shares: dict[int, list[IntArray]], rng: np.random.Generator) -> IntArray:
        """One batch from the classes of a grid row, empty places (-1) filled with shares of further classes."""
        chosen = {int(c) for c in row if c >= 0}
        parts = [shares[int(c)].pop() for c in row if c >= 0]
        while len(parts) < self._shares_per_batch:
            extra = int(rng.integers(len(self._members)))
            if extra not in chosen:
                chosen.add(extra)
                parts.append(self._shares_of(self._members[extra], rng)[0])
        missing = self.batch_size - self._share * self._shares_per_batch
        fill = [rng.choice(self._members[rng.integers(len(self._members))]) for _ in range(missing)]
        return np.concatenate([*parts, np.array(fill, dtype=np.int64)])


def _deal(owners: IntArray, num_batches: int, width: int, rng: np.random.Generator) -> IntArray:
    """Place shares so that no batch gets two of one class.

    Laid end to end and wrapped after every `num_batches`, the shares of a class (never more than there are
    batches) fall into different columns: McNaughton's wrap-around rule. Each lap is then shuffled, except that
    a class running over the end of a lap keeps clear of the batches it already has.

    Args:
        owners: class of each share, a class's shares side by side, at most num_batches each and
            num_batches * width in all.
        num_batches: rows of the result.
        width: places a batch.
        rng: shuffles.

    Returns:
        (num_batches, width) int64 class of each place, -1 where it is empty.
    """
    line = np.full(num_batches * width, -1, dtype=np.int64)
    line[: len(owners)] = owners
    laps = line.reshape(width, num_batches)
    grid = np.full((num_batches, width), -1, dtype=np.int64)
    for i, lap in enumerate(laps):
        rows = rng.permutation(num_batches)
        if i > 0:
            clear = rows[grid[rows, i - 1] != lap[0]][: int((lap == lap[0]).sum())]
            rows = np.concatenate([clear, rows[~np.isin(rows, clear)]])
        grid[rows, i] = lap
    return grid
