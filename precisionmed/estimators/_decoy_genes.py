"""Decoys: genes that look like the real ones and have nothing to do with the outcome."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

KINDS = ("knockoff", "permutation")


def permuted(X: np.ndarray, n_copies: int, rng: np.random.Generator) -> np.ndarray:
    """Return copies with the samples shuffled, the same way for all genes: (n_copies, n, p).

    Genes keep their distribution and their correlation among each other; that with the real genes is lost.
    """
    return np.stack([X[rng.permutation(X.shape[0])] for _ in range(n_copies)])


def knockoffs(X: np.ndarray, n_copies: int, rng: np.random.Generator) -> np.ndarray:
    """Return second-order Gaussian knockoffs of standardized genes: (n_copies, n, p).

    Swapping a gene with one of its copies leaves all means and covariances as they are, up to the error of
    the estimated correlations. These are shrunken towards independence by the rule of Ledoit and Wolf. Every
    decoy keeps the same, largest possible distance `s` to its gene (equicorrelated). No p x p matrix
    is formed when there are fewer samples: the shrunken correlations have the eigenvectors of the data.

    References
    ----------
    Candès et al., J R Stat Soc B 80:551 (2018), Section 3.4.2; several copies: Gimenez and Zou, AISTATS
    (2019); Ledoit and Wolf, J Multivar Anal 88:365 (2004).
    """
    n, p = X.shape
    with threadpool_limits(limits=1, user_api="blas"):  # the same bits for any number of threads
        sample, axes = principal_axes(X)
        shrinkage = ledoit_wolf(np.sum(X**2, axis=1), sample, p)
        inside = (1 - shrinkage) * sample + shrinkage
        outside = shrinkage if sample.size < p else np.inf
        room = 1 + 1 / n_copies
        s = min(1.0, room * min(outside, float(inside.min())))
        mean = X - s * ((X @ axes.T) / inside) @ axes
        spread = np.sqrt(np.maximum(room * s - s**2 / inside, 0.0))
        spread_outside = np.sqrt(max(room * s - s**2 / outside, 0.0))
        noise = rng.standard_normal((n, p))
        common = mean + spread_outside * noise + ((noise @ axes.T) * (spread - spread_outside)) @ axes
    own = np.sqrt(s) * rng.standard_normal((n_copies, n, p)) if n_copies > 1 else np.zeros((1, n, p))
    return common + own - own.mean(axis=0)


def principal_axes(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues of X'X / n that are not 0, (r,), and their eigenvectors, (r, p)."""
    n, p = X.shape
    values, vectors = np.linalg.eigh(X.T @ X / n if p <= n else X @ X.T / n)
    used = values > 1e-10 * values[-1]
    values, vectors = values[used], vectors[:, used]
    return values, vectors.T if p <= n else (vectors.T @ X) / np.sqrt(n * values)[:, None]


def ledoit_wolf(norms: np.ndarray, eigenvalues: np.ndarray, p: int) -> float:
    """Return the weight of the identity in the shrunken correlation matrix (Ledoit and Wolf 2004).

    Parameters
    ----------
    norms : (n,) array
        Squared length of each standardized sample.
    eigenvalues : (r,) array
        Those of the correlation matrix that are not 0.
    p : int
        Genes.
    """
    total = float(eigenvalues @ eigenvalues)
    noise = (float(norms @ norms) / norms.size - total) / norms.size
    distance = total - float(eigenvalues.sum()) ** 2 / p
    return min(max(noise / distance, 1e-6), 1.0) if distance > 0 else 1.0
