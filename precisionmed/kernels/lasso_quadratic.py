"""The quadratic model of a penalized loss: its minimum by coordinate descent."""

from __future__ import annotations

from numba import njit

_MAX_SWEEPS = 1000


@njit(cache=True)
def descend(gram, slope, coef, lasso, ridge, tolerance):
    """Descend the quadratic model until its stationarity conditions hold but for the tolerance.

    Parameters
    ----------
    gram : (c, c) array, c at least a
        Curvature.
    slope, coef : (a,) arrays, overwritten
        Minus the gradient at the start, and the start.
    lasso, ridge : (a,) arrays
    tolerance : float
    """
    for _ in range(_MAX_SWEEPS):
        worst = 0.0
        for i in range(coef.size):
            if gram[i, i] <= 0.0:
                continue
            worst = max(worst, violation(slope[i], coef[i], lasso[i], ridge[i]))
            pull = slope[i] + gram[i, i] * coef[i]
            new = max(abs(pull) - lasso[i], 0.0) / (gram[i, i] + ridge[i])
            if pull < 0:
                new = -new
            if new != coef[i]:
                change = new - coef[i]
                row = gram[i]
                for j in range(coef.size):
                    slope[j] -= change * row[j]
                coef[i] = new
        if worst <= tolerance:
            return


@njit(cache=True)
def violation(slope, coef, lasso, ridge):
    """Return by how much a coefficient's stationarity condition is violated."""
    if coef == 0.0:
        return max(abs(slope) - lasso, 0.0)
    return abs(slope - ridge * coef - (lasso if coef > 0 else -lasso))


@njit(cache=True)
def penalty(coef, lasso, ridge):
    """Return lasso |coef| + ridge coef^2 / 2, summed over genes."""
    total = 0.0
    for i in range(coef.size):
        total += lasso[i] * abs(coef[i]) + 0.5 * ridge[i] * coef[i] ** 2
    return total
