import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators._central import central_mean
from precisionmed.estimators.batch import ComBat
from precisionmed.estimators.combat_seq import ComBatSeq
from precisionmed.estimators.gene_filter import GeneFilter
from precisionmed.estimators.normalize import TMM, Log2, LogCPM, Quantile, RankScores, UpperQuartile
from precisionmed.estimators.preprocessor import Preprocessor
from precisionmed.estimators.vst import VST
from precisionmed.io.codec import decode, encode

NORMALIZERS = [TMM(), LogCPM(), UpperQuartile(), Quantile(LogCPM()), RankScores(), Log2()]


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    generator = np.random.default_rng(3)
    mean = generator.gamma(0.6, 300, 400) * generator.lognormal(0, 0.5, (30, 1))
    values = generator.negative_binomial(3, 3 / (3 + mean)).astype(float)
    return pd.DataFrame(values, index=[f"s{i}" for i in range(30)], columns=[f"g{i}" for i in range(400)])


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    return np.tile(["a", "b", "c"], 10)


@pytest.mark.parametrize("corrector", [None, ComBat(), ComBat(mean_only=True), ComBatSeq()], ids=repr)
@pytest.mark.parametrize("normalizer", NORMALIZERS, ids=repr)
def test_one_sample_is_its_row_among_many_bit_for_bit(counts, batch, normalizer, corrector):
    model = Preprocessor(normalizer, GeneFilter(), corrector).fit(counts.iloc[:20], batch=batch[:20])
    gaps = counts.mask(np.random.default_rng(0).random(counts.shape) < 0.02)
    for new in (counts, gaps):
        many = model.transform(new, batch=batch)
        assert np.isfinite(many).all() and many.shape == (30, model.kept_.sum())
        for row in range(30):
            alone = model.transform(new.iloc[[row]], batch=batch[[row]])
            np.testing.assert_array_equal(alone[0], many[row])


@pytest.mark.parametrize("normalizer", NORMALIZERS, ids=repr)
def test_comes_back_from_the_codec_bit_for_bit(counts, batch, normalizer):
    model = Preprocessor(normalizer, GeneFilter(), ComBat()).fit(counts, batch=batch)
    again = decode(encode(model))
    np.testing.assert_array_equal(again.transform(counts, batch=batch), model.transform(counts, batch=batch))


def test_fit_transform_is_fit_then_transform(counts, batch):
    model = Preprocessor(TMM(), GeneFilter(), ComBat())
    at_once = model.fit_transform(counts, batch=batch, covariates=np.arange(30) % 2)
    np.testing.assert_array_equal(at_once, model.transform(counts, batch=batch))


def test_missing_values_become_the_middle_of_the_training_values(counts):
    values = np.log2(counts + 1)
    values.iloc[:5, 7] = np.nan
    model = Preprocessor(gene_filter=GeneFilter(scale="log2")).fit(values)
    assert model.medians_[7] == central_mean(values.iloc[:, 7].to_numpy())
    assert (model.transform(values)[:5, 7] == model.medians_[7]).all()
    assert np.isnan(values.iloc[0, 7])  # the input is not touched


def test_a_new_sample_may_lack_genes(counts):
    model = Preprocessor(TMM(), GeneFilter()).fit(counts)
    lacking = counts.copy()
    lacking.iloc[0, :40] = np.nan
    kept = np.flatnonzero(model.kept_)
    out, full = model.transform(lacking), model.transform(counts)
    np.testing.assert_array_equal(out[0, kept < 40], model.medians_[kept < 40])
    assert np.abs(out[0, kept >= 40] - full[0, kept >= 40]).max() < 0.5


def test_learns_nothing_from_what_it_transforms(counts):
    model = Preprocessor(TMM(), GeneFilter()).fit(counts)
    before = encode(model)
    model.transform(counts.iloc[::-1] * 5)
    after = encode(model)
    assert before["json"] == after["json"]
    assert all(np.array_equal(before["arrays"][k], after["arrays"][k]) for k in before["arrays"])


def test_parts_are_cloned(counts, batch):
    model = Preprocessor(TMM(), GeneFilter(), ComBat())
    model.fit(counts, batch=batch)
    assert not hasattr(model.normalizer, "reference_")
    assert not hasattr(clone(model), "kept_")
    assert repr(model).startswith("Preprocessor(")


