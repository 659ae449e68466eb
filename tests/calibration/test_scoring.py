import numpy as np

from made.answers import trained_clips
from made.small_run import SmallRun
from signtalk.calibration.scoring import Trial, _chosen, _Compared, _ranks, fit_scoring
from signtalk.recognition.asked import Asked
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.recognition.scoring import ScoringConfig


def test_the_fitted_weights_are_no_worse_than_the_start(small_run: SmallRun) -> None:
    recognizer, asked = trained_clips(small_run)
    base = ScoringConfig(similarity_weight=1.0, prototype_weight=0.0, dtw_weight=0.0, text_weight=0.0)
    recognizer = recognizer.changed(decision=DecisionConfig(scoring=base))
    config, best, num_trials = fit_scoring(recognizer, asked)

    def top1(scoring: ScoringConfig) -> float:
        scores = recognizer.changed(decision=DecisionConfig(scoring=scoring)).rank(asked.encoded, asked.own_ids)
        return float((scores.ranks_of(asked.keys) == 1).mean())

    assert best is not None
    assert num_trials == 3 * 50
    assert top1(config) >= top1(base) - 1 / len(asked.records)  # ties of equal scores may fall either way
    assert abs(best.recall_at_1 - top1(config)) <= 1 / len(asked.records)  # weighing anew is scoring anew
    assert (config.dtw_weight, config.dtw_scale) == (best.dtw_weight, best.dtw_scale)


def test_weighing_anew_gives_the_ranks_of_scoring_anew(small_run: SmallRun) -> None:
    """With a look at three sentences alone: what was not looked at stands behind what was, under all weights."""
    recognizer, asked = trained_clips(small_run)
    three = recognizer.decision.scoring.model_copy(update={"rerank_sentences": 3})
    ranking = recognizer.changed(decision=DecisionConfig(scoring=three)).rank(asked.encoded, asked.own_ids)
    compared = _Compared.of(ranking, asked.keys, 3)
    settings = [((0.1, 0.1, 0.5), 0.5), ((0.2, 0.2, 0.2), 0.1), ((0.5, 0.5, 0.0), 0.5)]  # all look at the same three
    is_looked_at = (compared.ranks > 0) & (compared.ranks <= 3)
    assert is_looked_at.any() and not is_looked_at.all()
    for (weights, scale), found in zip(settings, _ranks(compared, settings), strict=True):
        names = ("similarity_weight", "prototype_weight", "dtw_weight", "dtw_scale", "text_weight")
        values = (*weights, scale, round(1 - sum(weights), 6))
        scoring = three.model_copy(update=dict(zip(names, values, strict=True)))
        anew = recognizer.changed(decision=DecisionConfig(scoring=scoring)).rank(asked.encoded, asked.own_ids)
        np.testing.assert_array_equal(found[is_looked_at], anew.ranks_of(asked.keys)[is_looked_at])
        np.testing.assert_array_equal(found[compared.ranks > 3], compared.ranks[compared.ranks > 3])
        assert np.isinf(found[compared.ranks == 0]).all()
    nobody = np.full((1, 3), np.nan)
    left_out = _Compared(np.zeros(1, np.int64), np.zeros((1, 3), np.bool_), nobody, nobody, nobody, nobody)
    assert np.isinf(_ranks(left_out, settings)).all()


def test_of_equally_good_settings_the_usual_one_is_taken() -> None:
    usual = ScoringConfig()
    far = Trial(1.0, 0.0, 0.0, usual.dtw_scale, 0.0, recall_at_1=0.91, mrr=0.95)
    near = Trial(0.2, 0.2, 0.4, usual.dtw_scale, 0.2, recall_at_1=0.90, mrr=0.93)
    poor = Trial(0.2, 0.2, 0.4, usual.dtw_scale, 0.2, recall_at_1=0.50, mrr=0.60)
    assert _chosen([far, near, poor], usual, num_queries=30) is near
    assert _chosen([far, near, poor], usual, num_queries=30_000) is far  # with so many clips a point is no chance
    assert _chosen([far, poor], usual, num_queries=30) is far


def test_with_too_few_clips_nothing_is_tried(small_run: SmallRun) -> None:
    recognizer, asked = trained_clips(small_run)
    few = Asked(asked.records[:9], asked.encoded.select(np.arange(9)), asked.motions[:9])
    assert fit_scoring(recognizer, few) == (recognizer.decision.scoring, None, 0)
