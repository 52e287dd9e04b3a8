"""Simulated cohorts without subtypes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from precisionmed.estimators._consensus_null import (
    _coordinates,
    _random_frame,
    compare,
    even_lengths,
    null_scores,
)


def test_null_cohorts_keep_means_and_covariances():
    rng = np.random.default_rng(0)
    for n, p in ((20, 50), (50, 20)):
        X = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + 5
        coordinates = _coordinates(X - X.mean(axis=0))
        frame = _random_frame(n, len(coordinates), rng)
        rotated = frame @ coordinates
        np.testing.assert_allclose(np.cov(rotated.T), np.cov(X.T), atol=1e-9)
        np.testing.assert_allclose(rotated.mean(axis=0), 0, atol=1e-12)
        assert np.abs(np.corrcoef(rotated[:, 0], X[:, 0])[0, 1]) < 0.6


def test_p_values_of_a_known_ranking():
    null = np.column_stack([np.arange(1, 100), np.arange(1, 100)[::-1]]) / 100
    found = compare(np.array([0.005, 0.505]), null)
    np.testing.assert_allclose(found["p"], [1 / 100, 51 / 100])
    np.testing.assert_allclose(found["null_pac"], 0.5)
    np.testing.assert_allclose([found["null_lower"][0], found["null_upper"][0]], [0.059, 0.941])
    # Nobody else is as far below in log PAC, not even the cohort that is lowest at the second k.
    assert found["p_family"][0] == pytest.approx(1 / 100)
    assert (found["p_family"] >= found["p"]).all()


def test_a_pac_without_spread_is_never_evidence():
    found = compare(np.zeros(2), np.zeros((19, 2)))
    np.testing.assert_array_equal(found["p"], 1)
    np.testing.assert_array_equal(found["p_family"], 1)


def test_p_values_are_uniform_when_the_cohort_is_one_of_the_null():
    rng = np.random.default_rng(2)
    tables = rng.gamma(2, size=(2000, 20, 3)) @ rng.random((3, 4))
    p = np.array([compare(table[0], table[1:])["p_family"].min() for table in tables])
    levels = np.array([0.05, 0.1, 0.25, 0.5])
    for level in levels:
        rejected = (p <= level + 1e-9).sum()
        assert stats.binomtest(int(rejected), len(p), level).pvalue > 0.001


def test_progress_counts_the_cohort_and_its_rotations():
    rng = np.random.default_rng(3)
    seen, cohorts = [], []

    def consensus_of(cohort):
        cohorts.append(cohort)
        yield rng.random(45)

    X = rng.normal(size=(10, 4))
    pac = np.array([0.2])
    found = null_scores(X, pac, 19, consensus_of, rng, lambda done, everyone: seen.append((done, everyone)))
    np.testing.assert_allclose(found["relative_pac"] * found["null_pac"], pac)
    assert seen == [(i, 20) for i in range(1, 21)]
    np.testing.assert_array_equal(cohorts[0], X)
    np.testing.assert_allclose(np.cov(cohorts[7].T), np.cov(X.T), atol=1e-9)


def test_loud_samples_are_quietened_and_correlations_kept():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(30, 500)) + 3
    np.testing.assert_allclose(even_lengths(X), X - X.mean(axis=1, keepdims=True), err_msg="nothing to do")
    loud = X.copy()
    loud[:3] *= [[5], [2], [0.1]]
    even = even_lengths(loud)
    np.testing.assert_allclose(np.corrcoef(even), np.corrcoef(X), atol=1e-12)
    length = np.linalg.norm(even, axis=1)
    np.testing.assert_allclose(length[:3] / np.median(length), [1.1, 1.1, 1 / 1.1], rtol=1e-9)
