"""The ablation of smoothing: clips are smoothed as extraction would, and test clips are never asked."""

from dataclasses import replace

import numpy as np

import smoothing_ablation as ablation
from made.data_folder import data_folder
from signtalk.data.manifest import clip_of_record
from signtalk.data.splits import Split
from signtalk.extraction.smoothing import smooth


def test_clips_are_smoothed_and_nothing_else_changes(tmp_path):
    before = data_folder(tmp_path / "data")
    assert ablation.smoothed(before, None, tmp_path / "none") is before
    after = ablation.smoothed(before, ablation.SETTINGS["strong"], tmp_path / "strong")
    for old, new in zip(before.records, after.records, strict=True):
        a, b = clip_of_record(old), clip_of_record(new)
        assert replace(new, feature_path=old.feature_path) == old
        expected = smooth(a.landmarks, a.timestamps_s, ablation.SETTINGS["strong"])
        np.testing.assert_array_equal(b.landmarks, expected)
        assert np.nanmax(np.abs(b.landmarks - a.landmarks)) > 0


class Distances:
    """In the place of the yardstick: a clip's signer counts for more than what it says."""

    def distances(self, queries, references):
        return np.array(
            [[(q.signer_id != r.signer_id) + 0.5 * (q.text_key != r.text_key) for r in references] for q in queries]
        )


def test_validation_clips_alone_are_asked(tmp_path, monkeypatch):
    manifest = data_folder(tmp_path / "data")
    roles = {"val": manifest.records[:1], "train": manifest.records[1:6]}
    monkeypatch.setattr(Split, "records", lambda self, manifest, role: roles[role])
    everywhere, elsewhere = ablation.ranks(Distances(), manifest, Split.__new__(Split))
    assert (everywhere, elsewhere) == ([3], [1])  # of three texts the right one is by the other signer alone
    assert ablation.figures([1, 4]) == "R@1 0.500, MRR 0.625 (2 queries)"
