"""The clusterers a consensus can be built of: each clusters all resamples of a cohort at every k."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from precisionmed.errors import InputError
from precisionmed.estimators._distances import METRICS, sample_distances
from precisionmed.kernels.linkage import LINKAGES, tree_labels
from precisionmed.kernels.resamples import MOST_CLUSTERS

CLUSTERERS = ("hierarchical",)
_STACK = 2**27  # numbers held at once when every resample has a matrix of its own (1 GB)


@dataclass(frozen=True)
class BaseClusterer:
    """What clusters a resample.

    Parameters
    ----------
    name : {"hierarchical"}
    linkage : {"average", "complete", "ward"}
        Of the hierarchical clusterer (`ward` needs `metric="euclidean"`).
    metric : {"pearson", "spearman", "euclidean"}
        Distance of samples: 1 - correlation, or Euclidean.
    feature_fraction : float
        Fraction of the features drawn for each resample.
    """

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
        method = LINKAGES[self.linkage]
        parts = [
            tree_labels(distances, drawn[rows], ks, method)
            for rows, distances in self._matrices(values, features, len(drawn))
        ]
        return np.concatenate(parts, axis=1)

    def _features(self, p: int, resamples: int, rng: np.random.Generator) -> np.ndarray | None:
        """Draw the features of each resample, (n_resamples, size); None when all take part."""
        if self.feature_fraction == 1:
            return None
        size = max(2, int(self.feature_fraction * p))
        return np.array([np.sort(rng.permutation(p)[:size]) for _ in range(resamples)])

    def _matrices(
        self, values: np.ndarray, features: np.ndarray | None, resamples: int
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield resamples and their distances, (1, n, n) for all of them or (n_resamples, n, n)."""
        if features is None:
            yield slice(0, resamples), sample_distances(values, self.metric)[None]
            return
        stack = max(1, min(32, _STACK // len(values) ** 2))
        # Threads share out whole matrices, each computed by one BLAS thread: always the same bits.
        with ThreadPoolExecutor(numba.get_num_threads()) as pool:
            for start in range(0, resamples, stack):
                rows = slice(start, start + stack)
                subsets = (values[:, chosen] for chosen in features[rows])
                yield rows, np.array(list(pool.map(lambda x: sample_distances(x, self.metric), subsets)))
