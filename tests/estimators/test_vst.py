from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators._local_trend import LocalTrend
from precisionmed.estimators._trend import mean_dispersion, parametric_trend
from precisionmed.estimators.vst import VST
from precisionmed.io.codec import decode, encode

REFERENCE = Path(__file__).parents[1] / "reference" / "normalize"
CLINIC = pd.DataFrame(
    {"group": ["a", "b"] * 6, "age": np.linspace(-1, 1, 12)}, index=[f"s{i:02d}" for i in range(1, 13)]
)
DESIGNS = [("blind", None), ("group", ["group"]), ("age", ["group", "age"])]


def golden(name: str) -> pd.DataFrame:
    """Read a table of R's (genes x samples) as samples x genes."""
    return pd.read_csv(REFERENCE / f"{name}.csv", index_col=0).T


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return golden("counts").astype(float)


@pytest.fixture(scope="module")
def simulated() -> pd.DataFrame:
    return golden("simulated").astype(float)


@pytest.mark.parametrize(("name", "columns"), DESIGNS)
def test_equals_deseq2_with_every_design(counts, name, columns):
    covariates = None if columns is None else CLINIC[columns]
    fitted = VST(blind=columns is None).fit(counts, covariates=covariates)
    np.testing.assert_allclose(fitted.dispersions_, golden("dispersions").loc[name], rtol=1e-3)
    np.testing.assert_allclose(fitted.trend_, golden("trends").loc[name], rtol=1e-4)
    np.testing.assert_allclose(fitted.transform(counts), golden(f"vst_{name}"), atol=1e-4)


def test_equals_deseq2_on_simulated_counts(simulated):
    np.testing.assert_allclose(VST().fit_transform(simulated), golden("vst_simulated"), atol=1e-6)
    subsampled = VST(n_genes=200)
    np.testing.assert_allclose(subsampled.fit_transform(simulated), golden("vst_subsampled"), atol=1e-6)
    assert np.isfinite(subsampled.dispersions_).sum() == 200


def test_equals_deseq2_with_one_mean_dispersion(counts):
    np.testing.assert_allclose(VST(fit_type="mean").fit_transform(counts), golden("vst_mean"), atol=1e-6)


def test_finds_the_trend_that_counts_were_drawn_from():
    generator = np.random.default_rng(4)
    means = np.exp(generator.normal(5, 1.5, 1500))
    size = 1 / (0.1 + 3 / means)
    counts = generator.negative_binomial(size, size / (size + means), (30, 1500))
    np.testing.assert_allclose(VST().fit(counts).trend_, [0.1, 3], rtol=0.1)


def test_the_transformation_is_the_integral_of_the_inverse_standard_deviation(counts):
    fitted = VST().fit(counts)
    a0, a1 = fitted.trend_
    low, high = 10.0, 1000.0
    sample = np.full((1, 200), low)
    sample[0, 100:] = high
    size = fitted.factors(sample)[0]
    steps = np.diff(fitted.transform(sample)[0, [0, -1]]) * np.log(2) / np.sqrt(a0)
    integral = quad(lambda q: 1 / np.sqrt(q + (a0 + a1 / q) * q * q), low / size, high / size)[0]
    np.testing.assert_allclose(steps, integral, rtol=1e-8)


def test_the_variance_no_longer_follows_the_mean(simulated):
    out = VST().fit_transform(simulated)
    logs = np.log2(simulated.to_numpy() + 1)
    means = simulated.mean().to_numpy()
    low, high = (means > 2) & (means < 20), means > 200

    def ratio(values):
        return np.median(values[:, low].var(axis=0)) / np.median(values[:, high].var(axis=0))

    assert abs(np.log(ratio(out))) < abs(np.log(ratio(logs))) / 2


def test_one_sample_is_its_row_among_many_bit_for_bit(counts):
    fitted = VST().fit(counts.iloc[:8])
    many = fitted.transform(counts)
    for row in range(len(counts)):
        np.testing.assert_array_equal(fitted.transform(counts.iloc[[row]])[0], many[row])
    np.testing.assert_array_equal(VST().fit_transform(counts), VST().fit(counts).transform(counts))


def test_threads_do_not_change_a_bit(simulated):
    before = numba.get_num_threads()
    several = VST().fit_transform(simulated)
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(VST().fit_transform(simulated), several)
    finally:
        numba.set_num_threads(before)


def test_survives_the_codec(simulated):
    fitted = VST(n_genes=100).fit(simulated)
    again = decode(encode(fitted))
    np.testing.assert_array_equal(again.transform(simulated), fitted.transform(simulated))


