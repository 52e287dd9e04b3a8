"""Intervals from refits in halves: the genes' variation, and what they cover."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.estimators.half_refits import half_refits, interval
from precisionmed.estimators.lasso import LassoCox, LassoLogistic
from precisionmed.estimators.stability import StabilitySelection


def _labels(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    X = rng.normal(size=(n, 3))
    return X, (X @ [1.0, -0.5, 0.0] + rng.logistic(size=n) > 0).astype(int)


def test_the_halves_are_those_of_the_stability_selection():
    """With hardly any penalty the refits of both are the same, but for the ridge that one of them has."""
    rng = np.random.default_rng(0)
    X, y = _labels(rng, 400)
    found = StabilitySelection(LassoLogistic(), n_pairs=5, q=1, pfer=None, random_state=4).fit(X, y)
    used = np.flatnonzero(found.selected_)
    assert used.size
    refits = half_refits(LassoLogistic(lambda_=1e-4), X[:, used], y, n_pairs=5, random_state=4)
    np.testing.assert_allclose(refits, found.refits_, rtol=0.05)


def test_both_outcomes_and_no_gene_at_all():
    rng = np.random.default_rng(1)
    X, y = _labels(rng, 60)
    survival = pd.DataFrame({"event": y == 1, "time": rng.exponential(np.exp(-X[:, 0]))})
    for model, outcome in ((LassoLogistic(lambda_=0.01), y), (LassoCox(lambda_=0.01), survival)):
        assert half_refits(model, X, outcome, n_pairs=3, random_state=0).shape == (6, 3)
        assert half_refits(model, X[:, :0], outcome, n_pairs=3, random_state=0).shape == (6, 0)


@pytest.mark.slow
def test_interval_covers_the_truth():
    """Given genes, hardly any penalty: a little below 95%, as percentiles of resamples are."""
    rng, truth = np.random.default_rng(2), np.array([1.0, -0.5, 0.0])
    covered = []
    for seed in range(150):
        X, y = _labels(rng, 500)
        refits = half_refits(LassoLogistic(lambda_=1e-4), X, y, n_pairs=50, random_state=seed)
        lower, upper = interval(refits)
        covered.append((lower <= truth) & (truth <= upper))
    assert 0.92 < np.mean(covered) < 0.97
