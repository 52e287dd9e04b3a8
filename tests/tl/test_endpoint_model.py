"""One gene model an endpoint: shown, measured, split into risk groups and locked alike."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed.datasets.simulate import simulate
from precisionmed.errors import InputError
from precisionmed.io.codec import decode
from precisionmed.io.model import lock
from precisionmed.pp.normalize import normalize
from precisionmed.tl.biomarkers import biomarkers
from precisionmed.tl.survival import survival

QUICK = {"labels": [], "stability": False, "random_signatures": 0, "n_pairs": 3}
FAST = {"n_folds": 3, "n_repeats": 2}


def cohort(seed: int = 4, *, shuffled: bool = False, patients: bool = False) -> ad.AnnData:
    adata = normalize(simulate(120, 200, seed=seed, hazard_effect=0.9, censoring=0.4, treatment=None))
    if shuffled:
        order = np.random.default_rng(0).permutation(adata.n_obs)
        for column in ("os_time", "os_event"):
            adata.obs[column] = adata.obs[column].to_numpy()[order]
    if patients:
        adata.obs["patient"] = [f"p{i % 110}" for i in range(120)]
    return adata


def steps(adata: ad.AnnData) -> tuple[dict, dict]:
    found = adata.uns["precisionmed"]
    return found["biomarkers"]["os"], found["survival"]["os"]


@pytest.fixture(scope="module", params=[False, True], ids=["samples", "patients"])
def done(request) -> ad.AnnData:
    return survival(biomarkers(cohort(patients=request.param), rule="min", **QUICK, **FAST), seed=9)


def test_the_signature_shown_is_the_one_that_is_locked(done, tmp_path):
    shown, _ = steps(done)
    model = lock(done, tmp_path / "model.pmz")
    locked = pd.Series(model.parts["tasks"]["os"]["model"].coef_, index=done.var_names)
    table = shown["signature"].set_index("gene")["coefficient"]
    assert len(table)
    pd.testing.assert_series_equal(
        table.sort_index(), locked[locked != 0].sort_index(), check_names=False, check_index_type=False
    )
    assert model.parts["tasks"]["os"]["model"].ties == "efron"
    assert model.parts["tasks"]["os"]["model"].rule == "min"


def test_it_is_measured_once(done):
    shown, risk = steps(done)
    one = shown["performance"].set_index("model").loc["signature"]
    other = risk["concordance"].set_index("model").loc["genes"]
    columns = ["estimate", "lower", "upper"]
    np.testing.assert_allclose(one[columns].astype(float), other[columns].astype(float), rtol=1e-12)
    mean = shown["predictions"].groupby("sample")["score"].mean()
    np.testing.assert_allclose(done.obs["risk_os"].dropna(), mean[done.obs["risk_os"].dropna().index])
    assert "those of `biomarkers`" in " ".join(done.uns["precisionmed"]["survival"]["notes"])


def test_both_steps_find_the_same_alone():
    """Neither reads the other's result: the same settings and the same name are enough."""
    first = survival(cohort(), **FAST)
    second = biomarkers(cohort(), **QUICK, **FAST)
    one = decode(first.uns["precisionmed"]["survival"]["os"]["model"])["model"]
    other = decode(second.uns["precisionmed"]["biomarkers"]["os"]["model"])
    np.testing.assert_array_equal(one.coef_, other.coef_)


def test_another_signature_than_the_shown_is_not_locked(tmp_path):
    adata = biomarkers(survival(cohort(), **FAST), rule="min", **QUICK, **FAST)
    with pytest.raises(InputError, match=r"endpoint 'os'.*run survival again"):
        lock(adata, tmp_path / "model.pmz")
    assert not (tmp_path / "model.pmz").exists()


def test_the_rule_of_biomarkers_holds_for_endpoints_it_left_out():
    adata = survival(biomarkers(cohort(), rule="min", endpoints=[], **QUICK, **FAST), **FAST)
    assert decode(adata.uns["precisionmed"]["survival"]["os"]["model"])["model"].rule == "min"


def test_an_empty_signature_is_no_gene_model(tmp_path):
    adata = survival(biomarkers(cohort(1, shuffled=True), **QUICK, **FAST))
    shown, risk = steps(adata)
    assert shown["signature"].empty
    assert not shown["performance"]["model"].str.startswith("signature").any()
    assert set(risk["concordance"]["model"]) == {"clinical"}
    assert adata.obs["risk_os"].isna().all()
    assert adata.obs["risk_group_os"].isna().all()
    assert "risk_group" not in set(risk["kaplan_meier"]["grouping"])
    said = " ".join(adata.uns["precisionmed"]["survival"]["notes"])
    assert said.count("signature is empty") == 1
    model = lock(adata, tmp_path / "model.pmz")
    assert not model.describe().loc["os", "called"]
    raw = pd.DataFrame(adata.raw.X[:2], index=adata.obs_names[:2], columns=adata.raw.var_names)
    called = model.predict(raw)
    assert called["os_risk"].isna().all()
    assert called["os_reason"].str.contains("no gene is in the signature").all()


def test_roles_without_covariates_leave_the_signature_alone():
    adata = cohort()
    ingest = adata.uns["precisionmed"]["ingest"]
    ingest["roles"] = json.dumps(json.loads(ingest["roles"]) | {"covariates": []})
    adata = survival(biomarkers(adata, rule="min", **QUICK, **FAST))
    assert adata.uns["precisionmed"]["survival"]["os"]["concordance"]["model"].tolist() == ["genes"]
