import argparse
import itertools

import numpy as np
import pytest

from made.warping import dtw_distances
from prototype_search import CLIPS, PrototypeSearch, euclidean, plain_fastdtw
from speed import Asked, measure, peak_memory, run, section_of
from speed_references import FRAMES, MadeReferences, agreement


@pytest.mark.parametrize("frames", [(64, 64), (37, 64), (9, 5), (33, 21)])
def test_the_yardsticks_fastdtw_is_exact_at_these_lengths(frames):
    rng = np.random.default_rng(1)
    first, second = (rng.standard_normal((count, 5)).astype(np.float32).cumsum(axis=0) for count in frames)
    distance, path = plain_fastdtw(first, second, 6, euclidean)
    assert distance == pytest.approx(float(dtw_distances(first, second[None]).distances[0]), rel=1e-4)
    assert (path[0], path[-1]) == ((0, 0), (frames[0] - 1, frames[1] - 1))
    assert {(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(path)} <= {(0, 1), (1, 0), (1, 1)}


def test_the_yardstick_finds_a_clip_by_its_own_features(tmp_path):
    rng = np.random.default_rng(2)
    paths = [tmp_path / f"{n}.npy" for n in range(8)]
    for path in paths:
        np.save(path, rng.standard_normal((rng.integers(40, 90), 540)).astype(np.float32))
    ranked = PrototypeSearch.over(paths).answer(np.load(paths[3]))
    assert ranked[0][0] == 3 and len(ranked) == CLIPS
    assert sum(confidence for _, confidence in ranked) == pytest.approx(1)


def test_made_references_are_the_same_for_the_same_numbers_and_cluster_by_sentence():
    made = MadeReferences(300)
    index = next(made.parts())
    again = next(MadeReferences(300).parts())
    np.testing.assert_array_equal(index.embeddings, again.embeddings)
    np.testing.assert_array_equal(index.projections, again.projections)
    counts = np.bincount(made.sentences[2])
    assert len(index) == 300 and set(counts[:-1].tolist()) <= {2, 3, 4}
    assert [entry.text_key for entry in index.entries[:9]] == [made.text(s) for s in made.sentences[2][:9].tolist()]
    same, other = agreement(index.embeddings, made.sentences[2])
    assert 0.6 < same < 0.85 and other < same
    queries, said = made.queries(20)
    assert queries.projections.shape[:2] == (20, FRAMES)
    nearest = index.search(queries.embeddings, 1).rows[:, 0]
    assert np.mean(made.sentences[2][nearest] == said) > 0.8


def test_rows_are_asked_in_turn_and_the_first_times_do_not_count():
    asked = []
    rows = [Asked(name, 10, lambda n, name=name: asked.append((name, n)) or "7", ["7", "8"]) for name in "ab"]
    ticks = iter(range(1000))
    measure(rows, 2, lambda: float(next(ticks)))
    assert asked == [("a", 0), ("b", 0)] * 4 + [("a", 1), ("b", 1)]
    assert rows[0].seconds == [1, 1] and rows[0].right == [True, False]


def test_peak_memory_sees_what_is_held_meanwhile():
    held = []
    peak = peak_memory(lambda: held.append(np.ones(8_000_000)))
    assert peak > 40 or np.isnan(peak)  # 64 MB; NaN where the system does not tell


@pytest.mark.slow
def test_smoke(tmp_path):
    options = argparse.Namespace(
        sizes=[6, 60, 700], queries=2, baseline_queries=1, batch=8, packed_from=500, exact_up_to=300
    )
    rows = run(options, tmp_path)
    assert [row.num_references for row in rows] == [6, 6, 6, 6, 60, 700]
    assert all(len(row.seconds) in (1, 2) and min(row.seconds) > 0 for row in rows)
    assert all(np.mean(row.right) == 1 for row in rows[3:])
    assert "ivf" in rows[-1].name and "recall@10" in rows[-1].notes[0] and "clips/s" in rows[-1].batch
    section = section_of(rows, "the command", "about it")
    assert "| 700 |" in section and "p95 at 700 references over that at 60" in section
    assert (tmp_path / "700" / "index.json").exists()
