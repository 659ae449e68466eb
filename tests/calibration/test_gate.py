import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from made.evidence import MOVING, NO_IDLE, evidence_of, weights_of, whole_evidence
from signtalk.calibration.gate import fit_gate, least_words, query_counts
from signtalk.landmarks.clip import HOLISTIC, LandmarkClip, regular_timestamps
from signtalk.landmarks.features import FeatureConfig, extract_features
from signtalk.recognition.evidence import FIGURES
from signtalk.recognition.gate import GateConfig, confidences, decide
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips


def made_evidence(rng, num_right, num_wrong, gap=2.0):
    """Right answers lie `gap` standard deviations above wrong ones in every figure."""
    right = np.arange(num_right + num_wrong) < num_right
    shared, own = rng.standard_normal((len(right), 1)), rng.standard_normal((len(right), len(FIGURES)))
    latent = shared + own + gap * right[:, None]
    columns = {name: (0.5 + 0.05 * latent[:, i]).astype(np.float32) for i, name in enumerate(FIGURES)}
    return whole_evidence(columns, np.ones(len(right), np.bool_)), right


def test_the_shortest_sentence_that_was_right_counts():
    assert least_words(np.array([4.0, 2.0, 3.0])) == 2
    assert least_words(np.zeros(0)) == 1


def test_fitted_gate_tells_right_from_wrong_and_keeps_its_precision():
    rng = np.random.default_rng(0)
    evidence, right = made_evidence(rng, 300, 300)
    fit = fit_gate(evidence, right, np.full(5, 2.0), NO_IDLE, precision=0.95)
    decisions = decide(evidence, np.full(600, 3.0, np.float32), fit.config)
    accepted = np.array([d.accepted for d in decisions])
    assert fit.report.fallback is None
    assert fit.report.accepted.target_reached
    assert right[accepted].mean() >= 0.95
    assert fit.report.accepted.precision_found == pytest.approx(right[accepted].mean())
    assert fit.report.accepted.num_accepted == accepted.sum()
    assert fit.report.accepted.coverage_of_right == pytest.approx(accepted[right].mean())
    # No lower threshold keeps the precision by count and by confidence: the accepted part is as large as it can be.
    found = confidences(evidence, fit.config)
    for lower in np.unique(found[found < fit.config.threshold]):
        assert min(right[found >= lower].mean(), found[found >= lower].mean()) < 0.95
    fresh, fresh_right = made_evidence(np.random.default_rng(1), 2000, 2000)
    fresh_accepted = confidences(fresh, fit.config) >= fit.config.threshold
    assert fresh_right[fresh_accepted].mean() > 0.92
    reasons = {"", "low_similarity", "ambiguous_top2", "prototype_disagreement", "text_disagreement"}
    assert {d.reason for d in decisions} <= reasons


def test_weights_agree_with_unbounded_logistic_regression_where_none_would_be_negative():
    linear_model = pytest.importorskip("sklearn.linear_model")
    evidence, right = made_evidence(np.random.default_rng(2), 4000, 4000, gap=1.0)
    fit = fit_gate(evidence, right, np.ones(3), NO_IDLE, figures=FIGURES)
    raw = np.stack([getattr(evidence, name) for name in FIGURES], axis=1).astype(float)
    fitted = fit.config.logistic
    inputs = np.minimum((raw - np.array(fitted.typical)) / np.array(fitted.spread), 2.0)
    # The mean loss plus 0.005 |w|^2 is sklearn's sum of losses times C plus |w|^2 / 2 at C = 100 / N.
    other = linear_model.LogisticRegression(C=100 / len(right), tol=1e-8, max_iter=1000).fit(inputs, right)
    assert (other.coef_ > 0).all()
    np.testing.assert_allclose(fitted.weights, other.coef_[0], atol=2e-3)
    assert fit.config.bias == pytest.approx(other.intercept_[0], abs=2e-3)


