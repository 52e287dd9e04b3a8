import numpy as np
import pytest
from scipy.stats import rankdata

from precisionmed.kernels.normalize import average_ranks, expressed_quantiles
from precisionmed.kernels.tmm import _mean_rank_bounds, tmm_factors


@pytest.mark.parametrize("levels", [3, 10, 1000])
@pytest.mark.parametrize("n", [1, 2, 7, 50, 301])
def test_trimming_by_selection_equals_trimming_by_ranks(n, levels):
    generator = np.random.default_rng([n, levels])
    values = generator.integers(0, levels, n) / 7
    for trim in (0, 0.05, 0.3, 0.45):
        low = int(n * trim) + 1
        high = n + 1 - low
        ranks = rankdata(values)
        bottom, top = _mean_rank_bounds(values, low, high)
        np.testing.assert_array_equal((values >= bottom) & (values <= top), (ranks >= low) & (ranks <= high))


def test_a_library_against_itself_has_factor_one():
    counts = np.random.default_rng(0).poisson(20, (1, 100)).astype(float)
    np.testing.assert_array_equal(
        tmm_factors(3 * counts, 3 * counts.sum(axis=1), counts[0], counts.sum()), [1.0]
    )


def test_few_changed_genes_do_not_move_the_factor():
    reference = np.full(1000, 50.0)
    changed = reference.copy()
    changed[:20] *= 100
    factor = tmm_factors(changed[None], np.array([changed.sum()]), reference, reference.sum())[0]
    np.testing.assert_allclose(factor, reference.sum() / changed.sum(), rtol=1e-12)


def test_libraries_without_a_common_gene_get_factor_one():
    np.testing.assert_array_equal(
        tmm_factors(np.array([[5.0, 0.0]]), np.array([5.0]), np.array([0.0, 5.0]), 5.0), [1.0]
    )


def test_average_ranks_equal_scipy():
    values = np.random.default_rng(1).integers(0, 9, (5, 40)).astype(float)
    np.testing.assert_array_equal(average_ranks(values), rankdata(values, axis=1))
    values[2, ::3] = np.nan
    np.testing.assert_array_equal(average_ranks(values), rankdata(values, axis=1, nan_policy="omit"))


def test_expressed_quantiles_equal_numpys():
    values = np.random.default_rng(2).integers(0, 50, (6, 31)).astype(float)
    values[1, :5] = np.nan
    values[2, 1:] = np.nan
    every = np.ones(31, dtype=bool)
    for q in (0.0, 0.5, 0.75, 1.0):
        np.testing.assert_allclose(
            expressed_quantiles(values, every, q), np.nanquantile(values, q, axis=1), rtol=1e-15
        )
    assert np.isnan(expressed_quantiles(np.full((1, 3), np.nan), every[:3], 0.5))
