"""Medoids: those of R's cluster::pam."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import adjusted_rand_score

from precisionmed.kernels.pam import build, pam_labels, swap

REFERENCE = Path(__file__).parents[1] / "reference" / "consensus"


@pytest.fixture(scope="module")
def distance() -> np.ndarray:
    return squareform(pdist(pd.read_csv(REFERENCE / "pam_points.csv").to_numpy()))


@pytest.mark.parametrize("k", range(2, 8))
def test_clusters_and_loss_are_those_of_r(distance, k):
    medoids, label = np.empty(k, dtype=np.int64), np.empty(len(distance), dtype=np.int64)
    build(distance, medoids)
    loss = swap(distance, medoids, label)
    expected = pd.read_csv(REFERENCE / "pam_points_losses.csv").set_index("k").loss[k]
    assert loss == pytest.approx(expected, rel=1e-12)
    assert adjusted_rand_score(pd.read_csv(REFERENCE / "pam_points_labels.csv")[f"k{k}"], label) == 1
    assert loss == pytest.approx(distance[medoids].min(axis=0).sum(), rel=1e-12)


def test_no_swap_improves_the_medoids(distance):
    medoids, label = np.empty(4, dtype=np.int64), np.empty(len(distance), dtype=np.int64)
    build(distance, medoids)
    loss = swap(distance, medoids, label)
    for c in range(4):
        others = np.delete(medoids, c)
        losses = np.minimum(distance[others].min(axis=0), distance).sum(axis=1)
        assert losses.min() >= loss - 1e-9


def test_one_build_serves_all_k(distance):
    drawn = np.random.default_rng(0).random((5, len(distance))) < 0.8
    ks = np.array([2, 3, 6])
    together = pam_labels(distance[None], drawn, ks)
    for c in range(3):
        np.testing.assert_array_equal(together[c], pam_labels(distance[None], drawn, ks[c : c + 1])[0])


def test_medoids_differ_even_among_equal_samples():
    medoids = np.empty(3, dtype=np.int64)
    build(np.zeros((8, 8)), medoids)
    assert len(set(medoids)) == 3
