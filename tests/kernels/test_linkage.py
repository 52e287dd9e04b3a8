"""Trees of resamples: equal to SciPy's, whatever the threads."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import pytest
from scipy.cluster.hierarchy import cut_tree, linkage
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import adjusted_rand_score

from precisionmed.kernels.linkage import LINKAGES, tree_labels
from precisionmed.kernels.resamples import UNDRAWN

KS = np.array([2, 3, 5, 9])


def _cohort(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    distance = squareform(pdist(rng.normal(size=(n, 8))))
    drawn = np.array([rng.permutation(n) < 45 for _ in range(12)])
    return distance, drawn


@pytest.mark.parametrize("method", LINKAGES)
@pytest.mark.parametrize("seed", range(5))
def test_trees_are_those_of_scipy(method, seed):
    distance, drawn = _cohort(seed)
    labels = tree_labels(distance[None], drawn, KS, LINKAGES[method])
    for r, rows in enumerate(drawn):
        assert (labels[:, r, ~rows] == UNDRAWN).all()
        tree = linkage(squareform(distance[np.ix_(rows, rows)]), method)
        for c, k in enumerate(KS):
            expected = cut_tree(tree, n_clusters=k).ravel()
            assert len(np.unique(labels[c, r, rows])) == k
            assert adjusted_rand_score(expected, labels[c, r, rows]) == 1


def test_clusters_of_larger_k_are_nested():
    distance, drawn = _cohort(9)
    labels = tree_labels(distance[None], drawn, KS, LINKAGES["average"])
    for coarse, fine in itertools.pairwise(labels):
        for r, rows in enumerate(drawn):
            pairs = {(f, c) for f, c in zip(fine[r, rows], coarse[r, rows], strict=True)}
            assert len(pairs) == len({f for f, _ in pairs})


def test_ties_still_give_exactly_k_clusters():
    distance = squareform(np.ones(45))
    labels = tree_labels(distance[None], np.ones((1, 10), dtype=bool), KS, LINKAGES["average"])
    assert [len(np.unique(row)) for row in labels[:, 0]] == list(KS)


def test_input_is_left_alone_and_threads_do_not_matter():
    distance, drawn = _cohort(3)
    before = distance.copy()
    several = tree_labels(distance[None], drawn, KS, LINKAGES["average"])
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = tree_labels(distance[None], drawn, KS, LINKAGES["average"])
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(several, one)
    np.testing.assert_array_equal(distance, before)
