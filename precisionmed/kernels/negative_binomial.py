"""The negative binomial distribution with mean `mu` and variance `mu + phi * mu**2`, in compiled loops."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_LARGE = 10.0  # from here on Stirling's series has full precision


@njit(cache=True, error_model="numpy")
def stirling_error(x):
    """Return log(gamma(x + 1)) less Stirling's approximation of it, x > 0."""
    if x < _LARGE:
        return math.lgamma(x + 1.0) - (x + 0.5) * math.log(x) + x - _HALF_LOG_TWO_PI
    s = 1.0 / (x * x)
    series = 1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360360 - s / 156)))
    return (1 / 12 - s * (1 / 360 - s * series)) / x


@njit(cache=True, error_model="numpy")
def _deviance_part(x, expected):
    """Return x * log(x / expected) + expected - x without cancellation."""
    difference = x - expected
    total = x + expected
    if abs(difference) >= 0.1 * total:
        return x * math.log(x / expected) - difference
    # log(x / expected) = 2 atanh(v), so the sum is difference * v + 2 x (v^3/3 + v^5/5 + ...)
    v = difference / total
    square = v * v
    power, series, k = v, 0.0, 1.0
    while True:
        power *= square
        k += 2.0
        added = series + power / k
        if added == series:
            return difference * v + 2.0 * x * series
        series = added


@njit(cache=True, error_model="numpy")
def density(y, mu, phi):
    """Return the probability of the count y by Loader's saddle point expansion (2000); mu, phi > 0."""
    r = 1.0 / phi
    if y == 0:
        return math.exp(-r * math.log1p(phi * mu))
    n = y + r
    exponent = stirling_error(n) - stirling_error(r) - stirling_error(y)
    exponent -= _deviance_part(r, n * r / (r + mu)) + _deviance_part(y, n * mu / (r + mu))
    return math.sqrt(r / (2 * math.pi * y * n)) * math.exp(exponent)


@njit(cache=True, error_model="numpy")
def _beta_fraction(a, b, x):
    """Return the continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method."""
    tiny = 1e-300
    c = 1.0
    d = 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    fraction = d
    for m in range(1, 100_000):
        for even in (True, False):
            if even:
                term = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
            else:
                term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
            d = 1.0 + term * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + term / c
            c = c if abs(c) > tiny else tiny
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return fraction


@njit(cache=True, error_model="numpy")
def distribution(y, mu, phi):
    """Return the probability of a count of at most y."""
    if y < 0:
        return 0.0
    if mu <= 0:
        return 1.0
    # The incomplete beta function at r / (r + mu) with parameters r and y + 1.
    r, b = 1.0 / phi, y + 1.0
    p, q = r / (r + mu), mu / (r + mu)
    front = density(b, mu, phi)
    if p < (r + 1.0) / (r + b + 2.0):
        return front * b / r * _beta_fraction(r, b, p)
    return 1.0 - front * _beta_fraction(b, r, q)


@njit(cache=True, error_model="numpy")
def quantile(p, mu, phi, start):
    """Return the smallest count with a distribution function of at least p < 1, searched from `start`."""
    if mu <= 0:
        return 0.0
    p *= 1.0 - 64 * 2.220446049250313e-16  # so that p = F(y) gives y in spite of rounding
    low, high = -1.0, np.inf
    y = max(0.0, np.floor(start))
    below = distribution(y, mu, phi)
    while True:
        at = density(y, mu, phi)
        if below >= p:
            high = y
        else:
            low = y
        step = (p - below) / at
        if abs(step) < 16 or high - low <= 1:
            break
        # Newton's step; bisection (or doubling) where it leaves what is known to enclose the quantile.
        target = y + np.floor(step)
        if not low < target < high or target > 2 * y + 16:
            target = np.floor(0.5 * (low + high)) if high < np.inf else 2 * y + 16
        y = target
        below = distribution(y, mu, phi)
    ratio, r = mu / (mu + 1.0 / phi), 1.0 / phi
    while below < p:
        at *= (y + r) / (y + 1.0) * ratio
        y += 1.0
        below += at
    while y > 0 and below - at >= p:
        below -= at
        at *= y / ((y - 1.0 + r) * ratio)
        y -= 1.0
    return y


@njit(cache=True, parallel=True, error_model="numpy")
def match_quantiles(counts, library, rates, old_phi, ratio, new_phi):
    """Give counts the same place in another distribution: ComBat-seq's adjustment (Zhang 2020, section 2.3).

    Counts of 0 and 1 stay, as do those beyond the 0.9999 quantile, as in the authors' implementation.

    Parameters
    ----------
    counts : ndarray of shape (n_samples, n_genes)
        NaN stays NaN.
    library : ndarray of shape (n_samples,)
    rates : ndarray of shape (n_samples, n_genes)
        Old mean of a gene over library size.
    old_phi, new_phi : ndarray of shape (n_genes,)
        Dispersions.
    ratio : ndarray of shape (n_genes,)
        New mean over old mean.

    Returns
    -------
    ndarray of shape (n_samples, n_genes)
    """
    out = counts.copy()
    for i in prange(len(counts)):
        for g in range(counts.shape[1]):
            y = counts[i, g]
            if y > 1:
                mu = library[i] * rates[i, g]
                p = distribution(y - 1.0, mu, old_phi[g])
                if abs(p - 1.0) >= 1e-4:
                    out[i, g] = 1.0 + quantile(p, mu * ratio[g], new_phi[g], (y - 1.0) * ratio[g])
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def posterior_means(counts, means, gamma, phi, codes):
    """Average the other genes' batch effects and dispersions, weighted by the likelihood of a gene's counts.

    Parameters
    ----------
    counts, means : ndarray of shape (n_genes, n_samples)
    gamma, phi : ndarray of shape (n_genes, n_batches)
    codes : ndarray of int, shape (n_samples,)
        Batch of each sample.

    Returns
    -------
    tuple of two ndarray of shape (n_genes, n_batches)
        Effects and dispersions; a gene to which no other gives any likelihood keeps its own.
    """
    genes, batches = gamma.shape
    effects, dispersions = gamma.copy(), phi.copy()
    for batch in range(batches):
        members = np.flatnonzero(codes == batch)
        for g in prange(genes):
            total, effect, dispersion = 0.0, 0.0, 0.0
            for other in range(genes):
                if other == g:
                    continue
                weight = 1.0
                for i in members:
                    weight *= density(counts[g, i], means[other, i], phi[other, batch])
                    if weight == 0:
                        break
                total += weight
                effect += weight * gamma[other, batch]
                dispersion += weight * phi[other, batch]
            if total > 0:
                effects[g, batch], dispersions[g, batch] = effect / total, dispersion / total
    return effects, dispersions
