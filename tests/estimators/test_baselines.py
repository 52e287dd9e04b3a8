"""Baselines of a signature."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.estimators import metrics
from precisionmed.estimators.baselines import (
    BestGene,
    RandomGenes,
    ResidualRidge,
    against_random,
    random_signatures,
)
from precisionmed.estimators.crossval import cross_validate_models
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


def test_residual_ridge_is_ridge_with_the_best_leave_one_out_penalty():
    X, y, survival = _cohort()
    X = X[:, :8]  # one of them constant
    for outcome, residual in ((y, y - y.mean()), (survival, None)):
        model = ResidualRidge(n_penalties=7).fit(X, outcome)
        if residual is None:
            hazard = [
                sum(1 / (survival.time >= t).sum() for t in survival.time[survival.event] if t <= own)
                for own in survival.time
            ]
            residual = survival.event.to_numpy() - np.array(hazard)
        Z = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)

        def solve(rows, penalty, Z=Z, residual=residual):
            design = np.column_stack([np.ones(rows.size), Z[rows]])
            ridge = penalty * np.diag([0.0] + [1.0] * 8)
            return np.linalg.solve(design.T @ design + ridge, design.T @ residual[rows])

        everyone = np.arange(90)
        errors = {}
        for penalty in 90 * np.logspace(-3, 3, 7):
            beta = [solve(np.delete(everyone, i), penalty) for i in everyone]
            errors[penalty] = sum((residual[i] - b[0] - Z[i] @ b[1:]) ** 2 for i, b in enumerate(beta))
        best = min(errors, key=errors.get)
        assert model.penalty_ == pytest.approx(best)
        coef = model.coef_ * X.std(axis=0)
        np.testing.assert_allclose(coef, solve(everyone, best)[1:], rtol=1e-8, atol=1e-12)


def test_a_signature_is_placed_among_random_ones():
    X, y, survival = _cohort()
    X = np.column_stack([X, np.random.default_rng(1).normal(size=(90, 400))])
    for outcome in (y, survival):
        models = {"best": BestGene(), **random_signatures(3, 60, 2)}
        results = cross_validate_models(models, X, outcome, random_state=0)
        placed = against_random(results.pop("best"), results.values(), outcome)
        assert placed.random.size == 60
        assert abs(placed.random.mean() - 0.5) < 0.1
        assert placed.p == (1 + (placed.random >= placed.estimate).sum()) / 61
        assert placed.p < 0.1
        assert placed.percentile > 90


def test_ties_count_against_the_signature():
    X, y, _ = _cohort()
    results = cross_validate_models(random_signatures(3, 4, 5), X, y, random_state=0)
    placed = against_random(results["random 1"], [results["random 1"]] * 3, y)
    assert (placed.p, placed.percentile) == (1, 50)
