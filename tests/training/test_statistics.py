import numpy as np

from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest
from signtalk.files import load_arrays
from signtalk.landmarks.features import standardised_columns
from signtalk.training.batches import training_set
from signtalk.training.names import STATISTICS_NAME
from signtalk.training.recipe import Recipe
from signtalk.training.run import RunFolder
from signtalk.training.statistics import fit_statistics


def test_they_are_mean_and_spread_of_all_valid_frames(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    store, records = run.store(), run.split(manifest).records(manifest, "train")
    training = training_set(store, records, Recipe.named("tiny"))
    features, valid = store.features(training.which)
    frames = features[valid].astype(np.float64)
    stats = fit_statistics(training, clips_at_once=7)  # what is fitted in parts is fitted to all
    columns = standardised_columns(store.config)
    np.testing.assert_allclose(stats.feature_mean[columns], frames.mean(axis=0)[columns], atol=1e-6)
    spread = np.maximum(frames.std(axis=0), 0.02)
    np.testing.assert_allclose(stats.feature_std[columns], spread[columns], rtol=1e-5)
    assert set(stats.feature_mean[~columns]) == {0.0}
    assert set(stats.feature_std[~columns]) == {1.0}
    assert set(stats.to_arrays()) == {"feature_mean", "feature_std", "seq_lengths", "motion_means"}
    assert stats.seq_lengths.tolist() == store.num_frames[training.which].tolist()


def test_the_model_and_the_file_of_a_run_hold_the_same(small_run: SmallRun) -> None:
    stats = load_arrays(small_run.run / STATISTICS_NAME)
    model = RunFolder.open(small_run.run).checkpoint.model
    np.testing.assert_array_equal(model.feature_mean.numpy(), stats["feature_mean"])
    np.testing.assert_array_equal(model.feature_std.numpy(), stats["feature_std"])
