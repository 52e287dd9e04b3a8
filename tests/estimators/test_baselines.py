"""Baselines of a signature."""

from __future__ import annotations

import numpy as np
import pandas as pd

from precisionmed.estimators import metrics
from precisionmed.estimators.baselines import BestGene, RandomGenes
from precisionmed.estimators.lasso import LassoCox, LassoCoxCV, LassoLogistic, LassoLogisticCV


def _cohort():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 40)) * rng.uniform(0.5, 4, 40)
    X[:, 7] = 2.0  # constant
    z = X[:, 5] / X[:, 5].std()
    y = (rng.random(90) < 1 / (1 + np.exp(2 * z))).astype(int)
    survival = pd.DataFrame({"event": rng.random(90) < 0.8, "time": rng.exponential(np.exp(1.5 * z))})
    return X, y, survival


def test_best_gene_is_the_first_on_the_path():
    X, y, survival = _cohort()
    for model, outcome, path in ((BestGene(), y, LassoLogistic), (BestGene(), survival, LassoCox)):
        model.fit(X, outcome)
        assert np.flatnonzero(model.coef_).tolist() == [5]
        steepest = path(lambda_=0.2).fit(X, outcome)
        assert steepest.coef_[5] != 0
        assert np.sign(steepest.coef_[5]) == np.sign(model.coef_[5])


def test_best_gene_ranks_samples():
    X, y, survival = _cohort()
    assert metrics.auc(y, BestGene().fit(X, y).predict(X)) > 0.75
    risk = BestGene().fit(X, survival).predict(X)
    assert metrics.concordance(survival.time, survival.event, risk) > 0.65


def test_best_of_constant_genes_says_nothing():
    assert not BestGene().fit(np.ones((10, 3)), np.arange(10) % 2).predict(np.ones((2, 3))).any()


def test_random_genes_are_as_many_as_asked_and_reproducible():
    X, y, survival = _cohort()
    for inner, outcome in ((LassoLogisticCV(random_state=1), y), (LassoCoxCV(random_state=1), survival)):
        first, second = (RandomGenes(inner, 12, random_state=3).fit(X, outcome) for _ in range(2))
        assert first.genes_.size == 12
        np.testing.assert_array_equal(first.predict(X), second.predict(X))
        assert RandomGenes(inner, 99, random_state=3).fit(X, outcome).genes_.size == 40
