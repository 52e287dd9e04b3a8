import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import nbinom

from precisionmed.estimators._profile_dispersion import (
    Layout,
    common_dispersion,
    gene_dispersions,
    spline_maximum,
)


@pytest.fixture(scope="module")
def simulated():
    generator = np.random.default_rng(3)
    library = generator.uniform(0.5, 2, 40)
    mean = generator.uniform(5, 300, (60, 1)) * library
    return generator.negative_binomial(5, 5 / (5 + mean)).astype(float), library


@pytest.mark.parametrize("numbers", [False, True])
def test_the_profile_is_likelihood_less_half_the_log_information(simulated, numbers):
    counts, library = simulated
    second = np.linspace(-1, 1, 40) if numbers else np.arange(40) % 2
    design = np.column_stack([np.ones(40), second])
    layout = Layout.of(design)
    assert layout.n_groups == (0 if numbers else 2)
    phi = np.array([0.02, 0.3])
    profile = layout.profile(counts[:1], library, phi[None])[0]
    expected = []
    for f in phi:

        def loss(beta, f=f):
            mu = library * np.exp(design @ beta)
            return -nbinom.logpmf(counts[0], 1 / f, 1 / (1 + f * mu)).sum()

        best = minimize(loss, [np.log(100), 0], method="BFGS", options={"gtol": 1e-6}).x
        mu = library * np.exp(design @ best)
        information = design.T @ ((mu / (1 + f * mu))[:, None] * design)
        expected.append(-loss(best) - 0.5 * np.linalg.slogdet(information)[1])
    assert np.diff(profile)[0] == pytest.approx(np.diff(expected)[0], abs=1e-5)


def test_finds_the_dispersion(simulated):
    counts, library = simulated
    layout = Layout.of(np.ones((40, 1)))
    common = common_dispersion(counts, library, layout)
    assert common == pytest.approx(0.2, rel=0.1)
    counts = np.vstack([counts, np.zeros(40)])
    found = gene_dispersions(counts, library, layout, common)
    assert found[-1] == common
    for gene in range(5):

        def loss(log_phi, gene=gene):
            return -layout.profile(counts[gene : gene + 1], library, np.array([[np.exp(log_phi)]]))[0, 0]

        best = np.exp(minimize_scalar(loss, bounds=np.log([common / 8, common * 8])).x)
        assert found[gene] == pytest.approx(best, rel=0.02)  # the grid is coarse


def test_the_spline_reproduces_cubics_and_their_maxima():
    grid = np.linspace(-6, 6, 11)
    peaks = np.array([-5.3, -0.4, 0.0, 3.7])
    heights = -((grid - peaks[:, None]) ** 2) * (1 + 0.02 * (grid - peaks[:, None]))
    np.testing.assert_allclose(spline_maximum(grid, heights), peaks, atol=1e-9)
    assert spline_maximum(grid, grid[None])[0] == 6 and spline_maximum(grid, -grid[None])[0] == -6
    bumpy = (3 * np.exp(-((grid - 1) ** 2) / 4) + np.sin(grid))[None]
    inner = CubicSpline(grid, bumpy[0])  # other end conditions matter little in the middle
    fine = np.linspace(0, 4, 4001)
    assert spline_maximum(grid, bumpy)[0] == pytest.approx(fine[np.argmax(inner(fine))], abs=0.01)
