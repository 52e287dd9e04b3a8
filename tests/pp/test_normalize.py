import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed import pp
from precisionmed.errors import InputError
from precisionmed.io.codec import decode
from precisionmed.pp._inputs import batch_labels, decide_method, measured, preprocessor


def test_keeps_the_values_as_read_and_what_was_learned(make_cohort, tmp_path):
    adata = make_cohort()
    read = adata.X.copy()
    assert pp.normalize(adata) is adata
    assert adata.n_vars < 300 and adata.X.shape == adata.layers["counts"].shape
    adata.write_h5ad(tmp_path / "cohort.h5ad")
    again = ad.read_h5ad(tmp_path / "cohort.h5ad")
    values, genes = measured(again)
    np.testing.assert_array_equal(values, read)
    assert list(genes[:10]) == [f"G{i}" for i in range(10)] and "G0" not in again.var_names
    model = decode(again.uns["precisionmed"]["normalize"]["model"])
    new = pd.DataFrame(values[[5]], columns=genes)
    np.testing.assert_array_equal(model.transform(new)[0], adata.X[5])
    np.testing.assert_array_equal(preprocessor(again).fit_transform(values), adata.X)
    assert batch_labels(again) is None


def test_stores_what_the_report_shows(make_cohort):
    stored = pp.normalize(make_cohort()).uns["precisionmed"]["normalize"]
    assert stored["params"] == {"method": "tmm", "scale": "counts", "min_count": 10, "min_fraction": 0.1}
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


def test_a_method_that_does_not_suit_the_scale_is_refused():
    for method, scale in [("tmm", "log2"), ("log_cpm", "tpm"), ("log2", "log_ratio"), ("none", "counts")]:
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
