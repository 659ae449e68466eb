"""Balanced batches: their laws on random tables, and what an epoch looks like."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signtalk.arrays import IntArray
from signtalk.training.sampling import ClassBalancedBatches

labellings = st.lists(st.integers(-1, 9), min_size=1, max_size=60).map(np.array)


@given(
    labels=labellings,
    sizes=st.tuples(st.integers(1, 12), st.integers(1, 12)).filter(lambda s: s[1] <= s[0]),
    world_size=st.integers(1, 3),
    seed=st.integers(0, 3),
)
@settings(max_examples=300, deadline=None)
def test_laws(labels: IntArray, sizes: tuple[int, int], world_size: int, seed: int) -> None:
    batch_size, clips_per_class = sizes
    signers = np.arange(len(labels)) % 3
    sampler = ClassBalancedBatches(labels, signers, batch_size, clips_per_class, seed)
    ranks = [sampler.batches(seed, rank, world_size) for rank in range(world_size)]
    assert {len(rank) for rank in ranks} == {sampler.num_batches(world_size)}
    batches = [batch for rank in ranks for batch in rank]
    expected_classes = min(batch_size // clips_per_class, len(set(labels.tolist())))
    for batch in batches:
        assert batch.shape == (batch_size,)
        assert batch.dtype == np.int64
        counts = Counter(labels[batch].tolist())
        assert sum(count >= clips_per_class for count in counts.values()) >= expected_classes
    assert set(np.concatenate(batches).tolist()) == set(range(len(labels)))


def test_an_epoch_of_even_classes_shows_every_clip_exactly_once() -> None:
    labels = np.repeat(np.arange(20), 4)
    sampler = ClassBalancedBatches(labels, batch_size=8, clips_per_class=2)
    batches = sampler.batches(epoch=0)
    assert len(batches) == sampler.num_batches() == 10
    assert Counter(np.concatenate(batches).tolist()) == dict.fromkeys(range(80), 1)
    assert all(sorted(Counter(labels[batch].tolist()).values()) == [2, 2, 2, 2] for batch in batches)


def test_no_class_has_two_shares_of_a_batch_though_one_has_half_of_all_clips() -> None:
    labels = np.array([0] * 30 + [1 + i // 3 for i in range(30)])
    for epoch in range(20):
        batches = ClassBalancedBatches(labels).batches(epoch)
        assert len(batches) == 15
        assert all(max(Counter(labels[batch].tolist()).values()) == 2 for batch in batches)


def test_a_class_of_one_clip_repeats_it() -> None:
    labels = np.arange(8)
    batches = ClassBalancedBatches(labels, batch_size=8, clips_per_class=2).batches(0)
    assert [sorted(Counter(batch.tolist()).values()) for batch in batches] == [[2, 2, 2, 2], [2, 2, 2, 2]]


def test_pairs_are_by_two_signers_wherever_that_is_possible() -> None:
    # 3 clips by one signer, 1 each by three others: every clip of the first can be paired with another's.
    labels, signers = np.repeat(np.arange(10), 6), np.tile([0, 0, 0, 1, 2, 3], 10)
    for epoch in range(20):
        for batch in ClassBalancedBatches(labels, signers).batches(epoch):
            pairs = batch.reshape(4, 2)
            assert (labels[pairs[:, 0]] == labels[pairs[:, 1]]).all()
            assert (signers[pairs[:, 0]] != signers[pairs[:, 1]]).all()


def test_a_filled_up_share_takes_another_signer_first() -> None:
    labels, signers = np.repeat(np.arange(10), 3), np.tile([0, 0, 1], 10)
    for epoch in range(20):
        for batch in ClassBalancedBatches(labels, signers).batches(epoch):
            pairs = batch.reshape(4, 2)
            assert (signers[pairs[:, 0]] != signers[pairs[:, 1]]).all()


def test_too_few_classes_get_larger_shares() -> None:
    labels = np.repeat([0, 1], 20)
    batches = ClassBalancedBatches(labels, batch_size=8, clips_per_class=2).batches(0)
    assert len(batches) == 5
    assert all(sorted(Counter(labels[batch].tolist()).values()) == [4, 4] for batch in batches)
    assert Counter(np.concatenate(batches).tolist()) == dict.fromkeys(range(40), 1)


def test_places_that_no_share_fits_are_filled_from_random_classes() -> None:
    labels = np.repeat(np.arange(30), 3)
    batches = ClassBalancedBatches(labels, batch_size=8, clips_per_class=3).batches(0)
    assert len(batches) == 15
    fills = np.concatenate([batch[6:] for batch in batches])
    assert len(set(labels[fills].tolist())) > 10
    firsts = np.concatenate([batch[:6] for batch in batches])
    assert Counter(firsts.tolist()) == dict.fromkeys(range(90), 1)


def test_an_epoch_is_decided_by_seed_and_number_alone() -> None:
    labels = np.repeat(np.arange(20), 3)
    first, again = ClassBalancedBatches(labels, seed=1), ClassBalancedBatches(labels, seed=1)
    again.batches(5)
    np.testing.assert_array_equal(first.batches(2), again.batches(2))
    assert not np.array_equal(first.batches(2), first.batches(3))
    assert not np.array_equal(first.batches(2), ClassBalancedBatches(labels, seed=2).batches(2))


def test_ranks_share_the_epoch_between_them() -> None:
    labels = np.repeat(np.arange(24), 2)
    sampler = ClassBalancedBatches(labels)
    parts = [sampler.batches(0, rank, 3) for rank in range(3)]
    assert [len(part) for part in parts] == [2, 2, 2]
    assert Counter(np.concatenate([batch for part in parts for batch in part]).tolist()) == dict.fromkeys(range(48), 1)


def test_classes_meet_others_within_an_epoch() -> None:
    # 10 classes of 40 clips: dealt without shuffling the laps, a class would meet the same few all along.
    labels = np.repeat(np.arange(10), 40)
    met = {frozenset(labels[batch].tolist()) for batch in ClassBalancedBatches(labels).batches(0)}
    assert len(met) > 25


def test_the_input_is_left_alone() -> None:
    labels, signers = np.array([3, 1, 3, 1, 2]), np.array([0, 1, 1, 0, 0])
    kept = labels.copy(), signers.copy()
    ClassBalancedBatches(labels, signers).batches(0)
    np.testing.assert_array_equal(labels, kept[0])
    np.testing.assert_array_equal(signers, kept[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": np.array([], dtype=np.int64)}, "at least one clip"),
        ({"labels": np.zeros((2, 2), dtype=np.int64)}, "expected \\(N,\\)"),
        ({"labels": np.array([1, 2]), "signers": np.array([1])}, "signers of shape \\(1,\\)"),
        ({"labels": np.array([1, 2]), "clips_per_class": 9}, "clips_per_class 9; expected 1 to batch_size 8"),
        ({"labels": np.array([1, 2]), "clips_per_class": 0}, "clips_per_class 0"),
    ],
)
def test_what_cannot_be_sampled_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassBalancedBatches(**arguments)


def test_a_rank_or_epoch_out_of_range_is_refused() -> None:
    sampler = ClassBalancedBatches(np.array([0, 1]))
    with pytest.raises(ValueError, match="rank 2 of 2"):
        sampler.batches(0, rank=2, world_size=2)
    with pytest.raises(ValueError, match="epoch -1"):
        sampler.batches(-1)
    with pytest.raises(ValueError, match="world_size 0"):
        sampler.num_batches(0)
