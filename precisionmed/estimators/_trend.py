"""Dispersion as a function of the mean: `a0 + a1 / mean`, fitted through gene-wise estimates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from precisionmed.kernels.dispersion import MIN_DISPERSION

Vector = NDArray[np.float64]

_START = np.array([0.1, 1.0])
_OUTLIERS = (1e-4, 15.0)  # ratios of estimate and trend beyond which a gene has no say
_MAX_ROUNDS = 10
_MAX_STEPS = 25
_TOLERANCE = 1e-8


def parametric_trend(means: Vector, dispersions: Vector) -> Vector | None:
    """Fit `a0 + a1 / mean`; genes far off the trend are left out, anew in every round.

    Parameters
    ----------
    means, dispersions : ndarray of shape (n_genes,)
        Mean normalized counts above 0, gene-wise dispersions.

    Returns
    -------
    ndarray of shape (2,) or None
        a0 and a1, both positive; None when the fit fails or does not settle.

    References
    ----------
    Love MI, Huber W, Anders S. Genome Biology 2014;15:550 (Methods, dispersion trend).
    """
    fittable = dispersions > 100 * MIN_DISPERSION
    values, inverse = dispersions[fittable], 1 / means[fittable]
    coefficients = _START
    for _ in range(_MAX_ROUNDS + 1):
        ratios = values / (coefficients[0] + coefficients[1] * inverse)
        good = (ratios > _OUTLIERS[0]) & (ratios < _OUTLIERS[1])
        if np.unique(inverse[good]).size < 2:
            return None
        old = coefficients
        fitted, converged = _gamma_regression(values[good], inverse[good], old)
        if fitted is None or not (fitted > 0).all():
            return None
        coefficients = fitted
        if converged and np.sum(np.log(coefficients / old) ** 2) < 1e-6:
            return coefficients
    return None


def mean_dispersion(dispersions: Vector) -> float:
    """Mean of the gene-wise dispersions that are not at the lower bound, 0.1 % trimmed at each end."""
    ordered = np.sort(dispersions[dispersions > 10 * MIN_DISPERSION])
    cut = int(len(ordered) * 0.001)
    return float(np.mean(ordered[cut : len(ordered) - cut]))


def _gamma_regression(y: Vector, x: Vector, start: Vector) -> tuple[Vector | None, bool]:
    """Gamma regression of `y` on 1 and `x` with identity link; None when no valid step exists.

    Iteratively reweighted least squares, as R's `glm` does it: at most 25 steps, until the deviance
    changes by less than 1e-8 of itself; a step to a mean that is not positive is halved.
    """
    coefficients = start
    fitted = coefficients[0] + coefficients[1] * x
    deviance = _gamma_deviance(y, fitted)
    for _ in range(_MAX_STEPS):
        old, before = coefficients, deviance
        coefficients = _weighted_line(y, x, 1 / fitted**2)
        fitted = coefficients[0] + coefficients[1] * x
        for _ in range(_MAX_STEPS):
            if (fitted > 0).all():
                break
            coefficients = (coefficients + old) / 2
            fitted = coefficients[0] + coefficients[1] * x
        if not (fitted > 0).all():
            return None, False
        deviance = _gamma_deviance(y, fitted)
        if abs(deviance - before) / (abs(deviance) + 0.1) < _TOLERANCE:
            return coefficients, True
    return coefficients, False


def _gamma_deviance(y: Vector, fitted: Vector) -> float:
    ratios = y / fitted
    return float(2 * np.sum(ratios - 1 - np.log(ratios)))


def _weighted_line(y: Vector, x: Vector, weights: Vector) -> Vector:
    total = weights.sum()
    center_x, center_y = weights @ x / total, weights @ y / total
    slope = (weights * (x - center_x)) @ (y - center_y) / (weights @ (x - center_x) ** 2)
    return np.array([center_y - slope * center_x, slope])
