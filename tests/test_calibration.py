from dataclasses import replace

import numpy as np

from conftest import SmallRun
from signtalk.calibration import Trial, _chosen, _fit_spelling, _fit_written, calibrate, fit_scoring
from signtalk.encoding import Encoded
from signtalk.manifest import ClipRecord, load_manifest
from signtalk.recognizer import DecisionConfig, Recognizer, encode_all
from signtalk.runs import Run
from signtalk.scoring import ScoringConfig


def trained_clips(small_run: SmallRun) -> tuple[Recognizer, Encoded, tuple[ClipRecord, ...]]:
    """The small run's model over its index, with the training clips as queries."""
    run, manifest = Run.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.index(), DecisionConfig())
    records = run.split(manifest).records(manifest, "train")
    store = run.store()
    encoded = encode_all(recognizer.encoder, store, store.positions_of([record.clip_id for record in records]))
    return recognizer, encoded, records


def test_the_fitted_weights_are_no_worse_than_the_start(small_run: SmallRun) -> None:
    recognizer, encoded, records = trained_clips(small_run)
    exclude = [(record.clip_id,) for record in records]
    base = ScoringConfig(similarity_weight=1.0, prototype_weight=0.0, dtw_weight=0.0, text_weight=0.0)
    recognizer = recognizer.changed(decision=DecisionConfig(scoring=base))
    config, best, num_trials = fit_scoring(recognizer, encoded, records, exclude)

    def top1(scoring: ScoringConfig) -> float:
        scores = recognizer.changed(decision=DecisionConfig(scoring=scoring)).scores(encoded, exclude)
        return float((scores.ranks_of([record.text_key for record in records]) == 1).mean())

    assert best is not None
    assert num_trials == 3 * 50
    assert top1(config) >= top1(base) - 1 / len(records)  # ties of equal scores may fall either way
    assert abs(best.recall_at_1 - top1(config)) <= 1 / len(records)  # weighing anew is scoring anew
    assert (config.dtw_weight, config.dtw_scale) == (best.dtw_weight, best.dtw_scale)


def test_of_equally_good_settings_the_usual_one_is_taken() -> None:
    usual = ScoringConfig()
    far = Trial(1.0, 0.0, 0.0, usual.dtw_scale, 0.0, recall_at_1=0.91, mrr=0.95)
    near = Trial(0.2, 0.2, 0.4, usual.dtw_scale, 0.2, recall_at_1=0.90, mrr=0.93)
    poor = Trial(0.2, 0.2, 0.4, usual.dtw_scale, 0.2, recall_at_1=0.50, mrr=0.60)
    assert _chosen([far, near, poor], usual, num_queries=30) is near
    assert _chosen([far, near, poor], usual, num_queries=30_000) is far  # with so many clips a point is no chance
    assert _chosen([far, poor], usual, num_queries=30) is far


def test_translation_listens_to_the_frames_as_far_as_that_helps(small_run: SmallRun) -> None:
    recognizer, encoded, records = trained_clips(small_run)
    decision, found = _fit_spelling(recognizer, [(encoded, records)])
    assert set(found) == {"0.0", "0.3", "0.5", "0.7", "0.9", "1.0"}
    assert found[str(decision.spelling_weight)] <= min(found.values()) + 0.1
    silent = replace(encoded, word_log_probs=encoded.word_log_probs[..., :0])
    assert _fit_spelling(recognizer, [(silent, records)]) == (recognizer.decision, {})


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


def test_written_sentences_get_a_gate_only_where_clips_of_unseen_ones_prove_it(small_run: SmallRun) -> None:
    recognizer, encoded, records = trained_clips(small_run)
    unseen = {record.text_key for record in records[::2]}
    known = np.array([record.text_key not in unseen for record in records])
    parts = [
        (encoded.select(mask), tuple(record for record, kept in zip(records, mask, strict=True) if kept))
        for mask in (known, ~known)
    ]
    assert recognizer.text_space is not None
    recognizer = recognizer.changed(index=recognizer.index.without_sentences(unseen))
    motions = (np.full(9, 1.0, np.float32), np.zeros(0, np.float32))
    gate, report = _fit_written(recognizer, parts, motions, 0.9)
    assert 0 <= report["num_right"] <= report["num_queries"] <= len(records) + int((~known).sum())
    assert (gate is None) == (report["fallback"] is not None)
    assert _fit_written(recognizer, [parts[0], (None, ())], motions, 0.9)[0] is None
    recognizer.text_space = None
    found, why = _fit_written(recognizer, parts, motions, 0.9)
    assert found is None
    assert why["fallback"].startswith("the model has no text encoder")
