import numpy as np
import pytest
import torch

from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest
from signtalk.landmarks.augment import AugmentConfig
from signtalk.landmarks.features import derive
from signtalk.training.batches import EpochBatches, TrainingSet, even_odd_positions, span_mask, training_set
from signtalk.training.recipe import Recipe, ViewConfig
from signtalk.training.run import RunFolder


@pytest.fixture
def training(small_run: SmallRun) -> TrainingSet:
    manifest = load_manifest(small_run.data)
    run = RunFolder.open(small_run.run)
    return training_set(run.store(), run.split(manifest).records(manifest, "train"), Recipe.named("tiny"))


def changed(training: TrainingSet, **fields: object) -> TrainingSet:
    from dataclasses import replace

    return replace(training, **fields)


def test_a_batch_depends_on_its_place_alone(training: TrainingSet) -> None:
    members = [np.array([0, 1, 2]), np.array([3, 4, 5])]
    first, again = EpochBatches(training, members, epoch=3, rank=0), EpochBatches(training, members, epoch=3, rank=0)
    torch.testing.assert_close(first[1].features, again[1].features)
    for other in (EpochBatches(training, members, 4, 0), EpochBatches(training, members, 3, 1)):
        assert not torch.equal(other[1].features, first[1].features)
    assert len(first) == 2


def test_labels_words_and_texts_belong_to_the_clips(training: TrainingSet) -> None:
    members = np.array([4, 0])
    batch = training.batch(members, np.random.default_rng(0))
    assert batch.labels.tolist() == training.labels[members].tolist()
    for row, member in enumerate(members):
        words = training.tokenizer.encode(training.texts[member][0], add_special=False)
        assert batch.words[row].tolist()[: len(words)] == words
        spoken = training.tokenizer.decode(batch.tokens_out[row].tolist())
        assert spoken in {training.tokenizer.decode(training.tokenizer.encode(t)) for t in training.texts[member]}
        assert batch.tokens_in[row, 0] == 1


def test_without_augmentation_the_view_is_what_is_served(training: TrainingSet) -> None:
    plain = changed(training, augment=AugmentConfig.none(), views=ViewConfig())
    members = np.array([0, 3])
    view = plain.batch(members, np.random.default_rng(0))
    served, valid = training.store.features(training.which[members])
    np.testing.assert_allclose(view.features.numpy(), served, atol=1e-5)
    np.testing.assert_array_equal(view.valid.numpy(), valid)
    assert not view.masked.any()


def test_two_views_are_drawn_from_one_distribution_and_differ(training: TrainingSet) -> None:
    batch = changed(training, views=ViewConfig(num_views=2)).batch(np.arange(4), np.random.default_rng(0))
    assert len(batch.features) == len(batch.tokens_in) == 8
    assert batch.labels[:4].tolist() == batch.labels[4:].tolist()
    assert not torch.equal(batch.features[:4], batch.features[4:])


def test_even_and_odd_views_take_turns(training: TrainingSet) -> None:
    views = ViewConfig(num_views=2, kind="even-odd")
    plain = changed(training, augment=AugmentConfig.none(), views=views)
    batch = plain.batch(np.arange(3), np.random.default_rng(0))
    for parity in (0, 1):
        positions, valid = even_odd_positions(training.store, training.which[:3], parity)
        expected = derive(training.store.gather(training.which[:3], positions), valid, training.store.config)
        np.testing.assert_allclose(batch.features[3 * parity :][:3].numpy(), expected, atol=1e-5)


def test_even_and_odd_frames_are_the_clips_frames(training: TrainingSet) -> None:
    store = training.store
    for parity in (0, 1):
        positions, valid = even_odd_positions(store, training.which[:3], parity)
        last = store.num_frames[training.which[:3]] - 1
        assert (positions[:, 0] == parity).all()
        assert (positions[valid] >= 0).all()
        assert (positions.max(axis=1) <= last).all()
        assert (positions.max(axis=1) >= last - 1).all()


def test_span_masks_have_their_share_and_never_cover_padding() -> None:
    valid = np.arange(2000)[None] < np.array([2000, 1000])[:, None]
    masked = span_mask(valid, 0.2, 5, np.random.default_rng(0))
    assert not masked[1, 1000:].any()
    assert masked[0].mean() == pytest.approx(0.19, abs=0.04)
    runs = np.diff(np.flatnonzero(np.diff(np.pad(masked[0], 1).astype(int))))[::2]
    assert runs.min() >= 5
    assert not span_mask(valid, 0.0, 5, np.random.default_rng(0)).any()
