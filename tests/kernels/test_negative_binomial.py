import numpy as np
import pytest
from scipy.stats import nbinom

from precisionmed.kernels.negative_binomial import density, distribution, match_quantiles, quantile

MEANS = [0.02, 1.0, 30.0, 4e3, 3e6]
DISPERSIONS = [1e-3, 0.1, 1.0, 4.0]


@pytest.mark.parametrize("mu", MEANS)
@pytest.mark.parametrize("phi", DISPERSIONS)
def test_equals_scipy(mu, phi):
    reference = nbinom(1 / phi, 1 / (1 + phi * mu))
    for p in (0.001, 0.1, 0.5, 0.9, 0.999):
        y = float(reference.ppf(p))
        assert density(y, mu, phi) == pytest.approx(reference.pmf(y), rel=1e-8)
        assert distribution(y, mu, phi) == pytest.approx(reference.cdf(y), rel=1e-10)


@pytest.mark.parametrize("mu", MEANS)
@pytest.mark.parametrize("phi", DISPERSIONS)
@pytest.mark.parametrize("start", [0.0, 5.0, 1e7])
def test_the_quantile_is_the_smallest_count_that_reaches_p(mu, phi, start):
    for p in (1e-6, 0.1, 0.5, 0.9, 0.9998):
        y = quantile(p, mu, phi, start)
        assert distribution(y, mu, phi) >= p * (1 - 1e-12)
        assert y == 0 or distribution(y - 1, mu, phi) < p * (1 + 1e-10)


def test_limits():
    assert distribution(-1.0, 5.0, 0.1) == 0.0
    assert distribution(3.0, 0.0, 0.1) == 1.0
    assert quantile(0.5, 0.0, 0.1, 3.0) == 0.0
    assert density(0.0, 0.0, 0.1) == 1.0 and density(2.0, 0.0, 0.1) == 0.0


def test_matching_to_the_same_distribution_changes_nothing():
    counts = np.random.default_rng(0).negative_binomial(4, 0.05, (20, 30)).astype(float)
    counts[0, 0] = np.nan
    library, phi = np.full(20, 1000.0), np.full(30, 0.25)
    same = match_quantiles(counts, library, np.full((20, 30), 0.076), phi, np.ones(30), phi)
    np.testing.assert_array_equal(same, counts)
