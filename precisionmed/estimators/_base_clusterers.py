"""The clusterers a consensus can be built of: each clusters all resamples of a cohort at every k."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from precisionmed.errors import InputError
from precisionmed.estimators._distances import METRICS, sample_distances, sample_products
from precisionmed.estimators._leiden import leiden_labels
from precisionmed.kernels import kmeans, nmf
from precisionmed.kernels.linkage import LINKAGES, tree_labels
from precisionmed.kernels.pam import pam_labels
from precisionmed.kernels.resamples import MOST_CLUSTERS

CLUSTERERS = ("hierarchical", "kmeans", "pam", "nmf", "leiden")
_STACK = 2**27  # numbers held at once when every resample has a matrix of its own (1 GB)

Matrices = Iterator[tuple[slice, np.ndarray]]


@dataclass(frozen=True)
class BaseClusterer:
    """What clusters a resample; see `ConsensusClustering` for its choices."""

    name: str = "hierarchical"
    linkage: str = "average"
    metric: str = "pearson"
    feature_fraction: float = 1.0

    def check(self) -> None:
        """Raise `InputError` when a choice is not one."""
        for word, choice, known in (
            ("clusterer", self.name, CLUSTERERS),
            ("linkage", self.linkage, tuple(LINKAGES)),
            ("metric", self.metric, METRICS),
        ):
            if choice not in known:
                raise InputError(f"Unknown {word} {choice!r}; use one of {', '.join(known)}.")
        if self.name == "hierarchical" and self.linkage == "ward" and self.metric != "euclidean":
            raise InputError("linkage 'ward' needs metric 'euclidean'; use it, or linkage 'average'.")
        if not 0 < self.feature_fraction <= 1:
            raise InputError(
                f"feature_fraction must be above 0 and at most 1, found {self.feature_fraction}."
            )

    def labels(
        self, values: np.ndarray, drawn: np.ndarray, ks: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Cluster every resample at every k.

        Parameters
        ----------
        values : ndarray of float64, shape (n, p)
        drawn : ndarray of bool, shape (n_resamples, n)
            Which samples belong to each resample.
        ks : ndarray of int, shape (n_k,)
            In increasing order.
        rng : numpy.random.Generator
            All that is random is drawn from it before any work is shared between threads.

        Returns
        -------
        ndarray of uint8, shape (n_k, n_resamples, n)
            Clusters, numbered from 0 in order of first appearance; `UNDRAWN` where not drawn.
        """
        if ks[-1] > MOST_CLUSTERS:
            raise InputError(
                f"k_range goes up to {ks[-1]}; at most {MOST_CLUSTERS} clusters can be told apart."
            )
        features = self._features(values.shape[1], len(drawn), rng)
        shape = (len(drawn), len(ks))
        if self.name == "leiden":
            return leiden_labels(values, features, drawn, ks, self.metric, rng)
        if self.name == "nmf":
            mixed = rng.random((*shape, nmf.STARTS, ks[-1], nmf.MIXED))
            return nmf.nmf_labels(*_nonnegative(values, features), drawn, ks, mixed)
        if self.name == "kmeans":
            uniform = rng.random((*shape, kmeans.STARTS, ks[-1], kmeans.TRIALS))
            parts = [
                kmeans.kmeans_labels(products, drawn[rows], ks, uniform[rows])
                for rows, products in self._matrices(sample_products, values, features, len(drawn))
            ]
            return np.concatenate(parts, axis=1)
        parts = []
        for rows, distances in self._matrices(sample_distances, values, features, len(drawn)):
            if self.name == "pam":
                parts.append(pam_labels(distances, drawn[rows], ks))
            else:
                parts.append(tree_labels(distances, drawn[rows], ks, LINKAGES[self.linkage]))
        return np.concatenate(parts, axis=1)

    def _features(self, p: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
        """Return the features of each resample, (n_resamples, size), or (1, p) when all take part."""
        if self.feature_fraction == 1:
            return np.arange(p)[None]
        size = max(2, int(self.feature_fraction * p))
        return np.array([np.sort(rng.permutation(p)[:size]) for _ in range(resamples)])

    def _matrices(
        self,
        of_samples: Callable[[np.ndarray, str], np.ndarray],
        values: np.ndarray,
        features: np.ndarray,
        resamples: int,
    ) -> Matrices:
        """Yield resamples and their matrices, (1, n, n) for all of them or (n_resamples, n, n)."""
        if self.feature_fraction == 1:
            yield slice(0, resamples), of_samples(values, self.metric)[None]
            return
        stack = max(1, min(32, _STACK // len(values) ** 2))
        # Threads share out whole matrices, each computed by one BLAS thread: always the same bits.
        with ThreadPoolExecutor(numba.get_num_threads()) as pool:
            for start in range(0, resamples, stack):
                rows = slice(start, start + stack)
                matrices = pool.map(lambda chosen: of_samples(values[:, chosen], self.metric), features[rows])
                yield rows, np.array(list(matrices))


def _nonnegative(values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values that NMF can take, and the columns of each resample.

    When any value is negative, each feature becomes two, what is above zero and what is below (Kim and
    Tidor, Genome Res 2003;13:1706-1718): values centred per gene then say "up" and "down" in parts.
    """
    positive = np.maximum(values, 0).astype(np.float32)
    if values.min() >= 0:
        return positive, features
    negative = np.maximum(-values, 0).astype(np.float32)
    return np.hstack([positive, negative]), np.hstack([features, features + values.shape[1]])
