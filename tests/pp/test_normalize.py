import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed import pp
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io.codec import decode
from precisionmed.pp._inputs import batch_labels, decide_method, measured, preprocessor


def test_keeps_the_values_as_read_and_what_was_learned(make_cohort, tmp_path):
    adata = make_cohort()
    read = adata.to_df()
    assert pp.normalize(adata) is adata
    assert adata.n_vars < 300 and adata.X.shape == adata.layers["counts"].shape
    adata.write_h5ad(tmp_path / "cohort.h5ad")
    again = ad.read_h5ad(tmp_path / "cohort.h5ad")
    values, genes = measured(again)
    np.testing.assert_array_equal(values, read[genes])
    assert genes.is_monotonic_increasing and "G0" in genes
    assert "G0" not in again.var_names
    model = decode(again.uns["precisionmed"]["normalize"]["model"])
    new = pd.DataFrame(values[[5]], columns=genes)
    np.testing.assert_array_equal(model.transform(new)[0], adata.X[5])
    np.testing.assert_allclose(preprocessor(again).fit_transform(values), adata.X, rtol=1e-12)
    assert batch_labels(again) is None


def test_stores_what_the_report_shows(make_cohort):
    stored = pp.normalize(make_cohort()).uns["precisionmed"]["normalize"]
    asked = {"min_count": 10, "min_fraction": 0.1, "reference": "profile"}
    assert stored["params"] == {"method": "tmm", "scale": "counts", **asked}
    assert list(stored["rle"].columns) == ["sample", "q05", "q25", "median", "q75", "q95"]
    assert stored["rle"]["median"].abs().max() < 0.3
    summary = stored["summary"].set_index("metric")["value"]
    assert summary["genes_read"] == 300 and summary["genes_kept"] <= 290
    assert (
        "Robinson and Oshlack" in stored["methods"]
        and f"{summary['genes_kept']:.0f} of 300" in stored["methods"]
    )
    assert len(stored["notes"]) == 0


@pytest.mark.parametrize(
    ("scale", "method"),
    [("rsem", "log2"), ("tpm", "log2"), ("fpkm", "log2"), ("log2", "none"), ("zscore", "none")],
)
def test_auto(make_cohort, scale, method):
    adata = pp.normalize(make_cohort(scale))
    assert adata.uns["precisionmed"]["normalize"]["params"]["method"] == method


@pytest.mark.parametrize("scale", ["counts", "log2"])
@pytest.mark.parametrize("method", ["quantile", "rank"])
def test_methods_for_any_scale(make_cohort, scale, method):
    adata = pp.normalize(make_cohort(scale), method=method)
    assert np.isfinite(adata.X).all() and np.abs(adata.X).max() < 30


@pytest.mark.filterwarnings("ignore:VST")  # these counts have one dispersion at all means
@pytest.mark.parametrize("method", ["tmm", "tmmwsp", "log_cpm", "upper_quartile", "median_of_ratios", "vst"])
def test_methods_for_counts_refit_to_the_same(make_cohort, method):
    adata = pp.normalize(make_cohort(genes=1300), method=method)
    stored = adata.uns["precisionmed"]["normalize"]
    assert stored["rle"]["median"].abs().max() < 0.3
    refitted = preprocessor(adata).fit_transform(measured(adata)[0])
    np.testing.assert_allclose(refitted, adata.X, rtol=1e-12)  # samples in another order
    assert "2010" in stored["methods"] or method == "log_cpm"
    summary = stored["summary"].set_index("metric")["value"]
    normalizer = decode(stored["model"]).normalizer_
    follows_the_trend = method == "vst" and normalizer.fit_type_ == "parametric"
    assert ("dispersion_asymptotic" in summary) == follows_the_trend


@pytest.mark.parametrize("method", ["tpm", "fpkm"])
def test_methods_by_length_need_lengths_and_say_which_lack(make_cohort, method):
    adata = make_cohort()
    with pytest.raises(InputError, match=r"adata\.var\['length'\]"):
        pp.normalize(adata, method=method)
    adata.var["length"] = 0.0
    with pytest.raises(InputError, match="no gene has a length above 0"):
        pp.normalize(adata, method=method)
    adata.var["length"] = np.random.default_rng(0).integers(300, 9000, adata.n_vars).astype(float)
    adata.var.loc[["G30", "G31"], "length"] = np.nan
    with pytest.warns(PrecisionMedWarning, match=r"2 gene\(s\) have no length \(G30, G31\)"):
        pp.normalize(adata, method=method)
    refitted = preprocessor(adata).fit_transform(measured(adata)[0])
    np.testing.assert_allclose(refitted, adata.X, rtol=1e-12)  # samples in another order
    model = decode(adata.uns["precisionmed"]["normalize"]["model"])
    np.testing.assert_array_equal(model.transform(adata.raw.X[[3]])[0], adata.X[3])


def test_vst_says_when_the_trend_does_not_fit(make_cohort):
    generator = np.random.default_rng(0)
    adata = make_cohort()
    means = np.geomspace(5, 5000, adata.n_vars)
    size = 1 / (0.02 + means / 1000)  # the dispersion rises with the mean
    adata.X = generator.negative_binomial(size, size / (size + means), adata.shape) + 1.0
    with pytest.warns(PrecisionMedWarning, match="local regression"):
        pp.normalize(adata, method="vst")
    assert "a local regression took the place" in adata.uns["precisionmed"]["normalize"]["notes"][0]


def test_a_method_that_does_not_suit_the_scale_is_refused():
    for method, scale in [
        ("tmm", "log2"),
        ("vst", "log2"),
        ("tpm", "tpm"),
        ("log_cpm", "tpm"),
        ("log2", "log_ratio"),
        ("none", "counts"),
    ]:
        with pytest.raises(InputError, match=f"'{method}'.*'{scale}'"):
            decide_method(method, scale)


def test_twice_is_refused(make_cohort):
    adata = pp.normalize(make_cohort())
    with pytest.raises(InputError, match="normalized already"):
        pp.normalize(adata)


def test_an_empty_sample_is_named(make_cohort):
    adata = make_cohort()
    adata.X[4] = 0
    with pytest.raises(InputError, match="sample 'S4' has no counts at all"):
        pp.normalize(adata)
    assert adata.raw is None


def test_gaps_are_imputed_and_said(make_cohort):
    adata = make_cohort("log_ratio")
    adata.X[3, 40:50] = np.nan
    pp.normalize(adata)
    assert np.isfinite(adata.X).all() and np.isnan(adata.raw.X).sum() == 10
    assert "10 missing values" in adata.uns["precisionmed"]["normalize"]["methods"]


def test_steps_before_normalize_have_no_input(make_cohort):
    for reader in (measured, preprocessor):
        with pytest.raises(InputError, match=r"run pp\.normalize first"):
            reader(make_cohort())
