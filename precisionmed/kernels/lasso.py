"""Penalized fits by active sets: Newton steps, each solved by coordinate descent on the active genes.

The genes that ever entered a fit, or seemed about to, are kept standardized and contiguous, together with
their curvature (Gram) matrix. That matrix outlives Newton steps and penalties for as long as it serves: the
gradient is always exact, so an old or rounded curvature costs steps, never accuracy. For squared error it
never ages; these are the covariance updates of Friedman et al. 2010. Every fit is solved by one thread, in a
fixed order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from precisionmed.kernels.lasso_losses import MULTINOMIAL, Outcome, loss_terms
from precisionmed.kernels.lasso_quadratic import descend, penalty, violation

_MAX_NEWTON, _MAX_ROUNDS, _MAX_HALVINGS = 5000, 10_000, 30
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
        Genes that have, had or seemed to get a coefficient, and how many they are.
    columns, single : (f, c, m) arrays
        These genes, with standard deviation 1, in double and in single precision.
    coef, intercept : (f, k, c), (f, k) arrays
        Coefficients of `columns`.
    eta, residual : (f, k, m) arrays
        Linear predictor, and minus the derivative of the loss in it.
    loss : (f,) array
    gram, centre, built : (f, k, c, c), (f, k, c), (f, k) arrays
        Curvature between genes (single precision: it only guides), their curvature-weighted means, and of
        how many genes they are known.
    curvature : (f, k, m) array
        The curvature these are of.
    """

    active: np.ndarray
    count: np.ndarray  # type: ignore[assignment]  # hides what tuples can count
    columns: np.ndarray
    single: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray
    eta: np.ndarray
    residual: np.ndarray
    loss: np.ndarray
    gram: np.ndarray
    centre: np.ndarray
    built: np.ndarray
    curvature: np.ndarray


class Course(NamedTuple):
    """Where the gradients over all genes seem to go.

    Attributes
    ----------
    now, before : (f, k, p) arrays
        About the gradient at the start, and at the solution of the penalty before.
    ahead : float
        How far it is to the next solution, in units of the last distance.
    """

    now: np.ndarray
    before: np.ndarray
    ahead: float


