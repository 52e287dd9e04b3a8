"""Cohorts of known truth: is the number of subtypes right, and is one population left whole?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from precisionmed.estimators import ConsensusClustering


def _cohort(k: int, rng: np.random.Generator, n: int = 120, p: int = 500):
    """Genes of variance 1, three factors common to all; each subtype shifts 10% of the genes by 1.4 SD."""
    truth = rng.permutation(np.arange(n) % k)
    loadings = rng.normal(size=(3, p)) * np.sqrt([[0.06], [0.04], [0.02]])
    X = rng.normal(size=(n, 3)) @ loadings + np.sqrt(0.88) * rng.normal(size=(n, p))
    for subtype in range(k if k > 1 else 0):
        genes = rng.permutation(p)[: p // 10]
        X[np.ix_(truth == subtype, genes)] += 1.4 * rng.choice([-1, 1], genes.size)
    return X, truth


def _fit(X: np.ndarray, clusterer: str, seed: int) -> ConsensusClustering:
    model = ConsensusClustering(range(2, 8), clusterer=clusterer, resamples=100, n_null=19, random_state=seed)
    return model.fit(X)


@pytest.mark.slow
@pytest.mark.parametrize("clusterer", ["hierarchical", "kmeans"])
def test_the_right_number_is_found(clusterer):
    right, agreement = [], []
    for k in (2, 3, 5):
        for seed in range(8):
            X, truth = _cohort(k, np.random.default_rng([k, seed]))
            model = _fit(X, clusterer, seed)
            right.append(model.evidence_ and model.k_ == k)
            agreement.append(adjusted_rand_score(truth, model.labels_[model.k_]))
    assert np.mean(right) >= 0.9
    assert np.mean(agreement) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("clusterer", ["hierarchical", "kmeans"])
def test_one_population_is_divided_no_oftener_than_stated(clusterer):
    n = 100
    divided = [_fit(_cohort(1, np.random.default_rng(s))[0], clusterer, s).evidence_ for s in range(n)]
    assert stats.binomtest(sum(divided), n, 0.05, alternative="greater").pvalue > 0.01
