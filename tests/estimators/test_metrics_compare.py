"""Paired comparisons of two models: R's numbers, closed forms, and the level when neither is better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators import metrics
from precisionmed.estimators.metrics import proportion_interval
from precisionmed.estimators.metrics_compare import (
    auc_difference,
    concordance_difference,
    independent_difference,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "metrics"


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "paired_auc_data.csv")


def test_paired_delong_equals_proc(data):
    expected = pd.read_csv(REFERENCE / "paired_auc.csv").iloc[0]
    found = auc_difference(data["truth"], data["first"], data["second"])
    assert found.estimate == pytest.approx(expected["first"] - expected["second"], rel=1e-10)
    assert (found.lower, found.upper) == pytest.approx((expected["lower"], expected["upper"]), rel=1e-10)
    assert found.p == pytest.approx(expected["p"], rel=1e-10)


def test_repeated_rows_of_a_subject_count_once(data):
    twice = pd.concat([data, data])
    found = auc_difference(
        twice["truth"],
        twice["first"],
        twice["second"],
        strata=np.repeat([0, 1], len(data)),
        subject=np.tile(np.arange(len(data)), 2),
    )
    once = auc_difference(data["truth"], data["first"], data["second"])
    assert (found.estimate, found.p) == pytest.approx((once.estimate, once.p), rel=1e-12)


def test_scores_of_different_folds_are_not_compared(data):
    """A shift between folds changes nothing."""
    fold = np.arange(len(data)) % 3
    plain, moved = (
        auc_difference(data["truth"], data["first"] + shift, data["second"], strata=fold)
        for shift in (0, 100 * fold)
    )
    assert plain == moved
    assert moved != auc_difference(data["truth"], data["first"] + 100 * fold, data["second"])


def test_equal_models_do_not_differ(data):
    found = auc_difference(data["truth"], data["first"], data["first"])
    assert (found.estimate, found.lower, found.upper, found.p) == (0, 0, 0, 1)
    time = 1.0 + np.arange(len(data))
    found = concordance_difference(time, data["truth"], data["first"], data["first"], 0, 50)
    assert (found.estimate, found.lower, found.upper, found.p) == (0, 0, 0, 1)


def test_without_variance_there_is_no_p():
    truth = np.repeat([0, 1], 5)
    found = auc_difference(truth, truth, np.zeros(10))
    assert found.estimate == 0.5
    assert np.isnan([found.lower, found.upper, found.p]).all()


def test_concordance_difference_is_that_of_the_two_indices_and_symmetric():
    rng = np.random.default_rng(3)
    risk = rng.normal(size=(2, 120))
    time = rng.exponential(np.exp(-risk[0]))
    event, fold = rng.random(120) < 0.7, np.arange(120) % 4
    found = concordance_difference(time, event, *risk, 5, 300, strata=fold)
    one, other = (metrics.concordance(time, event, r, strata=fold) for r in risk)
    assert found.estimate == pytest.approx(one - other, rel=1e-12)
    assert 0 < found.lower < found.estimate < found.upper
    assert found.p == pytest.approx(2 / 301)
    back = concordance_difference(time, event, *risk[::-1], 5, 300, strata=fold)
    expected = (-found.estimate, -found.upper, -found.lower, found.p)
    assert (back.estimate, back.lower, back.upper, back.p) == pytest.approx(expected)


def test_widening_leaves_the_estimate_and_stretches_the_interval(data):
    risk, time = data[["first", "second"]].to_numpy().T, 1.0 + np.arange(len(data))
    for compare in (
        lambda widen: auc_difference(data["truth"], *risk, widen=widen),
        lambda widen: concordance_difference(time, data["truth"], *risk, 3, 200, widen=widen),
    ):
        plain, wide = compare(1.0), compare(2.0)
        assert wide.estimate == plain.estimate
        assert wide.lower - wide.estimate == pytest.approx(2 * (plain.lower - plain.estimate))
        assert wide.upper - wide.estimate == pytest.approx(2 * (plain.upper - plain.estimate))
        assert wide.p > plain.p


def test_missing_scores_are_an_input_error(data):
    with pytest.raises(InputError, match="missing"):
        auc_difference(data["truth"], data["first"], np.full(len(data), np.nan))


def _rejections(n_seeds: int, n_boot: int) -> np.ndarray:
    """Share of p below 5% for AUC and C-index when two scores are equally good, and correlated."""
    rng = np.random.default_rng(1)
    rejected = np.zeros(2)
    for _ in range(n_seeds):
        signal, shared, *own = rng.normal(size=(4, 80))
        first, second = (signal + 0.7 * shared + noise for noise in own)
        truth = signal + rng.normal(size=80) > 0.3
        rejected[0] += auc_difference(truth, first, second).p < 0.05
        time, event = rng.exponential(np.exp(-signal)), rng.random(80) < 0.7
        rejected[1] += concordance_difference(time, event, first, second, rng, n_boot).p < 0.05
    return rejected / n_seeds


def test_level_of_the_paired_tests():
    """5% within three Monte Carlo standard errors (400 draws)."""
    error = np.sqrt(0.05 * 0.95 / 400)
    assert (np.abs(_rejections(400, 200) - 0.05) < 3 * error).all()


def test_difference_of_proportions_is_newcombes():
    """56/70 against 48/80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    found = independent_difference(proportion_interval(56, 70), proportion_interval(48, 80))
    assert found.estimate == pytest.approx(0.2)
    assert (round(found.lower, 4), round(found.upper, 4)) == (0.0524, 0.3339)
    assert found.p < 0.05
    back = independent_difference(proportion_interval(48, 80), proportion_interval(56, 70))
    assert (back.estimate, back.lower, back.upper) == pytest.approx((-0.2, -found.upper, -found.lower))
    assert back.p == pytest.approx(found.p)


def test_difference_of_equal_or_unknown_estimates():
    same = (0.5, 0.4, 0.6)
    assert independent_difference(same, same).p == 1
    assert np.isnan(independent_difference((0.7, np.nan, np.nan), same).p)
