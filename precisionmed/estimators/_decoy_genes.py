"""Decoys: genes that look like the real ones and have nothing to do with the outcome."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

KINDS = ("knockoff", "permutation")
_BLOCK = 2048  # genes worked on at a time


def permuted(X: np.ndarray, n_copies: int, rng: np.random.Generator) -> np.ndarray:
    """Return copies with the samples shuffled, the same way for all genes: (n_copies, n, p).

    Genes keep their distribution and their correlation among each other; that with the real genes is lost.
    """
    decoys = np.empty((n_copies, *X.shape))
    for decoy in decoys:
        np.take(X, rng.permutation(X.shape[0]), axis=0, out=decoy, mode="clip")  # "raise" makes a copy
    return decoys


def knockoffs(X: np.ndarray, n_copies: int, rng: np.random.Generator) -> np.ndarray:
    """Return second-order Gaussian knockoffs of standardized genes: (n_copies, n, p).

    Swapping a gene with one of its copies leaves all means and covariances as they are, up to the error of
    the estimated correlations. These are shrunken towards independence by the rule of Ledoit and Wolf. Every
    decoy keeps the same, largest possible distance `s` to its gene (equicorrelated).

    The shrunken correlations have the eigenvectors of the data, X'u / sqrt(n eigenvalue) with u the principal
    directions of the samples, and one eigenvalue for everything else. Mean and noise are linear in X with
    weights among samples: no p x p matrix is formed when there are fewer samples, and the normal numbers
    become decoys where they are, some genes at a time.

    References
    ----------
    Candès et al., J R Stat Soc B 80:551 (2018), Section 3.4.2; several copies: Gimenez and Zou, AISTATS
    (2019); Ledoit and Wolf, J Multivar Anal 88:365 (2004).
    """
    n, p = X.shape
    decoys = rng.standard_normal((n_copies, n, p))
    blocks = [slice(first, first + _BLOCK) for first in range(0, p, _BLOCK)]

    def common(block: slice) -> np.ndarray:
        """Return the noise that copies share: standard normal, independent of how they differ."""
        return decoys[:, :, block].sum(axis=0) / np.sqrt(n_copies)

    with threadpool_limits(limits=1, user_api="blas"):  # the same bits for any number of threads
        sample, u = principal_samples(X)
        shrinkage = ledoit_wolf(np.einsum("ij,ij->i", X, X), sample, p)
        inside = (1 - shrinkage) * sample + shrinkage
        outside = shrinkage if sample.size < p else np.inf
        room = 1 + 1 / n_copies
        s = min(1.0, room * min(outside, float(inside.min())))
        spread = np.sqrt(np.maximum(room * s - s**2 / inside, 0.0))
        spread_outside = np.sqrt(max(room * s - s**2 / outside, 0.0))
        noise = sum(np.linalg.multi_dot([common(block), X[:, block].T, u]) for block in blocks)
        weights = noise * ((spread - spread_outside) / (n * sample)) - s * u / inside
        for block in blocks:
            shared = common(block)
            centre = X[:, block] + np.linalg.multi_dot([weights, u.T, X[:, block]])
            centre += spread_outside * shared
            shared /= np.sqrt(n_copies)
            for decoy in decoys:
                decoy[:, block] = centre + np.sqrt(s) * (decoy[:, block] - shared)
    return decoys


def principal_samples(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues of XX' / n that are not 0, (r,), and their eigenvectors, (n, r)."""
    n, p = X.shape
    values, vectors = np.linalg.eigh(X.T @ X / n if p <= n else X @ X.T / n)
    used = values > 1e-10 * values[-1]
    values, vectors = values[used], vectors[:, used]
    return values, (X @ vectors) / np.sqrt(n * values) if p <= n else vectors


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
