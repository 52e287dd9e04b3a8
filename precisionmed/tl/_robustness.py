"""Are the subtypes the same when other genes, or another clusterer, are chosen."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from precisionmed.estimators.consensus import ConsensusClustering
from precisionmed.estimators.gene_ranking import RANKINGS, top_genes

AGREED, SHARED = 0.8, 0.8
"""The other ways overrule the subtypes when the median of their agreement with one another reaches `AGREED`,
and the median of their agreement with the subtypes stays below `SHARED` of that."""
CLUSTERERS = ("hierarchical", "kmeans", "pam")
RESAMPLES = 50
"""Of each partition: enough for its labels, which is all that is compared."""


class Robustness(NamedTuple):
    """How much the subtypes depend on choices."""

    partitions: pd.DataFrame
    """`genes`, `clusterer`, `n_genes`, `agreement` (adjusted Rand index with the subtypes)."""
    agreement: pd.DataFrame
    """Adjusted Rand index between any two partitions, square."""
    stays: np.ndarray
    """Fraction of the partitions in which each sample is in the counterpart of its subtype, shape (n,); NaN
    for outliers, which have none."""
    other: str
    """What speaks against the subtypes when the partitions agree on another division; else empty."""


def robustness(
    values: np.ndarray, clustering: ConsensusClustering, *, n_genes: int, rng: np.random.Generator
) -> Robustness:
    """Cluster again with every pair of a gene ranking and a clusterer, into as many subtypes.

    Parameters
    ----------
    values : ndarray, shape (n_samples, n_genes)
        Log-scale expression.
    clustering : ConsensusClustering
        How the subtypes were found; its linkage and metric are those of the others too.
    n_genes : int
        Genes that each ranking chooses.
    rng : Generator
        Randomness of the resamples.
    """
    subtype, k = clustering.labels_[clustering.k_], clustering.n_clusters_
    known = subtype >= 0
    partitions, rows = {}, []
    for ranking in RANKINGS:
        chosen = top_genes(values, ranking, n_genes, rng)
        centred = values[:, chosen] - np.median(values[:, chosen], axis=0)
        for clusterer in CLUSTERERS:
            again = clone(clustering).set_params(
                k_range=(k,), k=k, clusterer=clusterer, resamples=RESAMPLES, n_null=0, random_state=rng
            )
            labels = again.fit(centred).labels_[k]
            partitions[f"{ranking} {clusterer}"] = labels
            rows.append((ranking, clusterer, len(chosen), adjusted_rand_score(subtype[known], labels[known])))
    names = ["genes", "clusterer", "n_genes", "agreement"]
    stays = np.mean([counterparts(subtype, labels) == subtype for labels in partitions.values()], axis=0)
    table, agreement = pd.DataFrame(rows, columns=names).rename(index=str), _pairwise(partitions)
    return Robustness(
        table, agreement, np.where(known, stays, np.nan), other_division(agreement, table["agreement"])
    )


def other_division(agreement: pd.DataFrame, with_subtypes: pd.Series) -> str:
    """Say so when the partitions agree with one another, and not with the subtypes; else nothing.

    Parameters
    ----------
    agreement : DataFrame
        Adjusted Rand index of the partitions with one another, square.
    with_subtypes : Series
        That of each partition with the subtypes.
    """
    pairs = np.median(agreement.to_numpy()[np.triu_indices(len(agreement), 1)])
    own = float(np.median(with_subtypes))
    if pairs < AGREED or own >= SHARED * pairs:
        return ""
    return (
        f"{len(agreement)} other ways to cluster agree on another division (median adjusted Rand "
        f"index {pairs:.2f} with one another, {own:.2f} with this one)"
    )


def counterparts(subtype: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rename the clusters to the subtypes that they share most samples with, one to one (Kuhn 1955).

    Clusters without a counterpart become -1, as do outliers (-1) of `labels`; those of `subtype` do
    not count.
    """
    known = (subtype >= 0) & (labels >= 0)
    shared = np.zeros((subtype.max() + 1, labels.max() + 1), dtype=np.int64)
    np.add.at(shared, (subtype[known], labels[known]), 1)
    names = np.full(shared.shape[1], -1)
    own, other = linear_sum_assignment(shared, maximize=True)
    names[other] = own
    return np.where(labels >= 0, names[labels], -1)


def _pairwise(partitions: dict[str, np.ndarray]) -> pd.DataFrame:
    names = list(partitions)
    square = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    for a, b in itertools.combinations(names, 2):
        square.loc[a, b] = square.loc[b, a] = adjusted_rand_score(partitions[a], partitions[b])
    return square
