"""Robustness: planted subtypes are found by every choice, and samples between them are not."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from precisionmed.estimators.consensus import ConsensusClustering
from precisionmed.tl._robustness import counterparts, robustness


def _found(labels: np.ndarray) -> ConsensusClustering:
    """Stand in for a clustering that found these labels."""
    clustering = ConsensusClustering()
    clustering.k_ = int(labels.max()) + 1
    clustering.labels_ = {clustering.k_: labels}
    clustering.n_clusters_ = clustering.k_
    return clustering


def _planted(effect: float = 2.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1, 2], [40, 30, 20])
    values = rng.normal(size=(90, 300))
    values[:, :120] += effect * rng.normal(size=(3, 120))[truth]
    return values, truth


def test_planted_subtypes_do_not_depend_on_choices():
    values, truth = _planted()
    values[5] = values[60:90].mean(axis=0)  # one sample says it is of the first subtype and is not
    found = robustness(values, _found(truth), n_genes=100, rng=np.random.default_rng(1))
    table = found.partitions
    assert len(table) == 9
    assert set(table["genes"]) == {"SD", "MAD", "ATC"}
    assert (table["n_genes"] == 100).all()
    assert table["agreement"].min() > 0.9
    assert (np.delete(found.stays, 5) > 0.9).all()
    assert found.stays[5] < 0.2
    names = [f"{a} {b}" for a, b in zip(table["genes"], table["clusterer"], strict=True)]
    assert list(found.agreement.index) == list(found.agreement.columns) == names
    square = found.agreement.to_numpy()
    np.testing.assert_array_equal(square, square.T)
    assert (np.diagonal(square) == 1).all()


def test_subtypes_that_are_not_there_do_not_come_back():
    values, _ = _planted(effect=0.0)
    random = np.random.default_rng(3).permutation(np.repeat([0, 1, 2], 30))
    found = robustness(values, _found(random), n_genes=100, rng=np.random.default_rng(1))
    assert found.partitions["agreement"].abs().max() < 0.2
    assert found.stays.mean() < 0.6


def test_same_randomness_same_answer():
    values, truth = _planted(effect=0.5)
    first, second = (
        robustness(values, _found(truth), n_genes=80, rng=np.random.default_rng(4)) for _ in "ab"
    )
    np.testing.assert_array_equal(first.stays, second.stays)
    assert first.agreement.equals(second.agreement)


def test_counterparts_are_the_best_one_to_one_names():
    subtype = np.repeat([0, 1, 2], [5, 4, 3])
    labels = np.array([2, 2, 2, 2, 0, 0, 0, 0, 0, 1, 1, 1])
    renamed = counterparts(subtype, labels)
    np.testing.assert_array_equal(renamed, [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2])
    assert adjusted_rand_score(labels, renamed) == 1


def test_a_cluster_without_a_counterpart_is_nobodys():
    subtype = np.zeros(6, dtype=int)
    np.testing.assert_array_equal(counterparts(subtype, np.array([0, 0, 0, 0, 1, 1])), [0, 0, 0, 0, -1, -1])


def test_outliers_are_in_no_counterpart():
    subtype = np.array([0, 0, 0, 1, 1, 1, -1])
    labels = np.array([1, 1, -1, 0, 0, 0, 0])
    np.testing.assert_array_equal(counterparts(subtype, labels), [0, 0, -1, 1, 1, 1, 1])
    values, truth = _planted()
    truth[[4, 50]] = -1
    found = robustness(values, _found(truth), n_genes=100, rng=np.random.default_rng(1))
    assert np.isnan(found.stays[[4, 50]]).all()
    assert np.isfinite(np.delete(found.stays, [4, 50])).all()
    assert found.partitions["agreement"].min() > 0.9
    assert not found.other


def test_ways_that_agree_on_another_division_overrule():
    values, truth = _planted()
    wrong = np.where(truth == 2, 0, truth)
    wrong[:20] = 2  # two subtypes merged, another split
    found = robustness(values, _found(wrong), n_genes=100, rng=np.random.default_rng(1))
    assert found.other.startswith("9 other ways to cluster agree on another division")
    random = np.random.default_rng(3).permutation(truth)
    noise = np.random.default_rng(4).normal(size=values.shape)
    assert not robustness(noise, _found(random), n_genes=100, rng=np.random.default_rng(1)).other
