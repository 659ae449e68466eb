"""The untrained yardstick: the nearest clip by DTW of landmarks, under the protocols of the trained models.

    Manifest -> DtwBaseline -> (as a `Measure`) FoldResult

A frame is wrists, elbows, nose and finger tips relative to the chest in shoulder widths, and the finger tips once
more relative to their own wrist in palm lengths; a clip is stretched over 64 frames. DTW is exact (no band), the
distance of two clips the sum of Euclidean frame distances along the best path: divided by the path's length it
is a worse measure (R@1 0.440 instead of 0.570 on asl_sentences), because detours come cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from folds import Figures, FoldResult, Job, Query, code_version, machine, rank_figures
from signtalk.arrays import FloatArray, IntArray
from signtalk.data.manifest import ClipRecord, Manifest
from signtalk.data.packed import pack_clips
from signtalk.evaluation.protocols import first_of_each
from signtalk.files import sha256_text
from signtalk.landmarks.clip import LEFT_HAND_NAMES, RIGHT_HAND_NAMES
from signtalk.landmarks.features import FeatureConfig
from signtalk.recognition.dtw import dtw_by_row

DTW_NAME = "dtw"
DTW_FEATURES = FeatureConfig(num_frames=64, num_differences=0)
_TIPS = tuple(name for name in LEFT_HAND_NAMES + RIGHT_HAND_NAMES if name.endswith("_tip"))
_POINTS = ("left_wrist", "right_wrist", "left_elbow", "right_elbow", "nose", *_TIPS)


class DtwBaseline:
    """Every clip of a data folder as rows of landmarks, read once for all folds."""

    def __init__(self, manifest: Manifest, store: Path) -> None:
        self._manifest, self._store = manifest, store

    @cached_property
    def _clips(self) -> tuple[FloatArray, dict[str, int]]:
        """(N, 64, P) and the row of each clip; clips that cannot be used have none."""
        store = pack_clips(self._manifest.records, DTW_FEATURES, self._store)
        columns = yardstick_columns()
        blocks = [
            store.features(np.arange(start, min(start + 256, len(store.clips))))[0][..., columns]
            for start in range(0, len(store.clips), 256)
        ]
        return np.concatenate(blocks), {clip.clip_id: row for row, clip in enumerate(store.clips)}

    def distances(self, queries: Sequence[ClipRecord], references: Sequence[ClipRecord]) -> FloatArray:
        """(Q, R) sum of frame distances along the best path."""
        clips, row_of = self._clips
        asked = clips[[row_of[record.clip_id] for record in queries]]
        rows = np.array([[row_of[record.clip_id] for record in references]], dtype=np.int64)
        lengths = np.full(len(clips), clips.shape[1], dtype=np.int64)
        valid = np.ones(asked.shape[:2], dtype=np.bool_)
        return dtw_by_row(asked, valid, clips, lengths, np.repeat(rows, len(asked), axis=0)).distances

    def _ranked(self, queries: Sequence[ClipRecord], references: Sequence[ClipRecord]) -> list[int]:
        distances = self.distances(queries, references)
        ranks = sentence_ranks(distances, [r.text_key for r in references], [q.text_key for q in queries])
        return [int(rank) for rank in ranks]

    def __call__(self, job: Job) -> FoldResult:
        """Ask the test clips of a fold against its training clips, and the unseen sentences after enrolment."""
        records = {
            role: [r for r in job.split.records(job.manifest, role) if r.clip_id in self._clips[1]]
            for role in ("train", "test", "test_unknown", "enroll")
        }
        asked, train = records["test"], records["train"]
        ranks = self._ranked(asked, train)
        queries = tuple(
            Query(key=record.text_key, signer=record.signer_id, rank=rank)
            for record, rank in zip(asked, ranks, strict=True)
        )
        enrolled = {}
        for k in (1, 2) if records["test_unknown"] else ():
            added = [records["enroll"][row] for row in first_of_each(records["enroll"], k, seed=0)]
            found = self._ranked(records["test_unknown"], train + added)
            enrolled[f"enrolled_{k}"] = float(np.mean([rank == 1 for rank in found]))
        return FoldResult(
            fold=job.fold,
            seed=0,
            split_hash=job.split.hash,
            code=code_version(),
            machine=machine(),
            best_epoch=None,
            figures=Figures(**rank_figures(queries), **enrolled),
            queries=queries,
        )


def dtw_model() -> str:
    """Name and hash of what is measured."""
    return f"{DTW_NAME}-{sha256_text(DTW_FEATURES.model_dump_json())[:8]}"


def sentence_ranks(distances: FloatArray, reference_keys: Sequence[str], query_keys: Sequence[str]) -> IntArray:
    """(Q,) rank of each query's sentence by its closest clip, 1 = best, equal ones by name; 0 = no clip of it."""
    sentences, class_of = np.unique(np.array(reference_keys), return_inverse=True)
    closest = np.full((len(distances), len(sentences)), np.inf, dtype=np.float32)
    for number in range(len(sentences)):
        closest[:, number] = distances[:, class_of == number].min(axis=1)
    order = np.argsort(closest, axis=1, kind="stable")
    hits = sentences[order] == np.array(query_keys)[:, None]
    return np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, 0).astype(np.int64)


def yardstick_columns() -> IntArray:
    """Columns of `features.derive` that a frame is compared by."""
    names = [*DTW_FEATURES.layout.names, *(f"{name} local" for name in LEFT_HAND_NAMES + RIGHT_HAND_NAMES)]
    points = np.array([names.index(name) for name in (*_POINTS, *(f"{tip} local" for tip in _TIPS))], dtype=np.int64)
    width = DTW_FEATURES.num_coordinates
    return (points[:, None] * width + np.arange(width)).reshape(-1)
