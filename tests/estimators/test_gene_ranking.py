"""Scores that rank genes: closed forms, and what each is for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid
from statsmodels.distributions.empirical_distribution import ECDF

from precisionmed.errors import InputError
from precisionmed.estimators.gene_ranking import (
    ability_to_correlate,
    median_absolute_deviation,
    top_genes,
)


def _values(n: int = 40, p: int = 60, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, p))


@pytest.mark.parametrize(("floor", "power"), [(0.0, 1.0), (0.2, 1.0), (0.0, 2.0), (0.1, 3.0)])
def test_atc_is_the_area_above_the_distribution_function(floor, power):
    X = _values()
    found = ability_to_correlate(X, np.random.default_rng(0), floor=floor, power=power)
    correlation = np.abs(np.corrcoef(X.T)) ** power
    grid = np.linspace(floor, 1, 200_001)
    for gene in range(0, 60, 15):
        others = np.delete(correlation[gene], gene)
        area = trapezoid(1 - ECDF(others)(grid), grid)
        assert found[gene] == pytest.approx(area, abs=1e-5)


def test_a_sample_of_partners_gives_nearly_the_score_of_all():
    X = _values(50, 700)
    X[:, :200] += 1.5 * np.random.default_rng(1).normal(size=(50, 1))
    every = ability_to_correlate(X, np.random.default_rng(0))
    some = ability_to_correlate(X, np.random.default_rng(0), n_partners=300)
    assert np.abs(every - some).max() < 0.05
    assert every[:200].min() > every[200:].max()
    assert some[:200].min() > some[200:].max()


def test_atc_of_constant_genes_is_zero():
    X = _values()
    X[:, 7] = 3.1
    score = ability_to_correlate(X, np.random.default_rng(0))
    assert score[7] == 0
    assert (np.delete(score, 7) > 0).all()


def test_each_ranking_finds_its_genes():
    X = _values(60, 50)
    X[:, 3] *= 4  # wide
    X[0, 5] = 60  # one outlier
    X[:, 10:20] = 0.2 * X[:, 10:20] + 0.5 * _values(60, 1, seed=1)  # narrow, in concert
    rng = np.random.default_rng(0)
    assert list(top_genes(X, "SD", 2, rng)) == [5, 3]
    assert top_genes(X, "MAD", 1, rng)[0] == 3
    assert sorted(top_genes(X, "ATC", 10, rng)) == list(range(10, 20))
    np.testing.assert_allclose(
        median_absolute_deviation(X)[3], np.median(np.abs(X[:, 3] - np.median(X[:, 3])))
    )


def test_genes_that_do_not_vary_are_never_chosen():
    X = np.tile(_values(20, 1), 5)
    X[:, 2] = 0
    assert set(top_genes(X, "SD", 5, np.random.default_rng(0))) == {0, 1, 3, 4}
    with pytest.raises(InputError, match="SD, MAD, ATC"):
        top_genes(X, "variance", 5, np.random.default_rng(0))
