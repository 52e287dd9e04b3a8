"""Parts of the nearest-centroid classifier: limits, calibration and checks."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from precisionmed.errors import InputError, first_few
from precisionmed.estimators._central import central_quantile

_MAX_SHARPNESS = 500.0
_REFUSED = 0.95
"""Fraction of strangers that is refused where members allow it."""
_PATIENCE = 5
"""Members may be refused this many times as often as asked for, to refuse strangers."""


def two_each(labels: np.ndarray) -> np.ndarray:
    """Return the sorted classes, or raise `InputError` unless there are two with two samples each."""
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise InputError(f"there is one class only ({classes[0]}); a classifier needs at least two.")
    if counts.min() < 2:
        rare = classes[counts.argmin()]
        raise InputError(
            f"class '{rare}' has one sample only; a centroid needs at least two: drop the class."
        )
    return classes


def require_genes(found: int, needed: int, min_genes: float, missing: list[str]) -> None:
    """Raise `InputError` when fewer than `min_genes` of the genes are there."""
    if found < max(3, min_genes * needed):
        raise InputError(
            f"{found} of {needed} genes of the centroids are measured, {int(np.ceil(min_genes * needed))} "
            f"are needed; missing: {first_few(missing)}. Check that genes are current symbols."
        )


def refusal_limit(members: np.ndarray, strangers: np.ndarray, reject: float) -> tuple[float, float]:
    """Return the best correlation below which a sample is refused, and the fraction of strangers refused.

    It is rounded down to two decimals: an extreme quantile is nearly one member's value otherwise.

    Parameters
    ----------
    members, strangers : ndarray
        Best correlations of left-out training samples, and of samples that resemble no class.
    reject : float
        Fraction of members refused, at least.
    """
    usual = [central_quantile(members, part) for part in (reject, min(_PATIENCE * reject, 1.0))]
    middle = float(np.clip(np.quantile(strangers, _REFUSED), usual[0], usual[1]))
    limit = float(np.floor(100 * middle) / 100)
    return limit, float((strangers < limit).mean())


def fit_softmax(
    correlations: np.ndarray, labels: np.ndarray, classes: np.ndarray
) -> tuple[float, np.ndarray]:
    """Fit the factor and the offsets before the softmax by maximum likelihood."""
    n, k = correlations.shape
    # As Platt (1999) has it, one more sample is imagined that may be of any class: estimates stay finite.
    target = ((classes == labels[:, None]) * n + 1 / k) / (n + 1)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        logs = log_softmax(parameters[0] * correlations + parameters[1:], axis=1)
        residual = np.exp(logs) - target
        gradient = np.concatenate([[(residual * correlations).sum()], residual.sum(axis=0)])
        return -float((target * logs).sum()), gradient

    bounds = [(1e-3, _MAX_SHARPNESS)] + [(None, None)] * k
    found = minimize(loss, np.concatenate([[5.0], np.zeros(k)]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(found[0]), found[1:] - found[1:].mean()
