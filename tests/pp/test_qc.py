from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway, spearmanr

from precisionmed import pp
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.pp._distributions import density_table, mean_variance_table
from precisionmed.pp._factors import association, explained_fraction, gram, principal_components
from precisionmed.pp._qc_identity import Genotypes, log_odds
from precisionmed.pp._rle import rle_table

REFERENCE = Path(__file__).parents[1] / "reference" / "qc"


def test_an_ordinary_cohort_passes(make_cohort, tmp_path):
    adata = make_cohort()
    read = adata.X.copy()
    assert pp.qc(adata) is adata
    np.testing.assert_array_equal(adata.X, read)
    assert not adata.obs["qc_outlier"].any() and (adata.obs["qc_reason"] == "").all()
    np.testing.assert_array_equal(adata.obs["library_size"], read.sum(axis=1))
    np.testing.assert_array_equal(adata.obs["detected_genes"], (read > 0).sum(axis=1))
    adata.write_h5ad(tmp_path / "cohort.h5ad")
    stored = ad.read_h5ad(tmp_path / "cohort.h5ad").uns["precisionmed"]["qc"]
    assert len(stored["outliers"]) == 0 and len(stored["duplicates"]) == 0
    assert stored["sex_check"]["agrees"].all() and (stored["sex_check"]["expressed"] == "female").all()


def test_median_correlation_is_spearmans(make_cohort):
    adata = pp.qc(make_cohort("log2"))
    rho = spearmanr(adata.X, axis=1).statistic
    expected = [np.median(np.delete(row, i)) for i, row in enumerate(rho)]
    np.testing.assert_allclose(adata.obs["median_correlation"], expected, atol=1e-12)
    assert "library_size" not in adata.obs


def test_components_and_what_they_go_with(make_cohort):
    adata = pp.qc(make_cohort())
    stored = adata.uns["precisionmed"]["qc"]
    scores = adata.obsm["X_qc_pca"]
    assert scores.shape == (36, 10)
    logs = np.log2(adata.X / adata.X.sum(axis=1, keepdims=True) * 1e6 + 1)
    singular = np.linalg.svd(logs - logs.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(scores, axis=0), singular[:10], rtol=1e-8)
    np.testing.assert_allclose(
        stored["pca_variance"]["fraction"], (singular**2 / np.sum(singular**2))[:10], rtol=1e-8
    )
    found = stored["pca_association"].set_index(["variable", "pc"])
    assert {"batch", "er", "age", "os_event", "library_size"} <= set(stored["pca_association"]["variable"])
    p = f_oneway(*(scores[(adata.obs["batch"] == level).to_numpy(), 0] for level in "xyz")).pvalue
    np.testing.assert_allclose(found.loc[("batch", "PC1"), "p"], p, rtol=1e-6)
    assert found.loc["er", "r2"].max() > 0.8


def test_odd_samples_are_found_and_dropped_on_request(make_cohort):
    adata = make_cohort()
    adata.X[3] = np.random.default_rng(1).permutation(adata.X[3])
    adata.X[5] = np.random.default_rng(2).binomial(adata.X[5].astype(int), 0.01)
    del adata.obs["sex"]
    kept = pp.qc(adata.copy())
    outliers = kept.uns["precisionmed"]["qc"]["outliers"].set_index("sample")["reason"]
    assert list(outliers.index) == ["S3", "S5"] and kept.n_obs == 36
    assert "correlation with the other samples low" in outliers["S3"]
    assert "library size low" in outliers["S5"] and "detected genes low" in outliers["S5"]
    dropped = pp.qc(adata, drop_outliers=True)
    assert dropped.n_obs == 34 and not {"S3", "S5"} & set(dropped.obs_names)
    assert len(dropped.uns["precisionmed"]["qc"]["outliers"]) == 2 and dropped.layers["counts"].shape[0] == 34


