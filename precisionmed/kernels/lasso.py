"""Penalized fits by active sets: Newton steps, each solved by coordinate descent on the active genes.

The genes that ever entered a fit are kept standardized and contiguous, together with their curvature
(Gram) matrix. That matrix outlives Newton steps and penalties for as long as it serves: the gradient is
always exact, so an old curvature costs steps, never accuracy. For squared error it never ages; these are
the covariance updates of Friedman et al. 2010. Every fit is solved by one thread, in a fixed order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from precisionmed.kernels.lasso_losses import MULTINOMIAL, Outcome, loss_terms

_MAX_NEWTON, _MAX_ROUNDS, _MAX_SWEEPS, _MAX_HALVINGS = 5000, 10_000, 1000, 30
_AGED, _AGEING = 0.3, 0.02  # relative change of the curvature: renew the matrix; renew it when slow
_PANEL = 128
_SLOW = 0.2  # a step that leaves more than this of the violation
SINGLE = 2e-6  # bounds the rounding of single-precision sums, relative to the norms


class Cohort(NamedTuple):
    """What all fits share.

    Attributes
    ----------
    values : (n, p) array
        The input.
    order : (n,) int array
        Its rows in the order of everything else.
    genes : (p, n) float32 array
        Standardized genes, for screening.
    shift, unit : (p,) arrays
        What is subtracted from a gene, and its standard deviation.
    """

    values: np.ndarray
    order: np.ndarray
    genes: np.ndarray
    shift: np.ndarray
    unit: np.ndarray


class Fits(NamedTuple):
    """Fits that differ in their observation weights.

    Attributes
    ----------
    rows : (f, m) int array
        Increasing positions of the samples a fit looks at; they hold all with a weight.
    weight : (f, m) array
        Their observation weights; each row sums to 1.
    mean, scale : (f, p) arrays
        Mean and standard deviation of every standardized gene; scale 0 never enters.
    factor : (f or 1, p) array
        Penalty factors.
    """

    rows: np.ndarray
    weight: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    factor: np.ndarray


class State(NamedTuple):
    """Where the fits are: k linear predictors, room for c genes.

    Attributes
    ----------
    active, count : (f, c), (f,) int arrays
        Genes that ever had a coefficient, and how many they are.
    columns : (f, c, m) array
        These genes, with standard deviation 1.
    coef, intercept : (f, k, c), (f, k) arrays
        Coefficients of `columns`.
    eta, residual : (f, k, m) arrays
        Linear predictor, and minus the derivative of the loss in it.
    loss : (f,) array
    gram, centre, built : (f, k, c, c), (f, k, c), (f, k) arrays
        Curvature between genes, their curvature-weighted means, and of how many genes they are known.
    curvature : (f, k, m) array
        The curvature these are of.
    """

    active: np.ndarray
    count: np.ndarray
    columns: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray
    eta: np.ndarray
    residual: np.ndarray
    loss: np.ndarray
    gram: np.ndarray
    centre: np.ndarray
    built: np.ndarray
    curvature: np.ndarray


@njit(cache=True, parallel=True)
def solve(
    family, fit_intercept, outcome, cohort, fits, state, candidate, lasso, ridge, tolerance, wanted
):  # fmt: skip
    """Minimize loss + factor (lasso |beta| + ridge beta^2 / 2) over the candidate genes, for wanted fits.

    Parameters
    ----------
    family : int
        Of `lasso_losses`.
    fit_intercept : bool
    outcome, cohort, fits, state
        The state is the start, and overwritten by the solution.
    candidate : (f, p) bool array
        Genes that may enter.
    lasso, ridge : float
        Penalties of a gene with factor 1.
    tolerance : float
        Largest allowed violation of the stationarity conditions.
    wanted : (f,) bool array
        Fits to solve; those that are solved become False, those that lack room for genes stay True.
    """
    for f in prange(fits.rows.shape[0]):
        if wanted[f]:
            wanted[f] = not _solve_one(
                f, family, fit_intercept, outcome, cohort, fits, state, candidate[f], lasso, ridge, tolerance
            )


@njit(cache=True)
def _solve_one(
    f, family, fit_intercept, everyone, cohort, fits, state, candidate, lasso, ridge, tolerance
):  # fmt: skip
    """Solve on the active genes, let candidates that violate in, until none does; False: no room."""
    rows, factor = fits.rows[f], fits.factor[f % fits.factor.shape[0]]
    outcome = Outcome(everyone.target[rows], everyone.group[rows], everyone.stratum[rows])
    waiting = candidate.copy()
    waiting[state.active[f, : state.count[f]]] = False
    queue = np.flatnonzero(waiting)
    while True:
        for _ in range(_MAX_ROUNDS):
            worst = 0.0
            for output in range(state.coef.shape[1]):
                violation = _newton(
                    f, output, family, fit_intercept, outcome, fits.weight[f], factor, state,
                    lasso, ridge, tolerance,
                )  # fmt: skip
                worst = max(worst, violation)
            if family != MULTINOMIAL or worst <= tolerance:
                break
        stays = np.ones(queue.size, np.bool_)
        steep = _steep(f, queue, cohort, fits, state.residual[f], lasso, tolerance)
        for q in np.flatnonzero(steep):
            a = state.count[f]
            if a == state.active.shape[1]:
                return False
            _gather(f, queue[q], cohort, fits, fit_intercept, state.columns[f, a])
            if _violates(state.columns[f, a], state.residual[f], lasso * factor[queue[q]] + tolerance):
                state.active[f, a] = queue[q]
                state.coef[f, :, a] = 0.0
                state.count[f] = a + 1
                stays[q] = False
        if stays.all():
            return True
        queue = queue[stays]


@njit(cache=True)
def _steep(f, queue, cohort, fits, residual, lasso, tolerance):
    """Return which genes' gradients may exceed the penalty, as far as single precision can tell."""
    steep = np.zeros(queue.size, np.bool_)
    factor, mean, scale = fits.factor[f % fits.factor.shape[0]], fits.mean[f], fits.scale[f]
    spread = np.zeros(cohort.order.size)
    for output in range(residual.shape[0]):
        spread[fits.rows[f]] = residual[output]
        excess = residual[output].sum()
        blur = SINGLE * np.sqrt(spread.size * np.dot(residual[output], residual[output]))
        for q in range(queue.size):
            j = queue[q]
            slope = abs(_screen_dot(cohort.genes[j], spread) - mean[j] * excess)
            steep[q] |= slope + blur > (lasso * factor[j] + tolerance) * scale[j]
    return steep


