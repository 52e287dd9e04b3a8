"""Negative binomial likelihood of one gene as a function of its dispersion, and its regression.

With mean `m`, dispersion `a` and `r = 1 / a` the log likelihood of a count `y` is, up to what does
not depend on `a`, `lgamma(y + r) - lgamma(r) - (y + r) log(1 + a m) + y log(a)`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_HALF_LOG_2PI = 0.5 * np.log(2.0 * np.pi)
_SERIES_FROM = 10.0  # from here on Stirling's series with four terms is exact to 1e-12
_MAX_ROUNDS = 100
_MAX_HALVINGS = 10
_TOLERANCE = 1e-8
_RIDGE = 1e-6 / np.log(2.0) ** 2  # on the coefficients' natural log scale


@njit(cache=True, error_model="numpy")
def _log_gamma(x):
    """Return log Gamma(x) and its derivative for x > 0 (Stirling; Abramowitz and Stegun 6.1.41, 6.3.18)."""
    product, inverse_sum = 1.0, 0.0
    while x < _SERIES_FROM:
        product *= x
        inverse_sum += 1.0 / x
        x += 1.0
    log_x, t = np.log(x), 1.0 / x
    s = t * t
    value = (x - 0.5) * log_x - x + _HALF_LOG_2PI
    value += t * (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s / 1680)))
    slope = log_x - 0.5 * t - s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s / 240)))
    if product != 1.0:
        value -= np.log(product)
    return value, slope - inverse_sum


@njit(cache=True, error_model="numpy")
def adjusted_likelihood(counts, means, design, log_dispersion):
    """Return the adjusted profile log likelihood of one gene and its slope in the log dispersion.

    The adjustment is -1/2 log det(X'WX) with W = diag(1 / (1 / means + dispersion)).

    Parameters
    ----------
    counts, means : ndarray of shape (n_samples,)
    design : ndarray of shape (n_samples, n_columns)
    log_dispersion : float

    References
    ----------
    Cox DR, Reid N. JRSS B 1987;49:1-39. McCarthy DJ, Chen Y, Smyth GK. Nucleic Acids Research
    2012;40:4288-4297.
    """
    a = np.exp(log_dispersion)
    r = 1.0 / a
    gamma_r, digamma_r = _log_gamma(r)
    value, slope, total, change = 0.0, 0.0, 0.0, 0.0
    for i in range(len(counts)):
        y, m = counts[i], means[i]
        scale = 1.0 / (1.0 + a * m)
        logged = -np.log(scale)
        weight = m * scale
        value -= (y + r) * logged
        slope += logged - a * weight + a * y * scale
        if y > 0.0:
            gamma, digamma = _log_gamma(y + r)
            value += gamma - gamma_r + y * log_dispersion
            slope += digamma_r - digamma
        total += weight
        change -= weight * weight
    slope *= r  # = a * r ** 2
    if design.shape[1] == 1:
        return value - 0.5 * np.log(total), slope - 0.5 * a * change / total
    log_det, trace = _adjustment(means, design, a)
    return value - 0.5 * log_det, slope - 0.5 * a * trace


@njit(cache=True, error_model="numpy")
def _adjustment(means, design, a):
    """Return log det(X'WX) and its derivative in the dispersion."""
    n, k = design.shape
    information, change = np.zeros((k, k)), np.zeros((k, k))
    for i in range(n):
        weight = means[i] / (1.0 + a * means[i])
        for c in range(k):
            for d in range(c + 1):
                part = weight * design[i, c] * design[i, d]
                information[c, d] += part
                change[c, d] -= weight * part
    for c in range(k):
        for d in range(c):
            change[d, c] = change[c, d]
    log_det = _factorize(information)
    trace = 0.0
    for c in range(k):
        _solve(information, change[c])
        trace += change[c, c]
    return log_det, trace


@njit(cache=True, error_model="numpy")
def _factorize(matrix):
    """Put the Cholesky factor into the lower triangle; return the log determinant."""
    log_det = 0.0
    for c in range(len(matrix)):
        for d in range(c + 1):
            total = matrix[c, d]
            for e in range(d):
                total -= matrix[c, e] * matrix[d, e]
            matrix[c, d] = np.sqrt(total) if c == d else total / matrix[d, d]
        log_det += 2.0 * np.log(matrix[c, c])
    return log_det


@njit(cache=True, error_model="numpy")
def _solve(factor, right):
    """Solve in place, given the Cholesky factor."""
    k = len(right)
    for c in range(k):
        for d in range(c):
            right[c] -= factor[c, d] * right[d]
        right[c] /= factor[c, c]
    for c in range(k - 1, -1, -1):
        for d in range(c + 1, k):
            right[c] -= factor[d, c] * right[d]
        right[c] /= factor[c, c]


@njit(cache=True, error_model="numpy")
def fitted_means(counts, sizes, design, pseudo_inverse, dispersion, min_mean, out):
    """Fit a log-linear negative binomial model with known dispersion; write its means to `out`.

    Iteratively reweighted least squares with a ridge of 1e-6 (on the log2 scale), which keeps cells
    without any count finite. Means are at least `min_mean`. When full steps do not settle, the fit
    starts again and halves steps that make it worse.

    References
    ----------
    Nelder JA, Wedderburn RWM. JRSS A 1972;135:370-384.
    """
    if not _fit(counts, sizes, design, pseudo_inverse, dispersion, min_mean, 0, out):
        _fit(counts, sizes, design, pseudo_inverse, dispersion, min_mean, _MAX_HALVINGS, out)


@njit(cache=True, error_model="numpy")
def _fit(counts, sizes, design, pseudo_inverse, dispersion, min_mean, halvings, out):
    """Fit with at most some halvings of a step; return whether it settled."""
    n, k = design.shape
    beta = np.zeros(k)
    for i in range(n):
        logged = np.log(counts[i] / sizes[i] + 0.1)
        for c in range(k):
            beta[c] += pseudo_inverse[c, i] * logged
    constant = _saturated(counts, dispersion)
    deviance = constant + _means_of(beta, counts, sizes, design, dispersion, min_mean, out)
    for _ in range(_MAX_ROUNDS):
        old, before = beta, deviance
        beta = _weighted_fit(counts, sizes, design, dispersion, out)
        deviance = constant + _means_of(beta, counts, sizes, design, dispersion, min_mean, out)
        for _ in range(halvings):
            if deviance <= before * (1.0 + _TOLERANCE):
                break
            for c in range(k):
                beta[c] = 0.5 * (beta[c] + old[c])
            deviance = constant + _means_of(beta, counts, sizes, design, dispersion, min_mean, out)
        if abs(deviance - before) < _TOLERANCE * (abs(deviance) + 0.1):
            return True
    return False


@njit(cache=True, error_model="numpy")
def _saturated(counts, dispersion):
    """Minus twice the log likelihood when every mean is the count."""
    r, total = 1.0 / dispersion, 0.0
    gamma_r = _log_gamma(r)[0]
    for y in counts:
        if y > 0.0:
            total += _log_gamma(y + r)[0] - gamma_r - _log_gamma(y + 1.0)[0] + y * np.log(y * dispersion)
            total -= (y + r) * np.log(1.0 + dispersion * y)
    return -2.0 * total


@njit(cache=True, error_model="numpy")
def _weighted_fit(counts, sizes, design, dispersion, means):
    """Coefficients of one reweighted least squares step from the current means."""
    n, k = design.shape
    information, right = np.zeros((k, k)), np.zeros(k)
    for i in range(n):
        m = means[i]
        weight = m / (1.0 + dispersion * m)
        working = np.log(m / sizes[i]) + (counts[i] - m) / m
        for c in range(k):
            right[c] += weight * design[i, c] * working
            for d in range(c + 1):
                information[c, d] += weight * design[i, c] * design[i, d]
    for c in range(k):
        information[c, c] += _RIDGE
    _factorize(information)
    _solve(information, right)
    return right


@njit(cache=True, error_model="numpy")
def _means_of(beta, counts, sizes, design, dispersion, min_mean, out):
    """Write the means that coefficients give; return the deviance."""
    deviance = 0.0
    for i in range(len(counts)):
        y, logged = counts[i], 0.0
        for c in range(len(beta)):
            logged += design[i, c] * beta[c]
        m = out[i] = max(sizes[i] * np.exp(logged), min_mean)
        deviance += 2.0 * (y + 1.0 / dispersion) * np.log((1.0 + dispersion * m) / (1.0 + dispersion * y))
        if y > 0.0:
            deviance += 2.0 * y * np.log(y / m)
    return deviance
