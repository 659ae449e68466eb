from pathlib import Path

import numpy as np
import pytest

from made.data_folder import data_folder
from signtalk.data.global_stats import STATS_NAME, write_global_stats
from signtalk.data.manifest import clip_of_record
from signtalk.errors import DataError
from signtalk.files import load_arrays
from signtalk.landmarks.legacy_rows import frame_motion, prototype_rows_of


def test_statistics_are_those_of_all_frames_of_the_given_clips(tmp_path: Path) -> None:
    records = data_folder(tmp_path / "data").records[:5]
    path = write_global_stats(tmp_path / "data", records)
    assert path == tmp_path / "data" / STATS_NAME
    stats = load_arrays(path)
    clips = [prototype_rows_of(clip_of_record(record)) for record in records]
    rows = np.concatenate(clips).astype(np.float64)
    np.testing.assert_allclose(stats["feature_mean"], rows.mean(axis=0), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(stats["feature_std"], np.sqrt(np.maximum(rows.var(axis=0), 1e-8)), rtol=1e-5, atol=1e-4)
    assert stats["seq_lengths"].tolist() == [record.num_frames for record in records]
    assert stats["seq_lengths"].dtype == np.int32
    np.testing.assert_allclose(stats["motion_means"], [frame_motion(clip).mean() for clip in clips], rtol=1e-6)


def test_no_clip_gives_no_statistics(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no clips to make {STATS_NAME} of"):
        write_global_stats(tmp_path, [])
