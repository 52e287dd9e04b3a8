"""How much coefficients vary between halves of a cohort."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from precisionmed.estimators._halves import deal_halves
from precisionmed.estimators._outcome import is_survival, survival_arrays, take


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
    the Bootstrap and Other Resampling Plans, Section 8.4, 1982): the 2.5% and 97.5% points of a coefficient
    are a 95% interval. It does not account for how the genes of `X` were chosen.

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
    strata = survival_arrays(y)[0] if is_survival(y) else np.asarray(y)
    halves = deal_halves(strata, n_pairs, np.random.default_rng(random_state), groups)
    if X.shape[1] == 0:
        return np.zeros((len(halves), 0))
    rows = (np.flatnonzero(half) for half in halves)
    return np.array([clone(model).fit(X[half], take(y, half)).coef_ for half in rows])
