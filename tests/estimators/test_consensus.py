"""Consensus clustering: R's numbers, planted truth, and honesty when there is nothing to find."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from precisionmed.errors import InputError
from precisionmed.estimators import ConsensusClustering, _leiden
from precisionmed.estimators.consensus import smallest_cluster

REFERENCE = Path(__file__).parents[1] / "reference" / "consensus"


def _planted(k: int, seed: int, n: int = 120, p: int = 400, effect: float = 2.0):
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.arange(n) % k)
    centres = rng.normal(size=(k, p)) * (rng.random((k, p)) < 0.2) * effect
    return centres[truth] + rng.normal(size=(n, p)), truth


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("average", {"linkage": "average", "metric": "pearson"}),
        ("complete", {"linkage": "complete", "metric": "euclidean"}),
        ("ward", {"linkage": "ward", "metric": "euclidean"}),
        ("spearman", {"linkage": "average", "metric": "spearman"}),
        ("pam", {"clusterer": "pam", "metric": "euclidean"}),
    ],
)
def test_equals_consensusclusterplus_given_its_subsamples(name, parameters):
    expression = pd.read_csv(REFERENCE / "expression.csv")
    subsamples = pd.read_csv(REFERENCE / f"{name}_subsamples.csv", header=None).to_numpy()
    # ConsensusClusterPlus knows no outliers.
    model = ConsensusClustering((2, 3, 4), n_null=0, min_fraction=0, **parameters)
    model.fit(expression, subsamples=list(subsamples))
    classes = pd.read_csv(REFERENCE / f"{name}_classes.csv")
    for k in (2, 3, 4):
        expected = pd.read_csv(REFERENCE / f"{name}_k{k}.csv", header=None).to_numpy()
        np.testing.assert_allclose(model.consensus_matrix(k), expected, rtol=0, atol=1e-7)
        assert adjusted_rand_score(classes[f"k{k}"], model.labels_[k]) == 1
    expected_scores = pd.read_csv(REFERENCE / f"{name}_scores.csv")
    np.testing.assert_allclose(model.scores_["delta_area"], expected_scores["delta_area"], atol=1e-12)
    np.testing.assert_allclose(model.scores_["pac"], expected_scores["pac"], atol=1e-12)
    # Consensus values tie, and tied merges may be done in either order: the trees differ a little.
    np.testing.assert_allclose(model.scores_["cophenetic"], expected_scores["cophenetic"], atol=5e-3)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_subtypes_are_found(k, seed):
    X, truth = _planted(k, seed)
    model = ConsensusClustering(resamples=100, n_null=39, random_state=seed).fit(X)
    assert model.k_ == k
    assert adjusted_rand_score(truth, model.labels_[k]) > 0.97
    assert model.evidence_ is True
    assert model.scores_["p_family"][list(model.scores_["k"]).index(k)] <= 0.05
    assert model.confidence_.mean() > 0.95


def test_unequal_subtypes_and_outliers_do_not_mislead():
    rng = np.random.default_rng(4)
    X, truth = _planted(3, 4, n=150)
    keep = np.concatenate(
        [np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)[:25], np.flatnonzero(truth == 2)[:12]]
    )
    X, truth = X[keep], truth[keep]
    X[:2] = rng.normal(size=(2, X.shape[1])) * 4  # two broken arrays
    model = ConsensusClustering(resamples=150, random_state=0).fit(X)
    assert adjusted_rand_score(truth[2:], model.labels_[model.k_][2:]) > 0.9


def test_one_population_is_not_sold_as_subtypes():
    least = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        factors = rng.normal(size=(70, 3)) * [3, 2, 1]  # strong axes, as real tumours have, but no groups
        X = factors @ rng.normal(size=(3, 200)) * 0.4 + rng.normal(size=(70, 200))
        model = ConsensusClustering(resamples=60, n_null=39, random_state=seed).fit(X)
        least.append(model.scores_["p_family"].min())
        if least[-1] > 0.05:
            assert model.evidence_ is False
            assert model.votes_["relative_pac"] == 1
            assert model.reason_.startswith("No subtypes: ")
            assert "continuum" in model.reason_
    # p is exact for normal samples: uniform on 1/40, ..., 1.
    assert sum(p <= 0.05 for p in least) <= 2
    assert 0.35 < np.mean(least) < 0.75


@pytest.mark.parametrize("clusterer", ["kmeans", "pam", "nmf", "leiden"])
@pytest.mark.parametrize("metric", ["pearson", "euclidean"])
def test_every_clusterer_finds_planted_subtypes(clusterer, metric):
    if clusterer == "leiden":
        pytest.importorskip("scanpy")
        pytest.importorskip("igraph")
    X, truth = _planted(3, 6)
    model = ConsensusClustering(
        (2, 3, 4), clusterer, metric=metric, resamples=12, n_null=0, k=3, random_state=1
    ).fit(X)
    assert adjusted_rand_score(truth, model.labels_[3]) > 0.97
    assert model.confidence_.mean() > 0.95


def test_nmf_takes_values_that_are_not_centred():
    rng = np.random.default_rng(2)
    truth = rng.integers(3, size=90)
    X = rng.gamma(0.5, 2.0, size=(3, 200))[truth] + rng.gamma(1.0, 1.0, size=(90, 200))
    model = ConsensusClustering((3,), "nmf", resamples=10, n_null=0, random_state=1).fit(X)
    assert adjusted_rand_score(truth, model.labels_[3]) > 0.95


@pytest.mark.parametrize("clusterer", ["hierarchical", "kmeans", "pam", "nmf"])
@pytest.mark.parametrize("feature_fraction", [1.0, 0.6])
def test_no_clusterer_depends_on_the_threads(clusterer, feature_fraction):
    X, _ = _planted(3, 8, n=60, p=150, effect=0.8)
    model = ConsensusClustering(
        (2, 3, 4), clusterer, resamples=40, feature_fraction=feature_fraction, n_null=0, random_state=3
    )
    first = clone(model).fit(X)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        second = clone(model).fit(X)
    finally:
        numba.set_num_threads(threads)
    for k in (2, 3, 4):
        np.testing.assert_array_equal(first.consensus_[k], second.consensus_[k])


def test_leiden_that_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(_leiden, "find_spec", lambda name: None)
    X, _ = _planted(2, 1, n=40)
    with pytest.raises(InputError, match=r"precisionmed\[leiden\]"):
        ConsensusClustering((2,), "leiden", resamples=5, n_null=0).fit(X)


def test_leiden_keeps_the_nearest_partition_when_k_is_out_of_reach():
    sizes = np.repeat(np.arange(4), 10)

    def partition(resolution):  # a graph of four components: never fewer, then too many at once
        return sizes if resolution < 3 else np.arange(40) // 2

    found = _leiden._partitions(partition, np.array([2, 3, 4, 6, 20]))
    assert [labels.max() + 1 for labels in found] == [4, 4, 4, 4, 20]


def test_same_seed_same_result_whatever_the_threads():
    X, _ = _planted(3, 8, effect=1.0)
    model = ConsensusClustering((2, 3, 4), resamples=60, n_null=19, random_state=3)
    first = clone(model).fit(X)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        second = clone(model).fit(X)
    finally:
        numba.set_num_threads(threads)
    for k in (2, 3, 4):
        np.testing.assert_array_equal(first.consensus_[k], second.consensus_[k])
        np.testing.assert_array_equal(first.labels_[k], second.labels_[k])
    for name in first.scores_:
        np.testing.assert_array_equal(first.scores_[name], second.scores_[name])
    other = clone(model).set_params(random_state=4).fit(X)
    assert not np.array_equal(first.consensus_[4], other.consensus_[4])


def test_attributes_hang_together():
    X, _ = _planted(3, 5)
    model = ConsensusClustering(k=3, resamples=50, n_null=0, feature_fraction=0.8, random_state=1).fit(X)
    consensus = model.consensus_matrix()
    assert model.k_ == 3
    assert model.reason_.startswith("k = 3 was asked for")
    np.testing.assert_array_equal(consensus, consensus.T)
    np.testing.assert_array_equal(np.diagonal(consensus), 1)
    assert consensus.min() >= 0
    assert consensus.max() <= 1
    assert sorted(model.order_) == list(range(len(X)))
    ordered = model.labels_[3][model.order_]
    assert (np.diff(ordered) != 0).sum() == 2, "clusters are contiguous in the order of the tree"
    sizes = np.bincount(model.labels_[3])
    assert (np.diff(sizes) <= 0).all()
    assert model.cdf_[3][-1] == 1
    same = (model.labels_[3] == model.labels_[3][0]) & (np.arange(len(X)) > 0)
    assert model.confidence_[0] == pytest.approx(consensus[0, same].mean(), abs=1e-6)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"clusterer": "dbscan"}, "clusterer"),
        ({"linkage": "median"}, "linkage"),
        ({"metric": "cosine"}, "metric"),
        ({"linkage": "ward"}, "euclidean"),
        ({"sample_fraction": 0.0}, "sample_fraction"),
        ({"feature_fraction": 1.5}, "feature_fraction"),
        ({"n_null": 18}, "n_null"),
        ({"k_range": (1, 2)}, "k_range"),
        ({"k_range": (2, 90)}, "too few"),
    ],
)
def test_mistakes_are_named(parameters, message):
    X, _ = _planted(2, 1, n=40)
    with pytest.raises(InputError, match=message):
        ConsensusClustering(**parameters).fit(X)


def test_constant_and_missing_values_are_named():
    X, _ = _planted(2, 1, n=40)
    X[7] = 3.3
    with pytest.raises(InputError, match="row 7"):
        ConsensusClustering(resamples=10).fit(X)
    X[7, 0] = np.nan
    with pytest.raises(InputError, match="missing"):
        ConsensusClustering(resamples=10).fit(X)


def _with_outliers(n: int, outliers: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes and samples that each have a profile of their own, far from all others."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(n) % 3, np.full(outliers, -1)])
    X = rng.normal(size=(n + outliers, 200)) + 1.5 * rng.normal(size=(4, 200))[truth] * (truth >= 0)[:, None]
    X[n:] += 3 * rng.normal(size=(outliers, 200))
    return X - np.median(X, axis=0), truth


@pytest.mark.parametrize("clusterer", ["hierarchical", "kmeans", "pam"])
@pytest.mark.parametrize("outliers", [0, 1, 3, 5])
def test_outliers_add_no_cluster(clusterer, outliers):
    X, truth = _with_outliers(117, outliers)
    model = ConsensusClustering((2, 3, 4, 5), clusterer, resamples=40, n_null=0, random_state=1).fit(X)
    labels = model.labels_[model.k_]
    assert model.n_clusters_ == 3 == labels.max() + 1
    assert np.bincount(labels[labels >= 0]).min() >= smallest_cluster(len(X), 0.05)
    assert adjusted_rand_score(truth[:117], labels[:117]) == 1
    assert sorted(model.order_) == list(range(len(X)))
    assert not model.confidence_[labels < 0].any()
    assert model.consensus_matrix().shape == (len(X), len(X))


def test_outliers_are_set_aside_whatever_the_order_of_samples():
    X, _ = _with_outliers(90, 3)
    X[90:] *= 10  # far from all others: the first to come off the tree, one by one
    frame = pd.DataFrame(X, index=[f"s{i:03}" for i in range(93)])
    settings = {"k_range": (2, 3, 4), "metric": "euclidean", "resamples": 40, "n_null": 19, "random_state": 1}
    model = ConsensusClustering(**settings).fit(frame)
    at = np.random.default_rng(0).permutation(93)
    again = ConsensusClustering(**settings).fit(frame.iloc[at])
    np.testing.assert_array_equal(model.labels_[model.k_][at], again.labels_[again.k_])
    np.testing.assert_allclose(model.consensus_matrix()[np.ix_(at, at)], again.consensus_matrix())
    assert (model.labels_[model.k_][90:] == -1).all()
    assert "3 samples were set aside as outliers" in model.reason_
    assert (model.k_, model.n_clusters_, model.evidence_) == (3, 3, True)


def test_the_smallest_cluster():
    assert [smallest_cluster(n, 0.05) for n in (12, 100, 101, 3000)] == [5, 5, 6, 150]
    assert smallest_cluster(100, 0) == 1
    with pytest.raises(InputError, match=r"min_fraction must be at least 0 and below 0\.5"):
        ConsensusClustering(min_fraction=0.5).fit(np.random.default_rng(0).normal(size=(30, 9)))