def test_messages_name_the_sample_and_gene(counts, batch):
    model = Preprocessor(TMM(), GeneFilter(), ComBat(unknown="none"))
    with pytest.raises(InputError, match="needs the batch of each sample"):
        model.fit(counts)
    model.fit(counts, batch=batch)
    with pytest.raises(InputError, match="sample 's3' has no counts at all"):
        model.transform(counts.mul(np.arange(30) != 3, axis=0), batch=batch)
    with pytest.raises(InputError, match="another order: g399"):
        model.transform(counts.iloc[:, ::-1], batch=batch)
    with pytest.raises(InputError, match="gene 'g2' has no measured value"):
        Preprocessor().fit(counts.assign(g2=np.nan))
    with pytest.warns(PrecisionMedWarning, match="not batch corrected"):
        model.transform(counts.iloc[:1])


def test_estimated_counts_are_rounded_where_whole_numbers_are_modelled(counts, batch):
    estimated = counts + np.random.default_rng(3).uniform(-0.4, 0.4, counts.shape) * (counts > 0)
    for make in (
        lambda: Preprocessor(VST(fit_type="mean")),
        lambda: Preprocessor(LogCPM(), None, ComBatSeq()),
    ):
        rounded, fractional = make().fit(counts, batch=batch), make().fit(estimated, batch=batch)
        np.testing.assert_array_equal(
            fractional.transform(estimated, batch=batch), rounded.transform(counts, batch=batch)
        )
        alone = fractional.transform(estimated.iloc[:1], batch=batch[:1])
        np.testing.assert_array_equal(alone, rounded.transform(counts, batch=batch)[:1])
    kept = Preprocessor(TMM()).fit(estimated)
    assert (kept.transform(estimated) != kept.transform(counts)).any()


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(0, 2**31))
def test_the_depth_of_a_library_of_estimated_counts_does_not_matter(factor, seed):
    rng = np.random.default_rng(seed)
    estimated = rng.gamma(3, rng.lognormal(5, 1, 50) / 3, (8, 50))
    deep = estimated[:1] * factor
    for normalizer, tolerance in ((LogCPM(), 1e-9), (TMM(do_weighting=False), 1e-9), (TMM(), 0.5)):
        # The weights of TMM rest on the precision of ratios, hence on depth, as in edgeR.
        fitted = Preprocessor(normalizer).fit(estimated)
        np.testing.assert_allclose(fitted.transform(deep), fitted.transform(estimated[:1]), atol=tolerance)


def test_gaps_neither_hide_a_batch_effect_nor_are_shifted_by_it():
    rng = np.random.default_rng(8)
    batch = np.repeat(["a", "b"], 40)
    complete = rng.normal(8, 1, (80, 60)) + np.where(batch == "b", 3.0, 0.0)[:, None]
    complete[batch == "b", 5] = 7.0  # constant there: ComBat leaves it as it is
    gappy = complete.copy()
    gappy[rng.random(gappy.shape) < np.where(batch == "b", 0.3, 0.02)[:, None]] = np.nan
    whole = Preprocessor(batch_corrector=ComBat()).fit(complete, batch=batch)
    fitted = Preprocessor(batch_corrector=ComBat())
    out = fitted.fit_transform(gappy, batch=batch)
    assert not np.isnan(out).any()
    np.testing.assert_array_equal(fitted.transform(gappy, batch=batch), out)
    np.testing.assert_array_equal(fitted.transform(gappy[50:51], batch=batch[50:51]), out[50:51])
    assert not fitted.batch_corrector_.adjusted_[5]
    np.testing.assert_array_equal(out[:, 5][~np.isnan(gappy[:, 5])], gappy[:, 5][~np.isnan(gappy[:, 5])])
    others = np.arange(60) != 5
    observed = np.where(np.isnan(gappy), np.nan, out)[:, others]
    shift = np.nanmean(observed[batch == "b"], axis=0) - np.nanmean(observed[batch == "a"], axis=0)
    assert abs(shift.mean()) < 0.05  # 0.55 when gaps are filled by one median of both batches
    imputed = out[np.isnan(gappy)]
    assert abs(imputed[batch[np.nonzero(np.isnan(gappy))[0]] == "b"].mean() - np.median(out)) < 0.1
    expected = whole.transform(complete, batch=batch)
    assert np.abs(np.where(np.isnan(gappy), 0, out - expected)).max() < 1.0
