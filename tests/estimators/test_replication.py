"""Replication: proportions by hand and as R has them, an honest null, and power against it."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators.replication import in_group_proportion, replication_test

REFERENCE = Path(__file__).parents[1] / "reference" / "replication"


def _golden(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv")


def _cohort(rng: np.random.Generator, sizes: tuple[int, ...], profiles: np.ndarray) -> np.ndarray:
    """Samples of known classes; a quarter of each gene's variance is shared by all genes."""
    truth = np.repeat(np.arange(len(sizes)), sizes)
    n, genes = len(truth), profiles.shape[1]
    shared = np.outer(rng.standard_normal(n), np.linspace(-1, 1, genes)) * 0.9
    return profiles[truth] + shared + rng.standard_normal((n, genes))


def test_proportions_counted_by_hand():
    """Two pairs; the fifth sample is nearest to the second, and no one's nearest neighbour."""
    X = np.array([[3, 1, 0, 0], [3, 1.1, 0, 0], [0, 0, 1, 3], [0, 0, 1.1, 3], [3, 1.6, 0.1, 0]])
    np.testing.assert_array_equal(in_group_proportion(X, [0, 0, 1, 1, 1], 3), [1, 2 / 3, np.nan])
    np.testing.assert_array_equal(in_group_proportion(X, [0, 0, 1, 1, 0], 2), [1, 1])
    np.testing.assert_array_equal(in_group_proportion(X, [0, 0, 1, 2, 0], 3), [1, 0, 0])


def test_random_labels_give_their_prevalence():
    """A neighbour knows nothing of a random label: E = (n_k - 1) / (n - 1)."""
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((60, 10)), np.repeat([0, 1], [45, 15])
    found = np.mean([in_group_proportion(X, rng.permutation(labels), 2) for _ in range(2000)], axis=0)
    np.testing.assert_allclose(found, [44 / 59, 14 / 59], atol=0.012)


def test_equal_to_r():
    expected = _golden("expected")
    found = replication_test(_golden("samples"), _golden("centroids"), n_rotations=4000, random_state=1)
    np.testing.assert_array_equal(found["samples"], expected["samples"])
    np.testing.assert_allclose(found["in_group_proportion"], expected["in_group_proportion"], atol=1e-12)
    np.testing.assert_allclose(found["silhouette"], expected["silhouette"], atol=1e-12)
    # Two Monte Carlo means (and tails) of 4,000 rotations each: within four standard errors.
    for mean, sd, p in (
        ("null_mean", "null_sd", "p"),
        ("silhouette_mean", "silhouette_sd", "silhouette_p"),
    ):
        assert (np.abs(found[mean] - expected[mean]) < 4 * expected[sd] * np.sqrt(2 / 4000)).all()
        tail = 4 * np.sqrt(2 * expected[p] * (1 - expected[p]) / 4000) + 1e-3
        assert (np.abs(found[p] - expected[p]) < tail).all()


def test_planted_classes_are_found_again_and_absent_ones_are_not():
    rng = np.random.default_rng(2)
    profiles = rng.standard_normal((3, 60)) * 0.9
    found = replication_test(_cohort(rng, (40, 30, 20), profiles), profiles, n_rotations=400, random_state=0)
    assert (found["p"] < 0.05).all()
    assert (found["silhouette_p"] < 0.01).all()
    assert (found["in_group_proportion"] >= found["null_upper"]).all()
    assert (found["fdr"] < 0.02).all()
    nothing = _cohort(rng, (90,), np.zeros((1, 60)))
    found = replication_test(nothing, profiles, n_rotations=400, random_state=0)
    assert (found["fdr"] > 0.05).all()


def test_a_gap_along_one_axis_shows_in_the_silhouette():
    """One axis holds most of the variance: neighbours agree anyway, and only the silhouette knows the gap."""
    rng = np.random.default_rng(8)
    axis = np.linspace(-1, 1, 50)
    score = np.concatenate([rng.normal(-2, 0.6, 60), rng.normal(2, 0.6, 40)])
    cohort = np.outer(score, axis) + 0.5 * rng.standard_normal((100, 50))
    found = replication_test(cohort, [axis, -axis], n_rotations=200, random_state=0)
    assert (found["null_mean"] > 0.95).all()
    assert (found["silhouette_p"] < 0.01).all()
    assert (found["fdr"] < 0.05).all()


def test_level_without_clusters():
    """Genes share a factor and the centroids lie along it: an axis, but no clusters; at most 7% at 5%."""
    rng = np.random.default_rng(3)
    axis = np.linspace(-1, 1, 30)
    every, decided = [], []
    for _ in range(150):
        centroids = np.array([axis, -axis]) + 0.2 * rng.standard_normal((2, 30))
        cohort = _cohort(rng, (50,), np.zeros((1, 30)))
        found = replication_test(cohort, centroids, n_rotations=99, random_state=rng)
        every.append(found[["p", "silhouette_p"]].to_numpy())
        decided.append(found["fdr"].min())
    assert (np.mean(np.array(every) <= 0.05, axis=(0, 1)) <= 0.07).all()
    assert (np.abs(np.mean(every, axis=(0, 1)) - 0.5) < 0.12).all(), "p is spread as it should be"
    assert np.mean(np.array(decided) <= 0.05) <= 0.07


def test_offsets_move_the_border():
    rng = np.random.default_rng(4)
    profiles = rng.standard_normal((2, 40))
    cohort = _cohort(rng, (30, 30), profiles)
    plain = replication_test(cohort, profiles, n_rotations=20, random_state=0)
    moved = replication_test(cohort, profiles, offsets=[0.5, -0.5], n_rotations=20, random_state=0)
    assert moved["samples"][0] > plain["samples"][0]
    all_in_one = replication_test(cohort, profiles, offsets=[5, 0], n_rotations=20, random_state=0)
    assert all_in_one["in_group_proportion"][0] == 1
    assert all_in_one.loc[1, ["in_group_proportion", "null_mean", "p", "silhouette", "fdr"]].isna().all()


def test_any_number_of_threads_gives_the_same_bits():
    rng = np.random.default_rng(5)
    cohort, profiles = rng.standard_normal((80, 50)), rng.standard_normal((3, 50))
    before = numba.get_num_threads()
    found = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        found.append(replication_test(cohort, profiles, n_rotations=50, random_state=7))
    numba.set_num_threads(before)
    pd.testing.assert_frame_equal(*found, check_exact=True)


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_more_genes_than_samples_and_the_other_way(shape):
    rng = np.random.default_rng(6)
    found = replication_test(
        rng.standard_normal(shape), rng.standard_normal((2, shape[1])), n_rotations=50, random_state=0
    )
    assert found["p"].between(1 / 51, 1).all()


def test_mistakes_are_named():
    X, C = np.random.default_rng(0).standard_normal((10, 6)), np.ones((2, 6)) * np.arange(6)
    with pytest.raises(InputError, match="at least 4 samples"):
        replication_test(X[:3], C)
    with pytest.raises(InputError, match="5 genes, the samples 6"):
        replication_test(X, C[:, :5])
    with pytest.raises(InputError, match="missing"):
        replication_test(np.where(X > 1, np.nan, X), C)
    X[4] = 2
    with pytest.raises(InputError, match="sample 4 has one value"):
        replication_test(X, C)