@njit(cache=True)
def _violates(column, residual, limit):
    steepest = 0.0
    for output in range(residual.shape[0]):
        steepest = max(steepest, abs(np.dot(column, residual[output])))
    return steepest > limit


@njit(cache=True)
def _gather(f, gene, cohort, fits, fit_intercept, column):
    """Write a gene of the input, standardized; not centred when there is no intercept to make up for it."""
    scale = cohort.unit[gene] * fits.scale[f, gene]
    shift = cohort.shift[gene] if fit_intercept else 0.0
    for i in range(column.size):
        column[i] = (cohort.values[cohort.order[fits.rows[f, i]], gene] - shift) / scale


@njit(cache=True)
def _newton(f, output, family, fit_intercept, outcome, weight, factor, state, lasso, ridge, tolerance):
    """Step until the active genes are stationary (several outputs: one step); return the violation met."""
    a = state.count[f]
    columns, coef = state.columns[f, :a], state.coef[f, output, :a]
    lassos, ridges = lasso * factor[state.active[f, :a]], ridge * factor[state.active[f, :a]]
    eta, residual = state.eta[f], state.residual[f, output]
    curvature = np.empty(residual.size)
    loss = loss_terms(family, eta, output, outcome, weight, residual, curvature)
    met, before = 0.0, np.inf
    for iteration in range(_MAX_NEWTON):
        state.loss[f] = loss
        excess = residual.sum() if fit_intercept else 0.0
        slope = np.dot(columns, residual)
        worst = abs(excess)
        for i in range(a):
            worst = max(worst, _violation(slope[i], coef[i], lassos[i], ridges[i]))
        if iteration == 0:
            met = worst
        if worst <= tolerance or (family == MULTINOMIAL and iteration == 1):
            break
        _keep_gram(f, output, fit_intercept, curvature, worst > _SLOW * before, state)
        before = worst
        total = state.curvature[f, output].sum()
        centre = state.centre[f, output, :a]
        new = coef.copy()
        _descend(
            state.gram[f, output], slope - centre * excess, new, lassos, ridges,
            max(0.01 * worst, 0.5 * tolerance),
        )  # fmt: skip
        change = new - coef
        lift = (excess / total - np.dot(change, centre)) if fit_intercept else 0.0
        step = np.dot(change, columns) + lift
        start, old_coef = eta[output].copy(), coef.copy()
        bound = loss + _penalty(coef, lassos, ridges)
        bound += 1e-13 * abs(bound)
        fraction = 1.0
        for _ in range(_MAX_HALVINGS):
            coef[:] = new if fraction == 1.0 else old_coef + fraction * change
            eta[output] = start + fraction * step
            loss = loss_terms(family, eta, output, outcome, weight, residual, curvature)
            if loss + _penalty(coef, lassos, ridges) <= bound:
                break
            fraction *= 0.5
        state.intercept[f, output] += fraction * lift
        if fraction < 1e-8:  # no descent is left but rounding
            break
    return met


