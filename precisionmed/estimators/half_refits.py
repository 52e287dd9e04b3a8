"""How much coefficients vary between halves of a cohort."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._gene_selector import Samples
from precisionmed.estimators._lasso_base import Linear
from precisionmed.estimators._lasso_path import Walk
from precisionmed.estimators._order import row_order
from precisionmed.estimators._outcome import take
from precisionmed.estimators._vectors import checked_level


def half_refits(
    model: Any,
    X: np.ndarray,
    y: Any,
    *,
    n_pairs: int = 50,
    groups: ArrayLike | None = None,
    random_state: int | np.random.Generator | None = None,
) -> np.ndarray:
    """Fit a model to complementary halves of a cohort: those of `StabilitySelection` with the same seed.

    Halves vary as much about the estimate of the cohort as that does about the truth (Efron, The Jackknife,
    the Bootstrap and Other Resampling Plans, Section 8.4, 1982), so that their `interval` is one of the
    coefficients. It does not account for how the genes of `X` were chosen.

    Parameters
    ----------
    model : LassoLogistic or LassoCox
        Cloned; its penalty is used.
    X : (n, s) array
        The genes of a signature.
    y : array, structured array or DataFrame
        Labels 0 and 1, or `event` and `time`; halves have their share of each.
    n_pairs : int
    groups : (n,) array, optional
        Samples of one group (a patient) stay in one half.
    random_state : int, Generator or None
        Deals the halves.

    Returns
    -------
    (2 n_pairs, s) array
        Coefficients per unit of the input.
    """
    X, y, groups = aligned(X=X, y=y, groups=groups)
    order = row_order(X)
    if order is not None:
        X, y = take(X, order), take(y, order)
        groups = None if groups is None else np.asarray(groups)[order]
    X = np.asarray(X, dtype=float)
    model = clone(model)
    outcome = model._outcome(y)
    groups = None if groups is None else np.asarray(groups)
    samples = Samples(outcome, np.ones(outcome[0].size), None, None, groups)
    halves, _ = samples.halves(model, n_pairs, np.random.default_rng(random_state))
    if X.shape[1] == 0:
        return np.zeros((len(halves), 0))
    return refit(model, X, samples, halves, model.lambda_)


def refit(
    model: Linear, columns: np.ndarray, samples: Samples, halves: np.ndarray, lambda_: float
) -> np.ndarray:
    """Return the coefficients at one penalty in each half, per unit of the input: (h, s), or (h, k, s)."""
    problem = samples.problem(model, columns, halves)
    (step,) = Walk(problem, lambdas=np.array([lambda_]))
    scale = problem.unit * problem.scale
    scale = scale.reshape(len(halves), *(1,) * (step.beta.ndim - 2), -1)
    return np.divide(step.beta, scale, out=np.zeros(step.beta.shape), where=scale > 0)


def interval(refits: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Return the interval of each coefficient, (2, s); the k-th of m refits is the k / (m + 1) point."""
    half = checked_level(level) / 2
    ends = [0.5 - half, 0.5 + half]
    return np.quantile(refits, ends, axis=0, method="weibull")
