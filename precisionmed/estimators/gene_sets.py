"""Gene-set tests: do the genes of a set change more than the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import t as student

from precisionmed.errors import InputError

CORRELATION = 0.01
"""Correlation of the genes of a set that remains within groups of samples (a small value suits most sets)."""


@dataclass(frozen=True)
class CompetitiveTest:
    """One row a contrast, one column a set: t (positive: the set is up) and its two-sided p."""

    t: NDArray[np.float64]
    p: NDArray[np.float64]
    n_genes: NDArray[np.int64]
    """Genes of each set, shape (n_sets,)."""


def competitive_test(
    statistic: NDArray[np.float64], members: csr_array, correlation: float = CORRELATION
) -> CompetitiveTest:
    """Compare the statistics of the genes in a set with those of all other genes, allowing for correlation.

    Genes of a set go together, so that their mean varies more than that of independent genes: by the
    factor 1 + (m - 1) `correlation` for m genes. Without it, nearly every set of co-expressed genes is
    significant.

    Parameters
    ----------
    statistic : ndarray, shape (n_contrasts, n_genes)
        A statistic of each gene that is near normal, e.g. a moderated t.
    members : sparse array, shape (n_sets, n_genes)
        1 where a gene belongs to a set; each set has at least one gene and lacks at least one.
    correlation : float
        Mean correlation between the statistics of a set's genes.

    Raises
    ------
    InputError
        A set is empty or holds all genes, or there are fewer than three genes.

    References
    ----------
    Wu D, Smyth GK. Nucleic Acids Res 2012;40:e133 (CAMERA), here for
    given statistics, as `cameraPR` of limma has it.
    """
    total = statistic.shape[1]
    inside = np.asarray(members.sum(axis=1)).ravel().astype(np.int64)
    if total < 3 or (inside < 1).any() or (inside >= total).any():
        raise InputError("a gene-set test needs three genes or more, some inside and some outside each set.")
    centred = statistic - statistic.mean(axis=1, keepdims=True)
    outside = total - inside
    # The difference of the two means, from the mean inside alone: all statistics sum to zero.
    difference = (members @ centred.T).T / inside * total / outside
    squares = np.einsum("ij,ij->i", centred, centred)[:, None]
    pooled = (squares - difference**2 * inside * outside / total) / (total - 2)
    inflation = 1 + (inside - 1) * correlation
    t = difference / np.sqrt(pooled * (inflation / inside + 1 / outside))
    return CompetitiveTest(t, 2 * student.sf(np.abs(t), total - 2), inside)
