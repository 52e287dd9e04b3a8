"""Negative binomial log-linear models of many genes, and their Cox-Reid adjusted profile likelihoods.

A gene's mean is size * exp(design @ beta). Where the design has as many different rows as columns (a
one-way layout) every group of samples is fitted by itself; otherwise Fisher scoring with
Levenberg-Marquardt damping is used (McCarthy, Chen and Smyth, Nucleic Acids Research 2012;40:4288-4297).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from precisionmed.kernels.negative_binomial import stirling_error

_ABSENT = -1e8  # the coefficient of a group without counts: its mean is zero
_FLOOR = 1e-10
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


@njit(cache=True, error_model="numpy")
def _group_rate(y, size, phi, members):
    """Return the log rate of one group of samples, by Fisher scoring from the mean rate."""
    total = 0.0
    for i in members:
        total += y[i] / size[i]
    if total <= 0:
        return _ABSENT
    beta = math.log(total / len(members))
    for _ in range(50):
        slope, information = 0.0, 0.0
        rate = math.exp(beta)
        for i in members:
            mu = size[i] * rate
            weight = 1.0 / (1.0 + mu * phi[i])
            slope += (y[i] - mu) * weight
            information += mu * weight
        step = slope / information
        beta += step
        if abs(step) < 1e-10:
            break
    return beta


@njit(cache=True, error_model="numpy")
def _deviance(y, mu, phi):
    """Return the deviance; a little is added to counts and means, so that zeros have logarithms."""
    total = 0.0
    for i in range(len(y)):
        a, m, f = y[i] + 1e-8, mu[i] + 1e-8, phi[i]
        if f < 1e-4:
            rest = a - m
            total += a * math.log(a / m) - rest - 0.5 * rest**2 * f * (1 + f * (2 / 3 * rest - a))
        elif m * f > 1e6:
            total += ((a - m) / m - math.log(a / m)) * m / (1 + m * f)
        else:
            total += a * math.log(a / m) + (a + 1 / f) * math.log((m + 1 / f) / (a + 1 / f))
    return 2 * total


@njit(cache=True, error_model="numpy")
def _solve_damped(information, slope, damping):
    """Return (information + damping)^-1 slope by Cholesky's method, and whether there is one."""
    p = len(slope)
    root = information.copy()
    step = slope.copy()
    for j in range(p):
        root[j, j] += damping
    for j in range(p):
        for k in range(j):
            root[j, j] -= root[j, k] ** 2
        if not root[j, j] > 0:
            return step, False
        root[j, j] = math.sqrt(root[j, j])
        for i in range(j + 1, p):
            for k in range(j):
                root[i, j] -= root[i, k] * root[j, k]
            root[i, j] /= root[j, j]
    for j in range(p):
        for k in range(j):
            step[j] -= root[j, k] * step[k]
        step[j] /= root[j, j]
    for j in range(p - 1, -1, -1):
        for k in range(j + 1, p):
            step[j] -= root[k, j] * step[k]
        step[j] /= root[j, j]
    return step, True


@njit(cache=True, error_model="numpy")
def _weighted_products(design, weights, out):
    n, p = design.shape
    out[:] = 0.0
    for i in range(n):
        for j in range(p):
            part = weights[i] * design[i, j]
            if part != 0:
                for k in range(j + 1):
                    out[j, k] += part * design[i, k]
    for j in range(p):
        for k in range(j):
            out[k, j] = out[j, k]


@njit(cache=True, error_model="numpy")
def _means(design, beta, size, mu):
    n, p = design.shape
    for i in range(n):
        linear = 0.0
        for j in range(p):
            linear += design[i, j] * beta[j]
        mu[i] = size[i] * math.exp(linear)


@njit(cache=True, error_model="numpy")
def _start(y, size, phi):
    """Return the log rate common to all samples, each weighted by its precision at a rate of one."""
    top, bottom = 0.0, 0.0
    for i in range(len(y)):
        weight = size[i] / (1.0 + phi[i] * size[i])
        top += y[i] / size[i] * weight
        bottom += weight
    return math.log(top / bottom)


@njit(cache=True, error_model="numpy")
def _fit_damped(y, size, phi, design, constant, most, tolerance):
    """Fit one gene by damped Fisher scoring; `constant` are coefficients that give 1 for all samples."""
    n, p = design.shape
    beta = _start(y, size, phi) * constant
    mu, trial, weights, slope = np.empty(n), np.empty(n), np.empty(n), np.empty(p)
    information = np.empty((p, p))
    highest_count = y.max()
    _means(design, beta, size, mu)
    deviance = _deviance(y, mu, phi)
    damping, highest = 0.0, -1.0
    for iteration in range(most):
        slope[:] = 0.0
        for i in range(n):
            shrink = 1.0 + mu[i] * phi[i]
            weights[i] = mu[i] / shrink
            for j in range(p):
                slope[j] += design[i, j] * (y[i] - mu[i]) / shrink
        _weighted_products(design, weights, information)
        for j in range(p):
            highest = max(highest, information[j, j])
        if iteration == 0:
            damping = max(highest * 1e-6, 1e-13)
        tries, perfect, failed = 0, False, False
        while True:
            tries += 1
            step, solved = _solve_damped(information, slope, damping)
            while not solved:
                damping *= 10.0
                step, solved = _solve_damped(information, slope, damping)
            proposed = beta + step
            _means(design, proposed, size, trial)
            new_deviance = _deviance(y, trial, phi)
            perfect = new_deviance / highest_count < 1e-13
            if new_deviance <= deviance or perfect:
                beta, deviance = proposed, new_deviance
                mu, trial = trial, mu
                break
            damping *= 2.0
            if damping / highest > 1e13:
                failed = True
                break
        if failed or perfect or np.dot(slope, step) < tolerance:
            break
        if tries == 1:
            damping /= 10.0
    return beta, mu


