"""Which genes tell samples apart: scores by which the genes to cluster are chosen. No label is looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from precisionmed.errors import InputError

RANKINGS = ("SD", "MAD", "ATC")
_BLOCK = 1024  # genes whose correlations are held at a time
_PARTNERS = 2000


def top_genes(
    X: NDArray[np.float64],
    ranking: str,
    n_genes: int,
    random_state: int | np.random.Generator | None = None,
) -> NDArray[np.int64]:
    """Return the columns of the genes with the highest scores, best first; genes that score zero never.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_genes)
        Complete log-scale values.
    ranking : {"SD", "MAD", "ATC"}
        Standard deviation, median absolute deviation, or `ability_to_correlate`.
    n_genes : int
        Genes to return, at most.
    random_state : int, Generator or None
        Draws the partners of `ability_to_correlate`; the others need none.
    """
    if ranking == "SD":
        score = X.std(axis=0, ddof=1)
    elif ranking == "MAD":
        score = median_absolute_deviation(X)
    elif ranking == "ATC":
        score = ability_to_correlate(X, random_state)
    else:
        raise InputError(f"Unknown ranking of genes {ranking!r}; use one of {', '.join(RANKINGS)}.")
    top = np.argsort(-score, kind="stable")[:n_genes]
    return top[score[top] > 0]


def median_absolute_deviation(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median distance of each gene's values, (n_samples, n_genes), from their median."""
    return np.median(np.abs(X - np.median(X, axis=0)), axis=0)


def ability_to_correlate(
    X: NDArray[np.float64],
    random_state: int | np.random.Generator | None = None,
    *,
    floor: float = 0.0,
    power: float = 1.0,
    n_partners: int = _PARTNERS,
) -> NDArray[np.float64]:
    """Score genes by how much they correlate with the others (ATC).

    The score of a gene is the area above the empirical distribution function of |r| ** `power` between
    `floor` and 1, where r are its Pearson correlations with the other genes. That area is the mean of
    max(|r| ** `power` - `floor`, 0), which is what is computed. Genes that act in concert score high
    however small their variance, and noisy genes low however large.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_genes)
        Complete log-scale values.
    random_state : int, Generator or None
        Draws the partners where there are more genes than `n_partners`.
    floor : float
        Correlations below this are taken for noise.
    power : float
        Above 1, strong correlations count more.
    n_partners : int
        Genes that each gene is correlated with. The score is a mean over genes, and that many drawn at
        random give it to about 0.003.

    Returns
    -------
    ndarray, shape (n_genes,)
        Between 0 and 1 - `floor`; 0 for constant genes.

    References
    ----------
    Gu Z, Schlesner M, Huebschmann D. Nucleic Acids Res 2021;49:e15 (cola).
    """
    centred = X - X.mean(axis=0)
    length = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    varies = length > 1e-12 * np.abs(X).max(axis=0)
    units = np.ascontiguousarray((centred[:, varies] / length[varies]).T)  # genes in rows
    n = len(units)
    drawn = (
        np.arange(n)
        if n <= n_partners
        else np.sort(np.random.default_rng(random_state).permutation(n)[:n_partners])
    )
    is_partner = np.isin(np.arange(n), drawn)
    area = np.empty(n)
    # One BLAS thread: genes are chosen by these numbers, so their bits matter.
    with threadpool_limits(limits=1, user_api="blas"):
        for start in range(0, n, _BLOCK):
            block = np.abs(units[start : start + _BLOCK] @ units[drawn].T)
            if power != 1:
                block **= power
            area[start : start + _BLOCK] = np.maximum(block - floor, 0, out=block).sum(axis=1)
    others = len(drawn) - is_partner
    score = np.zeros(X.shape[1])
    # A gene's correlation with itself is 1 and tells nothing.
    score[varies] = np.maximum(area - is_partner * (1 - floor), 0) / np.maximum(others, 1)
    return score
