"""Penalized fits by active sets: Newton steps, each solved by coordinate descent.

Genes are rows here (p, n), so that a gene's values are contiguous. Several fits that differ in their
observation weights (the folds of a cross-validation) share the genes; each is solved by one thread, in
a fixed order, so that results do not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.lasso_losses import loss_terms

_MAX_NEWTON, _MAX_SWEEPS, _MAX_HALVINGS = 200, 1000, 30


@njit(cache=True, parallel=True)
def moments(genes, weight, mean, scale):
    """Write weighted mean and population standard deviation, (f, p), of every gene for every fit."""
    for j in prange(genes.shape[0]):
        x = genes[j]
        for f in range(weight.shape[0]):
            total, first, second = 0.0, 0.0, 0.0
            for i in range(x.size):
                total += weight[f, i]
                first += weight[f, i] * x[i]
                second += weight[f, i] * x[i] * x[i]
            mean[f, j] = first / total
            scale[f, j] = np.sqrt(max(second / total - mean[f, j] ** 2, 0.0))


@njit(cache=True, parallel=True)
def gradients(genes, residual, mean, scale, wanted, gradient):
    """Write minus the loss gradient, (f, p), in the coefficients of standardized genes, for wanted fits."""
    excess = np.zeros(residual.shape[0])
    for f in range(residual.shape[0]):
        for i in range(residual.shape[1]):
            excess[f] += residual[f, i]
    for j in prange(genes.shape[0]):
        x = genes[j]
        for f in range(residual.shape[0]):
            if wanted[f]:
                product = _dot(x, residual[f])
                constant = scale[f, j] == 0.0
                gradient[f, j] = 0.0 if constant else (product - mean[f, j] * excess[f]) / scale[f, j]


@njit(cache=True, parallel=True)
def solve(
    genes,
    family,
    target,
    block,
    weight,
    scale,
    wanted,
    candidate,
    lasso,
    ridge,
    tolerance,
    beta,
    eta,
    residual,
    loss,
):
    """Minimize loss + sum(lasso |beta| + ridge beta^2 / 2) over the candidate genes, for wanted fits.

    Parameters
    ----------
    genes : (p, n) array
    family, target, block
        See `loss_terms`.
    weight : (f, n) array
        Observation weights; each row sums to 1.
    scale : (f, p) array
        Standard deviations; coefficients are those of genes divided by them.
    wanted : (f,) bool array
    candidate : (f, p) bool array
        Genes that may enter; no other gene has a coefficient.
    lasso, ridge : (p,) arrays
        Penalties.
    tolerance : float
        Largest allowed violation of the stationarity conditions.
    beta : (f, p), eta : (f, n), residual : (f, n), loss : (f,) arrays
        Start, overwritten by the solution.
    """
    for f in prange(weight.shape[0]):
        if wanted[f]:
            _solve_one(
                genes, family, target, block, weight[f], scale[f], np.flatnonzero(candidate[f]), lasso, ridge,
                tolerance, beta[f], eta[f], residual[f], loss[f : f + 1],
            )  # fmt: skip


@njit(cache=True)
def _solve_one(
    genes,
    family,
    target,
    block,
    weight,
    scale,
    candidates,
    lasso,
    ridge,
    tolerance,
    beta,
    eta,
    residual,
    loss,
):
    """Solve on the genes with a coefficient, let violators in, until there are none."""
    curvature = np.empty(eta.size)
    is_active = np.zeros(candidates.size, np.bool_)
    for c in range(candidates.size):
        is_active[c] = beta[candidates[c]] != 0.0 or lasso[candidates[c]] == 0.0
    while True:
        _newton(
            genes, family, target, block, weight, scale, candidates[is_active], lasso, ridge, tolerance,
            beta, eta, residual, curvature, loss,
        )  # fmt: skip
        entered = False
        for c in range(candidates.size):
            j = candidates[c]
            # Residuals sum to zero once the intercept is right, so genes need no centring here.
            if not is_active[c] and abs(_dot(genes[j], residual)) / scale[j] > lasso[j] + tolerance:
                is_active[c] = True
                entered = True
        if not entered:
            return


@njit(cache=True)
def _newton(
    genes,
    family,
    target,
    block,
    weight,
    scale,
    active,
    lasso,
    ridge,
    tolerance,
    beta,
    eta,
    residual,
    curvature,
    loss,
):
    """Newton steps with halving, on the active genes, until they are stationary."""
    centre, diagonal, slope = np.empty(active.size), np.empty(active.size), np.empty(active.size)
    old_eta, old_beta, step = np.empty(eta.size), np.empty(active.size), np.empty(eta.size)
    loss[0] = loss_terms(family, eta, target, weight, block, residual, curvature)
    for _ in range(_MAX_NEWTON):
        old_eta[:] = eta
        old_beta[:] = beta[active]
        old = loss[0] + _penalty(beta, active, lasso, ridge)
        total = curvature.sum()
        excess = residual.sum()
        worst = abs(excess)
        for a in range(active.size):
            j = active[a]
            centre[a], diagonal[a], slope[a] = _column_sums(genes[j], scale[j], residual, curvature, total)
            worst = max(worst, _violation(slope[a], beta[j], lasso[j], ridge[j]))
        if worst <= tolerance:
            return
        step[:] = excess / total
        residual -= curvature * (excess / total)
        _descend(
            genes, scale, active, lasso, ridge, max(0.1 * worst, 0.5 * tolerance), centre, diagonal, beta,
            residual, curvature,
        )  # fmt: skip
        for a in range(active.size):
            change = (beta[active[a]] - old_beta[a]) / scale[active[a]]
            if change != 0.0:
                _add_scaled(step, change, genes[active[a]], centre[a])
        eta += step
        loss[0] = loss_terms(family, eta, target, weight, block, residual, curvature)
        fraction = 1.0
        for _ in range(_MAX_HALVINGS):
            if loss[0] + _penalty(beta, active, lasso, ridge) <= old + 1e-13 * abs(old):
                break
            fraction *= 0.5
            eta[:] = old_eta + fraction * step
            for a in range(active.size):
                beta[active[a]] = 0.5 * (beta[active[a]] + old_beta[a])
            loss[0] = loss_terms(family, eta, target, weight, block, residual, curvature)


@njit(cache=True)
def _descend(genes, scale, active, lasso, ridge, tolerance, centre, diagonal, beta, residual, curvature):
    """Descend the quadratic model; genes are centred by the curvature, which solves the intercept."""
    for _ in range(_MAX_SWEEPS):
        worst = 0.0
        for a in range(active.size):
            j = active[a]
            if diagonal[a] <= 0.0:
                continue
            slope = _dot(genes[j], residual) / scale[j]
            worst = max(worst, _violation(slope, beta[j], lasso[j], ridge[j]))
            pull = slope + diagonal[a] * beta[j]
            new = max(abs(pull) - lasso[j], 0.0) / (diagonal[a] + ridge[j])
            if pull < 0:
                new = -new
            if new != beta[j]:
                _update(residual, curvature, (new - beta[j]) / scale[j], genes[j], centre[a])
                beta[j] = new
        if worst <= tolerance:
            return


@njit(cache=True)
def _violation(slope, beta, lasso, ridge):
    """Return by how much a coefficient's stationarity condition is violated."""
    if beta == 0.0:
        return max(abs(slope) - lasso, 0.0)
    return abs(slope - ridge * beta - (lasso if beta > 0 else -lasso))