def test_only_figures_that_compare_sentences_are_weighed_unless_told_otherwise():
    evidence, right = made_evidence(np.random.default_rng(3), 200, 200)
    weights = weights_of(fit_gate(evidence, right, np.ones(3), NO_IDLE).config)
    assert {name for name, weight in weights.items() if weight == 0} == {"similarity", "dtw_score", "centroid"}
    everything = weights_of(fit_gate(evidence, right, np.ones(3), NO_IDLE, figures=FIGURES).config)
    assert everything["similarity"] > 0


def test_a_figure_that_speaks_the_wrong_way_gets_no_weight():
    evidence, right = made_evidence(np.random.default_rng(3), 200, 200)
    turned = replace(evidence, margin=-evidence.margin)
    assert weights_of(fit_gate(turned, right, np.ones(3), NO_IDLE).config)["margin"] == 0
    assert all(weight >= 0 for weight in weights_of(fit_gate(turned, ~right, np.ones(3), NO_IDLE).config).values())


@pytest.mark.parametrize("name", ["margin", "centroid", "text_score"])
def test_a_figure_that_no_query_has_does_not_disturb_the_fit(name):
    evidence, right = made_evidence(np.random.default_rng(4), 100, 100)
    columns = {figure: getattr(evidence, figure) for figure in FIGURES} | {name: np.full(200, np.nan, np.float32)}
    fit = fit_gate(whole_evidence(columns, evidence.answered), right, np.ones(3), NO_IDLE, precision=0.9)
    assert np.isfinite(list(weights_of(fit.config).values())).all()
    assert fit.report.accepted.precision_found >= 0.9


def test_a_precision_out_of_reach_is_said_so():
    rng = np.random.default_rng(5)
    evidence, _ = made_evidence(rng, 0, 400)
    right = rng.random(400) < 0.3  # nothing in the evidence tells
    fit = fit_gate(evidence, right, np.ones(3), NO_IDLE, precision=0.98)
    assert not fit.report.accepted.target_reached
    assert not fit.config.precision_reached
    assert "0.98" in fit.config.note
    found = confidences(evidence, fit.config)
    assert not (found[~right] >= fit.config.threshold).any()  # a promise that cannot be kept lets nothing wrong through
    assert fit.report.accepted.num_accepted == (found >= fit.config.threshold).sum()
    assert fit.report.accepted.num_accepted > 0 or fit.report.accepted.precision_found is None


def test_one_lucky_clip_at_the_top_is_no_proof_of_precision():
    # 40 queries ordered by every figure alike: the first is right, then two wrong, then one in two.
    order = np.linspace(1, 0, 40)
    right = np.array([True, False, False] + [True, False] * 18 + [False])
    columns = {name: (0.5 + 0.2 * order).astype(np.float32) for name in FIGURES}
    fit = fit_gate(whole_evidence(columns, np.ones(40, np.bool_)), right, np.ones(3), NO_IDLE)
    assert not fit.report.accepted.target_reached
    assert fit.report.accepted.num_accepted <= 1


def test_wilson_bound_of_the_report():
    # 50 right and 50 wrong that never overlap: all 50 accepted ones right; 1 / (1 + z^2 / 50).
    evidence, right = made_evidence(np.random.default_rng(6), 50, 50, gap=40.0)
    report = fit_gate(evidence, right, np.ones(3), NO_IDLE).report
    assert (report.accepted.precision_found, report.accepted.coverage_of_right, report.accepted.num_accepted) == (
        1.0,
        1.0,
        50,
    )
    assert report.accepted.precision_lower_bound == pytest.approx(1 / (1 + 1.959964**2 / 50))


@pytest.mark.parametrize(("num_right", "num_wrong"), [(0, 0), (5, 5), (30, 0), (0, 30)])
def test_too_few_or_one_kind_refuses_everything_and_says_so(num_right, num_wrong):
    evidence, right = made_evidence(np.random.default_rng(7), num_right, num_wrong)
    fit = fit_gate(evidence, right, np.full(4, 0.3, np.float32), NO_IDLE)
    assert f"{num_right + num_wrong} queries, {num_right} right" in fit.report.fallback
    assert fit.config.motion_floor == pytest.approx(0.15)  # half of the slowest signing
    floor = fit.config.motion_floor
    assert fit.config == GateConfig(motion_floor=floor, fitted=False, precision_asked=0.98)
    assert "refused" in fit.config.note
    (decision,) = decide(evidence_of({"score": 1.0, "margin": 1.0}), MOVING, fit.config)
    assert (decision.accepted, decision.reason) == (False, "gate_not_fitted")


