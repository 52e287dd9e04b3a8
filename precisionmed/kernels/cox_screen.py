"""One Cox model for every gene, without ever building a design matrix."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

CONVERGED, CONSTANT, DIVERGED = 0, 1, 2
_MAX_STEPS = 40
_TOLERANCE = 1e-10
_MAX_LOG_RISK = 200.0


@njit(cache=True)
def _derivatives(x, time, event, beta, efron):
    """Return log-likelihood, score and information of one covariate.

    Samples are sorted by time, so the risk-set sums of w, w x and w x^2 (w = exp(beta x)) grow from
    the last time to the first; every block of tied times is added before its events are counted.
    """
    loglik, score, information = 0.0, 0.0, 0.0
    s0, s1, s2 = 0.0, 0.0, 0.0
    i = x.size - 1
    while i >= 0:
        now = time[i]
        d0, d1, d2 = 0.0, 0.0, 0.0
        n_events = 0
        while i >= 0 and time[i] == now:
            w = np.exp(beta * x[i])
            s0 += w
            s1 += w * x[i]
            s2 += w * x[i] * x[i]
            if event[i]:
                n_events += 1
                d0 += w
                d1 += w * x[i]
                d2 += w * x[i] * x[i]
                loglik += beta * x[i]
                score += x[i]
            i -= 1
        for tie in range(n_events):
            share = tie / n_events if efron else 0.0
            total = s0 - share * d0
            mean = (s1 - share * d1) / total
            loglik -= np.log(total)
            score -= mean
            information += (s2 - share * d2) / total - mean * mean
    return loglik, score, information


@njit(cache=True)
def _fit_one(x, time, event, efron):
    """Return coefficient, standard error, score statistic at zero and status for standardized `x`."""
    beta = 0.0
    loglik, score, information = _derivatives(x, time, event, beta, efron)
    if not information > 1e-12:
        return 0.0, np.nan, 0.0, CONSTANT
    score_test = score * score / information
    limit = _MAX_LOG_RISK / np.abs(x).max()
    for _ in range(_MAX_STEPS):
        step = score / information
        if abs(step) <= _TOLERANCE * max(1.0, abs(beta)):
            return beta, 1.0 / np.sqrt(information), score_test, CONVERGED
        # Newton on a concave function: halving until the likelihood does not fall makes it global.
        for _ in range(30):
            if abs(beta + step) <= limit:
                values = _derivatives(x, time, event, beta + step, efron)
                if values[0] >= loglik - 1e-10 * abs(loglik):
                    break
            step *= 0.5
        else:
            break
        beta += step
        loglik, score, information = values
        if not information > 1e-12:
            break
    return beta, np.nan, score_test, DIVERGED


@njit(cache=True, parallel=True)
def cox_screen(genes, time, event, efron=True):
    """Fit a univariate Cox model to each gene.

    Parameters
    ----------
    genes : float64 array (n_genes, n_samples), C order
        Samples sorted by increasing time.
    time : float64 array (n_samples,)
        Sorted follow-up times.
    event : bool array (n_samples,)
        Whether the event happened; at least once.
    efron : bool
        Efron's treatment of ties, else Breslow's.

    Returns
    -------
    tuple of arrays (n_genes,)
        Coefficient and standard error per unit of the gene, score statistic (chi-square, 1 df) at zero,
        and status (`CONVERGED`, `CONSTANT`, `DIVERGED`: the likelihood has no maximum).
    """
    n_genes = genes.shape[0]
    coef = np.zeros(n_genes)
    se = np.full(n_genes, np.nan)
    score_test = np.zeros(n_genes)
    status = np.full(n_genes, CONSTANT, dtype=np.int8)
    # Who left before the first event is in no risk set and must not set the scale.
    first = np.searchsorted(time, time[event][0])
    time, event = time[first:], event[first:]
    for g in prange(n_genes):
        gene = genes[g, first:]
        center = gene.mean()
        scale = gene.std()
        # Rounding alone gives a constant gene a tiny spread.
        if scale > 1e-10 * (1.0 + abs(center)):
            x = (gene - center) / scale
            beta, error, score_test[g], status[g] = _fit_one(x, time, event, efron)
            coef[g] = beta / scale
            se[g] = error / scale
    return coef, se, score_test, status