def test_duplicates_of_different_patients_are_told(make_cohort):
    adata = make_cohort()
    adata.X[8] = adata.X[2]
    adata.X[9] = adata.X[4]
    adata.obs["patient"] = adata.obs["patient"].astype(object).replace({"P9": "P4"})
    with pytest.warns(PrecisionMedWarning, match=r"1 pair\(s\) .*: S2 and S8"):
        pp.qc(adata, duplicate_correlation=0.999)
    pairs = adata.uns["precisionmed"]["qc"]["duplicates"]
    assert set(zip(pairs["sample_a"], pairs["sample_b"], strict=True)) == {("S2", "S8"), ("S4", "S9")}


def test_sex_is_checked(make_cohort):
    adata = make_cohort()
    adata.X[6, 20], adata.X[6, 21:24] = 0, 800  # expressed as a man's
    adata.X[7, 20] = 0  # XIST lost: no contradiction
    with pytest.warns(PrecisionMedWarning, match="contradicts the recorded sex of S6"):
        pp.qc(adata)
    table = adata.uns["precisionmed"]["qc"]["sex_check"].set_index("sample")
    assert table.loc["S6", "expressed"] == "male" and not table.loc["S6", "agrees"]
    assert table.loc["S7", "expressed"] == "undetermined" and table.loc["S7", "agrees"]


def test_shallow_libraries_of_women_are_not_taken_for_mens(make_cohort):
    adata = make_cohort()
    adata.X[:, 21:24] = 3  # a few stray reads are a high CPM here
    adata.X[7, 20] = 0  # XIST lost
    found = pp.qc(adata).uns["precisionmed"]["qc"]["sex_check"]
    assert found["chr_y"].min() > 1.5 and found["agrees"].all()
    assert (found["expressed"].drop(index="7") == "female").all()


def test_sex_on_a_log_scale_is_told_by_the_record(make_cohort):
    adata = make_cohort("log_ratio")
    adata.obs["sex"] = pd.Categorical(["male"] * 6 + ["female"] * 30)
    adata.X[:5, 21:24] += 6
    adata.X[:5, 20] -= 6
    with pytest.warns(PrecisionMedWarning, match="recorded sex of S5"):
        pp.qc(adata)


def test_sex_on_a_log_scale_with_one_sex_only(make_cohort):
    women = make_cohort("log_ratio")
    women.X[:3, 20] -= 6  # XIST lost
    women.X[3:5, 21:24] += 6  # Y-chromosome genes up, XIST too: no contradiction
    found = pp.qc(women.copy()).uns["precisionmed"]["qc"]["sex_check"]["expressed"]
    assert (found[:5] == "undetermined").all() and (found[5:] == "female").all()
    women.X[7, 21:24] += 6
    women.X[7, 20] -= 6
    with pytest.warns(PrecisionMedWarning, match="recorded sex of S7"):
        pp.qc(women)
    men = make_cohort("log_ratio")
    men.obs["sex"] = pd.Categorical(["male"] * 36, categories=["female", "male"])
    men.X[:, 21:24] += 6
    men.X[:, 20] -= 6
    men.X[9, 21:24] -= 6
    men.X[9, 20] += 6
    with pytest.warns(PrecisionMedWarning, match="recorded sex of S9"):
        pp.qc(men)
    unknown = make_cohort("log_ratio")
    del unknown.obs["sex"]
    found = pp.qc(unknown).uns["precisionmed"]["qc"]["sex_check"]["expressed"]
    assert (found == "undetermined").all()


def twice(adata, first, second, seed=3):
    """Make one sample a new library of another's tumour: half of the reads, noise on every gene."""
    generator = np.random.default_rng(seed)
    adata.X[second] = generator.binomial(adata.X[first].astype(int), 0.5)
    adata.X[second, 24:] *= generator.lognormal(0, 0.1, adata.n_vars - 24)
    adata.X[second] = np.round(adata.X[second])


