from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators.gene_filter import GeneFilter
from precisionmed.estimators.lengths import FPKM, TPM
from precisionmed.estimators.preprocessor import Preprocessor
from precisionmed.io.codec import decode, encode

REFERENCE = Path(__file__).parents[1] / "reference" / "normalize"


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "counts.csv", index_col=0).T.astype(float)


@pytest.fixture(scope="module")
def lengths() -> pd.Series:
    return pd.read_csv(REFERENCE / "lengths.csv", index_col=0)["length"]


def test_fpkm_equals_edger(counts, lengths):
    expected = pd.read_csv(REFERENCE / "rpkm.csv", index_col=0).T
    np.testing.assert_allclose(FPKM(lengths, log=False).fit_transform(counts), expected, rtol=1e-12)
    np.testing.assert_allclose(
        FPKM(lengths).fit_transform(counts), np.log2(expected + 1), rtol=1e-9, atol=1e-12
    )


def test_tpm_sums_to_a_million_in_proportion_to_counts_per_length(counts, lengths):
    out = TPM(lengths, log=False).fit_transform(counts)
    np.testing.assert_allclose(out.sum(axis=1), 1e6, rtol=1e-12)
    rates = counts.to_numpy() / lengths.to_numpy()
    np.testing.assert_allclose(out, 1e6 * rates / rates.sum(axis=1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(
        TPM(lengths, pseudo_count=0.5).fit_transform(counts), np.log2(out + 0.5), rtol=1e-12
    )


@pytest.mark.parametrize("kind", [TPM, FPKM])
def test_series_follow_the_genes_by_name(counts, lengths, kind):
    shuffled = lengths.sample(frac=1, random_state=0)
    expected = kind(lengths.to_numpy()).fit_transform(counts)
    np.testing.assert_array_equal(kind(shuffled).fit_transform(counts), expected)


@pytest.mark.parametrize("kind", [TPM, FPKM])
def test_lengths_follow_the_gene_filter_and_the_codec(counts, lengths, kind):
    keep = GeneFilter().fit(counts).kept_
    assert 0 < keep.sum() < len(keep)
    learner = Preprocessor(kind(lengths.to_numpy()), GeneFilter()).fit(counts.to_numpy())
    expected = kind(lengths[keep]).fit_transform(counts.loc[:, keep])
    np.testing.assert_array_equal(learner.transform(counts.to_numpy()), expected)
    again = decode(encode(learner))
    np.testing.assert_array_equal(again.transform(counts.to_numpy()[:1])[0], expected[0])


@pytest.mark.parametrize("kind", [TPM, FPKM])
def test_unmeasured_genes_are_made_up_for(counts, lengths, kind):
    fitted = kind(lengths).fit(counts)
    gaps = counts.copy()
    gaps.iloc[:, 100:120] = np.nan
    out = fitted.transform(gaps)
    np.testing.assert_array_equal(np.isnan(out), gaps.isna())
    assert np.nanmax(np.abs(out - fitted.transform(counts))) < 1


def test_refuses_lengths_that_do_not_fit(counts, lengths):
    with pytest.raises(InputError, match="TPM needs the length of every gene"):
        TPM().fit(counts)
    with pytest.raises(InputError, match="3 gene lengths for 200"):
        FPKM([1.0, 2, 3]).fit(counts)
    with pytest.raises(InputError, match="3 gene lengths for 200"):
        FPKM([1.0, 2, 3]).for_genes(np.ones(200, dtype=bool))
    with pytest.raises(InputError, match=r"1 gene\(s\) have no length above 0 \(g001\)"):
        TPM(lengths.drop("g001")).fit(counts)
    with pytest.raises(InputError, match=r"column 2"):
        TPM(np.where(np.arange(200) == 2, 0, 100)).fit(counts.to_numpy())
    with pytest.raises(InputError, match="negative counts"):
        TPM(lengths).fit(counts).transform(-counts)
