"""Are clusters of one cohort there in another? In-group proportions, silhouettes and their null."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.linalg import cholesky, solve_triangular
from scipy.stats import false_discovery_control
from threadpoolctl import threadpool_limits

from precisionmed.errors import InputError
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._order import column_order, row_order
from precisionmed.estimators._vectors import checked_count

_BLOCK = 2048
"""Samples whose neighbours are looked up at a time: memory stays linear in the samples."""
_ROUNDING = 1e-9
_COLUMNS = (
    *("samples", "in_group_proportion", "null_mean", "null_lower", "null_upper", "p"),
    *("silhouette", "silhouette_mean", "silhouette_lower", "silhouette_upper", "silhouette_p"),
)


def in_group_proportion(X: ArrayLike, labels: ArrayLike, n_classes: int) -> np.ndarray:
    """Return for each class the fraction of its samples whose nearest neighbour is in it too.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_genes)
        Complete values; the nearest neighbour is the sample with the largest Pearson correlation.
    labels : array-like of int, shape (n_samples,)
        Classes, 0 to `n_classes` - 1.
    n_classes : int

    Returns
    -------
    ndarray, shape (n_classes,)
        NaN for a class without samples, 0 for a class with one.

    References
    ----------
    Kapp and Tibshirani, Biostatistics 2007;8:9-31, section 2.
    """
    X, labels = aligned(X=X, labels=labels)
    with threadpool_limits(limits=1, user_api="blas"):
        neighbours = _nearest(_unit(np.asarray(X, dtype=float)))
    return _proportions(np.asarray(labels), neighbours, n_classes)


def replication_test(
    X: ArrayLike,
    centroids: ArrayLike,
    *,
    offsets: ArrayLike = 0.0,
    n_rotations: int = 1000,
    random_state: int | np.random.Generator | None = None,
) -> pd.DataFrame:
    """Test for each class whether a second cohort has it as a cluster.

    Every sample goes to the centroid it correlates with best. The in-group proportions of the classes, and
    their mean silhouettes (of 1 - Pearson correlation), are compared with those of cohorts without
    clusters that are the same in all other respects: random rotations of the samples around their mean,
    which keep the mean and the covariance of the genes exactly. The centroids stay as they are. When
    the samples are drawn from one normal distribution, however correlated its genes, rotated cohorts
    are as likely as the cohort itself and p is exact; genes as skewed as a log-normal distribution
    make it liberal (about 10% at 5%), so give logarithms. Where most of the variance lies along one axis,
    proportions are near 1 with and without clusters; silhouettes then still tell a gap.

    Kapp and Tibshirani keep the cohort and permute the centroids instead, coordinate by coordinate in
    principal axes. k centroids have k - 1 such axes with k! orders each, so two or three classes can
    hardly get a small p, however clear they are; and permuting gene by gene takes any axis that genes
    share for clusters. Rotating the samples has neither fault.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_genes)
        Second cohort: complete values, centred at the genes' training centres.
    centroids : array-like, shape (n_classes, n_genes)
        Locked centroids.
    offsets : array-like, shape (n_classes,), optional
        Added to the correlations before the best is taken, as the locked classifier does.
    n_rotations : int
        Rotated cohorts; rotations in which a class has no sample say nothing about it.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    DataFrame
        One row a class: `samples`; `in_group_proportion`, of the rotated cohorts `null_mean`,
        `null_lower` and `null_upper` (2.5% and 97.5%), and `p` = (1 + rotations at least as high) /
        (1 + rotations); `silhouette`, `silhouette_mean`, `silhouette_lower`, `silhouette_upper` and
        `silhouette_p` likewise; `fdr` (Benjamini and Hochberg) over the classes of twice the smaller p,
        at most 1. NaN without samples.

    Raises
    ------
    InputError
        Fewer than four samples or genes, values are missing, or a sample is constant.

    References
    ----------
    Kapp and Tibshirani, Biostatistics 2007;8:9-31 (in-group proportion). Rousseeuw, J Comput Appl Math
    1987;20:53-65 (silhouette). Langsrud, Stat Comput 2005;15:53-60 (rotation tests).
    """
    checked_count(n_rotations, "n_rotations")
    values, means = np.asarray(X, dtype=float), np.asarray(centroids, dtype=float)
    _check(values, means)
    rows, columns = row_order(X), column_order(X)
    values = values if rows is None else values[rows]
    if columns is not None:
        values, means = values[:, columns], means[:, columns]
    rng = np.random.default_rng(random_state)
    targets, shift = _unit(means), np.broadcast_to(np.asarray(offsets, dtype=float), len(means))
    # One BLAS thread for each rotation, the same bits for any number of threads; rotations run side by side.
    with threadpool_limits(limits=1, user_api="blas"):
        sizes, observed = _statistics(values, targets, shift)
        centre = values.mean(axis=0)
        axes = _axes(values - centre)

        def one(own: np.random.Generator) -> np.ndarray:
            return _statistics(_rotated(len(values), axes, own) + centre, targets, shift)[1]

        with ThreadPoolExecutor(numba.get_num_threads()) as pool:
            null = np.array(list(pool.map(one, rng.spawn(n_rotations))))
    return _table(sizes, observed, null.reshape(n_rotations, *observed.shape))


def _statistics(
    values: np.ndarray, targets: np.ndarray, offsets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the size of each class, and (2, n_classes) its in-group proportion and silhouette."""
    unit = _unit(values)
    labels = (unit @ targets.T + offsets).argmax(axis=1)
    k = len(targets)
    both = np.array([_proportions(labels, _nearest(unit), k), _silhouettes(unit, labels, k)])
    return np.bincount(labels, minlength=k), both


