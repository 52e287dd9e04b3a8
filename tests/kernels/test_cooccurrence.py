"""Counting pairs: equal to plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import squareform

from precisionmed.kernels.cooccurrence import cooccurrence
from precisionmed.kernels.resamples import UNDRAWN


@pytest.mark.parametrize("n", [2, 21, 64, 65, 130])
def test_counts_of_pairs_are_exact(n):
    rng = np.random.default_rng(n)
    labels = rng.integers(0, 3, size=(137, n)).astype(np.uint8)
    labels[rng.random(labels.shape) < 0.3] = UNDRAWN
    expected = sum(((row[:, None] == row) & (row[:, None] != UNDRAWN)).astype(int) for row in labels)
    np.fill_diagonal(expected, 0)
    np.testing.assert_array_equal(cooccurrence(labels), squareform(expected))
