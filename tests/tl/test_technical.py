"""Groups that follow a batch, a site or the libraries are not announced as subtypes."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from precisionmed.datasets import simulate
from precisionmed.errors import PrecisionMedWarning
from precisionmed.pp.normalize import normalize
from precisionmed.tl import _technical
from precisionmed.tl._robustness import other_division
from precisionmed.tl.subtypes import subtypes

QUICK = {"n_genes": 300, "resamples": 40, "n_null": 19, "robustness": False}


def _cohort(**settings) -> ad.AnnData:
    chosen = {"n_samples": 140, "n_genes": 900, "n_batches": 1, "k": 2, "seed": 3} | settings
    return normalize(simulate(**chosen))


def _groups(shares: list[int]) -> pd.Series:
    names = [f"S{i + 1}" for i in range(len(shares))]
    return pd.Series(pd.Categorical(np.repeat(names, shares), categories=names))


def _table(columns: dict[str, object], subtype: pd.Series) -> pd.DataFrame:
    adata = ad.AnnData(np.zeros((len(subtype), 2)))
    for name, values in columns.items():
        adata.obs[name] = np.asarray(values)
    adata.uns["precisionmed"] = {"ingest": {}}
    subtype.index = adata.obs_names
    return _technical.technical_table(adata, subtype, np.random.default_rng(1)).set_index("variable")


def test_the_corrected_v_in_closed_form():
    assert _technical.cramers_v(np.diag([30, 30])) == pytest.approx(1)
    assert _technical.cramers_v(np.full((3, 4), 20)) == 0
    # n = 100, chi2 = 36: phi2 = 0.36 - 1 / 99, both sides 2 - 1 / 99.
    expected = np.sqrt((0.36 - 1 / 99) / (1 - 1 / 99))
    assert _technical.cramers_v(np.array([[40, 10], [10, 40]])) == pytest.approx(expected)
    assert _technical.cramers_v(np.array([[40, 10, 0], [10, 40, 0], [0, 0, 0]])) == pytest.approx(expected)


@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=2, max_size=8))
def test_v_lies_between_0_and_1_and_knows_no_order(rows):
    counts = np.array(rows)
    v = _technical.cramers_v(counts)
    assert 0 <= v <= 1
    assert _technical.cramers_v(counts[::-1, ::-1]) == pytest.approx(v)
    assert _technical.cramers_v(counts.T) == pytest.approx(v)


@pytest.mark.parametrize("name", ["batch", "Plate", "sequencing_site", "Center", "run_id", "tss"])
@pytest.mark.parametrize("kind", [str, int])
def test_every_column_called_like_a_batch_counts(name, kind):
    subtype = _groups([60, 40])
    plates = [kind(1 + (i >= 58)) for i in range(100)]
    row = _table({name: plates}, subtype).loc[name]
    assert row["follows"] and row["value"] > 0.9 and row["p"] < 1e-10
    mixed = [kind(1 + i % 2) for i in range(100)]
    assert not _table({name: mixed}, subtype)["follows"].any()


@pytest.mark.parametrize("name", ["tumour_site", "primary site", "age", "cluster", "batch_score_pred"])
def test_what_is_no_batch_does_not(name):
    assert _table({name: [1 + (i >= 60) for i in range(100)]}, _groups([60, 40])).empty


def test_one_class_that_a_batch_splits_is_enough():
    subtype = _groups([300, 30, 30])
    batch = ["a", "b"] * 150 + ["a"] * 30 + ["b"] * 30
    table = _table({"batch": batch}, subtype)
    assert table["groups"].tolist() == ["all", "S2 and S3"]
    assert table["follows"].tolist() == [False, True], "two small ones that a batch tells apart are enough"


def test_many_rare_sites_do_not_count_as_followed():
    sites = np.random.default_rng(0).integers(0, 25, 100)
    table = _table({"site": sites}, _groups([60, 40]))
    assert (table["value"] < 0.5).all() and not table["follows"].any()


def test_library_size_counts():
    subtype = _groups([60, 40])
    rng = np.random.default_rng(0)
    own = np.where(np.arange(100) < 60, 1e6, 4e6) * rng.lognormal(0, 0.2, 100)
    assert _table({"library_size": own}, subtype).loc["library_size", "follows"]
    assert not _table({"library_size": rng.permutation(own)}, subtype)["follows"].any()


def test_subtypes_of_batches_are_not_announced_and_the_test_is_left_as_it_is():
    adata = _cohort(n_batches=2, batch_effect=1.2, k=1)
    with pytest.warns(PrecisionMedWarning, match=r"follow 'batch' .*not announced.*batch\.method: combat"):
        subtypes(adata, **QUICK)
    found = adata.uns["precisionmed"]["subtypes"]
    assert found["followed"] == "batch" and found["technical"]["follows"].any()
    assert found["stopped"] in found["methods"]
    del adata.obs["batch"]
    subtypes(adata, **QUICK)
    without = adata.uns["precisionmed"]["subtypes"]
    assert "stopped" not in without
    pd.testing.assert_frame_equal(found["k_scores"], without["k_scores"])
    assert found["evidence"] == without["evidence"]


def test_real_subtypes_in_balanced_batches_are_announced():
    adata = _cohort(k=4, n_batches=2, batch_effect=0.05)
    subtypes(adata, **QUICK)
    assert "stopped" not in adata.uns["precisionmed"]["subtypes"]


def test_other_ways_overrule_only_when_they_agree_with_one_another():
    def square(value: float) -> pd.DataFrame:
        return pd.DataFrame(np.where(np.eye(9), 1.0, value))

    said = other_division(square(0.95), pd.Series([0.5] * 9))
    assert said.startswith("9 other ways to cluster agree on another division") and "0.95" in said
    assert not other_division(square(0.95), pd.Series([0.8] * 9))
    assert not other_division(square(0.7), pd.Series([0.1] * 9))
    assert not other_division(square(0.95), pd.Series([1.0] * 5 + [0.1] * 4))


def test_an_overruled_division_is_not_announced(monkeypatch):
    adata = _cohort(k=3)
    real = _technical.verdict

    def overruled(adata, subtype, result, rng, notes):
        return real(adata, subtype, result | {"other_division": "9 other ways agree on another"}, rng, notes)

    monkeypatch.setattr(_technical, "verdict", overruled)
    with pytest.warns(PrecisionMedWarning, match="agree on another; not announced"):
        subtypes(adata, **QUICK)
    assert adata.uns["precisionmed"]["subtypes"]["stopped"].startswith("9 other ways")