@njit(cache=True)
def _penalty(beta, active, lasso, ridge):
    total = 0.0
    for j in active:
        total += lasso[j] * abs(beta[j]) + 0.5 * ridge[j] * beta[j] ** 2
    return total


@njit(cache=True)
def _column_sums(x, scale, residual, curvature, total):
    """Return curvature-weighted mean, second derivative and slope of one standardized gene."""
    a0, a1, a2, a3 = 0.0, 0.0, 0.0, 0.0
    b0, b1, b2, b3 = 0.0, 0.0, 0.0, 0.0
    c0, c1, c2, c3 = 0.0, 0.0, 0.0, 0.0
    whole = x.size - x.size % 4
    for i in range(0, whole, 4):
        w0, w1 = curvature[i] * x[i], curvature[i + 1] * x[i + 1]
        w2, w3 = curvature[i + 2] * x[i + 2], curvature[i + 3] * x[i + 3]
        a0 += w0
        a1 += w1
        a2 += w2
        a3 += w3
        b0 += w0 * x[i]
        b1 += w1 * x[i + 1]
        b2 += w2 * x[i + 2]
        b3 += w3 * x[i + 3]
        c0 += residual[i] * x[i]
        c1 += residual[i + 1] * x[i + 1]
        c2 += residual[i + 2] * x[i + 2]
        c3 += residual[i + 3] * x[i + 3]
    first, second, slope = (a0 + a1) + (a2 + a3), (b0 + b1) + (b2 + b3), (c0 + c1) + (c2 + c3)
    for i in range(whole, x.size):
        first += curvature[i] * x[i]
        second += curvature[i] * x[i] * x[i]
        slope += residual[i] * x[i]
    centre = first / total
    return centre, max(second - centre * first, 0.0) / scale**2, slope / scale


@njit(cache=True)
def _dot(x, y):
    """Return the inner product: eight partial sums in a fixed order, for speed and equal bits everywhere."""
    s0, s1, s2, s3, s4, s5, s6, s7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    whole = x.size - x.size % 8
    for i in range(0, whole, 8):
        s0 += x[i] * y[i]
        s1 += x[i + 1] * y[i + 1]
        s2 += x[i + 2] * y[i + 2]
        s3 += x[i + 3] * y[i + 3]
        s4 += x[i + 4] * y[i + 4]
        s5 += x[i + 5] * y[i + 5]
        s6 += x[i + 6] * y[i + 6]
        s7 += x[i + 7] * y[i + 7]
    total = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
    for i in range(whole, x.size):
        total += x[i] * y[i]
    return total


@njit(cache=True)
def _add_scaled(step, change, x, centre):
    for i in range(x.size):
        step[i] += change * (x[i] - centre)


@njit(cache=True)
def _update(residual, curvature, change, x, centre):
    for i in range(x.size):
        residual[i] -= curvature[i] * change * (x[i] - centre)