@njit(cache=True, error_model="numpy")
def _fit_gene(y, size, phi, design, groups, n_groups, constant, most, tolerance):
    """Return group log rates (one-way layout, n_groups > 0) or coefficients, and fitted means."""
    if n_groups == 0:
        return _fit_damped(y, size, phi, design, constant, most, tolerance)
    beta, mu = np.empty(n_groups), np.empty(len(y))
    for group in range(n_groups):
        members = np.flatnonzero(groups == group)
        beta[group] = _group_rate(y, size, phi, members)
        for i in members:
            mu[i] = size[i] * math.exp(beta[group])
    return beta, mu


@njit(cache=True, parallel=True, error_model="numpy")
def fit_genes(counts, library, shift, prior, phi, codes, design, groups, n_groups, constant):
    """Fit every gene, with offsets log(library) + shift and a prior count.

    Parameters
    ----------
    counts : ndarray of shape (n_genes, n_samples)
    library : ndarray of shape (n_samples,)
    shift : ndarray of shape (n_genes,)
    prior : ndarray of shape (n_samples,)
        Added to counts, and twice to the sizes.
    phi : ndarray of shape (n_genes, n_batches)
        Dispersions.
    codes : ndarray of int, shape (n_samples,)
        Batch of each sample.
    design : ndarray of shape (n_samples, n_columns)
    groups : ndarray of int, shape (n_samples,)
        Which of the design's different rows; unused when `n_groups` is 0.
    n_groups : int
        Groups of a one-way layout, otherwise 0.
    constant : ndarray of shape (n_columns,)
        Coefficients that give a linear predictor of 1 for all samples.

    Returns
    -------
    ndarray of shape (n_genes, n_columns)
        Coefficients; for a one-way layout the groups' log rates.
    """
    genes = len(counts)
    out = np.empty((genes, design.shape[1]))
    for g in prange(genes):
        size = library * math.exp(shift[g]) + 2.0 * prior
        beta, _ = _fit_gene(
            counts[g] + prior, size, phi[g][codes], design, groups, n_groups, constant, 250, 1e-6
        )
        out[g] = beta
    return out


@njit(cache=True, error_model="numpy")
def _log_rising(y, phi, r, log_gamma_r):
    """Return log(gamma(y + r) / (gamma(r) * r^y)), r = 1 / phi."""
    if y < 12:
        product = 1.0
        for j in range(1, int(y)):
            product *= 1.0 + j * phi
        return math.log(product)
    z = y + r
    if r < 10.0:
        stirling = (z - 0.5) * math.log(z) - z + _HALF_LOG_TWO_PI + stirling_error(z)
        return stirling - log_gamma_r - y * math.log(r)
    # Two large numbers nearly cancel in the difference of the logarithms themselves.
    return (z - 0.5) * math.log1p(y * phi) - y + stirling_error(z) - stirling_error(r)


@njit(cache=True, error_model="numpy")
def _log_determinant(products):
    """Return the sum of logs of the pivots; a pivot of nearly zero counts as a small one."""
    p = len(products)
    total = 0.0
    for j in range(p):
        pivot = products[j, j]
        if not (pivot > _FLOOR and np.isfinite(pivot)):
            total += math.log(_FLOOR)
            continue
        total += math.log(pivot)
        for i in range(j + 1, p):
            factor = products[i, j] / pivot
            for k in range(j + 1, p):
                products[i, k] -= factor * products[j, k]
    return total


@njit(cache=True, parallel=True, error_model="numpy")
def adjusted_profile(counts, library, phi, design, groups, n_groups, constant):
    """Return the Cox-Reid adjusted profile log-likelihood of each gene at its dispersions.

    The log-likelihood at the fitted means less half the log determinant of the coefficients' information
    (McCarthy 2012, equation 4); terms that do not depend on the dispersion are left out.

    Parameters
    ----------
    counts : ndarray of shape (n_genes, n_samples)
    library : ndarray of shape (n_samples,)
    phi : ndarray of shape (n_genes, n_points)
        Dispersions, > 0.
    design, groups, n_groups, constant
        As in `fit_genes`.

    Returns
    -------
    ndarray of shape (n_genes, n_points)
    """
    genes, n = counts.shape
    points, p = phi.shape[1], design.shape[1]
    out = np.empty((genes, points))
    for g in prange(genes):
        y = counts[g]
        products = np.empty((p, p))
        weights = np.empty(n)
        for point in range(points):
            f = phi[g, point]
            r = 1.0 / f
            log_gamma_r = math.lgamma(r)
            _, mu = _fit_gene(y, library, np.full(n, f), design, groups, n_groups, constant, 250, 1e-6)
            total = 0.0
            for i in range(n):
                weights[i] = mu[i] / (1.0 + f * mu[i])
                if mu[i] > 0:
                    total -= (y[i] + r) * math.log1p(f * mu[i])
                    if y[i] > 0:
                        total += y[i] * math.log(mu[i]) + _log_rising(y[i], f, r, log_gamma_r)
            _weighted_products(design, weights, products)
            out[g, point] = total - 0.5 * _log_determinant(products)
    return out