def test_one_tumour_under_two_names_is_found(make_cohort):
    adata = make_cohort(genes=800)
    del adata.obs["sex"]
    twice(adata, 2, 17)
    with pytest.warns(
        PrecisionMedWarning, match=r"1 pair\(s\) of samples of different patients .*: S2 and S17"
    ):
        pp.qc(adata, outlier_sd=100, duplicate_correlation=1)
    pairs = adata.uns["precisionmed"]["qc"]["identity"]
    assert list(pairs["verdict"]) == ["unexpected"] and pairs["profile"].iloc[0] > 0.9
    assert len(adata.uns["precisionmed"]["qc"]["duplicates"]) == 0
    adata = make_cohort(genes=800)
    del adata.obs["sex"]
    twice(adata, 2, 17)
    adata.obs["patient"] = adata.obs["patient"].astype(object).replace({"P17": "P2"})
    pp.qc(adata, outlier_sd=100, duplicate_correlation=1)
    assert list(adata.uns["precisionmed"]["qc"]["identity"]["verdict"]) == ["agrees"]


def test_samples_of_one_patient_with_two_genotypes_are_told(make_cohort, tmp_path):
    adata = make_cohort(n=60)
    genes = ["GSTM1", "ERAP2", "ZFP57", "HLA-DRB5"]
    names = adata.var_names.to_numpy(dtype=object)
    names[40:44] = genes
    adata.var_names = names
    generator = np.random.default_rng(5)
    people = np.repeat(np.arange(30), 2)
    on = generator.integers(0, 2, (30, 4))[people]
    on[:4] = [[0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 1, 0], [1, 0, 1, 0]]  # the first patient's are two people's
    adata.X[:, 40:44] = np.where(on, 900, 3)
    adata.obs["patient"] = pd.Categorical([f"P{i}" for i in people])
    with pytest.warns(PrecisionMedWarning, match=r"1 pair\(s\) of samples of one patient .*: S0 and S1\."):
        pp.qc(adata)
    adata.write_h5ad(tmp_path / "cohort.h5ad")
    stored = ad.read_h5ad(tmp_path / "cohort.h5ad").uns["precisionmed"]["qc"]
    assert set(stored["genotypes"]["gene"]) == {*genes, "sex (male)"}
    assert (stored["genotypes"]["separation"].dropna() > 0.9).all()
    pairs = stored["identity"].set_index("sample_a")
    assert (
        len(pairs) == 30 and (pairs["verdict"].drop("S0") == "agrees").all() and (pairs["genes"] == 5).all()
    )


def test_log_odds_in_closed_form():
    calls = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    found = Genotypes(calls, np.full(3, 0.5), np.array([0.1, 0.1, 0.02]), pd.DataFrame())
    odds, genes = log_odds(found, np.array([0, 0, 2]), np.array([1, 2, 3]))
    both, off = 0.9 / 0.5 + 0.1, 0.9 / 0.5 + 0.1
    np.testing.assert_allclose(
        odds, [np.log10(both * 0.1), np.log10(0.1 * off), np.log10(off * 0.1 * 0.02)], rtol=1e-12
    )
    assert list(genes) == [2, 2, 3]


def test_without_sex_genes_or_patients(make_cohort):
    adata = make_cohort("log2")[:, 30:].copy()
    del adata.obs["patient"], adata.obs["sex"]
    stored = pp.qc(adata).uns["precisionmed"]["qc"]
    assert "sex_check" not in stored and (stored["duplicates"]["patient_a"] == "").all()


def test_gaps_and_tiny_cohorts(make_cohort):
    adata = make_cohort("log2")[:3].copy()
    adata.X[0, :7] = np.nan
    adata.X[:, 50] = np.nan
    pp.qc(adata)
    assert np.isfinite(adata.obsm["X_qc_pca"]).all() and not adata.obs["qc_outlier"].any()
    assert "no sample is called an outlier" in adata.uns["precisionmed"]["qc"]["notes"][0]


def test_after_normalization_is_refused(make_cohort):
    with pytest.raises(InputError, match=r"before pp\.normalize"):
        pp.qc(pp.normalize(make_cohort()))


