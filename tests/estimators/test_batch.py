from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators.batch import ComBat

REFERENCE = Path(__file__).parents[1] / "reference" / "batch"


def golden(name: str) -> pd.DataFrame:
    """Read a table of R's (genes x samples) as samples x genes."""
    return pd.read_csv(REFERENCE / f"{name}.csv", index_col=0).T


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    return golden("values")


@pytest.fixture(scope="module")
def samples() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "samples.csv", index_col=0)


@pytest.mark.parametrize(
    ("settings", "covariates", "name"),
    [
        ({}, False, "plain"),
        ({}, True, "covariates"),
        ({"mean_only": True}, False, "mean_only"),
        ({"reference": "b"}, False, "reference"),
        ({"reference": "b"}, True, "reference_covariates"),
        ({"parametric": False}, False, "nonparametric"),
        ({"parametric": False, "mean_only": True}, False, "nonparametric_mean_only"),
    ],
)
def test_equals_sva(values, samples, settings, covariates, name):
    given = samples[["er", "age"]] if covariates else None
    model = ComBat(**settings).fit(values, samples["batch"], given)
    np.testing.assert_allclose(model.transform(values, samples["batch"], given), golden(name), rtol=1e-8)


def test_a_batch_of_one_makes_it_mean_only_as_in_sva(values, samples):
    batch = samples["batch"].to_numpy(dtype=object).copy()
    batch[0] = "d"
    model = ComBat().fit(values, batch)
    assert model.mean_only_
    np.testing.assert_allclose(model.transform(values, batch), golden("single"), rtol=1e-8)


@pytest.mark.parametrize("settings", [{}, {"mean_only": True}, {"reference": "a"}, {"parametric": False}])
@pytest.mark.parametrize("covariates", [False, True])
def test_one_sample_is_its_row_among_many_bit_for_bit(values, samples, settings, covariates):
    given = samples[["er", "age"]] if covariates else None
    model = ComBat(**settings).fit(values, samples["batch"], given)
    for cov in (None, given):
        many = model.transform(values, samples["batch"], cov)
        for row in range(len(values)):
            one = slice(row, row + 1)
            own = None if cov is None else cov.iloc[one]
            alone = model.transform(values.iloc[one], samples["batch"].iloc[one], own)
            np.testing.assert_array_equal(alone[0], many[row])


def test_removes_the_batch_and_leaves_the_biology():
    generator = np.random.default_rng(0)
    batch, biology = np.repeat(["a", "b"], 100), np.tile([0.0, 1.0], 100)
    effect = np.zeros(500)
    effect[:50] = 2
    clean = generator.normal(size=(200, 500)) + biology[:, None] * effect
    shifted = clean + (batch == "b")[:, None] * generator.normal(1, 0.5, 500)
    corrected = ComBat().fit(shifted, batch, biology).transform(shifted, batch)
    difference = corrected[batch == "b"].mean(axis=0) - corrected[batch == "a"].mean(axis=0)
    assert np.abs(difference).max() < 0.25
    kept = corrected[biology == 1, :50].mean() - corrected[biology == 0, :50].mean()
    assert abs(kept - 2) < 0.05


def test_without_a_batch_effect_next_to_nothing_changes():
    generator = np.random.default_rng(1)
    values = generator.normal(size=(200, 1000))
    batch = np.repeat(["a", "b"], 100)
    corrected = ComBat().fit(values, batch).transform(values, batch)
    assert np.sqrt(np.mean((corrected - values) ** 2)) < 0.05
    # The locations found for genes without any effect are shrunken to a fraction of their noise (0.07).
    raw = values[:100].mean(axis=0) - values.mean(axis=0)
    assert ComBat().fit(values, batch).gamma_.std() < 0.75 * raw.std()