@njit(cache=True)
def _keep_gram(f, output, fit_intercept, curvature, slow, state):
    """Make the curvature matrix cover all active genes, and renew it when it has aged."""
    a, reference = state.count[f], state.curvature[f, output]
    drift, size = 0.0, 0.0
    for i in range(curvature.size):
        drift += abs(curvature[i] - reference[i])
        size += curvature[i]
    if drift > _AGED * size or (slow and drift > _AGEING * size):
        reference[:] = curvature
        state.built[f, output] = 0
    columns, centre = state.columns[f, :a], state.centre[f, output]
    gram = state.gram[f, output]
    built = state.built[f, output]
    if built == a:
        return
    total = reference.sum()
    for first in range(built, a, _PANEL):  # panels of the lower triangle
        last = min(a, first + _PANEL)
        weighted = columns[first:last] * reference
        product = np.dot(weighted, columns[:last].T)
        for i in range(first, last):
            centre[i] = weighted[i - first].sum() / total if fit_intercept else 0.0
            for j in range(i + 1):
                gram[i, j] = product[i - first, j] - total * centre[i] * centre[j]
                gram[j, i] = gram[i, j]
    state.built[f, output] = a


@njit(cache=True)
def _descend(gram, slope, coef, lasso, ridge, tolerance):
    """Descend the quadratic model; `slope` is its gradient at `coef`, both are overwritten."""
    for _ in range(_MAX_SWEEPS):
        worst = 0.0
        for i in range(coef.size):
            if gram[i, i] <= 0.0:
                continue
            worst = max(worst, _violation(slope[i], coef[i], lasso[i], ridge[i]))
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
def _violation(slope, coef, lasso, ridge):
    """Return by how much a coefficient's stationarity condition is violated."""
    if coef == 0.0:
        return max(abs(slope) - lasso, 0.0)
    return abs(slope - ridge * coef - (lasso if coef > 0 else -lasso))


@njit(cache=True)
def _penalty(coef, lasso, ridge):
    total = 0.0
    for i in range(coef.size):
        total += lasso[i] * abs(coef[i]) + 0.5 * ridge[i] * coef[i] ** 2
    return total


@njit(cache=True)
def _screen_dot(x, y):
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