def test_explained_fraction_is_the_adjusted_share():
    generator = np.random.default_rng(0)
    factor = pd.Series(generator.choice(["a", "b", "c"], 60))
    values = generator.normal(size=(60, 30)) + factor.map({"a": 0, "b": 1, "c": 2}).to_numpy()[:, None]
    means = pd.DataFrame(values).groupby(factor).transform("mean").to_numpy()
    share = np.sum((means - values.mean(axis=0)) ** 2) / np.sum((values - values.mean(axis=0)) ** 2)
    np.testing.assert_allclose(explained_fraction(gram(values), factor), 1 - (1 - share) * 59 / 57)
    noise = pd.Series(generator.choice(list("abcdefgh"), 60))
    assert explained_fraction(gram(generator.normal(size=(60, 500))), noise) < 0.02
    gaps = factor.mask(factor.index < 10)
    np.testing.assert_allclose(
        explained_fraction(gram(values), gaps), explained_fraction(gram(values[10:]), factor[10:])
    )


def test_association_with_a_number_is_the_squared_correlation():
    generator = np.random.default_rng(0)
    x = pd.Series(generator.normal(size=50))
    scores = principal_components(gram(generator.normal(size=(50, 20)) + x.to_numpy()[:, None]), 3)[0]
    r2, _ = association(scores, x)
    np.testing.assert_allclose(r2, [np.corrcoef(x, s)[0, 1] ** 2 for s in scores.T])


def test_mean_and_variance_are_those_of_voom():
    counts = pd.read_csv(REFERENCE / "counts.csv", index_col=0).T
    expected = pd.read_csv(REFERENCE / "voom.csv", index_col=0)
    values = counts.to_numpy(dtype=float)
    found = mean_variance_table(values, counts.columns, values.sum(axis=1)).set_index("gene")
    assert list(found.index) == list(expected.index)
    np.testing.assert_allclose(found["mean"], expected["mean"], rtol=1e-10)
    np.testing.assert_allclose(np.sqrt(found["sd"]), expected["root_sd"], rtol=1e-10)
    np.testing.assert_allclose(np.sqrt(found["trend"]), expected["trend"], rtol=1e-3)


def test_density_counts_every_measured_gene(make_cohort):
    adata = pp.qc(make_cohort("log2"))
    table = adata.uns["precisionmed"]["qc"]["density"]
    assert list(table["sample"]) == list(adata.obs_names) and table.shape[1] == 65
    centers, shares = table.columns[1:].astype(float), table.iloc[:, 1:].to_numpy()
    assert (
        (np.diff(centers) > 0).all()
        and (shares.sum(axis=1) > 0.98).all()
        and shares.sum(axis=1).max() <= 1 + 1e-12
    )
    half = (centers[1] - centers[0]) / 2
    edges = np.append(centers - half, centers[-1] + half)
    np.testing.assert_allclose(shares[0], np.histogram(adata.X[0], edges)[0] / adata.n_vars, atol=0.004)
    gaps = np.array([[np.nan, 1.0, 2, 3], [0, 1, 2, np.nan]])
    np.testing.assert_allclose(density_table(gaps, "ab").iloc[:, 1:].sum(axis=1), [2 / 3, 2 / 3])
    np.testing.assert_allclose(density_table(np.ones((2, 4)), "ab").iloc[:, 1:].sum(axis=1), 1)


def test_relative_log_expression_is_the_deviation_from_medians(make_cohort):
    values = make_cohort("log2").X
    values[3, :40] = np.nan
    values[:, 7] = np.nan
    table = rle_table(values, range(36))
    with np.errstate(all="ignore"):
        deviations = values[:, np.arange(300) != 7] - np.nanmedian(np.delete(values, 7, axis=1), axis=0)
    expected = np.nanquantile(deviations, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1).T
    np.testing.assert_allclose(table.iloc[:, 1:], expected, rtol=1e-12, atol=1e-12)
