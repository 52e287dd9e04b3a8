import anndata
import numpy as np
import pandas as pd
import pytest

from precisionmed.datasets import simulate
from precisionmed.errors import PrecisionMedWarning
from precisionmed.tl.receptors import AMPLICON, receptors, triple_negative


@pytest.fixture(scope="module")
def simulated():
    return simulate(300, 300, seed=2)


def log_values(adata, drop=()):
    """Return the cohort on a log scale, without some clinical columns or genes."""
    adata = adata[:, ~adata.var_names.isin(drop)].copy()
    adata.obs = adata.obs.drop(columns=[c for c in drop if c in adata.obs])
    adata.X = np.log2(adata.X / adata.X.sum(axis=1, keepdims=True) * 1e6 + 1)
    return adata


def test_recorded_status_is_used_and_mixtures_agree(simulated):
    adata = receptors(log_values(simulated))
    stored = adata.uns["precisionmed"]["receptors"]
    assert set(stored["source"].values()) == {"recorded"}
    assert all(len(genes) == 0 for genes in stored["label_genes"].values())
    for name in ("er", "pr", "her2"):
        pd.testing.assert_series_equal(
            adata.obs[f"{name}_status"].astype(object), adata.obs[name].astype(object), check_names=False
        )
    agreement = stored["agreement"].set_index("receptor")
    assert list(agreement.index) == ["er", "pr", "her2", "tnbc"]
    assert (agreement["agreement"] > 0.85).all()
    assert (agreement["lower"] < agreement["agreement"]).all()
    counts = stored["counts"].set_index("receptor")
    assert (counts[["positive", "negative", "equivocal", "missing"]].sum(axis=1) == adata.n_obs).all()
    assert counts.loc["her2", "equivocal"] > 0


def test_missing_receptors_are_called_from_expression(simulated):
    adata = receptors(log_values(simulated, drop=("pr", "her2")))
    stored = adata.uns["precisionmed"]["receptors"]
    derived = "expression-derived"
    assert stored["source"] == {"er": "recorded", "pr": derived, "her2": derived, "tnbc": derived}
    truth = adata.uns["truth"]["samples"]
    for name in ("pr", "her2"):
        assert ((adata.obs[f"{name}_status"] == "positive") == truth[name]).mean() > 0.9
    tnbc = ~truth[["er", "pr", "her2"]].any(axis=1)
    assert ((adata.obs["tnbc_status"] == "positive") == tnbc).mean() > 0.9
    assert set(stored["label_genes"]["tnbc"]) == {
        "ESR1",
        "PGR",
        *(AMPLICON),
    } & set(adata.var_names)
    assert set(stored["label_genes"]["her2"]) == set(AMPLICON) & set(adata.var_names)
    assert len(stored["label_genes"]["er"]) == 0
    assert list(stored["agreement"]["receptor"]) == ["er"]
    assert "derived from expression" in stored["methods"]


def test_triple_negative_needs_three_negatives():
    status = pd.DataFrame(
        {
            "er": ["negative", "positive", "negative", "negative", "positive", "equivocal"],
            "pr": ["negative", "negative", "negative", np.nan, np.nan, np.nan],
            "her2": ["negative", "negative", "equivocal", "negative", "equivocal", "negative"],
        }
    )
    expected = ["positive", "negative", "equivocal", np.nan, "negative", np.nan]
    pd.testing.assert_series_equal(triple_negative(status), pd.Series(expected, dtype=object))


def test_receptor_without_two_populations_is_not_called(simulated):
    adata = log_values(simulated, drop=("pr", "her2"))
    noise = np.random.default_rng(0).normal(5, 1, adata.n_obs)
    adata.X[:, adata.var_names.get_loc("PGR")] = noise
    with pytest.warns(PrecisionMedWarning, match="PR is not recorded and not called"):
        receptors(adata)
    stored = adata.uns["precisionmed"]["receptors"]
    assert stored["source"]["pr"] == "not available"
    assert adata.obs["pr_status"].isna().all()
    assert stored["source"]["tnbc"] == "expression-derived"
    assert "PGR" not in stored["label_genes"]["tnbc"]
    assert len(stored["notes"]) == 1


def test_absent_genes_leave_status_unknown(simulated):
    adata = log_values(simulated, drop=("er", "pr", "her2", "ERBB2"))
    with pytest.warns(PrecisionMedWarning, match="ERBB2 is not among the genes"):
        receptors(adata)
    assert adata.obs["her2_status"].isna().all()
    assert adata.obs["tnbc_status"].isna().all()
    assert adata.obs["er_status"].notna().all()
    assert adata.uns["precisionmed"]["receptors"]["source"]["tnbc"] == "not available"


def test_slots_survive_a_file(simulated, tmp_path):
    adata = receptors(log_values(simulated, drop=("pr",)))
    adata.write_h5ad(tmp_path / "a.h5ad")
    back = anndata.read_h5ad(tmp_path / "a.h5ad").uns["precisionmed"]["receptors"]
    stored = adata.uns["precisionmed"]["receptors"]
    for table in ("mixtures", "counts", "agreement", "values"):
        pd.testing.assert_frame_equal(back[table], stored[table])
    assert list(back["label_genes"]["tnbc"]) == list(stored["label_genes"]["tnbc"])
