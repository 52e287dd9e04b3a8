from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from precisionmed.errors import InputError
from precisionmed.estimators.normalize import (
    CPM,
    TMM,
    Log2,
    LogCPM,
    MedianOfRatios,
    Quantile,
    RankScores,
    TMMwsp,
    UpperQuartile,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "normalize"
COUNTS = [LogCPM(), CPM(), TMM(), TMMwsp(), UpperQuartile(), MedianOfRatios()]
LINEAR = [
    LogCPM(),
    LogCPM(prior_count=0.5),
    TMM(),
    TMMwsp(),
    UpperQuartile(),
    MedianOfRatios(),
    Log2(),
    RankScores(),
    Quantile(LogCPM()),
    Quantile(Log2()),
]


def golden(name: str) -> pd.DataFrame:
    """Read a table of R's (genes x samples) as samples x genes."""
    return pd.read_csv(REFERENCE / f"{name}.csv", index_col=0).T


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return golden("counts").astype(float)


@pytest.fixture(scope="module")
def factors() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "factors.csv", index_col=0)


@pytest.mark.parametrize(
    ("normalizer", "name"),
    [
        (TMM(), "tmm"),
        (TMM(do_weighting=False), "tmm_unweighted"),
        (TMM(log_ratio_trim=0.2, sum_trim=0.1, a_cutoff=-14), "tmm_trimmed"),
        (UpperQuartile(), "upper_quartile"),
        (MedianOfRatios(), "median_of_ratios"),
    ],
)
def test_factors_equal_r(counts, factors, normalizer, name):
    np.testing.assert_allclose(normalizer.fit(counts).factors(counts), factors[name], rtol=1e-11)


def test_tmmwsp_equals_edger(counts):
    expected = golden("tmmwsp")
    for name, normalizer in [
        ("tmmwsp", TMMwsp()),
        ("tmmwsp_unweighted", TMMwsp(do_weighting=False, log_ratio_trim=0.2)),
    ]:
        np.testing.assert_allclose(normalizer.fit(counts).factors(counts), expected.loc[name], rtol=1e-9)
    sparse = golden("sparse").astype(float)
    expected = golden("tmmwsp_sparse").loc["tmmwsp"]
    np.testing.assert_allclose(TMMwsp().fit(sparse).factors(sparse), expected, rtol=1e-9)


def test_tmmwsp_of_libraries_without_a_common_gene_pairs_what_each_has():
    counts = np.array([[4.0, 2, 0, 0], [0, 0, 40, 20]])
    np.testing.assert_allclose(TMMwsp().fit(counts).factors(counts), 1.0)
    assert TMMwsp().fit([[4.0, np.nan, 1], [np.nan, 3, 2]]).factors([[4.0, np.nan, 1]]).shape == (1,)


def test_counts_per_million_equal_edger():
    sparse = golden("sparse").astype(float)
    np.testing.assert_allclose(CPM().fit_transform(sparse), golden("cpm_sparse"), rtol=1e-12)


@pytest.mark.parametrize(
    ("normalizer", "name"),
    [
        (LogCPM(), "log_cpm"),
        (TMM(), "log_cpm_tmm"),
        (UpperQuartile(), "log_cpm_upper_quartile"),
        (MedianOfRatios(), "log_median_of_ratios"),
        (Quantile(Log2()), "quantile"),
    ],
)
def test_values_equal_r(counts, normalizer, name):
    np.testing.assert_allclose(normalizer.fit_transform(counts), golden(name), rtol=1e-9, atol=1e-12)


