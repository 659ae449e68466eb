import numpy as np

from conftest import SmallRun
from signtalk.calibration import calibrate, fit_scoring
from signtalk.manifest import load_manifest
from signtalk.recognizer import DecisionConfig, encode_all
from signtalk.runs import Run
from signtalk.scoring import ScoringConfig, score_sentences


def test_the_fitted_weights_are_no_worse_than_the_start(small_run: SmallRun) -> None:
    run, manifest = Run.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.index(), DecisionConfig())
    records = run.split(manifest).records(manifest, "train")
    store = run.store()
    encoded = encode_all(recognizer.encoder, store, store.positions_of([record.clip_id for record in records]))
    exclude = [(record.clip_id,) for record in records]
    base = ScoringConfig(similarity_weight=1.0, prototype_weight=0.0, dtw_weight=0.0)
    config, trials = fit_scoring(encoded, records, recognizer.index, exclude, base)

    def top1(scoring: ScoringConfig) -> float:
        scores = score_sentences(encoded, recognizer.index, scoring, exclude)
        return float((scores.ranks_of([record.text_key for record in records]) == 1).mean())

    assert top1(config) >= top1(base) - 1 / len(records)  # ties of equal scores may fall either way
    best = max(trials, key=lambda trial: (trial.recall_at_1, trial.mrr, trial.margin))
    assert (config.dtw_weight, config.dtw_scale) == (best.dtw_weight, best.dtw_scale)
    assert abs(config.similarity_weight + config.prototype_weight + config.dtw_weight - 1) < 1e-6


def test_too_few_clips_keep_the_start_and_say_so(small_run: SmallRun) -> None:
    run, manifest = Run.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.index(), DecisionConfig())
    split = run.split(manifest)
    decision, report = calibrate(recognizer, manifest, split, run.store())
    if report["num_val"] < 10:
        assert decision.scoring == ScoringConfig()
        assert report["scoring"] == "kept: too few validation clips"
    assert decision.gate.motion_floor > 0
    assert np.isfinite(decision.gate.threshold)
    assert report["split_hash"] == split.hash
