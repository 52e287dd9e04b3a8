"""Gradients of many LASSO fits over all genes: which genes may have a coefficient at a penalty.

All fits share one product of genes and residuals, in single precision and blocks of fixed size; BLAS must
be held to one thread, so that the result does not depend on the number of threads. Single precision only
proposes: a gene gets a coefficient after its gradient was found too steep in double precision (`lasso`).
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_BLOCK = 256
_CONSTANT = 1e-7


@njit(cache=True, parallel=True)
def standardize(values, order, weight, genes, shift, unit, mean, scale):
    """Standardize genes by the cohort, and find their weighted moments in every fit.

    Parameters
    ----------
    values : (n, p) array
        The input; its rows are taken in `order`, (n,).
    weight : (f, n) array
        Observation weights of the fits; each row sums to 1.
    genes : (p, n) float32 array, overwritten
        Genes less their mean, over their standard deviation.
    shift, unit : (p,) arrays, overwritten
        That mean and standard deviation, 0 when the gene is constant.
    mean, scale : (f, p) arrays, overwritten
        Mean and population standard deviation of the standardized genes in every fit.
    """
    n, p = values.shape
    for b in prange((p + _BLOCK - 1) // _BLOCK):
        first, last = b * _BLOCK, min(p, (b + 1) * _BLOCK)
        block = np.empty((last - first, n))
        for i in range(n):
            row = values[order[i]]
            for j in range(first, last):
                block[j - first, i] = row[j]
        for j in range(last - first):
            x = block[j]
            centre = x.sum() / n
            x -= centre
            spread = np.sqrt((x * x).sum() / n)
            constant = spread <= 1e-10 * abs(centre)  # rounding alone
            shift[first + j], unit[first + j] = centre, 0.0 if constant else spread
            x *= 0.0 if constant else 1.0 / spread
            genes[first + j] = x
        average = np.dot(weight, block.T)
        second = np.dot(weight, (block * block).T)
        for f in range(weight.shape[0]):
            for j in range(last - first):
                deviation = np.sqrt(max(second[f, j] - average[f, j] ** 2, 0.0))
                mean[f, first + j] = average[f, j]
                scale[f, first + j] = deviation if deviation > _CONSTANT else 0.0


@njit(cache=True, parallel=True)
def gradients(genes, residual, wanted, mean, scale, gradient):
    """Write minus the loss gradients in the coefficients of standardized genes, for wanted fits.

    Parameters
    ----------
    genes : (p, n) float32 array
    residual : (w or more, n) float32 array
        Minus the derivative of the loss in each linear predictor, output by output of the wanted fits;
        further rows are ignored.
    wanted : (w,) int array
        Rows of `gradient` these are; every fit has as many as there are outputs.
    mean, scale : (f, p) arrays
    gradient : (f * k, p) array, overwritten
    """
    p = genes.shape[0]
    outputs = gradient.shape[0] // mean.shape[0]
    excess = _row_sums(residual)
    for b in prange((p + _BLOCK - 1) // _BLOCK):
        first, last = b * _BLOCK, min(p, (b + 1) * _BLOCK)
        product = np.dot(genes[first:last], residual.T)
        for w in range(wanted.size):
            f = wanted[w] // outputs
            for j in range(first, last):
                slope = product[j - first, w] - mean[f, j] * excess[w]
                gradient[wanted[w], j] = slope / scale[f, j] if scale[f, j] > 0.0 else 0.0


@njit(cache=True)
def _row_sums(residual):
    sums = np.zeros(residual.shape[0])
    for w in range(residual.shape[0]):
        for i in range(residual.shape[1]):
            sums[w] += residual[w, i]
    return sums


@njit(cache=True, parallel=True)
def propose(gradient, factor, scale, threshold, candidate):
    """Mark the genes whose gradient reaches a threshold, relative to their penalty factor.

    Parameters
    ----------
    gradient : (f, k, p) array
    factor : (f or 1, p) array
        Penalty factors: 0 is always a candidate, infinite never.
    scale : (f, p) array
    threshold : (f,) array
    candidate : (f, p) bool array, overwritten
    """
    for f in prange(scale.shape[0]):
        penalty = factor[f % factor.shape[0]]
        for j in range(scale.shape[1]):
            steep = penalty[j] == 0.0
            for c in range(gradient.shape[1]):
                steep |= abs(gradient[f, c, j]) >= penalty[j] * threshold[f]
            candidate[f, j] = steep and scale[f, j] > 0.0 and penalty[j] < np.inf


@njit(cache=True, parallel=True)
def admit_missed(gradient, factor, scale, penalty, tolerance, blur, wanted, candidate):
    """Make candidates of the genes whose gradient may exceed the penalty.

    Parameters
    ----------
    gradient, factor, scale, candidate
        See `propose`.
    penalty : float
        Of a gene with factor 1.
    tolerance : float
        Excess that is allowed.
    blur : (f,) array
        What single precision may hide of the gradient of a gene with scale 1.
    wanted : (f,) bool array
        Fits to look at; those without a missed gene become False.
    """
    for f in prange(scale.shape[0]):
        any_missed = False
        if wanted[f]:
            factors = factor[f % factor.shape[0]]
            for j in range(scale.shape[1]):
                if candidate[f, j] or scale[f, j] == 0.0 or factors[j] == np.inf:
                    continue
                limit = penalty * factors[j] + tolerance - blur[f] / scale[f, j]
                for c in range(gradient.shape[1]):
                    if abs(gradient[f, c, j]) > limit:
                        candidate[f, j] = True
                        any_missed = True
        wanted[f] = any_missed
