from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators.batch import ComBat
from precisionmed.estimators.crossval import training_sets
from precisionmed.estimators.preprocessor import Preprocessor

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
    with pytest.raises(InputError, match="batch: no label for 2 of 24 samples"):
        ComBat().fit(values, batch.where(np.arange(len(batch)) > 1))
    with pytest.raises(InputError, match="reference batch 'z' has no sample"):
        ComBat(reference="z").fit(values, batch)
    with pytest.raises(InputError, match="gene 'g003' has missing values"):
        ComBat().fit(values.mask(values == values.iloc[0, 2]), batch)
    with pytest.raises(InputError, match="X has 24 samples, but batch has 3"):
        ComBat().fit(values, ["a", "b", "c"])


def test_covariates_that_do_not_vary_change_nothing(values, samples):
    plain = ComBat().fit(values, samples["batch"])
    constant = ComBat().fit(values, samples["batch"], samples.assign(er="positive")[["er"]])
    np.testing.assert_array_equal(plain.gamma_, constant.gamma_)


@pytest.fixture(scope="module")
def three_batches():
    generator = np.random.default_rng(5)
    batch = np.repeat(["b", "c", "a"], 60)
    shift = {name: generator.normal(0, 1, 80) for name in "abc"}
    scale = {name: generator.gamma(40, 1 / 40, 80) for name in "abc"}
    level = generator.uniform(4, 12, 80)
    return np.array([level + shift[b] + scale[b] * generator.normal(0, 1, 80) for b in batch]), batch


@pytest.mark.parametrize("settings", [{}, {"mean_only": True}, {"reference": "b"}, {"parametric": False}])
def test_adapts_to_a_new_batch_without_changing_the_others(three_batches, settings):
    values, batch = three_batches
    new = batch == "a"
    model = ComBat(**settings).fit(values[~new], batch[~new])
    adapted = model.adapt(values[new][:30], batch[new][:30])
    assert list(adapted.batches_) == ["a", "b", "c"] and list(model.batches_) == ["b", "c"]
    np.testing.assert_array_equal(
        adapted.transform(values[~new], batch[~new]), model.transform(values[~new], batch[~new])
    )
    corrected = adapted.transform(values[new][30:], batch[new][30:])
    center = model.transform(values[~new], batch[~new]).mean(axis=0)
    before, after = (np.abs(part.mean(axis=0) - center).mean() for part in (values[new][30:], corrected))
    assert after < 0.5 * before
    alone = adapted.transform(values[new][30:31], ["a"])
    np.testing.assert_array_equal(alone[0], corrected[0])


def test_adapting_to_what_was_a_batch_of_training_gives_nearly_the_same(three_batches):
    values, batch = three_batches
    both = ComBat().fit(values, batch)
    new = batch == "a"
    adapted = ComBat().fit(values[~new], batch[~new]).adapt(values[new], batch[new])
    a = 0
    difference = adapted.gamma_[a] * adapted.sigma_ + adapted.grand_mean_
    expected = both.gamma_[a] * both.sigma_ + both.grand_mean_
    np.testing.assert_allclose(difference, expected, atol=0.02)
    np.testing.assert_allclose(
        np.sqrt(adapted.delta_[a]) * adapted.sigma_, np.sqrt(both.delta_[a]) * both.sigma_, rtol=0.02
    )


def test_adapting_keeps_the_biology_of_samples_whose_covariates_are_given(three_batches):
    values, batch = three_batches
    values, positive = values.copy(), np.tile([0, 1], 90)
    new = batch == "a"
    positive[new] = np.arange(60) % 10 > 1  # another mix of patients
    values[:, :20] += 2.0 * positive[:, None]
    er = pd.DataFrame({"er": np.where(positive, "positive", "negative")})
    model = ComBat().fit(values[~new], batch[~new], er[~new])
    known = model.adapt(values[new], batch[new], er[new]).transform(values[new], batch[new])
    ignored = model.adapt(values[new], batch[new]).transform(values[new], batch[new])
    own = positive[new] == 1
    center = model.transform(values[~new], batch[~new])[positive[~new] == 1, :20].mean(axis=0)
    assert np.abs(known[own, :20].mean(axis=0) - center).mean() < 0.15
    assert (center - ignored[own, :20].mean(axis=0)).mean() > 0.4


def test_mistakes_in_adapting(three_batches):
    values, batch = three_batches
    model = ComBat().fit(values[batch != "a"], batch[batch != "a"])
    with pytest.raises(InputError, match="batch b was in training"):
        model.adapt(values[batch == "b"], batch[batch == "b"])
    with pytest.raises(InputError, match=r"batch 'a' has 5 sample\(s\), adapting needs 10"):
        model.adapt(values[batch == "a"][:5], batch[batch == "a"][:5])
    with pytest.raises(InputError, match="unknown='some' is no choice"):
        model.set_params(unknown="some").transform(values[:1], ["b"])


def test_gaps_of_covariates_are_filled_from_the_training_samples(values, samples):
    gaps = samples[["er", "age"]].astype({"er": object})
    gaps.iloc[[1, 4], 1] = np.nan
    gaps.iloc[[2, 7], 0] = np.nan
    filled = gaps.fillna({"er": "missing", "age": gaps["age"].median()})
    one, other = (ComBat().fit(values, samples["batch"], given) for given in (gaps, filled))
    new = values.iloc[:3], samples["batch"].iloc[:3]
    np.testing.assert_array_equal(one.transform(*new, gaps[:3]), other.transform(*new, filled[:3]))


def test_samples_that_are_held_out_do_not_fill_gaps_of_training(values, samples):
    covariates = samples[["age"]].copy()
    covariates.iloc[0, 0] = np.nan
    preprocessor = Preprocessor(batch_corrector=ComBat(unknown="none"))
    held_out = []
    for shift in (0, 1000):
        seen = covariates.copy()
        last = np.arange(len(seen)) % 4 == 3
        seen.loc[last, "age"] += shift
        parts = training_sets(
            values,
            np.zeros(len(values)),
            preprocessor=preprocessor,
            batch=samples["batch"],
            covariates=seen,
            groups=np.where(last, "last", samples.index),
            n_folds=3,
            random_state=1,
        )
        held_out.append(next(part for part in parts if np.flatnonzero(last)[0] in part.test))
    np.testing.assert_array_equal(held_out[0].X_train, held_out[1].X_train)
    np.testing.assert_array_equal(held_out[0].X_test, held_out[1].X_test)
