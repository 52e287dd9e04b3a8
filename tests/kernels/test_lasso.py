"""The LASSO engine: losses against R and numerical derivatives, stationarity on random problems."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from precisionmed.estimators._lasso_optimality import duality_gap, stationarity
from precisionmed.estimators._lasso_path import Problem, Walk
from precisionmed.kernels.lasso_losses import (
    BINOMIAL,
    COX_BRESLOW,
    COX_EFRON,
    GAUSSIAN,
    MULTINOMIAL,
    Outcome,
    loss_terms,
    saturated_loss,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "lasso"
FAMILIES = [BINOMIAL, COX_BRESLOW, COX_EFRON, GAUSSIAN, MULTINOMIAL]
CLASSES = 3


def _outcome(target, time, stratum=None) -> Outcome:
    stratum = np.zeros(time.size, int) if stratum is None else stratum
    group = np.append(0, np.cumsum((np.diff(time) != 0) | (np.diff(stratum) != 0)))
    return Outcome(target.astype(float), group, stratum, np.empty(0, int))


def _loss(family, eta, outcome, weight, output=0):
    residual, curvature = np.empty((2, weight.size))
    loss = loss_terms(family, np.atleast_2d(eta), output, outcome, weight, residual, curvature)
    return loss, residual, curvature


def _target(family, n, rng):
    if family == GAUSSIAN:
        return rng.normal(size=n) * 3 + 5
    return rng.permutation(np.arange(n) % (CLASSES if family == MULTINOMIAL else 2)).astype(float)


@pytest.mark.parametrize(("ties", "family"), [("breslow", COX_BRESLOW), ("efron", COX_EFRON)])
def test_partial_likelihood_equals_coxph_with_ties_and_weights(ties, family):
    data = pd.read_csv(REFERENCE / "ties_data.csv").astype(float)
    expected = pd.read_csv(REFERENCE / "ties.csv").set_index("ties")
    outcome = _outcome(data.event.to_numpy(), data.time.to_numpy())
    loss, _, _ = _loss(family, 0.7 * data.x.to_numpy(), outcome, data.weight.to_numpy())
    assert -loss == pytest.approx(expected["loglik"][ties], rel=1e-12)
    data = data.sort_values(["stratum", "time"])
    outcome = _outcome(data.event.to_numpy(), data.time.to_numpy(), data.stratum.to_numpy(int))
    loss, _, _ = _loss(family, 0.7 * data.x.to_numpy(), outcome, data.weight.to_numpy())
    assert -loss == pytest.approx(expected["stratified"][ties], rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_residual_is_minus_the_derivative_and_curvature_bounds_the_second(family):
    rng = np.random.default_rng(family)
    n, k = 25, CLASSES if family == MULTINOMIAL else 1
    stratum = np.sort(rng.integers(0, 2, n))
    time = rng.integers(1, 9, n).astype(float)
    time = time[np.lexsort((time, stratum))]
    outcome = _outcome(_target(family, n, rng), time, stratum)
    weight, eta = rng.choice([0.0, 0.5, 1.0], n), rng.normal(size=(k, n))
    h = 1e-5
    for output in range(k):
        _, residual, curvature = _loss(family, eta, outcome, weight, output)
        hessian = np.empty((n, n))
        for i in range(n):
            up, down = eta.copy(), eta.copy()
            up[output, i] += h
            down[output, i] -= h
            (high, high_residual, _), (low, low_residual, _) = (
                _loss(family, e, outcome, weight, output) for e in (up, down)
            )
            assert residual[i] == pytest.approx(-(high - low) / (2 * h), abs=1e-7)
            hessian[i] = (low_residual - high_residual) / (2 * h)
        assert np.linalg.eigvalsh(np.diag(curvature) - (hessian + hessian.T) / 2).min() > -1e-7


@pytest.mark.parametrize("family", [BINOMIAL, COX_BRESLOW, COX_EFRON])
def test_no_predictor_beats_the_saturated_loss(family):
    time = np.array([1.0, 1.0, 1.0, 2.0, 3.0])
    weight = np.array([1.0, 2.0, 1.0, 0.5, 1.0])
    outcome = _outcome(np.array([1.0, 1.0, 0.0, 1.0, 0.0]), time)
    eta = np.array([60.0, 60.0, -60.0, 30.0, -60.0])
    loss, _, _ = _loss(family, eta, outcome, weight)
    assert loss == pytest.approx(saturated_loss(family, outcome, weight), abs=1e-9)


def test_losses_do_not_overflow():
    eta = np.array([800.0, -800.0, 0.0, 900.0])
    weight = np.array([1.0, 1.0, 1.0, 0.0])
    outcome = _outcome(np.array([0.0, 1.0, 1.0, 1.0]), np.arange(4))
    for family in FAMILIES:
        terms = _loss(family, np.vstack([eta, -eta]), outcome, weight)
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
    survival = family in (COX_BRESLOW, COX_EFRON)
    weight = rng.uniform(0.2, 2, (2, n))
    weight[1, rng.permutation(n)[: n // 6]] = 0
    factor = rng.choice([0.5, 1.0, 2.0, np.inf], p)
    factor[p // 2] = draw(st.sampled_from([0.0, 1.0]))
    factor[p // 2 - 1] = 1.0
    outputs = CLASSES if family == MULTINOMIAL else 1
    return Problem(
        X,
        family,
        _target(family, n, rng),
        rng.integers(1, n, n).astype(float) if survival else None,
        weight,
        draw(st.sampled_from([1.0, 0.5])),
        factor,
        tolerance=1e-6,
        offset=rng.normal(size=(n, outputs)) if draw(st.booleans()) else None,
        strata=rng.integers(0, 2, n) if survival and draw(st.booleans()) else None,
        fit_intercept=survival or draw(st.booleans()),
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problems())
def test_every_solution_on_the_path_is_stationary(problem):
    walk = Walk(problem, 8, 0.1)
    for step in walk:
        eta = walk.linear_predictor()
        for fit in np.flatnonzero(~step.stopped):
            coef, intercept = step.original_scale(fit)
            # the predictor is what the coefficients say
            said = coef @ problem.X[problem.order].T + intercept[:, None] + problem.cohort_offset
            np.testing.assert_allclose(eta[fit], said, atol=1e-8)
            assert stationarity(problem, coef, intercept, step.lambda_, fit) < 2e-6
            gap = duality_gap(problem, coef, intercept, step.lambda_, fit)
            assert gap is None or gap < 1e-4


def test_result_is_the_same_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 9000)), rng.permutation(np.arange(100) % 2).astype(float)
    weight = np.vstack([np.ones(100), (np.arange(100) % 3 > 0).astype(float)] * 2)
    before = numba.get_num_threads()
    paths = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        with threadpool_limits(threads):
            paths.append([step.beta.copy() for step in Walk(Problem(X, BINOMIAL, y, None, weight), 10, 0.3)])
    np.testing.assert_array_equal(*paths)


@pytest.mark.parametrize("family", FAMILIES)
def test_samples_without_weight_are_predicted_all_the_same(family):
    """Halves of a cohort solve on their own samples; the others' predictors are made on demand."""
    rng = np.random.default_rng(1)
    X, target = rng.normal(size=(40, 30)), _target(family, 40, rng)
    half = (np.arange(40) % 4 < 2).astype(float)
    time = rng.integers(1, 20, 40).astype(float) if family in (COX_BRESLOW, COX_EFRON) else None
    together = Walk(Problem(X, family, target, time, np.vstack([np.ones(40), half]), tolerance=1e-8), 6, 0.2)
    halves = Walk(Problem(X, family, target, time, np.vstack([half, 1 - half]), tolerance=1e-8),
                  lambdas=together.lambdas)  # fmt: skip
    assert halves.problem.rows.shape[1] == 20
    for step, other in zip(together, halves, strict=True):
        if step.stopped[1]:
            break
        np.testing.assert_allclose(step.beta[1], other.beta[0], atol=1e-6)
        np.testing.assert_allclose(step.eta[1], other.eta[0], atol=1e-6)
