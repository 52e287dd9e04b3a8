"""Metrics against R's survival package, closed forms and brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from precisionmed.errors import InputError
from precisionmed.estimators import metrics

REFERENCE = Path(__file__).parents[1] / "reference" / "metrics"


def test_auc_counts_pairs_with_ties_half():
    assert metrics.auc([0, 0, 1, 1], [1.0, 2.0, 2.0, 3.0]) == pytest.approx(3.5 / 4)
    assert metrics.auc([0, 1], [0.0, 0.0]) == 0.5


def test_auc_within_strata_compares_no_pair_across_them():
    truth, strata = [0, 1, 0, 1], [0, 0, 1, 1]
    score = [0.0, 1.0, 10.0, 11.0]
    assert metrics.auc(truth, score) == 0.75
    assert metrics.auc(truth, score, strata=strata) == 1.0


def test_auc_refuses_one_class_and_missing_scores():
    with pytest.raises(InputError, match="cases and controls"):
        metrics.auc([1, 1], [0.0, 1.0])
    with pytest.raises(InputError, match="missing"):
        metrics.auc([0, 1], [np.nan, 1.0])
    with pytest.raises(InputError, match="truth must be 0 or 1"):
        metrics.auc([1, 2], [0.0, 1.0])


def test_delong_variance_equals_its_definition():
    rng = np.random.default_rng(1)
    cases, controls = rng.normal(1, 1, 30).round(1), rng.normal(0, 1, 40).round(1)
    kernel = (cases[:, None] > controls) + 0.5 * (cases[:, None] == controls)
    variance = kernel.mean(1).var(ddof=1) / 30 + kernel.mean(0).var(ddof=1) / 40
    estimate, lower, upper = metrics.auc_interval(np.repeat([1, 0], [30, 40]), np.append(cases, controls))
    assert estimate == pytest.approx(kernel.mean())
    assert upper - lower == pytest.approx(2 * norm.ppf(0.975) * np.sqrt(variance))


def test_delong_covers_the_true_auc():
    rng = np.random.default_rng(2)
    truth = np.repeat([1, 0], [40, 60])
    true_auc = norm.cdf(1 / np.sqrt(2))
    intervals = np.array([metrics.auc_interval(truth, rng.normal(truth, 1)) for _ in range(400)])
    covered = np.mean((intervals[:, 1] <= true_auc) & (true_auc <= intervals[:, 2]))
    assert 0.92 < covered < 0.975


def test_repeats_of_a_subject_do_not_narrow_the_interval():
    rng = np.random.default_rng(3)
    truth, score = np.repeat([1, 0], 25), rng.normal(size=50)
    once = metrics.auc_interval(truth, score)
    twice = metrics.auc_interval(
        np.tile(truth, 2), np.tile(score, 2), strata=np.repeat([0, 1], 50), subject=np.tile(np.arange(50), 2)
    )
    np.testing.assert_allclose(once, twice)


@pytest.mark.parametrize(("score", "estimate"), [([0, 0, 1, 1], 1.0), ([1, 1, 0, 0], 0.0)])
def test_interval_stays_honest_without_delong_variance(score, estimate):
    found, lower, upper = metrics.auc_interval([0, 0, 1, 1], score)
    assert found == estimate
    assert upper - lower > 0.3
    assert lower <= found <= upper


def test_a_constant_score_ranks_by_chance_with_certainty():
    assert metrics.auc_interval([0, 0, 1, 1], [1] * 4) == (0.5, 0.5, 0.5)
    assert metrics.concordance_interval([1, 2, 3, 4], [1, 1, 1, 0], [1] * 4, 1) == (0.5, 0.5, 0.5)


def test_concordance_equals_r():
    data = pd.read_csv(REFERENCE / "concordance_data.csv")
    expected = pd.read_csv(REFERENCE / "concordance.csv").set_index("case")["concordance"]
    c = metrics.concordance(data.time, data.event, data.risk)
    within = metrics.concordance(data.time, data.event, data.risk, strata=data.stratum)
    assert c == pytest.approx(expected["all"], abs=1e-12)
    assert within == pytest.approx(expected["strata"], abs=1e-12)


def test_concordance_equals_counting_every_pair():
    rng = np.random.default_rng(4)
    time, event, risk = rng.integers(1, 9, 40), rng.integers(0, 2, 40), rng.integers(0, 6, 40)
    won = pairs = 0.0
    for i in range(40):
        for j in range(40):
            if event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
                pairs += 1
                won += (risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j])
    assert metrics.concordance(time, event, risk) == pytest.approx(won / pairs, abs=1e-12)


def test_concordance_without_comparable_pairs_is_nan():
    assert np.isnan(metrics.concordance([1, 2], [0, 0], [0, 1]))


def test_concordance_interval_is_reproducible_and_holds_the_estimate():
    rng = np.random.default_rng(5)
    risk = rng.normal(size=150)
    time, event = rng.exponential(np.exp(-risk)), rng.random(150) < 0.7
    first = metrics.concordance_interval(time, event, risk, 7)
    assert first == metrics.concordance_interval(time, event, risk, 7)
    estimate, lower, upper = first
    assert lower < estimate < upper
    assert 0.03 < upper - lower < 0.2


def test_wilson_interval_solves_its_equation():
    p, lower, upper = metrics.proportion_interval(7, 25)
    for bound in (lower, upper):
        assert abs(p - bound) == pytest.approx(norm.ppf(0.975) * np.sqrt(bound * (1 - bound) / 25))
    assert metrics.proportion_interval(0, 10)[1] == 0
    assert metrics.proportion_interval(10, 10)[2] == pytest.approx(1)
    assert np.isnan(metrics.proportion_interval(0, 0)).all()


def test_accuracy_and_kappa():
    a, b = ["x"] * 20 + ["y"] * 15, ["x"] * 15 + ["y"] * 5 + ["x"] * 5 + ["y"] * 10
    assert metrics.accuracy_interval(a, b)[0] == pytest.approx(25 / 35)
    expected = (20 * 20 + 15 * 15) / 35**2
    assert metrics.cohen_kappa(a, b) == pytest.approx((25 / 35 - expected) / (1 - expected))
    assert np.isnan(metrics.cohen_kappa(["x"], ["x"]))


def test_brier():
    assert metrics.brier([0, 1], [0.5, 0.5]) == 0.25
    assert metrics.brier([0, 1], [0.0, 1.0]) == 0


def test_calibration_bins_hold_everyone_and_keep_ties_together():
    rng = np.random.default_rng(6)
    prob = rng.random(203)
    truth = rng.random(203) < prob
    table = metrics.calibration_table(truth, prob)
    assert list(table.columns) == ["predicted", "observed", "n"]
    assert table.n.sum() == 203
    assert table.n.max() - table.n.min() <= 2
    assert (np.diff(table.predicted) > 0).all()
    assert (table.observed * table.n).sum() == pytest.approx(truth.sum())
    tied = metrics.calibration_table([0, 1, 1, 0], [0.3] * 4)
    assert tied.to_numpy().tolist() == [[pytest.approx(0.3), 0.5, 4]]


def test_roc_table_encloses_the_auc():
    rng = np.random.default_rng(7)
    truth, score = rng.integers(0, 2, 60), rng.normal(size=60).round(1)
    roc = metrics.roc_table(truth, score)
    assert roc.iloc[0].tolist() == [0, 0]
    assert roc.iloc[-1].tolist() == [1, 1]
    area = np.trapezoid(roc.true_positive_rate, roc.false_positive_rate)
    assert area == pytest.approx(metrics.auc(truth, score))