@njit(cache=True, parallel=True)
def solve(
    family, fit_intercept, outcome, cohort, fits, state, course, candidate, lasso, ridge, tolerance, wanted
):  # fmt: skip
    """Minimize loss + factor (lasso |beta| + ridge beta^2 / 2) over the candidate genes, for wanted fits.

    Parameters
    ----------
    family : int
        Of `lasso_losses`.
    fit_intercept : bool
    outcome, cohort, fits, state
        The state is the start, and overwritten by the solution.
    course : Course
        Tells which candidates enter at once.
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
                f, family, fit_intercept, outcome, cohort, fits, state, course, candidate[f],
                lasso, ridge, tolerance,
            )  # fmt: skip


@njit(cache=True)
def _solve_one(
    f, family, fit_intercept, everyone, cohort, fits, state, course, candidate, lasso, ridge, tolerance
):  # fmt: skip
    """Solve on the active genes, let candidates that violate in, until none does; False: no room."""
    rows, factor = fits.rows[f], fits.factor[f % fits.factor.shape[0]]
    entry = everyone.entry[rows] if everyone.entry.size else everyone.entry
    outcome = Outcome(everyone.target[rows], everyone.group[rows], everyone.stratum[rows], entry)
    waiting = candidate.copy()
    waiting[state.active[f, : state.count[f]]] = False
    steep = _expected(f, np.flatnonzero(waiting), course, lasso, factor)
    if _admit(f, steep, waiting, cohort, fits, fit_intercept, state, lasso, tolerance) < 0:
        return False
    while True:
        for _ in range(_MAX_ROUNDS):
            worst = 0.0
            for output in range(state.coef.shape[1]):
                met = _newton(
                    f, output, family, fit_intercept, outcome, fits.weight[f], factor, state,
                    lasso, ridge, tolerance,
                )  # fmt: skip
                worst = max(worst, met)
            if family != MULTINOMIAL or worst <= tolerance:
                break
        steep = _steep(f, np.flatnonzero(waiting), cohort, fits, state.residual[f], lasso, tolerance)
        admitted = _admit(f, steep, waiting, cohort, fits, fit_intercept, state, lasso, tolerance)
        if admitted <= 0:
            return admitted == 0


@njit(cache=True)
def _expected(f, genes, course, lasso, factor):
    """Return the genes that seem to get a coefficient."""
    steep = np.zeros(genes.size, np.bool_)
    for output in range(course.now.shape[1]):
        now, before = course.now[f, output], course.before[f, output]
        for i in range(genes.size):
            j = genes[i]
            steep[i] |= abs(now[j] + course.ahead * (now[j] - before[j])) > lasso * factor[j]
    return genes[steep]


@njit(cache=True)
def _steep(f, genes, cohort, fits, residual, lasso, tolerance):
    """Return the genes whose gradient may exceed the penalty, as far as single precision can tell."""
    steep = np.zeros(genes.size, np.bool_)
    factor, mean, scale = fits.factor[f % fits.factor.shape[0]], fits.mean[f], fits.scale[f]
    spread = np.zeros(cohort.order.size, np.float32)
    for output in range(residual.shape[0]):
        spread[fits.rows[f]] = residual[output]
        excess = residual[output].sum()
        blur = SINGLE * np.sqrt(spread.size * np.dot(residual[output], residual[output]))
        for i in range(genes.size):
            j = genes[i]
            slope = abs(np.dot(cohort.genes[j], spread) - mean[j] * excess)
            steep[i] |= slope + blur > (lasso * factor[j] + tolerance) * scale[j]
    return genes[steep]


@njit(cache=True)
def _admit(f, genes, waiting, cohort, fits, fit_intercept, state, lasso, tolerance):
    """Make those genes active that do violate; return how many, -1 when there is no room."""
    before, factor = state.count[f], fits.factor[f % fits.factor.shape[0]]
    for gene in genes:
        a = state.count[f]
        if a == state.active.shape[1]:
            return -1
        _gather(f, gene, cohort, fits, fit_intercept, state.columns[f, a])
        if _violates(state.columns[f, a], state.residual[f], lasso * factor[gene] + tolerance):
            state.single[f, a] = state.columns[f, a]
            state.active[f, a] = gene
            state.coef[f, :, a] = 0.0
            state.count[f] = a + 1
            waiting[gene] = False
    return state.count[f] - before


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
            worst = max(worst, violation(slope[i], coef[i], lassos[i], ridges[i]))
        if iteration == 0:
            met = worst
        if worst <= tolerance or (family == MULTINOMIAL and iteration == 1):
            break
        _keep_gram(f, output, fit_intercept, curvature, worst > _SLOW * before, state)
        before = worst
        total = state.curvature[f, output].sum()
        centre = state.centre[f, output, :a]
        new = coef.copy()
        descend(
            state.gram[f, output], slope - centre * excess, new, lassos, ridges,
            max(0.01 * worst, 0.5 * tolerance),
        )  # fmt: skip
        change = new - coef
        lift = (excess / total - np.dot(change, centre)) if fit_intercept else 0.0
        step = np.dot(change, columns) + lift
        start, old_coef = eta[output].copy(), coef.copy()
        bound = loss + penalty(coef, lassos, ridges)
        bound += 1e-13 * abs(bound)
        fraction = 1.0
        for _ in range(_MAX_HALVINGS):
            coef[:] = new if fraction == 1.0 else old_coef + fraction * change
            eta[output] = start + fraction * step
            loss = loss_terms(family, eta, output, outcome, weight, residual, curvature)
            if loss + penalty(coef, lassos, ridges) <= bound:
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
    single, centre = state.single[f, :a], state.centre[f, output]
    gram = state.gram[f, output]
    built = state.built[f, output]
    if built == a:
        return
    total = reference.sum()
    if fit_intercept:
        centre[built:a] = np.dot(state.columns[f, built:a], reference) / total
    weight = reference.astype(np.float32)
    for first in range(built, a, _PANEL):  # panels of the lower triangle
        last = min(a, first + _PANEL)
        product = np.dot(single[first:last] * weight, single[:last].T)
        for i in range(first, last):
            pull = total * centre[i]
            for j in range(last):
                gram[i, j] = product[i - first, j] - pull * centre[j]
        for j in range(first):
            for i in range(first, last):
                gram[j, i] = gram[i, j]
    state.built[f, output] = a