def test_unanswered_queries_take_no_part_in_the_fit():
    evidence, right = made_evidence(np.random.default_rng(8), 100, 100)
    answered = np.arange(200) % 10 > 0
    columns = {name: np.where(answered, getattr(evidence, name), np.float32(np.nan)) for name in FIGURES}
    with_gaps = fit_gate(whole_evidence(columns, answered), right, np.ones(3), NO_IDLE)
    without = fit_gate(evidence.select(answered), right[answered], np.ones(3), NO_IDLE)
    assert with_gaps.config == without.config
    assert with_gaps.report.num_queries == 180


@pytest.mark.parametrize(
    ("signing", "idle", "floor"),
    [
        ([0.3, 0.4, 1.0], [0.02, 0.04], 0.17),  # the middle of the gap
        ([0.3, 0.3, 0.3], [], 0.15),
        ([0.3, 0.6], [0.6, 1.0], 0.225),  # no speed tells them apart: no signing clip is given up for it
        ([0.3, 0.4, 1.0], [0.28, 0.1], 0.225),  # idle hands that move: a new signer's calm is let through
        ([1.0, 1.2, 3.0], [0.1, 0.2], 0.25),  # lively signers: calm ones are let through all the same
        ([1.0, 1.0, 1.0], [], 0.25),
        ([], [0.1], 0.1),
        ([0.0, 0.3, 0.4, *[1.0] * 9], [0.02, 0.04], 0.17),  # one clip in twelve shows no hands: it is refused
        ([0.0, 0.0, 0.3, 0.4, *[1.0] * 8], [0.02, 0.04], 0.0),  # two do: this network tells signs without hands
    ],
)
def test_motion_floor(signing, idle, floor):
    nothing = evidence_of({}).select(np.array([False]))
    fit = fit_gate(nothing, np.zeros(0, bool), np.array(signing, np.float32), np.array(idle, np.float32))
    assert fit.config.motion_floor == pytest.approx(floor, rel=0.02)
    assert fit.report.motion_floor == fit.config.motion_floor
    slow = np.array([speed for speed in signing if speed], dtype=np.float32)
    assert all(d.reason != "low_motion" for d in decide(evidence_of(*[{}] * len(slow)), slow, fit.config)) or idle


def test_config_goes_through_json_unchanged_and_refuses_what_it_does_not_know():
    evidence, right = made_evidence(np.random.default_rng(9), 60, 60)
    config = fit_gate(evidence, right, np.ones(3), NO_IDLE).config
    text = json.dumps(config.model_dump(), allow_nan=False)
    assert GateConfig.model_validate(json.loads(text)) == config
    for change in (
        {"weights": [1, 1, 1, 1, -0.1]},
        {"spread": [0.1, 0.1, 0.1, 0.1, 0.0]},
        {"typical": [0.1, 0.1]},
        {"bias": math.nan},
        {"motion_floor": math.inf},
        {"threshold": 1.1},
        {"mode": "strict"},
        {"margin": 0.1},
    ):
        with pytest.raises(ValidationError):
            GateConfig.model_validate(config.model_dump() | change)


def test_evidence_that_is_the_same_for_all_gives_a_gate_that_says_it_missed_its_precision():
    right = np.arange(40) % 2 == 0
    fit = fit_gate(evidence_of(*[{}] * 40), right, np.ones(3), NO_IDLE)
    assert not fit.report.accepted.target_reached
    assert fit.report.accepted.precision_found is None  # nothing is accepted


