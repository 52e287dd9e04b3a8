"""Negative binomial dispersions gene by gene: Cox-Reid adjusted profile likelihoods."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.dispersion_likelihood import adjusted_likelihood, fitted_means

BLOCK = 32  # genes that are copied out of the matrix together, so that whole cache lines are read
MIN_DISPERSION = 1e-8
MIN_MEAN = 0.5
_FLOOR = np.log(MIN_DISPERSION / 10)
_LOWEST, _HIGHEST = -30.0, 10.0  # bounds of a log dispersion during the search
_MAX_STEPS = 100
_TOLERANCE = 1e-6
_ARMIJO = 1e-4
_GRID = 20


@njit(cache=True, error_model="numpy")
def _ascend(counts, means, design, start):
    """Climb from a log dispersion; return where it ends, the values there and at the start, the steps.

    Steepest ascent with Armijo's rule: a step is halved until the gain is a fraction of what the slope
    promises; accepted steps let the next one grow by a tenth, every fifth is followed by a half one.
    """
    place, size, accepted, steps = start, 1.0, 0, 0
    value, slope = adjusted_likelihood(counts, means, design, place)
    first = value
    while steps < _MAX_STEPS:
        size = _within_bounds(place, size, slope)
        if steps == 0:
            halvings = _first_halvings(counts, means, design, place, size, value, slope)
            steps += halvings
            size /= 2.0**halvings
        steps += 1
        new_value, new_slope = adjusted_likelihood(counts, means, design, place + size * slope)
        if new_value < value + size * _ARMIJO * slope * slope:
            size /= 2.0
            continue
        accepted += 1
        place += size * slope
        gain = new_value - value
        if place < _FLOOR and gain >= _TOLERANCE:
            break  # without taking the gain: a leap to zero is doubted, and the search starts over
        value = new_value
        if gain < _TOLERANCE:
            break
        slope = new_slope
        size = min(size * 1.1, 1.0)
        if accepted % 5 == 0:
            size /= 2.0
    return place, value, first, steps


@njit(cache=True, error_model="numpy")
def _within_bounds(place, size, slope):
    """Shorten a step that would leave the bounds of a log dispersion."""
    if place + size * slope < _LOWEST:
        return (_LOWEST - place) / slope
    if place + size * slope > _HIGHEST:
        return (_HIGHEST - place) / slope
    return size


@njit(cache=True, error_model="numpy")
def _first_halvings(counts, means, design, place, size, value, slope):
    """How often the first step is halved before Armijo's rule takes it, without trying each size.

    The curvature grows with the number of samples, and with it the halvings from a step of 1: start from
    the number that the curvature at hand predicts, and go to the last size that fails.
    """
    if slope == 0.0:
        return 0
    shift = np.copysign(1e-3, slope)
    _, near = adjusted_likelihood(counts, means, design, place + shift)
    curvature = (slope - near) / shift
    if curvature * size <= 4.0:
        return 0
    halvings = min(int(np.log2(curvature * size / 2.0)), 60)
    while halvings > 0:
        step = size / 2.0**halvings
        new_value, _ = adjusted_likelihood(counts, means, design, place + step * slope)
        if new_value < value + step * _ARMIJO * slope * slope:
            return halvings + 1
        halvings -= 1
    return 0


@njit(cache=True, error_model="numpy")
def _best_on_grid(counts, means, design, low, high):
    best, best_value = low, -np.inf
    for k in range(_GRID):
        place = low + (high - low) * k / (_GRID - 1)
        value, _ = adjusted_likelihood(counts, means, design, place)
        if value > best_value:
            best, best_value = place, value
    return best


@njit(cache=True, error_model="numpy")
def _search(counts, means, design, start):
    """Dispersion of one gene from a start value: ascent, or a grid where the ascent does not settle."""
    highest = max(10.0, float(len(counts)))
    place, value, first, steps = _ascend(counts, means, design, np.log(start))
    found = min(np.exp(place), highest)
    if value < first + abs(first) / 1e6:  # no gain worth the name
        found = start
    if (steps == 1 or steps >= _MAX_STEPS) and found > 10 * MIN_DISPERSION:
        low, high = np.log(MIN_DISPERSION), np.log(highest)
        width = (high - low) / (_GRID - 1)
        coarse = _best_on_grid(counts, means, design, low, high)
        found = np.exp(_best_on_grid(counts, means, design, coarse - width, coarse + width))
    return min(max(found, MIN_DISPERSION), highest)


@njit(cache=True, error_model="numpy")
def _start(normalized, expected, columns, inverse_size):
    """Smaller of two moment estimates: about the design's means, and about the overall mean."""
    n = len(normalized)
    mean = normalized.mean()
    rough, spread = 0.0, 0.0
    for i in range(n):
        level = max(1.0, expected[i])
        rough += ((normalized[i] - level) ** 2 - level) / level**2
        spread += (normalized[i] - mean) ** 2
    rough = max(rough / (n - columns), 0.0)
    moments = (spread / (n - 1) - inverse_size * mean) / mean**2
    return min(max(min(rough, moments), MIN_DISPERSION), max(10.0, float(n)))


