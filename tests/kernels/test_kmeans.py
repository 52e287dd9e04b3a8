"""k-means from inner products: the sum of squares is what it says, and no worse than scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from precisionmed.kernels.kmeans import STARTS, TRIALS, kmeans, kmeans_labels
from precisionmed.kernels.resamples import UNDRAWN


def _points(seed: int, effect: float, n: int = 150, p: int = 30) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) + effect * rng.normal(size=(6, p))[rng.integers(6, size=n)]


def _cluster(X: np.ndarray, k: int, seed: int) -> tuple[float, np.ndarray]:
    label = np.empty(len(X), dtype=np.int64)
    uniform = np.random.default_rng(seed).random((STARTS, k, TRIALS))
    return kmeans(X @ X.T, k, uniform, label), label


@pytest.mark.parametrize("effect", [0.3, 0.6, 1.0])
def test_objective_is_no_worse_than_that_of_scikit_learn(effect):
    ratios = []
    for seed in range(8):
        X = _points(seed, effect)
        for k in (2, 4, 7):
            squares, label = _cluster(X, k, seed)
            direct = sum(((X[label == c] - X[label == c].mean(axis=0)) ** 2).sum() for c in range(k))
            assert squares == pytest.approx(direct, rel=1e-10)
            ratios.append(squares / KMeans(k, n_init=STARTS, random_state=seed).fit(X).inertia_)
    # Both are heuristics with other starts: single cases go either way, by little, but not on the whole.
    assert np.mean(ratios) <= 1
    assert max(ratios) < 1.02


def test_no_single_move_improves_the_clusters():
    X = _points(3, 0.4)
    _, label = _cluster(X, 5, 3)
    sizes = np.bincount(label)
    means = np.array([X[label == c].mean(axis=0) for c in range(5)])
    distance = ((X[:, None] - means) ** 2).sum(axis=2)
    saved = distance[np.arange(len(X)), label] * sizes[label] / (sizes[label] - 1)
    added = distance * sizes / (sizes + 1)
    added[np.arange(len(X)), label] = np.inf
    assert (added.min(axis=1) >= saved - 1e-6).all()


def test_equal_samples_still_make_k_clusters():
    _, label = _cluster(np.ones((12, 3)), 4, 1)
    assert len(np.unique(label)) == 4


def test_resamples_take_their_own_samples_and_matrix():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 10)) + 8 * rng.normal(size=(4, 10))[np.arange(40) % 4]
    drawn = rng.random((6, 40)) < 0.8
    uniform = rng.random((6, 2, STARTS, 4, TRIALS))
    ks = np.array([2, 4])
    one = kmeans_labels((X @ X.T)[None], drawn, ks, uniform)
    each = kmeans_labels(np.repeat((X @ X.T)[None], 6, axis=0), drawn, ks, uniform)
    np.testing.assert_array_equal(one, each)
    assert (one[:, ~drawn] == UNDRAWN).all()
    for r, rows in enumerate(drawn):
        expected = KMeans(4, n_init=20, random_state=0).fit_predict(X[rows])
        assert adjusted_rand_score(expected, one[1, r, rows]) == 1