def _silhouettes(unit: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the mean silhouette of each class, from the sums of its unit vectors: no distance matrix."""
    sizes = np.bincount(labels, minlength=n_classes)
    if (sizes > 0).sum() < 2:
        return np.full(n_classes, np.nan)
    rows = np.arange(len(labels))
    indicator = (labels == np.arange(n_classes)[:, None]).astype(float)
    similarity = unit @ (indicator @ unit).T
    own = similarity[rows, labels] - 1.0
    inside = 1 - own / np.maximum(sizes[labels] - 1, 1)
    other = np.divide(similarity, sizes, out=np.full_like(similarity, -np.inf), where=sizes > 0)
    other[rows, labels] = -np.inf
    outside = 1 - other.max(axis=1)
    width = np.where(sizes[labels] > 1, (outside - inside) / np.maximum(inside, outside), 0.0)
    total = np.bincount(labels, weights=width, minlength=n_classes)
    return np.divide(total, sizes, out=np.full(n_classes, np.nan), where=sizes > 0)


def _proportions(labels: np.ndarray, neighbours: np.ndarray, n_classes: int) -> np.ndarray:
    same = labels == labels[neighbours]
    sizes = np.bincount(labels, minlength=n_classes)
    kept = np.bincount(labels, weights=same, minlength=n_classes)
    return np.divide(kept, sizes, out=np.full(n_classes, np.nan), where=sizes > 0)


def _nearest(unit: np.ndarray) -> np.ndarray:
    """Return each row's neighbour of largest product; single precision is fine enough to rank them."""
    rows = unit.astype(np.float32)
    found = np.empty(len(rows), dtype=np.intp)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK] @ rows.T
        block[np.arange(len(block)), np.arange(start, start + len(block))] = -np.inf
        found[start : start + len(block)] = block.argmax(axis=1)
    return found


def _unit(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).sum(axis=1, keepdims=True))


def _axes(centred: np.ndarray) -> np.ndarray:
    """Return a matrix A of full row rank with A'A = X'X."""
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    kept = lengths > lengths[0] * _ROUNDING
    return lengths[kept, None] * directions[kept]


def _rotated(n: int, axes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return Q A for a random Q of orthonormal columns of mean zero: Cholesky QR, Q itself is not needed."""
    normal = rng.standard_normal((n, len(axes)))
    normal -= normal.mean(axis=0)
    triangle = cholesky(normal.T @ normal)
    return normal @ solve_triangular(triangle, axes)


def _table(sizes: np.ndarray, observed: np.ndarray, null: np.ndarray) -> pd.DataFrame:
    rows = [
        (size, own[0], *_against(own[0], drawn[:, 0]), own[1], *_against(own[1], drawn[:, 1]))
        for size, own, drawn in zip(sizes, observed.T, null.transpose(2, 0, 1), strict=True)
    ]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    both = (2 * table[["p", "silhouette_p"]].min(axis=1)).clip(upper=1.0)
    tested = both.notna()
    table["fdr"] = np.nan
    if tested.any():
        table.loc[tested, "fdr"] = false_discovery_control(both[tested])
    return table


def _against(value: float, null: np.ndarray) -> tuple[float, float, float, float]:
    """Return mean and central 95% of a null distribution, and the p of a value; NaN where unknown."""
    known = null[np.isfinite(null)]
    if known.size == 0 or np.isnan(value):
        return (np.nan,) * 4
    lower, upper = np.quantile(known, (0.025, 0.975))
    p = (1 + (known >= value - _ROUNDING).sum()) / (1 + known.size)
    return float(known.mean()), float(lower), float(upper), float(p)


def _check(values: np.ndarray, centroids: np.ndarray) -> None:
    n, genes = values.shape
    if min(n, genes) < 4:
        raise InputError(f"replication needs at least 4 samples and 4 genes; there are {n} and {genes}.")
    if centroids.shape[1] != genes:
        raise InputError(f"the centroids have {centroids.shape[1]} genes, the samples {genes}.")
    if not np.isfinite(values).all():
        raise InputError("values are missing; leave out genes that are not measured in all samples.")
    constant = np.flatnonzero(np.ptp(values, axis=1) == 0)
    if constant.size:
        raise InputError(f"sample {constant[0]} has one value for all genes; leave it out.")
