"""One logistic regression for every gene, without ever building a design matrix."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.exponential import exponential
from precisionmed.kernels.lanes import CONVERGED, DIVERGED, LANES, standardize

_MAX_STEPS = 60
_TOLERANCE = 1e-9
_FACTORS = 8  # of a product whose logarithm is taken once


@njit(cache=True, error_model="numpy")
def _derivatives(x, n_cases, at, space, moments):
    """Write loss, score and information of every lane.

    With the sign s of a sample (cases 1, controls -1) and e = exp(-s eta): loss log(1 + e), residual
    s e / (1 + e), curvature e / (1 + e)^2.

    Parameters
    ----------
    x : (n, LANES) array
        Cases first.
    at : (2 LANES,) array
        Intercepts, then slopes.
    space : (3, n LANES) array
    moments : (6 LANES,) array, written
        Loss; score of intercept and of slope; information of intercept, of both, of slope.
    """
    n = x.shape[0]
    minus_eta, e = space[0], space[1]
    flat_x = x.reshape(-1)
    for i in range(n):
        sign = -1.0 if i < n_cases else 1.0
        for k in range(LANES):
            minus_eta[i * LANES + k] = sign * (at[k] + at[LANES + k] * x[i, k])
    exponential(minus_eta, e, space[2])
    moments[:] = 0.0
    product = np.ones(LANES)
    for i in range(n):
        sign = 1.0 if i < n_cases else -1.0
        row = i * LANES
        for k in range(LANES):
            value, odds = flat_x[row + k], e[row + k]
            inverse = 1.0 / (1.0 + odds)
            missed = odds * inverse
            curvature = missed * inverse
            product[k] *= 1.0 + odds
            moments[LANES + k] += sign * missed
            moments[2 * LANES + k] += sign * missed * value
            moments[3 * LANES + k] += curvature
            moments[4 * LANES + k] += curvature * value
            moments[5 * LANES + k] += curvature * value * value
        if i % _FACTORS == _FACTORS - 1 or i == n - 1:
            for k in range(LANES):
                moments[k] += np.log(product[k])
                product[k] = 1.0


@njit(cache=True, error_model="numpy")
def _fit(x, n_cases, slope, error, loss, status):
    """Newton's method in every lane; a step that does not lower the loss is halved."""
    n = x.shape[0]
    space, moments = np.empty((3, n * LANES)), np.empty(6 * LANES)
    base, step, at = np.zeros(2 * LANES), np.zeros(2 * LANES), np.empty(2 * LANES)
    base[:LANES] = np.log(n_cases / (n - n_cases))
    loss[:] = np.inf
    running = status == CONVERGED
    for _ in range(_MAX_STEPS):
        at[:] = base + step
        _derivatives(x, n_cases, at, space, moments)
        for k in range(LANES):
            if not running[k]:
                continue
            if not moments[k] <= loss[k] + 1e-12 * abs(loss[k]):
                step[k] *= 0.5
                step[LANES + k] *= 0.5
                continue
            loss[k] = moments[k]
            base[k], base[LANES + k] = at[k], at[LANES + k]
            aa, ab, bb = moments[3 * LANES + k], moments[4 * LANES + k], moments[5 * LANES + k]
            determinant = aa * bb - ab * ab
            step[k] = (bb * moments[LANES + k] - ab * moments[2 * LANES + k]) / determinant
            step[LANES + k] = (aa * moments[2 * LANES + k] - ab * moments[LANES + k]) / determinant
            error[k] = np.sqrt(aa / determinant)
            if abs(step[LANES + k]) <= _TOLERANCE * max(1.0, abs(base[LANES + k])):
                base[LANES + k] += step[LANES + k]
                running[k] = False
        if not running.any():
            break
    slope[:] = base[LANES:]
    for k in range(LANES):
        if running[k]:
            status[k] = DIVERGED


@njit(cache=True, error_model="numpy")
def _separated(genes, rows, n_cases, gene):
    """Return the side on which the cases lie, 0 if the classes overlap, and the least loss.

    Separated but for ties at one value, that value alone keeps a loss, the entropy of its classes
    (Albert and Anderson, Biometrika 71:1, 1984).
    """
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for i in range(rows.size):
        kind = 1 if i < n_cases else 0
        value = genes[rows[i], gene]
        low[kind], high[kind] = min(low[kind], value), max(high[kind], value)
    if low[1] >= high[0]:
        side, edge = 1.0, high[0]
    elif high[1] <= low[0]:
        side, edge = -1.0, low[0]
    else:
        return 0.0, 0.0
    count = np.zeros(2)
    for i in range(rows.size):
        if genes[rows[i], gene] == edge:
            count[1 if i < n_cases else 0] += 1
    loss = 0.0
    for kind in range(2):
        if count[kind] > 0:
            loss -= count[kind] * np.log(count[kind] / count.sum())
    return side, loss


@njit(cache=True, parallel=True, error_model="numpy")
def logistic_screen(genes, rows, n_cases):
    """Fit a logistic regression with intercept to each gene.

    Parameters
    ----------
    genes : float64 array (n_samples, n_genes), C order
    rows : int array (n,)
        Samples, cases first.
    n_cases : int
        How many are cases; at least one, and one control.

    Returns
    -------
    tuple of arrays (n_genes,)
        Coefficient and standard error per unit of the gene, loss (minus log-likelihood), standard
        deviation of the gene, and status (see `lanes`). `DIVERGED`: the gene separates the classes, its
        coefficient has the right sign only, and the loss is the limit that no coefficient reaches.
    """
    n_genes = genes.shape[1]
    n_blocks = (n_genes + LANES - 1) // LANES
    size = n_blocks * LANES
    coef, se, loss, spread = np.empty(size), np.full(size, np.nan), np.empty(size), np.empty(size)
    status = np.empty(size, np.int8)
    for block in prange(n_blocks):
        first = block * LANES
        n_lanes = min(LANES, n_genes - first)
        lanes = slice(first, first + LANES)
        x, side = np.empty((rows.size, LANES)), np.zeros(LANES)
        least = np.zeros(LANES)
        standardize(genes, rows, first, n_lanes, x, spread[lanes], status[lanes])
        for k in range(n_lanes):
            if status[first + k] == CONVERGED:
                side[k], least[k] = _separated(genes, rows, n_cases, first + k)
                if side[k] != 0.0:
                    status[first + k] = DIVERGED
        _fit(x, n_cases, coef[lanes], se[lanes], loss[lanes], status[lanes])
        for k in range(n_lanes):
            if side[k] != 0.0:
                coef[first + k], loss[first + k] = side[k], least[k]
            coef[first + k] /= spread[first + k]
            se[first + k] /= spread[first + k]
    return coef[:n_genes], se[:n_genes], loss[:n_genes], spread[:n_genes], status[:n_genes]
