#!/usr/bin/env python3
"""Does smoothing of landmarks help? The untrained DTW yardstick on validation clips, with and without it.

    python benchmarks/smoothing_ablation.py asl_sentences --work runs/smoothing

Every clip of a suite is smoothed without delay, as `signtalk extract --smooth` does, with several settings. Of each
fold the validation clips are asked among its training clips: all of them, and those of other signers alone. Test
signers are never asked. What a trained model makes of smoothed clips is another question.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from dtw_baseline import DtwBaseline, sentence_ranks
from signtalk.data.manifest import Manifest, clip_of_record, load_manifest, write_manifest
from signtalk.data.splits import Split
from signtalk.extraction.smoothing import SmoothingConfig, smooth
from signtalk.landmarks.clip import save_clip
from suites import SPLITS, fold_splits, prepare, suite_named

SETTINGS: dict[str, SmoothingConfig | None] = {
    "none": None,
    "default": SmoothingConfig(),
    "strong": SmoothingConfig(min_cutoff_hz=1.0, beta=5.0),
    "very strong": SmoothingConfig(min_cutoff_hz=0.5, beta=1.0),
}


def smoothed(manifest: Manifest, config: SmoothingConfig | None, folder: Path) -> Manifest:
    """The same clips, smoothed, in a data folder of their own."""
    if config is None:
        return manifest
    records = []
    for record in manifest.records:
        clip, path = clip_of_record(record), folder / "clips" / f"{record.clip_id}.npz"
        save_clip(path, replace(clip, landmarks=smooth(clip.landmarks, clip.timestamps_s, config)))
        records.append(replace(record, feature_path=path.absolute()))
    write_manifest(folder, records)
    return load_manifest(folder)


def ranks(baseline: DtwBaseline, manifest: Manifest, split: Split) -> tuple[list[int], list[int]]:
    """Ranks of the right sentence among a fold's training clips for its validation clips.

    Returns:
        Among all clips, and among those of other signers than the query's; 0 = no clip of the sentence, left out.
    """
    queries, references = ([r for r in split.records(manifest, role) if not r.is_idle] for role in ("val", "train"))
    distances = baseline.distances(queries, references)
    asked, known = [q.text_key for q in queries], [r.text_key for r in references]
    other = np.array([[q.signer_id != r.signer_id for r in references] for q in queries])
    everywhere = sentence_ranks(distances, known, asked)
    elsewhere = sentence_ranks(np.where(other, distances, np.float32(np.inf)), known, asked)
    has_other = (other & (np.array(asked)[:, None] == np.array(known))).any(axis=1)
    return everywhere[everywhere > 0].tolist(), elsewhere[has_other].tolist()


def figures(found: list[int]) -> str:
    """R@1, MRR and the number of queries."""
    values = np.array(found)
    return f"R@1 {np.mean(values == 1):.3f}, MRR {np.mean(1 / values):.3f} ({len(values)} queries)"


def main() -> None:
    """Measure and print a line for each setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite")
    parser.add_argument("--work", type=Path, required=True, help="folder for clips and features")
    arguments = parser.parse_args()
    suite = suite_named(arguments.suite)
    manifest = prepare(suite, arguments.work / "data")
    for name, config in SETTINGS.items():
        clips = smoothed(manifest, config, arguments.work / name / "data")
        baseline = DtwBaseline(clips, arguments.work / name / "store")
        pairs = [ranks(baseline, clips, s) for s in fold_splits(arguments.suite, suite, manifest, SPLITS).values()]
        among_all, among_others = ([rank for pair in pairs for rank in pair[part]] for part in (0, 1))
        print(f"{name}: all {figures(among_all)}; other signers {figures(among_others)}", flush=True)


if __name__ == "__main__":
    main()
