"""The LASSO engine: losses against R and numerical derivatives, stationarity on random problems."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precisionmed.estimators._lasso_path import Problem, Walk
from precisionmed.kernels.lasso_losses import (
    BINOMIAL,
    COX_BRESLOW,
    COX_EFRON,
    loss_terms,
    saturated_loss,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "lasso"
FAMILIES = [BINOMIAL, COX_BRESLOW, COX_EFRON]


def _blocks(time: np.ndarray) -> np.ndarray:
    return np.append(np.flatnonzero(np.append(True, np.diff(time) > 0)), time.size)


def _loss(family, eta, target, weight, block):
    residual, curvature = np.empty((2, eta.size))
    return loss_terms(family, eta, target, weight, block, residual, curvature), residual, curvature


@pytest.mark.parametrize(("ties", "family"), [("breslow", COX_BRESLOW), ("efron", COX_EFRON)])
def test_partial_likelihood_equals_coxph_with_ties_and_weights(ties, family):
    data = pd.read_csv(REFERENCE / "ties_data.csv").astype(float)
    expected = pd.read_csv(REFERENCE / "ties.csv").set_index("ties")["loglik"][ties]
    eta = 0.7 * data.x.to_numpy()
    loss, _, _ = _loss(
        family, eta, data.event.to_numpy(), data.weight.to_numpy(), _blocks(data.time.to_numpy())
    )
    assert -loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_residual_is_minus_the_derivative_and_curvature_bounds_the_second(family):
    rng = np.random.default_rng(family)
    n = 25
    time = np.sort(rng.integers(1, 9, n)).astype(float)
    block, target = _blocks(time), rng.integers(0, 2, n).astype(float)
    weight, eta = rng.choice([0.0, 0.5, 1.0], n), rng.normal(size=n)
    _, residual, curvature = _loss(family, eta, target, weight, block)
    h = 1e-5
    hessian = np.empty((n, n))
    for i in range(n):
        up, down = eta.copy(), eta.copy()
        up[i] += h
        down[i] -= h
        (high, high_residual, _), (low, low_residual, _) = (
            _loss(family, e, target, weight, block) for e in (up, down)
        )
        assert residual[i] == pytest.approx(-(high - low) / (2 * h), abs=1e-8)
        hessian[i] = (low_residual - high_residual) / (2 * h)
    assert np.linalg.eigvalsh(np.diag(curvature) - (hessian + hessian.T) / 2).min() > -1e-7


@pytest.mark.parametrize("family", FAMILIES)
def test_no_predictor_beats_the_saturated_loss(family):
    time = np.array([1.0, 1.0, 1.0, 2.0, 3.0])
    target, weight = np.array([1.0, 1.0, 0.0, 1.0, 0.0]), np.array([1.0, 2.0, 1.0, 0.5, 1.0])
    eta = np.array([60.0, 60.0, -60.0, 30.0, -60.0])
    loss, _, _ = _loss(family, eta, target, weight, _blocks(time))
    assert loss == pytest.approx(saturated_loss(family, target, weight, _blocks(time)), abs=1e-9)


def test_losses_do_not_overflow():
    eta = np.array([800.0, -800.0, 0.0, 900.0])
    weight = np.array([1.0, 1.0, 1.0, 0.0])
    for family in FAMILIES:
        terms = _loss(family, eta, np.array([0.0, 1.0, 1.0, 1.0]), weight, np.arange(5))
        assert all(np.isfinite(t).all() for t in terms)


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, p = draw(st.integers(12, 40)), draw(st.integers(2, 60))
    X = rng.normal(size=(n, p)) * rng.uniform(0.1, 10, p) + rng.normal(size=p) * 5
    if draw(st.booleans()):
        X[:, 0] = 3.7  # constant
        X[:, -1] = X[:, p // 2]  # duplicated
    family = draw(st.sampled_from(FAMILIES))
    time = None if family == BINOMIAL else rng.integers(1, n, n).astype(float)
    target = rng.permutation(np.arange(n) % 2).astype(float)
    weight = rng.uniform(0.2, 2, (2, n))
    weight[1, rng.permutation(n)[: n // 6]] = 0
    factor = rng.choice([0.5, 1.0, 2.0, np.inf], p)
    factor[p // 2] = 1.0
    return Problem(X, family, target, time, weight, draw(st.sampled_from([1.0, 0.5])), factor, tolerance=1e-6)


@settings(max_examples=40, deadline=None)
@given(problems())
def test_every_solution_on_the_path_is_stationary(problem):
    for step in Walk(problem, 8, 0.1):
        for fit in np.flatnonzero(~step.stopped):
            mean, scale = problem.mean[fit], problem.scale[fit]
            live = scale > 0
            Z = (problem.genes[live] - mean[live, None]) / scale[live, None]
            beta, factor = step.beta[fit, live], problem.factor[live]
            _, residual, _ = _loss(
                problem.family, step.eta[fit], problem.target, problem.weight[fit], problem.block
            )
            # the predictor is what the coefficients say, up to the intercept
            assert np.ptp(step.eta[fit] - beta @ Z) < 1e-8
            assert abs(residual.sum()) < 1e-6
            lasso = step.lambda_ * problem.alpha * factor
            slope = Z @ residual
            on = beta != 0
            ridge = step.lambda_ * (1 - problem.alpha) * factor[on] * beta[on]
            np.testing.assert_allclose(
                slope[on] - ridge, lasso[on] * np.sign(beta[on]), atol=2e-6 * max(step.lambda_, 1)
            )
            assert (np.abs(slope[~on]) <= lasso[~on] + 2e-6).all()


def test_result_is_the_same_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 300)), rng.permutation(np.arange(60) % 2).astype(float)
    weight = np.vstack([np.ones(60), (np.arange(60) % 3 > 0).astype(float)])
    before = numba.get_num_threads()
    paths = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        paths.append([step.beta.copy() for step in Walk(Problem(X, BINOMIAL, y, None, weight), 10, 0.1)])
    np.testing.assert_array_equal(*paths)