def test_counts_make_the_mixture_that_is_expected():
    known = np.array([True] * 6 + [False] * 2)
    counts = query_counts(known, 0.4)
    assert counts.sum() == pytest.approx(8)
    assert counts[~known].sum() / counts.sum() == pytest.approx(0.4)
    assert query_counts(np.ones(3, bool), 0.4).tolist() == [1, 1, 1]
    assert query_counts(np.zeros(0, bool), 0.4).tolist() == []


def test_a_query_that_was_drawn_from_three_counts_as_three_that_were_not():
    drawn = query_counts(np.array([True, True, False, False]), 0.4, np.array([3.0, 1, 2, 2]))
    every = query_counts(np.array([True] * 4 + [False] * 4), 0.4)
    assert drawn.tolist() == pytest.approx([2 * every[:3].sum() / 4, 2 * every[3] / 4, *[2 * every[4:6].sum() / 4] * 2])
    for known in (np.ones(3, bool), np.zeros(3, bool)):
        assert query_counts(known, 0.4, np.array([1, 1, 7.3])).mean() == pytest.approx(1)


def test_the_confidence_is_a_share_of_the_expected_mixture():
    evidence, right = made_evidence(np.random.default_rng(10), 400, 400, gap=1.0)
    for share in (0.1, 0.5):
        counts = query_counts(right, share)
        fit = fit_gate(evidence, right, np.ones(3), NO_IDLE, precision=0.9, counts=counts)
        assert np.average(confidences(evidence, fit.config), weights=counts) == pytest.approx(1 - share, abs=0.01)
        accepted = confidences(evidence, fit.config) >= fit.config.threshold
        assert np.average(right[accepted], weights=counts[accepted]) == fit.report.accepted.precision_found >= 0.9


@pytest.mark.slow
@pytest.mark.real
def test_a_floor_learned_from_made_up_signers_lets_real_calm_ones_pass_and_still_ones_not():
    made_up = SyntheticConfig(num_sentences=16, num_signers=3, num_idle=20)
    speeds = [(e.clip_id, extract_features(e.clip, FeatureConfig()).motion) for e in generate_clips(made_up)]
    idle = np.array([speed for name, speed in speeds if name.startswith("idle")], np.float32)
    signing = np.array([speed for name, speed in speeds if not name.startswith("idle")], np.float32)
    nothing = evidence_of({}).select(np.array([False]))
    floor = fit_gate(nothing, np.zeros(0, bool), signing, idle).config.motion_floor
    real, rest = real_speeds("asl_words_3signers", "s02")
    assert (real >= floor).mean() >= 0.99
    assert np.percentile(rest, 10) < floor
    assert (idle < floor).mean() >= 0.5
    for signer in ("s01", "s03"):
        assert (real_speeds("asl_words_3signers", signer)[0] >= floor).mean() >= 0.97


def real_speeds(name, signer):
    """Hand speeds of one person's clips of a real set: signing, and at rest."""
    folder = Path(os.environ.get("SIGNTALK_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (folder / f"{name}.npz").is_file():
        pytest.skip(f"{folder}: no {name}.npz; SIGNTALK_DATA names the folder of the real clips")
    with np.load(folder / f"{name}.npz") as arrays:
        raw, ends = arrays["landmarks"].astype(np.float32) / arrays["scale"], arrays["offsets"]
        wanted = np.flatnonzero(arrays["signer"] == signer)
        speeds = {True: [], False: []}
        for clip in wanted.tolist():
            pose = raw[ends[clip] : ends[clip + 1], :132].reshape(-1, 33, 4)
            hands = raw[ends[clip] : ends[clip + 1], 132:258].reshape(len(pose), -1, 3)
            points = np.full((len(pose), len(HOLISTIC.names), 3), np.nan, np.float32)
            points[:, :33], points[:, 33:75] = pose[..., :3], hands
            points[~np.nan_to_num(points).any(axis=2)] = np.nan  # not detected
            read = LandmarkClip(points, pose[..., 3], regular_timestamps(len(pose), 20.0), None)
            speeds[str(arrays["label"][clip]) == "_rest"].append(extract_features(read, FeatureConfig()).motion)
    return np.array(speeds[False]), np.array(speeds[True])
