"""No result depends on the unit of the outcome or of a gene, nor on where a gene's zero lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import ElasticNet

from precisionmed.estimators import (
    LassoCox,
    LassoLinear,
    LassoLinearCV,
    LassoLogistic,
    LassoMultinomial,
    LogisticScreen,
    ModeratedScreen,
    NearestCentroid,
    ReceptorClassifier,
    TwoComponentMixture,
)
from precisionmed.estimators.baselines import BestGene, ResidualRidge
from precisionmed.estimators.gene_ranking import ability_to_correlate

N = 80
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 30))
Y = 2 * X[:, 0] - X[:, 3] + RNG.normal(size=N)
LABEL = (Y > 0).astype(int)
THREE = np.digitize(Y, [-1, 1])
SURVIVAL = pd.DataFrame({"event": np.arange(N) % 4 > 0, "time": RNG.exponential(np.exp(-X[:, 0]))})
FOLDS = np.arange(N) % 5
FACTOR = np.r_[np.ones(5), 0.0, np.ones(24)]
UNITS = [1e-12, 1e-9, 1e-7, 1e-3, 1e3, 1e6, 1e9]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("free", [None, FACTOR])
@pytest.mark.parametrize("offset", [None, X[:, 3]])
def test_the_unit_of_a_measured_outcome_is_that_of_its_coefficients(
    unit: float, adaptive: bool, free: Any, offset: Any
) -> None:
    """The plain LASSO: 1e-5, beside the solver's tolerance; powers of ten are not exact."""

    def fitted(scale: float) -> LassoLinearCV:
        model = LassoLinearCV(rule="min", adaptive=adaptive, penalty_factor=free)
        known = None if offset is None else offset * scale
        return model.fit(X, Y * scale, folds=FOLDS, offset=known)

    here, there = fitted(1.0), fitted(unit)
    assert np.count_nonzero(here.coef_) > 0
    np.testing.assert_allclose(there.coef_ / unit, here.coef_, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(there.lambda_ / unit, here.lambda_, rtol=1e-6)
    np.testing.assert_allclose(there.cv_mean_.min() / unit**2, here.cv_mean_.min(), rtol=1e-5)


@pytest.mark.parametrize("unit", UNITS)
def test_one_penalty_scales_with_the_outcome(unit: float) -> None:
    here = LassoLinear(0.2, adaptive=True).fit(X, Y)
    there = LassoLinear(0.2 * unit, adaptive=True).fit(X, Y * unit)
    np.testing.assert_allclose(there.coef_ / unit, here.coef_, rtol=1e-5, atol=1e-6)


def test_the_adaptive_lasso_finds_what_the_criterion_by_hand_finds() -> None:
    """n log(RSS / n) + df log n + 2 gamma log(p choose df), Chen and Chen 2008: the true genes remain."""
    model = LassoLinearCV(rule="min", adaptive=True).fit(X, 1000 * Y, folds=FOLDS)
    assert set(np.flatnonzero(model.coef_)) == {0, 3}


def test_elastic_net_is_that_of_scikit_learn() -> None:
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    ours = LassoLinear(0.3, alpha=0.2, tolerance=1e-9).fit(standard, Y).coef_
    theirs = ElasticNet(alpha=0.3, l1_ratio=0.2, tol=1e-12, max_iter=10**6).fit(standard, Y).coef_
    np.testing.assert_allclose(ours, theirs, atol=1e-7)


MODELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "LassoLinear": lambda X: LassoLinear(0.1).fit(X, Y).predict(X),
    "LassoLogistic": lambda X: LassoLogistic(0.05).fit(X, LABEL).decision_function(X),
    "LassoLogistic, adaptive": lambda X: LassoLogistic(0.05, adaptive=True).fit(X, LABEL).predict_proba(X),
    "LassoMultinomial": lambda X: LassoMultinomial(0.05).fit(X, THREE).predict_proba(X),
    "LassoCox": lambda X: LassoCox(0.05).fit(X, SURVIVAL).predict(X),
    "ReceptorClassifier": lambda X: ReceptorClassifier(random_state=1).fit(X, LABEL).decision_function(X),
    "ModeratedScreen": lambda X: np.sign(ModeratedScreen().fit(X, LABEL).statistic_),
    "LogisticScreen": lambda X: LogisticScreen().fit(X, LABEL).statistic_,
    "BestGene": lambda X: np.flatnonzero(BestGene().fit(X, LABEL).coef_),
    "ResidualRidge": lambda X: X @ (coef := ResidualRidge().fit(X, LABEL).coef_) - X.mean(axis=0) @ coef,
    "ability_to_correlate": ability_to_correlate,
}


@pytest.mark.parametrize("name", MODELS)
def test_each_gene_has_its_own_unit(name: str) -> None:
    """Genes of sizes 1e-9 to 1e9 side by side: standardized, they are what they were."""
    units = np.resize([1e-9, 1e-5, 1.0, 1e4, 1e9], X.shape[1])
    np.testing.assert_allclose(MODELS[name](X * units), MODELS[name](X), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("name", MODELS)
def test_where_zero_lies_does_not_matter(name: str) -> None:
    np.testing.assert_allclose(MODELS[name](X + 100), MODELS[name](X), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("unit", UNITS)
def test_centroids_and_mixtures_have_no_unit(unit: float) -> None:
    here, there = (NearestCentroid(random_state=1).fit(X * u, LABEL) for u in (1.0, unit))
    np.testing.assert_allclose(there.correlations(X * unit), here.correlations(X), atol=1e-9)
    values = np.r_[X[:, 0], X[:40, 1] + 6]
    one, other = (TwoComponentMixture().fit(values * u) for u in (1.0, unit))
    np.testing.assert_allclose(other.threshold_ / unit, one.threshold_, rtol=1e-6)
