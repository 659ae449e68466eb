"""A person who changes slots is followed; two people are not mixed."""

import numpy as np

from signtalk.data.slots import followed_slots, told_of_several


def people(*ways: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, P, 5, 2) points around the places (T,) of each, NaN = not there, and their scores."""
    middles = np.stack(ways, axis=1)
    offsets = np.linspace(-0.05, 0.05, 5)
    places = np.stack([middles[..., None] + offsets, np.full((*middles.shape, 5), 0.5)], axis=-1)
    places[np.isnan(middles)] = np.nan
    return places.astype(np.float32), (~np.isnan(places[..., 0])).astype(np.float32)


def there(num: int, place: float, frames: slice = slice(None)) -> np.ndarray:
    way = np.full(num, np.nan)
    way[frames] = place
    return way


def test_one_slot_is_one_person() -> None:
    assert followed_slots(*people(there(5, 0.4, slice(2, 4)))).tolist() == [0] * 5


def test_a_person_who_changes_slots_is_followed_both_ways() -> None:
    first, second = there(30, 0.5, slice(0, 14)), there(30, 0.5, slice(14, 30))
    assert followed_slots(*people(first, second)).tolist() == [0] * 14 + [1] * 16
    third = there(30, 0.52, slice(20, 30))
    second[20:] = np.nan
    assert followed_slots(*people(first, second, third)).tolist() == [0] * 14 + [1] * 6 + [2] * 10


def test_a_person_who_stays_is_not_left_for_another() -> None:
    stays, other = there(30, 0.3), there(30, 0.7)
    assert set(followed_slots(*people(stays, other)).tolist()) == {0}
    gone = stays.copy()
    gone[10:14] = np.nan  # for a moment, while the other stands far away
    other[:5] = np.nan
    assert followed_slots(*people(gone, other)).tolist() == [0] * 30


def test_two_people_who_exchange_slots_are_told_apart_by_where_they_stand() -> None:
    one, other = there(20, 0.3), there(20, 0.7)
    one[10:], other[10:] = 0.7, 0.3
    scores = people(one, other)
    assert followed_slots(*scores).tolist() == [0] * 10 + [1] * 10


def test_nobody_at_all() -> None:
    assert followed_slots(*people(there(3, 0.5, slice(0, 0)), there(3, 0.5, slice(0, 0)))).tolist() == [0] * 3


def test_several_people_are_told_where_they_are_more_than_ghosts() -> None:
    _, two = people(there(20, 0.3), there(20, 0.6, slice(0, 5)))
    assert told_of_several(two) == ["5 of 20 frames show several people; one is followed, so see that it is the signer"]
    _, ghost = people(there(20, 0.3), there(20, 0.6, slice(0, 1)))
    assert told_of_several(ghost) == [] and told_of_several(two[:, :1]) == []
