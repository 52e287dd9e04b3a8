"""Every step audits what it learned in the groups that the roles name."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed.datasets.simulate import simulate
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators.group_audit import MISSING, SHOWN, TOO_FEW
from precisionmed.estimators.metrics import concordance
from precisionmed.io.model import lock
from precisionmed.pp.normalize import normalize
from precisionmed.tl._groups import settle
from precisionmed.tl._survival_cohort import endpoints_of
from precisionmed.tl._validate_groups import external_groups
from precisionmed.tl.biomarkers import biomarkers
from precisionmed.tl.classify import classify
from precisionmed.tl.receptors import receptors
from precisionmed.tl.response import response
from precisionmed.tl.subtypes import subtypes
from precisionmed.tl.survival import survival
from precisionmed.tl.validate import validate

FAST = {"n_folds": 3, "n_repeats": 1}


def with_groups(adata: ad.AnnData, *columns: str) -> ad.AnnData:
    ingest = adata.uns["precisionmed"]["ingest"]
    ingest["roles"] = json.dumps(json.loads(ingest["roles"]) | {"groups": list(columns)})
    return adata


def cohort(seed: int = 4, n: int = 130) -> ad.AnnData:
    adata = with_groups(simulate(n, 200, seed=seed, hazard_effect=0.8, censoring=0.4), "race", "age")
    adata.obs.loc[adata.obs_names[:7], "age"] = np.nan
    return adata


def run(adata: ad.AnnData) -> ad.AnnData:
    adata = classify(receptors(normalize(adata)), tasks=("tnbc",), **FAST)
    adata = biomarkers(
        adata, labels=["er"], endpoints=["os"], stability=False, random_signatures=0, n_pairs=3, **FAST
    )
    adata = subtypes(adata, resamples=10, n_null=0, robustness=False, umap=False, k_max=3)
    return response(survival(adata, **FAST), **FAST)


@pytest.fixture(scope="module")
def done() -> ad.AnnData:
    return run(cohort())


def tables(adata: ad.AnnData) -> dict[str, pd.DataFrame]:
    steps = adata.uns["precisionmed"]
    return {
        "tnbc": steps["classify"]["tnbc"]["groups"],
        "er": steps["biomarkers"]["er"]["groups"],
        "os signature": steps["biomarkers"]["os"]["groups"],
        "intrinsic": steps["subtypes"]["groups"],
        "os": steps["survival"]["os"]["groups"],
        "response": steps["response"]["classifier"]["groups"],
    }


def test_every_step_has_its_table(done):
    metrics = {
        "tnbc": {"auc", "called", "sensitivity", "specificity", "calibration"},
        "er": {"auc", "calibration"},
        "os signature": {"c_index", "calibration_slope"},
        "intrinsic": {"called", "accuracy"},
        "os": {"c_index", "calibration_slope", "called", "high_risk"},
        "response": {"auc", "called", "sensitivity", "specificity", "calibration"},
    }
    for name, table in tables(done).items():
        assert set(table["column"]) == {"race", "age"}, name
        assert set(table.loc[table["status"] == SHOWN, "metric"]) == metrics[name], name
        assert table.index.is_unique


def test_missing_ages_are_counted(done):
    lost = tables(done)["os"].query("status == @MISSING")
    assert lost[["column", "n"]].to_numpy().tolist() == [["age", 7]]


def test_groups_partition_the_samples(done):
    for table in tables(done).values():
        sizes = table.drop_duplicates(["column", "status", "group"]).groupby("column")["n"].sum()
        assert sizes.min() == sizes.max()


def test_the_share_not_called_is_that_of_the_stored_calls(done):
    table = tables(done)["tnbc"].query("metric == 'called' and column == 'race'").set_index("group")
    own = done.obs.dropna(subset=["tnbc_call"])
    called = own["tnbc_call"] != "cannot call"
    for group, found in table.iterrows():
        assert found["count"] == called[own["race"] == group].sum()
        assert found["of"] == (own["race"] == group).sum()


def test_p_is_corrected_for_all_comparisons_of_the_step(done):
    both = [tables(done)["er"], tables(done)["os signature"]]
    tested = pd.concat(both)["p"].notna()
    total = both[0]["comparisons"].iloc[0]
    assert (pd.concat(both)["comparisons"] == total).all()
    assert 0 < total < tested.sum()  # the two halves of age are one comparison
    expected = np.minimum(pd.concat(both)["p"] * total, 1)
    pd.testing.assert_series_equal(pd.concat(both)["p_adjusted"], expected, check_names=False)
    steps = done.uns["precisionmed"]
    assert f"corrected for {total} comparisons" in steps["biomarkers"]["methods"]
    assert "Numbers were cut at their median" in steps["biomarkers"]["methods"]


def test_results_do_not_depend_on_the_order_of_the_samples(done):
    rng = np.random.default_rng(0)
    shuffled = cohort()[rng.permutation(130)].copy()
    adata = survival(normalize(shuffled), **FAST)
    pd.testing.assert_frame_equal(
        adata.uns["precisionmed"]["survival"]["os"]["groups"], tables(done)["os"], rtol=1e-9
    )


def test_tables_survive_the_file(done, tmp_path):
    done.write_h5ad(tmp_path / "cohort.h5ad")
    back = tables(ad.read_h5ad(tmp_path / "cohort.h5ad"))
    for name, table in tables(done).items():
        pd.testing.assert_frame_equal(back[name], table, check_dtype=False)


def test_an_external_cohort_is_audited_in_its_own_groups(done, tmp_path):
    model = lock(done, tmp_path / "model.pmz")
    other = with_groups(simulate(110, 200, seed=9, hazard_effect=0.8), "node_status")
    with pytest.warns(PrecisionMedWarning, match="centred"):
        other = validate(other, model)
    table = other.uns["precisionmed"]["validate"]["groups"]
    assert {"tnbc", "intrinsic_subtype"} <= set(table["task"])
    assert set(table["column"]) == {"node_status"}
    found = table.query("task == 'tnbc' and metric == 'called'")
    assert found["of"].sum() <= other.n_obs
    assert "audited by node_status" in other.uns["precisionmed"]["validate"]["methods"]


def test_what_the_model_says_of_an_external_cohort_is_compared_by_its_own_kind():
    adata = with_groups(simulate(120, 150, seed=3), "race")
    rng = np.random.default_rng(0)
    calls = pd.DataFrame(
        {
            "os_risk": rng.normal(size=120),
            "os_risk_group": rng.choice(["high", "low"], 120),
            "signature_er_probability": rng.random(120),
        },
        index=adata.obs_names,
    )
    calls.loc[adata.obs_names[:3], :] = np.nan  # could not be called
    calls.loc[adata.obs_names[:3], "os_risk_group"] = "cannot call"
    endpoint = endpoints_of(adata, [])[0]
    kinds = {"os": "survival", "signature_er": "signature", "tnbc": "receptor"}
    table = external_groups(adata, calls, {"er": adata.obs["er"]}, {"os": endpoint}, kinds, 1)["groups"]
    assert set(table["task"]) == {"os", "signature_er"}
    one = table.query("task == 'os' and group == 'White' and metric == 'c_index'").iloc[0]
    own = (adata.obs["race"] == "White").to_numpy() & calls["os_risk"].notna().to_numpy()
    y, risk = endpoint.y[own], calls["os_risk"][own]
    assert one["n"] == own.sum()
    assert one["estimate"] == pytest.approx(concordance(y["time"], y["event"], risk))


def test_without_groups_nothing_is_stored():
    adata = survival(normalize(with_groups(cohort())), **FAST)
    found = adata.uns["precisionmed"]["survival"]
    assert "groups" not in found["os"]
    assert "audited" not in found["methods"]


def test_a_group_that_is_no_column_is_named():
    with pytest.raises(InputError, match=r"'rase' is no clinical column.*'race'"):
        survival(normalize(with_groups(cohort(), "rase")), **FAST)


def test_groups_of_one_and_nothing_recorded():
    adata = cohort()
    adata.obs["centre"] = [f"c{i}" for i in range(adata.n_obs)]
    adata.obs["ward"] = np.nan
    adata = survival(normalize(with_groups(adata, "centre", "ward")), **FAST)
    table = adata.uns["precisionmed"]["survival"]["os"]["groups"]
    assert set(table.loc[table["column"] == "centre", "status"]) == {TOO_FEW}
    assert table.loc[table["column"] == "ward", "status"].tolist() == [MISSING]
    assert table["estimate"].isna().all()


def test_a_column_of_one_group_each_adds_no_comparison():
    table = pd.DataFrame(
        {"column": "ward", "group": ["a"], "status": SHOWN, "metric": "auc", "p": [np.nan], "n": 30}
    )
    assert settle([table])[0]["comparisons"].tolist() == [0]
