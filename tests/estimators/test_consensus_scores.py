"""Scores of a consensus: closed forms and independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import pair_confusion_matrix, rand_score, silhouette_samples

from precisionmed.estimators import _consensus_scores as score


@pytest.fixture
def resampled():
    """Partitions of all samples into three groups with some noise, and their condensed consensus."""
    rng = np.random.default_rng(0)
    truth = np.arange(30) % 3
    partitions = [np.where(rng.random(30) < 0.2, rng.integers(0, 3, 30), truth) for _ in range(20)]
    together = [(part[:, None] == part[None, :]).astype(float) for part in partitions]
    return partitions, squareform(np.mean(together, axis=0), checks=False)


def test_pac_and_distribution_of_known_consensus():
    pairs = np.array([0.05, 0.1, 0.5, 0.9, 0.91, 1.0])
    cdf = score.distribution(pairs)
    assert score.ambiguous_fraction(cdf) == pytest.approx(2 / 6)  # 0.5 and 0.9: limits belong below
    np.testing.assert_allclose(cdf, [(pairs <= at + 1e-9).mean() for at in score.GRID], atol=1e-12)
    np.testing.assert_array_equal(score.distribution(pairs.astype(np.float32)), cdf)


def test_delta_area_of_known_distributions():
    half, quarter = np.full(101, 0.5), np.full(101, 0.75)
    np.testing.assert_allclose(score.delta_area([half, quarter, quarter]), [0.5, 0.5, 0], atol=1e-12)


def test_silhouettes_confidence_and_cophenetic_equal_their_definitions(resampled):
    _, pairs = resampled
    for k in (2, 3, 6):
        final = score.final_clustering(pairs.astype(np.float32), k)
        square = squareform(pairs)
        np.fill_diagonal(square, 1)
        expected = silhouette_samples(1 - square, final["labels"], metric="precomputed")
        np.testing.assert_allclose(final["silhouettes"], expected, atol=1e-6)
        for i in range(30):
            own = (final["labels"] == final["labels"][i]) & (np.arange(30) != i)
            mean = square[i, own].mean() if own.any() else 0.0
            assert final["confidence"][i] == pytest.approx(mean, abs=1e-6)
        assert final["sizes"].tolist() == sorted(np.bincount(final["labels"]), reverse=True)


def test_concordance_is_the_mean_rand_index(resampled):
    partitions, pairs = resampled
    final = score.final_clustering(pairs, 3)
    expected = np.mean([rand_score(final["labels"], partition) for partition in partitions])
    assert final["concordance"] == pytest.approx(expected, abs=1e-12)


def test_jaccard_counts_pairs():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 3, 40), rng.integers(0, 4, 40)
    (_, only_b), (only_a, both) = pair_confusion_matrix(a, b)
    assert score.jaccard(a, b) == pytest.approx(both / (both + only_a + only_b), abs=1e-12)
    assert score.jaccard(a, (a + 1) % 3) == 1
    assert score.jaccard(np.arange(5), np.arange(5)) == 1, "no pair in either: the same partition"


def test_perfect_and_empty_consensus_are_stable():
    labels = np.arange(12) % 3
    perfect = (pdist(labels[:, None]) == 0).astype(np.float32)
    final = score.final_clustering(perfect, 3)
    assert score.jaccard(final["labels"], labels) == 1
    assert final["silhouettes"].tolist() == [1] * 12
    assert final["concordance"] == 1
    assert final["cophenetic"] == pytest.approx(1)
    empty = score.final_clustering(np.zeros(66, dtype=np.float32), 2)
    assert empty["cophenetic"] == 1
    assert np.isfinite(empty["silhouettes"]).all()


def test_one_row_a_k(resampled):
    _, pairs = resampled
    ks = np.array([2, 3, 4])
    finals = [score.final_clustering(pairs, k) for k in ks]
    table = score.score_table(ks, finals, [score.distribution(pairs)] * 3, min_size=5)
    assert {len(column) for column in table.values()} == {3}
    np.testing.assert_allclose(table["stability"] + table["pac"], 1)
    sizes = finals[0]["sizes"]
    # Before k = 2 everybody is in one cluster: the pairs within clusters among all pairs.
    assert table["jaccard"][0] == pytest.approx((sizes * (sizes - 1)).sum() / (30 * 29))
    assert table["sizeable"][1] == 3
