import numpy as np
import pytest
from scipy.special import gammaln, psi
from scipy.stats import nbinom

from precisionmed.kernels.dispersion import _search, gene_dispersions, normalized_means
from precisionmed.kernels.dispersion_likelihood import _log_gamma, adjusted_likelihood, fitted_means


@pytest.mark.parametrize("x", [1e-3, 0.5, 1, 2, 9.99, 10, 123.4, 1e8])
def test_log_gamma_and_its_slope_equal_scipys(x):
    np.testing.assert_allclose(_log_gamma(x), (gammaln(x), psi(x)), rtol=2e-12, atol=2e-12)


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("log_dispersion", [-9.0, -2.0, 0.0, 2.0])
def test_adjusted_likelihood_is_the_negative_binomials_less_half_the_log_information(columns, log_dispersion):
    generator = np.random.default_rng(columns)
    means = generator.uniform(0.5, 80, 15)
    counts = generator.poisson(means).astype(float)
    design = np.column_stack([np.ones(15), generator.normal(size=(15, 2))])[:, :columns].copy()
    a = np.exp(log_dispersion)
    likelihood = (
        nbinom.logpmf(counts, 1 / a, 1 / (1 + a * means)) + gammaln(counts + 1) - counts * np.log(means)
    )
    information = design.T @ (design / (1 / means + a)[:, None])
    expected = likelihood.sum() - 0.5 * np.linalg.slogdet(information)[1]
    value, slope = adjusted_likelihood(counts, means, design, log_dispersion)
    np.testing.assert_allclose(value, expected, rtol=1e-8)
    h = 1e-5
    up, down = (adjusted_likelihood(counts, means, design, log_dispersion + d)[0] for d in (h, -h))
    np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=1e-4, atol=1e-4)


def test_fitted_means_solve_the_score_equations():
    generator = np.random.default_rng(3)
    design = np.column_stack([np.ones(40), generator.normal(size=40)])
    sizes = generator.uniform(0.5, 2, 40)
    counts = generator.negative_binomial(5, 0.05, 40).astype(float)
    means = np.empty(40)
    fitted_means(counts, sizes, design, np.linalg.pinv(design), 0.2, 0.5, means)
    score = design.T @ ((counts - means) / (1 + 0.2 * means))
    np.testing.assert_allclose(score / means.sum(), 0, atol=1e-4)
    np.testing.assert_allclose(np.linalg.lstsq(design, np.log(means / sizes))[1], 0, atol=1e-12)


def test_a_group_without_counts_is_fitted():
    design = np.column_stack([np.ones(8), np.repeat([0.0, 1], 4), np.linspace(-1, 1, 8)])
    counts = np.array([20.0, 31, 25, 22, 0, 0, 0, 0])
    means = np.empty(8)
    fitted_means(counts, np.ones(8), design, np.linalg.pinv(design), 0.1, 0.5, means)
    np.testing.assert_allclose(means[4:], 0.5)
    np.testing.assert_allclose(means[:4].sum(), 98, rtol=0.02)


def test_dispersions_of_many_genes_are_those_of_each_alone():
    generator = np.random.default_rng(7)
    counts = generator.negative_binomial(3, 0.05, (12, 75)).astype(float)
    sizes, design = np.ones(12), np.ones((12, 1))
    inverse = np.linalg.pinv(design)
    genes = np.arange(75)
    together = gene_dispersions(counts, genes, sizes, design, inverse, True)
    alone = [gene_dispersions(counts, genes[j : j + 1], sizes, design, inverse, True)[0] for j in genes]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_allclose(np.median(together), 1 / 3, rtol=0.15)


def test_normalized_means_equal_numpys():
    counts = np.random.default_rng(1).poisson(9, (7, 70)).astype(float)
    sizes = np.linspace(0.5, 2, 7)
    np.testing.assert_allclose(normalized_means(counts, sizes), (counts / sizes[:, None]).mean(axis=0))
    counts[2, 3] = np.nan
    assert np.isnan(normalized_means(counts, sizes)[3])


def test_a_first_step_that_leaps_to_zero_does_not_end_the_search():
    generator = np.random.default_rng(5)
    means, design = generator.uniform(0.5, 4, 129), np.ones((129, 1))
    counts = generator.poisson(means * generator.gamma(2, 0.5, 129)).astype(float)
    places = np.linspace(-8, 3, 1000)
    best = places[np.argmax([adjusted_likelihood(counts, means, design, place)[0] for place in places])]
    found = _search(counts, means, design, 20.0)
    assert adjusted_likelihood(counts, means, design, np.log(20.0))[1] < -30
    np.testing.assert_allclose(np.log(found), best, atol=0.1)
