import faiss
import numpy as np
import pytest

from signtalk.errors import ArtifactError
from signtalk.index.nearest import EngineReport, build_engine, exact_neighbours, open_engine, recall_of


def clustered(num, width=32, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((num // 4, width))
    vectors = centres[np.arange(num) // 4] + 0.5 * rng.standard_normal((num, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def queries_near(vectors, num=50, seed=9):
    rng = np.random.default_rng(seed)
    moved = vectors[:num].astype(np.float32) + 0.1 * rng.standard_normal((num, vectors.shape[1]))
    return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)


def by_sorting(vectors, queries, k):
    return np.argsort(-(queries @ vectors.astype(np.float32).T), axis=1, kind="stable")[:, :k]


def test_few_vectors_are_searched_exactly_and_nothing_is_written(tmp_path):
    vectors = clustered(400)
    report = build_engine(vectors, tmp_path / "vectors.faiss")
    assert report == EngineReport()
    assert not (tmp_path / "vectors.faiss").exists()
    queries = queries_near(vectors)
    rows, similarities = open_engine(vectors, report, tmp_path / "vectors.faiss").search(queries, 7)
    np.testing.assert_array_equal(rows, by_sorting(vectors, queries, 7))
    expected = np.take_along_axis(queries @ vectors.astype(np.float32).T, rows, axis=1)
    np.testing.assert_allclose(similarities, expected, atol=1e-6)


def test_many_vectors_are_found_through_lists_as_often_as_was_measured(tmp_path):
    vectors = clustered(4000)
    path = tmp_path / "vectors.faiss"
    report = build_engine(vectors, path, exact_up_to=1000)
    assert report.kind == "ivf" and 4 <= report.num_probes <= report.num_lists == 128
    assert report.num_queries == 300 and report.recall >= 0.98
    engine = open_engine(vectors, report, path)
    queries = queries_near(vectors)
    rows, similarities = engine.search(queries, 10)
    assert recall_of(rows, by_sorting(vectors, queries, 10)) >= 0.95
    assert (np.diff(similarities, axis=1) <= 0).all()
    # The order is that of the vectors themselves, not of their bytes.
    np.testing.assert_allclose(similarities, np.vecdot(vectors[rows].astype(np.float32), queries[:, None]), atol=1e-6)


@pytest.mark.parametrize("exact_up_to", [10_000, 1000])
def test_only_what_is_allowed_is_found(tmp_path, exact_up_to):
    vectors = clustered(4000)
    path = tmp_path / "vectors.faiss"
    engine = open_engine(vectors, build_engine(vectors, path, exact_up_to), path)
    allowed = np.arange(4000) % 3 == 0
    queries = queries_near(vectors)
    rows, _ = engine.search(queries, 5, allowed)
    places = np.flatnonzero(allowed)
    assert allowed[rows].all()
    assert recall_of(rows, places[by_sorting(vectors[places], queries, 5)]) >= 0.9
    rows, similarities = engine.search(queries, 5, np.arange(4000) == 7)
    assert set(rows[:, 0].tolist()) <= {7, -1} and (rows[:, 1:] == -1).all()
    assert np.isneginf(similarities[:, 1:]).all()


def test_more_lists_are_looked_into_where_neighbours_lie_apart(tmp_path):
    rng = np.random.default_rng(1)
    scattered = rng.standard_normal((4000, 32))
    scattered = (scattered / np.linalg.norm(scattered, axis=1, keepdims=True)).astype(np.float16)
    hard = build_engine(scattered, tmp_path / "a", exact_up_to=1000)
    easy = build_engine(clustered(4000), tmp_path / "b", exact_up_to=1000)
    assert hard.recall >= 0.98 and hard.num_probes > easy.num_probes


def test_vectors_that_lie_in_few_directions_are_searched_in_these(tmp_path):
    flat = clustered(4000)
    basis = np.linalg.qr(np.random.default_rng(3).standard_normal((256, 32)))[0].T
    away = 0.5 * np.ones(256) / 16  # a mean far from 0, as of encoders whose vectors share a direction
    vectors = flat.astype(np.float64) @ basis + away
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    sizes = {}
    for name, each in {"few": vectors, "all": clustered(4000, width=256)}.items():
        report = build_engine(each, tmp_path / name, exact_up_to=1000)
        assert report.recall >= 0.99
        sizes[name] = (tmp_path / name).stat().st_size
        queries = queries_near(each)
        rows, _ = open_engine(each, report, tmp_path / name).search(queries, 10)
        assert recall_of(rows, by_sorting(each, queries, 10)) >= 0.98
    assert sizes["few"] < sizes["all"] / 3


def test_an_index_of_an_earlier_version_is_still_searched(tmp_path):
    """Its lists held all directions."""
    vectors = clustered(4000)
    lists = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(32), 32, 64, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    lists.train(vectors.astype(np.float32))
    lists.add(vectors.astype(np.float32))
    faiss.write_index(lists, str(tmp_path / "old"))
    report = EngineReport(kind="ivf", num_lists=64, num_probes=64)
    rows, _ = open_engine(vectors, report, tmp_path / "old").search(queries_near(vectors), 10, np.arange(4000) != 0)
    assert recall_of(rows[1:], by_sorting(vectors, queries_near(vectors), 10)[1:]) >= 0.98 and (rows != 0).all()


def test_an_engine_of_other_vectors_or_a_damaged_one_is_refused(tmp_path):
    vectors = clustered(2000)
    path = tmp_path / "vectors.faiss"
    report = build_engine(vectors, path, exact_up_to=1000)
    with pytest.raises(ArtifactError, match="2000 vectors of 32 numbers; expected"):
        open_engine(vectors[:1999], report, path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ArtifactError, match="no readable FAISS index"):
        open_engine(vectors, report, path)
    with pytest.raises(ArtifactError, match="no readable FAISS index"):
        open_engine(vectors, report, tmp_path / "none")


def test_no_vector_and_no_query_give_nothing(tmp_path):
    none = np.zeros((0, 8), dtype=np.float16)
    engine = open_engine(none, build_engine(none, tmp_path / "a"), tmp_path / "a")
    assert engine.search(np.ones((2, 8), dtype=np.float32), 5)[0].shape == (2, 0)
    some = clustered(8, width=8)
    assert open_engine(some, EngineReport(), tmp_path / "a").search(np.zeros((0, 8), np.float32), 5)[0].shape == (0, 5)


def test_exact_neighbours_over_blocks_equal_sorting():
    vectors = clustered(400)
    queries = queries_near(vectors)
    np.testing.assert_array_equal(exact_neighbours(vectors, queries, 5, block=150), by_sorting(vectors, queries, 5))


def test_recall_counts_the_true_ones_that_were_found():
    assert recall_of(np.array([[1, 2, 9]]), np.array([[2, 3]])) == 0.5
    assert recall_of(np.zeros((0, 3), int), np.zeros((0, 2), int)) == 1.0
