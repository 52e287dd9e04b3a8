"""NMF: the factors fit as well as scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import NMF
from sklearn.metrics import adjusted_rand_score

from precisionmed.kernels.nmf import MIXED, STARTS, nmf


@pytest.mark.parametrize("k", [2, 3, 5])
def test_fit_is_as_close_as_that_of_scikit_learn(k):
    rng = np.random.default_rng(k)
    truth = rng.integers(k, size=120)
    profiles = rng.gamma(0.5, 2.0, size=(k, 200))
    v = (profiles[truth] + rng.gamma(1.0, 1.0, size=(120, 200))).astype(np.float32)
    label = np.zeros(120, dtype=np.int64)
    weights, found = nmf(v, k, rng.random((STARTS, k, MIXED)), label)
    assert weights.min() >= 0
    assert found.min() >= 0
    theirs = NMF(k, init="nndsvda", max_iter=500).fit(v)
    ours = np.linalg.norm(v - weights @ found.T)
    # Rounds end when the clusters have settled, a little before the fit has.
    assert ours <= theirs.reconstruction_err_ * 1.02
    assert adjusted_rand_score(truth, label) > 0.95
