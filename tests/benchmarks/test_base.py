"""With which weights the base decides."""

import pytest

import base
from base import best_decision
from made.taught_sets import RECOGNIZER, taught


@pytest.fixture(autouse=True)
def _two_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_WEIGHTS", ((0.45, 0.45, 0.1), (0.05, 0.05, 0.9)))
    monkeypatch.setattr(base, "_SCALES", (0.5,))
    monkeypatch.setattr(base, "LESSONS", 12)


@pytest.mark.parametrize(("vectors", "frames", "best"), [(0.5, 4.0, 0.1), (4.0, 0.5, 0.9)])
def test_the_weights_are_those_by_which_most_is_answered(vectors: float, frames: float, best: float) -> None:
    sets = [taught(name, vectors, seed, frame_noise=frames) for seed, name in enumerate("abc")]
    assert best_decision(RECOGNIZER, sets).scoring.dtw_weight == best


def test_weights_whose_promise_is_proven_go_before_those_that_answer_more(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = base.fit_promise

    def only_the_second(decision, outcomes, precision):  # type: ignore[no-untyped-def]
        fitted, without = fit(decision, outcomes, precision)
        gate = fitted.gate.model_copy(update={"precision_reached": decision.scoring.dtw_weight == 0.9})
        return fitted.model_copy(update={"gate": gate}), without

    monkeypatch.setattr(base, "fit_promise", only_the_second)
    sets = [taught(name, 0.5, seed, frame_noise=4.0) for seed, name in enumerate("abc")]
    assert best_decision(RECOGNIZER, sets).scoring.dtw_weight == 0.9


def test_the_weights_that_answer_most_go_before_those_that_rank_best(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(without, outcomes):  # type: ignore[no-untyped-def]
        ranks_best = next(iter(without.values())).scoring.dtw_weight == 0.9
        return [{"recall_at_1": 0.9 if ranks_best else 0.8, "answered": 0.4 if ranks_best else 0.5}] * len(without)

    monkeypatch.setattr(base, "left_out_coverage", told)
    sets = [taught(name, 0.5, seed, frame_noise=0.5) for seed, name in enumerate("abc")]
    assert best_decision(RECOGNIZER, sets).scoring.dtw_weight == 0.1


@pytest.mark.parametrize(("behind", "weight"), [(0.001, 0.1), (0.2, 0.9)])
def test_the_usual_weights_stay_where_no_others_are_clearly_better(
    behind: float, weight: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(without, outcomes):  # type: ignore[no-untyped-def]
        is_usual = next(iter(without.values())).scoring.dtw_weight == 0.1
        return [{"recall_at_1": 0.9, "answered": 0.5 - behind if is_usual else 0.5}] * len(without)

    monkeypatch.setattr(base, "_USUAL", ((0.45, 0.45, 0.1), 0.5))
    monkeypatch.setattr(base, "left_out_coverage", told)
    sets = [taught(name, 0.5, seed, frame_noise=0.5) for seed, name in enumerate("abc")]
    assert best_decision(RECOGNIZER, sets).scoring.dtw_weight == weight