def test_missing_counts_stay_missing_and_genes_with_them_teach_nothing(counts):
    gaps = counts.copy()
    gaps.iloc[3, 10:20] = np.nan
    gaps.iloc[:, 5] = np.nan
    fitted = VST().fit(gaps)
    assert np.isnan(fitted.dispersions_[[5, *range(10, 20)]]).all()
    out = fitted.transform(gaps)
    np.testing.assert_array_equal(np.isnan(out), gaps.isna())
    assert np.nanmax(np.abs(out - VST().fit_transform(counts))) < 0.5


@pytest.fixture(scope="module")
def rising() -> pd.DataFrame:
    """Return counts whose dispersion rises with the mean, which a0 + a1 / mean cannot."""
    return golden("rising").astype(float)


def test_equals_deseq2_where_the_parametric_trend_does_not_fit(rising, simulated):
    with pytest.warns(PrecisionMedWarning, match="a local regression is used instead"):
        fitted = VST().fit(rising)
    assert fitted.fit_type_ == "local" and np.isnan(fitted.trend_).all()
    np.testing.assert_allclose(fitted.transform(rising), golden("vst_local"), rtol=0, atol=1e-4)
    asked = VST(fit_type="local").fit_transform(simulated)
    np.testing.assert_allclose(asked, golden("vst_simulated_local"), rtol=0, atol=1e-4)
    few = VST(n_genes=200, fit_type="local").fit_transform(rising)
    np.testing.assert_allclose(few, golden("vst_local_subsampled"), rtol=0, atol=1e-4)


def test_the_local_trend_is_that_of_locfit(rising):
    fitted = VST(fit_type="local").fit(rising)
    used = fitted.dispersions_ > 1e-6
    trend = LocalTrend.fit(fitted.means_[used], fitted.dispersions_[used])
    expected = pd.read_csv(REFERENCE / "local_trend.csv", index_col=0)
    np.testing.assert_allclose(trend(expected["mean"].to_numpy()), expected["dispersion"], rtol=1e-3)


def test_a_local_regression_goes_through_a_quadratic():
    means = np.geomspace(1, 1e4, 80)
    x = np.log(means)
    trend = LocalTrend.fit(means, np.exp(0.3 - 0.5 * x + 0.04 * x**2))
    new = np.geomspace(0.1, 1e5, 50)
    x = np.log(new)
    np.testing.assert_allclose(trend(new), np.exp(0.3 - 0.5 * x + 0.04 * x**2), rtol=1e-6)


def test_the_local_transformation_is_frozen_for_new_samples(rising):
    fitted = VST(fit_type="local").fit(rising.iloc[:9])
    again = decode(encode(fitted))
    many = fitted.transform(rising)
    for row in range(len(rising)):
        np.testing.assert_array_equal(again.transform(rising.iloc[[row]])[0], many[row])
    gaps = rising.copy()
    gaps.iloc[2, 5] = np.nan
    np.testing.assert_array_equal(np.isnan(fitted.transform(gaps)), gaps.isna())
    top = rising.iloc[[0]].copy()
    far = [fitted.transform(top.assign(g300=count))[0, -1] for count in (1e6, 1e7, 1e8)]
    assert np.diff(far) == pytest.approx([np.diff(far).mean()] * 2, rel=1e-6)  # a line in the logarithm


def test_few_genes_get_one_mean_dispersion(rising):
    few = rising.iloc[:, ::40]
    with pytest.warns(PrecisionMedWarning, match="one mean dispersion is used for all genes instead"):
        fitted = VST(fit_type="local").fit(few)
    assert fitted.fit_type_ == "mean" and fitted.trend_[1] == 0
    np.testing.assert_array_equal(fitted.transform(few), VST(fit_type="mean").fit_transform(few))


def test_refuses_what_teaches_no_dispersion(counts):
    with pytest.raises(InputError, match="no replicate"):
        VST().fit(counts.iloc[:1])
    with pytest.raises(InputError, match="needs covariates"):
        VST(blind=False).fit(counts)
    with pytest.raises(InputError, match="determine each other"):
        VST(blind=False).fit(counts, covariates=CLINIC.assign(again=CLINIC["group"]))
    with pytest.raises(InputError, match="'fit_type' parameter of VST must be"):
        VST(fit_type="loess").fit(counts)
    with pytest.raises(InputError, match="negative counts"):
        VST().fit(-counts)
    with pytest.raises(InputError, match="no more than by chance"):
        VST().fit(np.outer([10.0, 20, 30, 40], np.arange(1, 30)))


def test_trend_goes_through_exact_values_and_ignores_outliers():
    means = np.geomspace(1, 1e4, 200)
    dispersions = 0.2 + 4 / means
    dispersions[::20] *= 1000
    np.testing.assert_allclose(parametric_trend(means, dispersions), [0.2, 4], rtol=1e-6)
    assert parametric_trend(means, means / 100) is None
    assert parametric_trend(np.ones(5), np.ones(5)) is None
    assert mean_dispersion(np.array([1e-8, 1.0, 3.0])) == 2.0
