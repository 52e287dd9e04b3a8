"""Moderated t statistics, all genes at once: every class against the rest, or one of several coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma
from scipy.stats import t as student


@dataclass(frozen=True)
class ModeratedT:
    """One row a class, one column a gene: log fold change (class minus rest), t and two-sided p."""

    log_fold_change: np.ndarray
    t: np.ndarray
    p: np.ndarray


def moderated_t(X: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> ModeratedT:
    """Compare every class with all other samples, gene by gene.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_genes)
        Complete log-scale values.
    labels : ndarray, shape (n_samples,)
        Class of each sample.
    classes : ndarray, shape (n_classes,)
        Classes to test; each needs at least one sample, and so does its rest.

    Notes
    -----
    A gene's variance is shrunk towards a common prior whose two parameters are estimated from all
    genes by matching moments of the log variances: Smyth, Stat Appl Genet Mol Biol 2004;3:3,
    sections 4 and 6.2. Classes are separate two-group models, each with its own prior.
    """
    # Sums of squares lose digits unless the values are near zero.
    values = X - X.mean(axis=0)
    n = len(values)
    square = np.einsum("ij,ij->j", values, values)
    results = []
    for name in classes:
        inside = labels == name
        n_in, n_out = int(inside.sum()), int(n - inside.sum())
        mean_in = values[inside].mean(axis=0)
        mean_out = values[~inside].mean(axis=0)
        residual = np.maximum(square - n_in * mean_in**2 - n_out * mean_out**2, 0)
        variance, df = _shrunk(residual / (n - 2), n - 2)
        change = mean_in - mean_out
        t = change / np.sqrt(variance * (1 / n_in + 1 / n_out))
        results.append((change, t, 2 * student.sf(np.abs(t), df)))
    return ModeratedT(*(np.array(part) for part in zip(*results, strict=True)))


def moderated_coefficient(
    X: np.ndarray, design: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Test the last coefficient of a linear model, gene by gene.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_genes)
        Complete log-scale values.
    design : ndarray, shape (n_samples, q)
        Of full rank; the first column is the intercept.

    Returns
    -------
    coefficient, standard error, t, two-sided p, each (n_genes,), and the degrees of freedom of t.

    Notes
    -----
    Variances are shrunk as in `moderated_t`.
    """
    n, q = design.shape
    values = X - X.mean(axis=0)
    basis, triangle = np.linalg.qr(design)
    effects = basis.T @ values
    residual = np.einsum("ij,ij->j", values, values) - np.einsum("ij,ij->j", effects, effects)
    variance, df = _shrunk(np.maximum(residual, 0) / (n - q), n - q)
    # The last row of a triangular system has one unknown.
    coefficient = effects[-1] / triangle[-1, -1]
    error = np.sqrt(variance) / abs(triangle[-1, -1])
    t = coefficient / error
    return coefficient, error, t, 2 * student.sf(np.abs(t), df), df


def _shrunk(variance: np.ndarray, df: int) -> tuple[np.ndarray, float]:
    """Return posterior variances and the total degrees of freedom."""
    if variance.size == 1:  # there is nothing to learn a prior from
        return variance, float(df)
    # A gene that never varies has no log variance; it is lifted to a hundred-thousandth of the usual one.
    floor = 1e-5 * np.median(variance)
    lifted = np.maximum(variance, floor if floor > 0 else np.finfo(float).tiny)
    logs = np.log(lifted) + np.log(df / 2) - digamma(df / 2)
    excess = logs.var(ddof=1) - polygamma(1, df / 2)
    if excess <= 0:  # no more spread than chance gives: one variance for all
        return np.full_like(variance, lifted.mean()), float(df * variance.size)
    prior_df = 2 * _trigamma_inverse(excess)
    prior = np.exp(logs.mean() + digamma(prior_df / 2) - np.log(prior_df / 2))
    total = min(df + prior_df, df * variance.size)
    return (df * variance + prior_df * prior) / (df + prior_df), total


def _trigamma_inverse(x: float) -> float:
    """Solve trigamma(y) = x by Newton's method on 1 / trigamma, nearly a line (Smyth 2004, appendix)."""
    if x > 1e7:
        return 1 / np.sqrt(x)
    if x < 1e-6:
        return 1 / x
    y = 0.5 + 1 / x
    for _ in range(50):
        trigamma = polygamma(1, y)
        step = trigamma * (1 - trigamma / x) / polygamma(2, y)
        y += step
        if -step / y < 1e-12:
            break
    return float(y)