def test_learns_nothing_from_the_samples_it_corrects(values, samples):
    model = ComBat().fit(values.iloc[::2], samples["batch"].iloc[::2])
    changed = values.copy()
    changed.iloc[1] += 100
    a, b = model.transform(values, samples["batch"]), model.transform(changed, samples["batch"])
    np.testing.assert_array_equal(np.delete(a, 1, axis=0), np.delete(b, 1, axis=0))


def test_unknown_batches(values, samples):
    batch = samples["batch"].replace("c", "new")
    model = ComBat().fit(values, samples["batch"])
    with pytest.raises(InputError, match=r"batch new \(sample 's19'\); training had a, b, c"):
        model.transform(values, batch)
    with pytest.raises(InputError, match="the batch is not given"):
        model.transform(values, None)
    tolerant = ComBat(unknown="none").fit(values, samples["batch"])
    with pytest.warns(PrecisionMedWarning, match="not batch corrected"):
        out = tolerant.transform(values, batch)
    np.testing.assert_array_equal(out[18:], values.iloc[18:])
    np.testing.assert_array_equal(out[:18], model.transform(values, samples["batch"])[:18])
    with pytest.warns(PrecisionMedWarning, match="the batch is not given"):
        np.testing.assert_array_equal(tolerant.transform(values, None), values)


def test_without_covariates_the_mean_covariate_effect_stands_in(values, samples):
    model = ComBat(mean_only=True).fit(values, samples["batch"], samples[["er"]])
    without = model.transform(values, samples["batch"])
    exact = model.transform(values, samples["batch"], samples[["er"]])
    np.testing.assert_allclose(without, exact, rtol=1e-12)
    scaling = ComBat().fit(values, samples["batch"], samples[["er"]])
    a = scaling.transform(values, samples["batch"])
    b = scaling.transform(values, samples["batch"], samples[["er"]])
    positive = (samples["er"] == "positive").to_numpy()
    effect = positive[:, None] * scaling.coefficients_ - scaling.covariate_effect_
    code = np.searchsorted(scaling.batches_, samples["batch"])
    np.testing.assert_allclose(b - a, effect * (1 - 1 / np.sqrt(scaling.delta_[code])), atol=1e-10)


def test_missing_values_of_new_samples_stay_missing(values, samples):
    model = ComBat().fit(values, samples["batch"])
    gaps = values.copy()
    gaps.iloc[2, 7] = np.nan
    out = model.transform(gaps, samples["batch"])
    assert np.isnan(out[2, 7]) and np.isnan(out).sum() == 1


def test_what_cannot_be_corrected_is_refused(values, samples):
    batch = samples["batch"]
    with pytest.raises(InputError, match="at least two batches"):
        ComBat().fit(values, ["a"] * len(values))
    with pytest.raises(InputError, match="covariate 'centre' is confounded with the batch"):
        ComBat().fit(values, batch, samples.assign(centre=(batch == "a").astype(float))[["age", "centre"]])
    with pytest.raises(InputError, match="2 sample\\(s\\) have no batch label"):
        ComBat().fit(values, batch.where(np.arange(len(batch)) > 1))
    with pytest.raises(InputError, match="covariate 'age' is missing in 2 sample"):
        ComBat().fit(values, batch, samples[["age"]].where(samples["age"] != samples["age"].iloc[0]))
    with pytest.raises(InputError, match="reference batch 'z' has no sample"):
        ComBat(reference="z").fit(values, batch)
    with pytest.raises(InputError, match="gene 'g003' has missing values"):
        ComBat().fit(values.mask(values == values.iloc[0, 2]), batch)
    with pytest.raises(InputError, match="3 batch labels for 24 samples"):
        ComBat().fit(values, ["a", "b", "c"])


def test_covariates_that_do_not_vary_change_nothing(values, samples):
    plain = ComBat().fit(values, samples["batch"])
    constant = ComBat().fit(values, samples["batch"], samples.assign(er="positive")[["er"]])
    np.testing.assert_array_equal(plain.gamma_, constant.gamma_)