def test_quantile_with_missing_values_equals_limma(counts):
    values = np.log2(counts + 1)
    for gene, sample in zip([2, 49, 50, 198, 6], [0, 0, 0, 3, 11], strict=True):
        values.iloc[sample, gene] = np.nan
    np.testing.assert_allclose(
        Quantile().fit_transform(values), golden("quantile_gaps"), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("normalizer", LINEAR, ids=repr)
def test_one_sample_is_its_row_among_many_bit_for_bit(counts, normalizer):
    fitted = clone(normalizer).fit(counts.iloc[:8])
    for new in (counts, np.asfortranarray(counts)):
        many = fitted.transform(new)
        for row in range(len(counts)):
            one = counts.iloc[[row]] if new is counts else new[[row]]
            np.testing.assert_array_equal(fitted.transform(one)[0], many[row])


@pytest.mark.parametrize("normalizer", LINEAR, ids=repr)
def test_missing_values_stay_missing_and_disturb_little(counts, normalizer):
    fitted = clone(normalizer).fit(counts)
    gaps = counts.copy()
    gaps.iloc[:, 5] = np.nan
    gaps.iloc[3, 10:20] = np.nan
    out = fitted.transform(gaps)
    np.testing.assert_array_equal(np.isnan(out), gaps.isna())
    assert np.nanmax(np.abs(out - fitted.transform(counts))) < 0.5
    np.testing.assert_array_equal(np.isnan(clone(normalizer).fit_transform(gaps)), gaps.isna())


def test_library_size_makes_up_for_unmeasured_genes(counts):
    fitted = LogCPM().fit(counts)
    mean_profile = fitted.share_ * 1e6
    gaps = mean_profile.copy()
    gaps[:100] = np.nan
    expected = fitted.transform(mean_profile[None])[0, 100:]
    np.testing.assert_allclose(fitted.transform(gaps[None])[0, 100:], expected, rtol=1e-12)


def test_a_zero_is_the_same_in_every_library(counts):
    out = LogCPM().fit_transform(counts)
    zeros = out[counts.to_numpy() == 0]
    np.testing.assert_allclose(zeros, zeros[0], rtol=1e-12)


def test_rank_scores_need_no_cohort(counts):
    values = counts.to_numpy()
    fitted = RankScores().fit(values[:1])
    np.testing.assert_allclose(fitted.transform(np.log1p(values) * 3), fitted.transform(values))
    scores = RankScores().fit([[3.0, 1, 2]]).transform([[3.0, 1, 2]])
    np.testing.assert_allclose(scores, [[0.8694237732888861, -0.8694237732888861, 0]], atol=1e-12)
    tied = RankScores().fit_transform(np.array([[5.0, 5, np.nan, 1]]))
    assert tied[0, 0] == tied[0, 1] and np.isnan(tied[0, 2])


@pytest.mark.parametrize(
    "normalizer", [LogCPM(), CPM(), TMM(), TMMwsp(), UpperQuartile(), MedianOfRatios()], ids=repr
)
def test_refuses_what_no_count_is(counts, normalizer):
    fitted = clone(normalizer).fit(counts)
    empty = counts.iloc[[0, 1]].mul([1, 0], axis=0)
    with pytest.raises(InputError, match=r"sample 's02' has no counts at all"):
        fitted.transform(empty)
    with pytest.raises(InputError, match=r"sample in row 0 has negative counts"):
        fitted.transform(-counts.to_numpy())
    with pytest.raises(InputError, match="fitted with 200"):
        fitted.transform(counts.iloc[:, 1:])
    with pytest.raises(InputError, match="another order"):
        fitted.transform(counts.iloc[:, ::-1])
    with pytest.raises(InputError, match="one sample as one row"):
        fitted.transform(counts.to_numpy()[0])


def test_log2_refuses_log_values():
    with pytest.raises(InputError, match="log scale already"):
        Log2().fit([[1.0, -2.5]])


def test_median_of_ratios_needs_a_gene_without_zeros():
    with pytest.raises(InputError, match="use TMM"):
        MedianOfRatios().fit([[0.0, 1], [1, 0]])


def test_upper_quartile_of_zero_is_refused(counts):
    fitted = UpperQuartile().fit(counts)
    sparse = np.zeros((1, 200))
    sparse[0, 0] = 100
    with pytest.raises(InputError, match="quantile of its counts is zero"):
        fitted.transform(sparse)


def test_prior_count_must_be_positive(counts):
    with pytest.raises(InputError, match="prior_count"):
        LogCPM(prior_count=0).fit(counts)


@pytest.mark.parametrize("normalizer", LINEAR, ids=repr)
def test_constant_genes_are_no_problem(counts, normalizer):
    fixed = counts.copy()
    fixed.iloc[:, :20] = 7.0
    assert np.isfinite(clone(normalizer).fit_transform(fixed)).all()


@pytest.mark.parametrize("method", [TMM, TMMwsp])
def test_a_mean_profile_as_reference_moves_factors_little_and_holds_no_sample(counts, method):
    """Factors move no more than between two references; no counts of anybody are stored."""
    values = counts.to_numpy()
    model = method(reference="profile").fit(counts)
    as_edger = method().fit(counts).factors(counts)
    moved = np.log2(model.factors(counts) / as_edger)
    others = [np.log2(_against(method, counts, row) / as_edger) for row in range(len(values))]
    assert np.abs(moved).max() <= max(np.abs(other).max() for other in others)
    for stored in (model.reference_, model.share_):
        for row in values:
            shares = np.array([row / row.sum() * stored.sum(), row])
            assert (np.isclose(stored, shares, rtol=1e-6) & (row > 0)).mean(axis=1).max() < 0.5
    alone = [model.transform(counts.iloc[[i]])[0] for i in range(len(values))]
    np.testing.assert_array_equal(np.array(alone), model.transform(counts))


def _against(method, counts: pd.DataFrame, row: int) -> np.ndarray:
    """Return the factors against one given sample."""
    model = method().fit(counts)
    model.reference_ = counts.to_numpy()[row].copy()
    model.reference_size_ = float(model.reference_.sum())
    model.log_scale_ = 0.0
    raw = model.factors(counts)
    return raw / np.exp(np.log(raw).mean())


def test_an_unknown_reference_is_refused(counts):
    with pytest.raises(InputError, match="'reference' parameter of TMM must be"):
        TMM(reference="median").fit(counts)
