"""Cohorts without subtypes that are like the data in all other respects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from scipy.linalg import eigh

from precisionmed.estimators import _consensus_scores as score

# The test is exact for any number, since the data are resampled as often as the cohorts they are compared
# with; 50 put two samples together about 32 times, enough to tell below 0.1, between, and above 0.9.
NULL_RESAMPLES = 50
FEWEST_NULL = 19  # the smallest p is 1 / (1 + n_null)
_EVEN = 1.1  # ratio to the median length; normal samples of many genes are hardly ever farther off
_OFFSET = 0.003  # keeps the logarithm of a PAC of 0 finite, and far from that of 0.05
_LEAST_SPREAD = 1e-6  # of log PACs: below it all cohorts count as alike
_ROUNDING = 1e-9  # of a standardized log PAC


def null_scores(
    X: np.ndarray,
    pac: np.ndarray,
    n_null: int,
    consensus_of: Callable[[np.ndarray], Iterable[np.ndarray]],
    rng: np.random.Generator,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, np.ndarray]:
    """Compare the PAC of a cohort at each k with that of random rotations of it.

    Parameters
    ----------
    X : ndarray, shape (n, p)
    pac : ndarray, shape (n_k,)
        PAC of X from all its resamples, for `relative_pac`.
    n_null : int
        Number of rotations.
    consensus_of : callable
        Resample and cluster a cohort: (n, p) to one condensed consensus for each k.
    rng : numpy.random.Generator
    progress : callable, optional
        Called with (cohorts done, all cohorts).

    Returns
    -------
    dict of ndarray, shape (n_k,)
        See `compare`; and `relative_pac`, `pac` divided by the mean of the null cohorts.
    """
    simulated = []
    for done, cohort in enumerate(_with_rotations(X, n_null, rng), start=1):
        cdfs = (score.distribution(consensus) for consensus in consensus_of(cohort))
        simulated.append([score.ambiguous_fraction(cdf) for cdf in cdfs])
        if progress is not None:
            progress(done, n_null + 1)
    found = compare(np.array(simulated[0]), np.array(simulated[1:]))
    return found | {"relative_pac": pac / np.maximum(found["null_pac"], np.finfo(float).tiny)}


def even_lengths(X: np.ndarray) -> np.ndarray:
    """Centre the rows and bring their lengths to within 10% of the median length.

    Correlations of the rows stay as they are, but a few loud samples no longer dominate the covariance that
    rotated cohorts share. Samples of a normal distribution of many genes are left alone.
    """
    centred = X - X.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1)
    middle = np.median(length)
    return centred * (np.clip(length, middle / _EVEN, middle * _EVEN) / length)[:, None]


def compare(pac: np.ndarray, null_pac: np.ndarray) -> dict[str, np.ndarray]:
    """Place the PAC of a cohort among those of cohorts without clusters.

    Parameters
    ----------
    pac : ndarray, shape (n_k,)
    null_pac : ndarray, shape (n_null, n_k)

    Returns
    -------
    dict of ndarray, shape (n_k,)
        `null_pac` (mean), `null_lower` and `null_upper` (5% and 95% points), `p` (chance of a PAC this
        small at this k in a cohort without clusters) and `p_family` (chance that such a cohort is
        this far below its kind at any k).

    Notes
    -----
    Both p are Monte Carlo p-values, (1 + as extreme) / (1 + n_null), so that no value below
    1 / (1 + n_null) is ever claimed (Davison and Hinkley 1997, equation 4.11). `p_family` compares with the
    largest of all k (Westfall and Young 1993, single step) of (mean - y) / SD, y = log(PAC + 0.003). Mean
    and SD are taken over all cohorts, the observed one included: that treats all alike, which makes
    the p-values exact when the cohorts are exchangeable. Without the logarithm a PAC of 0 could
    not stand out where null cohorts are rather stable too, as they are along one dominant axis.
    """
    everyone = np.log(np.vstack([pac, null_pac]) + _OFFSET)
    spread = np.maximum(everyone.std(axis=0), _LEAST_SPREAD)
    below = (everyone.mean(axis=0) - everyone) / spread
    furthest = below[1:].max(axis=1)
    lower, upper = np.quantile(null_pac, [0.05, 0.95], axis=0)
    n = len(null_pac) + 1
    return {
        "null_pac": null_pac.mean(axis=0),
        "null_lower": lower,
        "null_upper": upper,
        "p": (1 + (null_pac <= pac).sum(axis=0)) / n,
        "p_family": (1 + (furthest[:, None] >= below[0] - _ROUNDING).sum(axis=0)) / n,
    }


def _with_rotations(X: np.ndarray, n_null: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Return X and `n_null` random rotations of its rows around their mean.

    A rotation keeps the means and covariances of the columns exactly. Given these, all rotations of a
    sample of a normal distribution are equally likely (Langsrud, Stat Comput 2005;15:53-60), X being
    one of them. Drawing normal scores for the principal components (John et al. 2020) instead adds their
    sampling error to the covariance, so that its level is only nearly right.
    """
    yield X
    mean = X.mean(axis=0)
    coordinates = _coordinates(X - mean)
    for _ in range(n_null):
        yield _random_frame(len(X), len(coordinates), rng) @ coordinates + mean


def _coordinates(centred: np.ndarray) -> np.ndarray:
    """Return a matrix A of few rows with A'A = X'X, through the smaller Gram matrix (faster than an SVD)."""
    n, p = centred.shape
    if p < n:
        values, vectors = eigh(centred.T @ centred)
        return np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    values, vectors = eigh(centred @ centred.T)
    return vectors[:, values > values[-1] * 1e-10].T @ centred


def _random_frame(n: int, r: int, rng: np.random.Generator) -> np.ndarray:
    """Return `r` orthonormal columns of length `n` and mean zero, uniformly distributed."""
    normal = rng.standard_normal((n, r))
    frame, triangle = np.linalg.qr(normal - normal.mean(axis=0))
    return frame * np.sign(np.diagonal(triangle))
