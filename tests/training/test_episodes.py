import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from made.alive import children_of, is_running
from made.records import made_record
from signtalk.data.packed import PackedClip, PackedClips
from signtalk.errors import DataError
from signtalk.synthetic.endless import NO_SIGN, EndlessConfig
from signtalk.training import episodes
from signtalk.training.episodes import MadeUpClips, RecordedClips, episode, make_pool, single_signs
from signtalk.training.pretrain_config import PretrainConfig

CONFIG = PretrainConfig(
    groups=4, people=2, pool_groups=6, pools=2, steps_per_pool=2, frame_counts=(12, 16), recorded_share=0.5
)
SCRIPT = """
import sys, time
sys.path[:0] = {paths!r}
from signtalk.training.episodes import MadeUpClips
from signtalk.training.pretrain_config import PretrainConfig
clips = MadeUpClips(PretrainConfig(groups=4, people=2, pool_groups={pool_groups}, frame_counts=(12,)))
clips._ask_for(0)
print("begun", flush=True)
time.sleep(60)
"""


def recorded(labels: str, signers: str) -> RecordedClips:
    rng = np.random.default_rng(0)
    shape = CONFIG.features.row_shape
    clips = tuple(PackedClip(f"c{i}", 9 * i, 9, 20.0, 1.0, "") for i in range(len(labels)))
    rows = rng.normal(size=(9 * len(labels), *shape)).astype(np.float16)
    records = [
        replace(made_record(f"say {label}", signer), clip_id=f"c{i}")
        for i, (label, signer) in enumerate(zip(labels, signers, strict=True))
    ]
    return RecordedClips([PackedClips(CONFIG.features, clips, rows)], [records], CONFIG)


def test_a_pool_holds_its_groups_and_the_parameters_of_each_frame() -> None:
    pool = make_pool(EndlessConfig(seed=1, people=2), CONFIG.features, 4, 3)
    assert set(pool.groups) == {4, 5, 6}
    assert len(pool.rows) == len(pool.phonology) == pool.num_frames.sum()
    assert pool.rows.shape[1:] == CONFIG.features.row_shape
    assert (pool.first_rows[1:] == pool.first_rows[:-1] + pool.num_frames[:-1]).all()
    assert (pool.phonology >= NO_SIGN).all()


def test_batches_of_made_up_clips_depend_on_the_step_alone() -> None:
    with MadeUpClips(CONFIG) as first, MadeUpClips(CONFIG) as second:
        at_once = [episode(CONFIG, first, None, step) for step in (0, 1, 5)]
        later = episode(CONFIG, second, None, 5)
    np.testing.assert_array_equal(at_once[2].features, later.features)
    assert not np.array_equal(at_once[0].features[:, :8], at_once[1].features[:, :8])
    for each in at_once:
        assert set(Counter(each.labels.tolist()).values()) == {CONFIG.people}
        assert len(np.unique(each.labels // 2)) == CONFIG.groups // 2, "pairs of near signs stay together"
        assert each.features.shape[1] in CONFIG.frame_counts and np.isfinite(each.features).all()
        assert each.features.shape[2] == CONFIG.features.num_features


def test_where_no_process_can_be_started_the_batches_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with MadeUpClips(CONFIG) as elsewhere:
        expected = episode(CONFIG, elsewhere, None, 1)
    monkeypatch.setattr(episodes, "start_workers", lambda _count, _at_end: None)
    with MadeUpClips(CONFIG) as here:
        np.testing.assert_array_equal(episode(CONFIG, here, None, 1).features, expected.features)


@pytest.mark.parametrize("pool_groups", [4, 100_000])
def test_the_process_that_makes_pools_ends_with_its_own_even_a_killed_one(pool_groups: int) -> None:
    """Idle, or amid a pool of hours; the script has no guard, as users' scripts have none."""
    script = SCRIPT.format(paths=[entry for entry in sys.path if entry], pool_groups=pool_groups)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "begun\n"
        children = children_of(parent.pid)
        parent.kill()
    assert children
    deadline = time.monotonic() + 20
    while any(is_running(process) for process in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [process for process in children if is_running(process)]
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert not left


def test_a_closed_source_of_clips_leaves_no_process_behind() -> None:
    with MadeUpClips(CONFIG.model_copy(update={"pool_groups": 100_000})) as clips:
        clips._ask_for(0)
        workers = list(clips._worker._processes)
        assert workers and all(map(is_running, workers))
    assert not any(map(is_running, workers))


def test_recorded_batches_take_different_people_first() -> None:
    clips = recorded("aabbaabb", "xxxxyyyy")
    rng = np.random.default_rng(0)
    for _ in range(5):
        batch = clips.batch(12, rng)
        assert Counter(batch.labels.tolist()) == {0: 2, 1: 2}
        assert (batch.phonology == NO_SIGN).all() and not batch.is_single.any()
    which, labels = clips._folders[0].draw(2, 2, rng)
    people = ["xxxxyyyy"[i] for i in which]
    assert all({people[i] for i in np.flatnonzero(labels == label)} == {"x", "y"} for label in (0, 1))


def test_a_folder_of_one_sentence_teaches_nothing() -> None:
    with pytest.raises(DataError, match="two sentences or more"):
        recorded("aaa", "xyz")


def test_a_clip_is_single_where_all_its_signing_frames_agree() -> None:
    rows = np.full((3, 4, 7), NO_SIGN, dtype=np.int64)
    rows[0, 1:3] = 2
    rows[1, 1], rows[1, 2] = 2, 3
    assert single_signs(rows).tolist() == [True, False, False]
