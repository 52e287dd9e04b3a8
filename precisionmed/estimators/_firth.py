"""Logistic regression of a few covariates that has a finite answer whatever the data."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

_MAX_STEPS = 100
_TOLERANCE = 1e-10


def firth_logistic(X: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Maximize the likelihood penalized by Jeffreys' prior.

    The penalty removes the first-order bias of the estimates, and keeps those of separating covariates
    finite: Firth, Biometrika 80:27 (1993); Heinze and Schemper, Stat Med 21:2409 (2002).

    Parameters
    ----------
    X : ndarray, shape (n_samples, p)
        Independent columns without missing values, none constant.
    y : ndarray of bool, shape (n_samples,)

    Returns
    -------
    intercept : float
    coefficients : ndarray, shape (p,)
        Log odds ratios per unit.
    """
    center, scale = X.mean(axis=0), X.std(axis=0)
    design = np.column_stack([np.ones(len(X)), (X - center) / scale])
    beta = np.zeros(design.shape[1])
    fitted = _penalized(design, y, beta)
    for _ in range(_MAX_STEPS):
        loglik, gradient, information = fitted
        step = np.linalg.solve(information, gradient)
        if np.abs(step).max() <= _TOLERANCE:
            break
        step *= min(1.0, 5.0 / np.abs(step).max())
        fitted = _penalized(design, y, beta + step)
        while fitted[0] < loglik - 1e-9 * abs(loglik):
            step /= 2
            fitted = _penalized(design, y, beta + step)
        beta = beta + step
    coefficients = beta[1:] / scale
    return float(beta[0] - coefficients @ center), coefficients


def _penalized(design: np.ndarray, y: np.ndarray, beta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return penalized log-likelihood, its modified score and the information."""
    eta = design @ beta
    p = expit(eta)
    weight = p * (1 - p)
    information = design.T @ (weight[:, None] * design)
    leverage = weight * np.einsum("ij,ij->i", design, np.linalg.solve(information, design.T).T)
    loglik = -np.logaddexp(0, np.where(y, -eta, eta)).sum() + np.linalg.slogdet(information)[1] / 2
    return float(loglik), design.T @ (y - p + leverage * (0.5 - p)), information