@njit(cache=True, parallel=True, error_model="numpy")
def gene_dispersions(counts, genes, sizes, design, pseudo_inverse, grouped):
    """Estimate the dispersion of genes by their Cox-Reid adjusted profile likelihood.

    Parameters
    ----------
    counts : ndarray of shape (n_samples, n_genes)
        Complete counts.
    genes : ndarray of int, shape (n_chosen,)
        Columns to estimate; each has a count in some sample.
    sizes : ndarray of shape (n_samples,)
        Size factors.
    design : ndarray of shape (n_samples, n_columns)
        Full rank, with an intercept in the first column.
    pseudo_inverse : ndarray of shape (n_columns, n_samples)
        Of the design.
    grouped : bool
        The design is one of groups: its means are those of the normalized counts. Otherwise they are
        fitted by a negative binomial regression with the moment estimate of the dispersion.

    Returns
    -------
    ndarray of shape (n_chosen,)
        Dispersions, at least 1e-8.

    References
    ----------
    Cox DR, Reid N. JRSS B 1987;49:1-39. McCarthy DJ, Chen Y, Smyth GK. Nucleic Acids Research
    2012;40:4288-4297. Love MI, Huber W, Anders S. Genome Biology 2014;15:550 (Methods, gene-wise
    dispersion estimate). Armijo L. Pacific Journal of Mathematics 1966;16:1-3.
    """
    n = len(counts)
    out = np.empty(len(genes))
    inverse_size = 0.0
    for i in range(n):
        inverse_size += 1.0 / sizes[i] / n
    for block in prange((len(genes) + BLOCK - 1) // BLOCK):
        first = block * BLOCK
        width = min(BLOCK, len(genes) - first)
        columns = np.empty((width, n))
        for i in range(n):
            for g in range(width):
                columns[g, i] = counts[i, genes[first + g]]
        for g in range(width):
            out[first + g] = _dispersion(columns[g], sizes, inverse_size, design, pseudo_inverse, grouped)
    return out


@njit(cache=True, error_model="numpy")
def _dispersion(counts, sizes, inverse_size, design, pseudo_inverse, grouped):
    """Dispersion of one gene."""
    n = len(counts)
    normalized, means = np.empty(n), np.empty(n)
    for i in range(n):
        normalized[i] = counts[i] / sizes[i]
    _linear_fit(normalized, design, pseudo_inverse, means)
    start = _start(normalized, means, design.shape[1], inverse_size)
    if grouped:
        for i in range(n):
            means[i] = max(means[i] * sizes[i], MIN_MEAN)
    else:
        fitted_means(counts, sizes, design, pseudo_inverse, start, MIN_MEAN, means)
    return _search(counts, means, design, start)


@njit(cache=True, error_model="numpy")
def _linear_fit(values, design, pseudo_inverse, out):
    """Least squares fit, written to `out`."""
    n, k = design.shape
    for i in range(n):
        out[i] = 0.0
    for c in range(k):
        coefficient = 0.0
        for i in range(n):
            coefficient += pseudo_inverse[c, i] * values[i]
        for i in range(n):
            out[i] += design[i, c] * coefficient


@njit(cache=True, parallel=True, error_model="numpy")
def normalized_means(counts, sizes):
    """Mean of `counts / size` over samples for each gene; NaN where a count is missing."""
    n, p = counts.shape
    out = np.zeros(p)
    for block in prange((p + BLOCK - 1) // BLOCK):
        stop = min((block + 1) * BLOCK, p)
        for i in range(n):
            for j in range(block * BLOCK, stop):
                out[j] += counts[i, j] / sizes[i]
    return out / n
