"""One person among several, where a file lists people in slots and a person may change slots from frame to frame.

Trackers number whom they see anew after each gap, so that half of a signer's frames may stand in another slot. The
person is followed from the frame that shows most of it, to both sides, to the slot that lies nearest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signtalk.arrays import FloatArray, IntArray

_MOST_MOVED = 0.15
"""Picture widths that a whole person's middle moves between two frames at most."""
_NEARER = 0.5
"""Another slot must be so much nearer than the person's own to be taken while both are filled."""
_SPREAD_A_FRAME = 0.02
"""Picture widths by which the place where the person may be found again grows with each frame without it."""
_MOST_SPREAD = 0.35
_SEVERAL = 0.1
"""Part of the frames that show more than one person, from which on this is told."""


def followed_slots(places: FloatArray, scores: FloatArray) -> IntArray:
    """The slot of one person in each frame.

    Args:
        places: (T, P, K, 2) points of P people, NaN = missing.
        scores: (T, P, K) how sure each is, 0 = missing.

    Returns:
        (T,) slots; in frames without the person the slot where it was before, whose points are missing there.
    """
    weight = scores.sum(axis=2)
    main = int(weight.sum(axis=0).argmax())
    slots = np.full(len(places), main, dtype=np.int64)
    if places.shape[1] == 1:
        return slots
    middles = _middles(places)
    anchor = int(weight[:, main].argmax())
    for way in (range(anchor + 1, len(places)), range(anchor - 1, -1, -1)):
        slot, last, missed = main, middles[anchor, main], 0
        for t in way:
            nearest = _nearest(middles[t], slot, last, missed)
            slots[t] = slot if nearest is None else nearest
            if nearest is None:
                missed += 1
            else:
                slot, last, missed = nearest, middles[t, nearest], 0
    return slots


def told_of_several(scores: FloatArray) -> list[str]:
    """What is said of (T, P, K) scores that show more than one person: nothing, or one sentence."""
    crowded = int(((scores > 0).any(axis=2).sum(axis=1) > 1).sum())
    if crowded < _SEVERAL * len(scores) or not crowded:
        return []
    return [f"{crowded} of {len(scores)} frames show several people; one is followed, so see that it is the signer"]


def _middles(places: FloatArray) -> npt.NDArray[np.float64]:
    """(T, P, 2) mean of each person's points; NaN for an empty slot."""
    seen = ~np.isnan(places[..., :1])
    count = seen.sum(axis=2)
    total = np.where(seen, places, 0.0).sum(axis=2, dtype=np.float64)
    return np.where(count, total / np.maximum(count, 1), np.nan)


def _nearest(middles: npt.NDArray[np.float64], slot: int, last: npt.NDArray[np.float64], missed: int) -> int | None:
    """The slot in which the person stands now, given where it was; None where nobody is near enough."""
    far = np.linalg.norm(middles - last, axis=-1)
    far = np.where(np.isnan(far), np.inf, far)
    nearest = int(far.argmin())
    if np.isfinite(far[slot]) and (far[slot] <= _MOST_MOVED or far[nearest] >= _NEARER * far[slot]):
        return slot
    reach = min(_MOST_MOVED + _SPREAD_A_FRAME * missed, _MOST_SPREAD)
    return nearest if far[nearest] <= reach else None
