from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators.mixture import TwoComponentMixture

REFERENCE = Path(__file__).parents[1] / "reference" / "mixture"
VALUES = pd.read_csv(REFERENCE / "values.csv")
FITS = pd.read_csv(REFERENCE / "fits.csv", index_col="sample")


@pytest.mark.parametrize("name", FITS.index)
def test_equals_maximum_likelihood_in_r(name):
    fit = TwoComponentMixture(tol=1e-14).fit(VALUES.loc[VALUES["sample"] == name, "value"])
    found = [*fit.means_, *fit.sds_, fit.weights_[1], fit.threshold_]
    expected = FITS.loc[name, ["mean_low", "mean_high", "sd_low", "sd_high", "weight_high", "threshold"]]
    np.testing.assert_allclose(found, expected.to_numpy(float), rtol=2e-4)
    assert fit.log_likelihood_ == pytest.approx(FITS.loc[name, "log_likelihood"], abs=1e-6)
    assert fit.converged_


def test_likelihood_never_falls():
    rng = np.random.default_rng(1)
    for _ in range(20):
        values = np.r_[rng.normal(0, rng.uniform(0.2, 2), 40), rng.normal(2, rng.uniform(0.2, 2), 30)]
        path = TwoComponentMixture().fit(values).log_likelihood_path_
        assert (np.diff(path) > -1e-9).all()


def test_threshold_lies_between_the_means_and_posteriors_cross_there():
    values = VALUES.loc[VALUES["sample"] == "amplicon", "value"].to_numpy()
    fit = TwoComponentMixture().fit(values)
    assert fit.means_[0] < fit.threshold_ < fit.means_[1]
    np.testing.assert_allclose(fit.predict_proba([fit.threshold_]), [[0.5, 0.5]], atol=1e-9)
    np.testing.assert_array_equal(fit.predict(values) == 1, fit.predict_proba(values)[:, 1] > 0.5)


@pytest.mark.parametrize("sds", [(2.0, 0.5), (0.5, 2.0)])
def test_posterior_never_turns_back(sds):
    rng = np.random.default_rng(2)
    values = np.r_[rng.normal(0, sds[0], 300), rng.normal(6, sds[1], 200)]
    posterior = TwoComponentMixture().fit(values).predict_proba(np.linspace(-50, 50, 1001))[:, 1]
    assert (np.diff(posterior) >= 0).all()
    assert posterior[0] < 0.01
    assert posterior[-1] > 0.99


def test_bimodality_index_of_well_separated_halves():
    rng = np.random.default_rng(3)
    values = np.r_[rng.normal(0, 1, 5000), rng.normal(6, 1, 5000)]
    # sqrt(0.5 * 0.5) * 6 / 1
    assert TwoComponentMixture().fit(values).bimodality_index_ == pytest.approx(3.0, rel=0.02)


def test_missing_values_stay_missing_and_change_nothing():
    values = VALUES.loc[VALUES["sample"] == "receptor", "value"].to_numpy()
    gaps = np.insert(values, [0, 50], np.nan)
    fit, with_gaps = TwoComponentMixture().fit(values), TwoComponentMixture().fit(gaps)
    assert fit.threshold_ == with_gaps.threshold_
    assert with_gaps.n_samples_ == len(values)
    assert np.isnan(with_gaps.predict(gaps)[0])
    assert np.isnan(with_gaps.predict_proba(gaps)[0]).all()


def test_order_of_samples_and_scale_do_not_matter():
    values = VALUES.loc[VALUES["sample"] == "overlap", "value"].to_numpy()
    fit = TwoComponentMixture().fit(values)
    shuffled = TwoComponentMixture().fit(np.random.default_rng(0).permutation(values))
    scaled = TwoComponentMixture().fit(100 * values + 7)
    assert shuffled.threshold_ == pytest.approx(fit.threshold_, rel=1e-6)
    assert scaled.threshold_ == pytest.approx(100 * fit.threshold_ + 7, rel=1e-4)


def test_one_population_or_outliers_still_give_an_ordered_threshold():
    rng = np.random.default_rng(4)
    for values in (rng.normal(size=200), np.r_[rng.normal(size=200), 30.0], np.r_[np.zeros(50), np.ones(5)]):
        fit = TwoComponentMixture().fit(values)
        assert fit.means_[0] <= fit.threshold_ <= fit.means_[1]
        assert np.isfinite(fit.predict_proba(values)).all()


def test_too_few_or_constant_values_are_refused():
    with pytest.raises(InputError, match="at least 10 values that differ, found 3"):
        TwoComponentMixture().fit([1.0, 2.0, np.nan, 3.0])
    with pytest.raises(InputError, match="1 distinct"):
        TwoComponentMixture().fit(np.ones(20))
    with pytest.raises(InputError, match="one column"):
        TwoComponentMixture().fit(np.ones((20, 2)))


def test_long_tail_of_one_population_is_not_taken_for_two():
    # Some values at a floor inside the long lower tail: the likelihood prefers a narrow component there.
    rng = np.random.default_rng(6)
    low, high = rng.normal(-1.5, 1.2, 60), rng.normal(1.8, 0.9, 80)
    values = np.r_[low, high, rng.normal(-2.6, 0.2, 15)]
    fit = TwoComponentMixture().fit(values)
    called = fit.predict(values).astype(bool)
    truth = np.r_[np.zeros(60, bool), np.ones(80, bool), np.zeros(15, bool)]
    assert (called == truth).mean() > 0.85
    assert fit.bimodality_index_ > 1.1


def test_one_population_is_not_bimodal():
    values = np.random.default_rng(8).normal(size=300)
    assert TwoComponentMixture().fit(values).bimodality_index_ < 1.1
