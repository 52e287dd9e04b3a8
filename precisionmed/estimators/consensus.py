"""Consensus clustering: subtypes that come back whichever patients are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import squareform
from sklearn.base import BaseEstimator, ClusterMixin
from threadpoolctl import threadpool_limits

from precisionmed.errors import InputError
from precisionmed.estimators import _consensus_choice as choice
from precisionmed.estimators import _consensus_scores as score
from precisionmed.estimators._base_clusterers import CLUSTERERS, BaseClusterer
from precisionmed.estimators._consensus_null import FEWEST_NULL, NULL_RESAMPLES, even_lengths, null_scores
from precisionmed.estimators._distances import METRICS
from precisionmed.estimators._matrix import fit_matrix
from precisionmed.estimators._order import column_order, inverse, row_order
from precisionmed.estimators._parameters import FRACTION, PART, SEED, one_of, whole
from precisionmed.estimators._resampled import consensus_matrices, draw
from precisionmed.kernels.linkage import LINKAGES

_FEWEST = 5
"""Samples that a cluster has at least."""
_PASSES = 6


def smallest_cluster(n: int, min_fraction: float) -> int:
    """Return how many of `n` samples a cluster must have not to be called outliers."""
    return max(_FEWEST, int(np.ceil(min_fraction * n))) if min_fraction else 1


class _Division(NamedTuple):
    """A consensus for each k, and what follows from it."""

    consensus: list[np.ndarray]
    cdfs: list[np.ndarray]
    finals: list[dict]
    scores: dict[str, np.ndarray]


class ConsensusClustering(ClusterMixin, BaseEstimator):
    """Consensus clustering of samples (Monti et al. 2003).

    Many random subsets of the samples are clustered; the consensus of two samples is the fraction of
    the subsets containing both in which they fall into one cluster. The final clusters are cut from
    the average-linkage tree of 1 - consensus. How ambiguous the consensus is, compared with cohorts
    of the same covariance that have no clusters, tells whether there are clusters; how clear they are
    (silhouettes) tells how many.
    Such cohorts are random rotations of the samples around their mean: means and covariances of the
    features stay exactly as they are, clusters dissolve, and were the samples drawn from one normal
    distribution to begin with, rotated cohorts would be just as likely.

    Parameters
    ----------
    k_range : sequence of int
        Numbers of clusters to try.
    clusterer : {"hierarchical", "kmeans", "pam", "nmf", "leiden"}
        What clusters the resamples. `kmeans` works on samples scaled to length one when the metric is a
        correlation; `nmf` on the values themselves, their negative part as features of its own when
        there is any; `leiden` (optional, `precisionmed[leiden]`) on a graph of nearest neighbours, at
        the resolution that gives k clusters. A resample in which no resolution does keeps the partition
        that came closest. The last two are slow: minutes for 1,000 samples without null cohorts.
    linkage : {"average", "complete", "ward"}
        Linkage of the hierarchical clusterer (`ward` needs `metric="euclidean"`).
    metric : {"pearson", "spearman", "euclidean"}
        Distance of samples: 1 - correlation, or Euclidean; not used by `nmf`.
    resamples : int
        Number of random subsets.
    sample_fraction, feature_fraction : float
        Fractions of samples and features in each subset.
    k : int, optional
        Number of clusters; chosen by stability when left out (see `reason_`).
    n_null : int
        Cohorts without clusters to simulate, at least 19; 0 compares the values of k only with each other.
    min_fraction : float
        Clusters below this fraction of the samples (or five) are outliers, never clusters of their own.
        Outliers of the clearest k are set aside and the rest is clustered again (up to five times, and
        never more than `min_fraction` of all): scores, null cohorts and labels are those of the rest.
        0: there are no outliers, and a cluster of one counts.
    random_state : int, numpy.random.Generator or None
        Randomness of the resamples and of the null cohorts.

    Attributes
    ----------
    labels_ : dict of int to ndarray of int, shape (n,)
        Clusters for each k, numbered from 0 in order of decreasing size; -1 for outliers, so that a k may
        hold fewer clusters than k (`scores_["sizeable"]`).
    consensus_ : dict of int to ndarray of float32, shape (n * (n - 1) / 2,)
        Consensus of the pairs for each k, in the order of `scipy.spatial.distance.pdist` (square:
        `consensus_matrix`); 0 for pairs that were never drawn together and with outliers set aside.
    scores_ : dict of str to ndarray
        One entry a k: `k`, `pac` (limits 0.1 and 0.9), `stability` (1 - PAC), `silhouette` (mean, of
        1 - consensus), `concordance` (of resamples with the final clusters, mean Rand index), `jaccard`
        (similarity to the clusters of the k before), `cophenetic`, `delta_area`, `sizeable` (clusters
        that are no outliers), and with null cohorts `null_pac` (mean), `null_lower`, `null_upper` (5% and
        95% points), `relative_pac` (PAC / `null_pac`), `p` (of this k alone) and `p_family` (family-wise;
        its smallest value is the p for "any subtypes at all"). Both p come from as few resamples of the
        data as of each null cohort, so that they compare like with like.
    cdf_ : dict of int to ndarray, shape (101,)
        Cumulative distribution of the consensus of pairs at 0, 0.01, ..., 1.
    evidence_ : bool or None
        Whether any k that adds a sizeable cluster is more stable than in null cohorts (`p_family` at most
        0.05): the answer to "are there subtypes?". None without null cohorts.
    k_ : int
        Chosen number of clusters, at least 2. Without evidence it merely describes the cohort, and
        `reason_` begins with "No subtypes: ".
    n_clusters_ : int
        Clusters at `k_` that are no outliers: as many as there are labels from 0 on.
    votes_ : dict of str to int
        The k each rule alone would choose, 1 for "no subtypes": `relative_pac`, `pac`, `delta_area`,
        `silhouette`, `cophenetic`, `cola`. Ours joins two of them: the null cohorts tell whether there
        are subtypes, the silhouettes how many.
    reason_ : str
        Why, in a sentence.
    order_ : ndarray of int
        Samples in the order of the tree at `k_`, those that were set aside last.
    confidence_, silhouette_ : ndarray, shape (n,)
        At `k_`: mean consensus with the other samples of the own cluster, and silhouette; 0 for outliers.

    References
    ----------
    Monti et al., Mach Learn 2003;52:91-118 (consensus). Wilkerson and Hayes, Bioinformatics
    2010;26:1572-1573 (the final clustering). Senbabaoglu et al., Sci Rep 2014;4:6207 (PAC). John et al.,
    Sci Rep 2020;10:1816 (comparison with simulated cohorts). Langsrud, Stat Comput 2005;15:53-60 (rotations).
    Gu, Schlesner and Hübschmann, Nucleic Acids Res 2021;49:e15 (concordance, Jaccard index, their rule).
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "k_range": ["array-like"],
        "clusterer": [one_of(*CLUSTERERS)],
        "linkage": [one_of(*LINKAGES)],
        "metric": [one_of(*METRICS)],
        "resamples": [whole(1)],
        "sample_fraction": [PART],
        "feature_fraction": [PART],
        "n_null": [whole(0)],
        "k": [whole(2), None],
        "min_fraction": [FRACTION],
        "random_state": SEED,
    }

    def __init__(
        self,
        k_range: Sequence[int] = (2, 3, 4, 5, 6),
        clusterer: str = "hierarchical",
        linkage: str = "average",
        metric: str = "pearson",
        resamples: int = 500,
        sample_fraction: float = 0.8,
        feature_fraction: float = 1.0,
        k: int | None = None,
        n_null: int = 100,
        min_fraction: float = 0.05,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.k_range = k_range
        self.clusterer = clusterer
        self.linkage = linkage
        self.metric = metric
        self.resamples = resamples
        self.sample_fraction = sample_fraction
        self.feature_fraction = feature_fraction
        self.k = k
        self.n_null = n_null
        self.min_fraction = min_fraction
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        subsamples: Sequence[ArrayLike] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ConsensusClustering:
        """Cluster the rows of `X`.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
            Values on a log scale; for correlations usually centred per feature beforehand. The rows and
            columns of a data frame are drawn by their names, so that their order does not matter.
        y : ignored
        subsamples : sequence of arrays of int, optional
            Row numbers of each resample, instead of random ones.
        progress : callable, optional
            Called with (cohorts compared, all of them) while null cohorts are simulated.

        Raises
        ------
        InputError
            A parameter is out of range, there are too few samples, or a sample is constant.
        """
        values = fit_matrix(self, X)
        ks = self._check(values, subsamples)
        n = len(values)
        rows, columns = row_order(X), column_order(X)
        values = values if rows is None else values[rows]
        values = values if columns is None else np.ascontiguousarray(values[:, columns])
        rng = np.random.default_rng(self.random_state)
        base = self._base()
        if subsamples is None:
            drawn = draw(n, self.resamples, self.sample_fraction, rng)
        else:
            drawn = _members(subsamples, n)
            drawn = drawn if rows is None else drawn[:, rows]
        min_size = smallest_cluster(n, self.min_fraction)
        # One BLAS thread: the same bits whatever the number of threads, see `consensus_matrices`.
        with threadpool_limits(limits=1, user_api="blas"):
            inside, found = self._without_outliers(values, drawn, ks, base, min_size, rng)
            null = {}
            if self.n_null:
                values, few = values[inside], drawn[:NULL_RESAMPLES, inside]
                scale_free = self.metric != "euclidean" and self.clusterer != "nmf"
                null = null_scores(
                    even_lengths(values) if scale_free else values,
                    found.scores["pac"],
                    self.n_null,
                    lambda cohort: consensus_matrices(cohort, few, ks, base, rng),
                    rng,
                    progress,
                )
        self.scores_ = found.scores | null
        self._choose(ks, min_size, n - int(inside.sum()))
        self._keep(found, ks, inside, min_size)
        if rows is not None:
            self._bring_back(rows)
        return self

    def _without_outliers(
        self,
        values: np.ndarray,
        drawn: np.ndarray,
        ks: np.ndarray,
        base: BaseClusterer,
        min_size: int,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, _Division]:
        """Cluster, set outliers of the clearest k aside, and cluster the rest again until there are none."""
        n = len(values)
        inside = np.ones(n, dtype=bool)
        for again in reversed(range(_PASSES)):
            consensus = list(consensus_matrices(values[inside], drawn[:, inside], ks, base, rng))
            cdfs = [score.distribution(c) for c in consensus]
            finals = [score.final_clustering(c, k) for c, k in zip(consensus, ks, strict=True)]
            found = _Division(consensus, cdfs, finals, score.score_table(ks, finals, cdfs, min_size))
            k = self.k if self.k is not None else choice.choose_k(found.scores, min_size)[0]
            final = finals[int(np.flatnonzero(ks == k)[0])]
            small = final["sizes"][final["labels"]] < min_size
            left = inside.copy()
            left[np.flatnonzero(inside)[small]] = False
            most = np.ceil(self.min_fraction * n)
            too_many = n - left.sum() > most or drawn[:, left].sum(axis=1).min() <= ks[-1]
            if not again or too_many or not small.any():
                break
            inside = left
        return inside, found

    def _keep(self, found: _Division, ks: np.ndarray, inside: np.ndarray, min_size: int) -> None:
        """Bring what belongs to the clustered samples back to all of them."""
        n, at = len(inside), np.flatnonzero(inside)
        numbers = [int(k) for k in ks]
        self.labels_, self.consensus_ = {}, {}
        for k, final, consensus in zip(numbers, found.finals, found.consensus, strict=True):
            self.labels_[k] = np.full(n, -1)
            # The largest comes first, so that those too small are the last.
            self.labels_[k][at] = np.where(final["sizes"][final["labels"]] >= min_size, final["labels"], -1)
            self.consensus_[k] = consensus if inside.all() else _widened(consensus, at, n)
        self.cdf_ = dict(zip(numbers, found.cdfs, strict=True))
        final = found.finals[numbers.index(self.k_)]
        self.order_ = np.concatenate([at[final["order"]], np.flatnonzero(~inside)])
        self.silhouette_, self.confidence_ = np.zeros(n), np.zeros(n)
        self.silhouette_[at], self.confidence_[at] = final["silhouettes"], final["confidence"]
        outlier = self.labels_[self.k_] < 0
        self.silhouette_[outlier] = self.confidence_[outlier] = 0
        self.n_clusters_ = int(self.labels_[self.k_].max()) + 1

    def _bring_back(self, rows: np.ndarray) -> None:
        """Give what belongs to samples in their order in `X`, not in that of their names."""
        back = inverse(rows)
        self.labels_ = {k: labels[back] for k, labels in self.labels_.items()}
        self.consensus_ = {
            k: squareform(squareform(pairs)[np.ix_(back, back)]) for k, pairs in self.consensus_.items()
        }
        self.order_ = rows[self.order_]
        self.silhouette_, self.confidence_ = self.silhouette_[back], self.confidence_[back]

    def fit_predict(self, X: ArrayLike, y: Any = None, **kwargs: Any) -> np.ndarray:
        """Return the clusters of the rows of `X` at the chosen k."""
        self.fit(X, y, **kwargs)
        return self.labels_[self.k_]

    def consensus_matrix(self, k: int | None = None) -> np.ndarray:
        """Return the consensus at `k` (the chosen one by default) as a square matrix.

        Returns
        -------
        ndarray of float32, shape (n, n)
            1 on the diagonal, 0 for pairs that were never drawn together.
        """
        matrix = squareform(self.consensus_[self.k_ if k is None else k])
        np.fill_diagonal(matrix, 1)
        return matrix

    def _base(self) -> BaseClusterer:
        return BaseClusterer(self.clusterer, self.linkage, self.metric, self.feature_fraction)

    def _check(self, X: np.ndarray, subsamples: Sequence[ArrayLike] | None) -> np.ndarray:
        if np.isnan(X).any():
            raise InputError("values to cluster are missing; impute them first (Preprocessor does).")
        self._base().check()
        if 0 < self.n_null < FEWEST_NULL or self.n_null < 0:
            raise InputError(
                f"n_null must be 0, or at least {FEWEST_NULL} to reach p = 0.05; found {self.n_null}."
            )
        if not 0 < self.sample_fraction <= 1:
            raise InputError(f"sample_fraction must be above 0 and at most 1, found {self.sample_fraction}.")
        if not 0 <= self.min_fraction < 0.5:
            raise InputError(f"min_fraction must be at least 0 and below 0.5, found {self.min_fraction}.")
        ks = np.unique(np.array([*self.k_range, *([self.k] if self.k else [])], dtype=np.int64))
        if not ks.size or ks[0] < 2:
            raise InputError(f"k_range must hold numbers of at least 2, found {list(self.k_range)}.")
        if subsamples is None:
            smallest = int(self.sample_fraction * len(X))
        else:
            smallest = min(np.unique(np.asarray(rows)).size for rows in subsamples)
        if smallest <= ks[-1]:
            raise InputError(
                f"{smallest} samples a resample (of {len(X)}) are too few for {ks[-1]} clusters; try fewer."
            )
        return ks

    def _choose(self, ks: np.ndarray, min_size: int, set_aside: int) -> None:
        self.k_, self.evidence_, self.reason_ = choice.choose_k(self.scores_, min_size)
        self.votes_ = choice.votes(self.scores_)
        if self.k is not None:
            i = int(np.flatnonzero(ks == self.k)[0])
            self.k_ = int(self.k)
            self.reason_ = f"k = {self.k} was asked for; {choice.compared(self.scores_, i)}."
            self.reason_ += choice.too_small(self.scores_, i, min_size)
        self.reason_ += choice.aside(set_aside, min_size)


def _members(subsamples: Sequence[ArrayLike], n: int) -> np.ndarray:
    drawn = np.zeros((len(subsamples), n), dtype=bool)
    for row, members in zip(drawn, subsamples, strict=True):
        row[np.asarray(members, dtype=np.int64)] = True
    return drawn


def _widened(consensus: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    """Return the condensed consensus of n samples of which only those `at` these places have any."""
    square = np.zeros((n, n), dtype=consensus.dtype)
    square[np.ix_(at, at)] = squareform(consensus)
    return squareform(square)
