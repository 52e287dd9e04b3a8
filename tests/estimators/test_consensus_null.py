"""Simulated cohorts without subtypes."""

from __future__ import annotations

import numpy as np

from precisionmed.estimators._consensus_null import _coordinates, _random_frame


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
