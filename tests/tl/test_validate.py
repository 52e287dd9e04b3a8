"""Validation elsewhere: planted subtypes are found again, noise is not, and tables hold what they should."""

from __future__ import annotations

import importlib
import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed import pp, tl
from precisionmed.datasets import simulate
from precisionmed.estimators.group_hazards import group_hazards
from precisionmed.io.model import LockedModel, lock
from precisionmed.tl import _replication

_module = importlib.import_module("precisionmed.tl.validate")  # the function has its module's name

pytestmark = pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")


@pytest.fixture(scope="module", autouse=True)
def few_rotations():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_replication, "_ROTATIONS", 200)
        yield


@pytest.fixture(scope="module")
def population() -> ad.AnnData:
    """Patients of one kind: 130 to learn from, 130 elsewhere."""
    return simulate(260, 500, k=3, n_batches=1, treatment=None, hazard_effect=0.6, censoring=0.4, seed=1)


@pytest.fixture
def second(population) -> ad.AnnData:
    return population[130:].copy()


@pytest.fixture(scope="module")
def trained(population, tmp_path_factory):
    adata = pp.normalize(population[:130].copy())
    tl.subtypes(adata, n_genes=200, k=3, resamples=30)
    path = tmp_path_factory.mktemp("model") / "model.pmz"
    lock(adata, path)
    return adata, path


@pytest.fixture(scope="module")
def model(trained) -> LockedModel:
    return LockedModel.load(trained[1])


@pytest.fixture(scope="module")
def found(population, model):
    return tl.validate(population[130:].copy(), model).uns["precisionmed"]["validate"]


def test_planted_subtypes_are_clusters_again(found, model):
    table = found["replication"]
    assert list(table["mode"].unique()) == ["single sample", "centred"]
    assert set(table["subtype"]) == set(model.parts["tasks"]["subtype"]["model"].classes_)
    assert (table["fdr"] < 0.05).all()
    assert (table.groupby("mode")["samples"].sum() == 130).all()
    assert (table["called"] <= table["samples"]).all()
    assert "3 of 3 subtypes are clusters here too (S1, S2, S3)" in found["replication_verdict"]
    assert found["replication_confirmed"]
    assert "own clusters agree with the calls (adjusted Rand index 0." in found["replication_verdict"]


def test_the_cohort_alone_finds_the_same_groups(found):
    summary = found["replication_summary"].set_index("mode")
    assert (summary["agreement"] > 0.9).all()
    assert (summary["adjusted_rand"] > 0.8).all()
    assert (summary["none_of_these"] < 0.08).all()
    overlap = found["replication_overlap"]
    for mode, part in overlap.groupby("mode"):
        assert part["samples"].sum() == summary.loc[mode, "samples"]
        counts = part[part["called"] != "cannot call"].pivot_table("samples", "called", "found")
        agreed = np.trace(counts) / counts.to_numpy().sum()
        assert agreed == pytest.approx(summary.loc[mode, "agreement"])


def test_patients_of_one_subtype_are_no_clusters(population, model):
    """The centroids divide them all the same, and most similar samples agree by chance."""
    truth = population.uns["truth"]["samples"]["subtype"].astype(str)
    alike = population[(truth == truth.value_counts().idxmax()).to_numpy()].copy()
    found = tl.validate(alike, model).uns["precisionmed"]["validate"]
    alone = found["replication"][found["replication"]["mode"] == "single sample"]
    assert not (alone["fdr"] < 0.05).any()
    assert found["replication_verdict"].startswith("The subtypes are not confirmed here: clusters that")
    assert not found["replication_confirmed"]
    assert "0 of 3 subtypes alone" in found["replication_verdict"]


@pytest.mark.parametrize(
    ("called", "index", "begins", "holds"),
    [
        (0, np.nan, "The subtypes are not confirmed here: only 0 of 385", "0 of 385 samples could be called"),
        (380, -0.01, "The subtypes are not confirmed here: clusters", "adjusted Rand index −0.01"),
        (380, np.nan, "The subtypes are not confirmed here: clusters", "nan"),
        (
            380,
            0.35,
            "2 of 3 subtypes are clusters here too (S1, S2)",
            "only in part (adjusted Rand index 0.35)",
        ),
        (380, 0.8, "2 of 3 subtypes are clusters here too (S1, S2)", "agree with the calls (adjusted Rand"),
    ],
)
def test_replication_follows_clusters_calls_and_agreement(called, index, begins, holds):
    rows = pd.DataFrame({"mode": "single sample", "subtype": ["S1", "S2", "S3"], "fdr": [0.01, 0.02, 0.3]})
    said = _replication.verdict(rows, {"samples": 385, "called": called, "adjusted_rand": index})
    assert said.startswith(begins)
    assert holds in said


def test_outcome_by_subtype_stands_side_by_side(found, trained):
    adata, _ = trained
    table = found["subtype_survival"]
    for endpoint, part in table.groupby("endpoint"):
        before = part[part["part"] == "training"]
        largest = adata.obs["subtype"].value_counts().idxmax()
        outcome = adata.obs[[f"{endpoint}_time", f"{endpoint}_event"]].to_numpy(dtype=float).T
        expected = group_hazards(*outcome, adata.obs["subtype"], largest)
        pd.testing.assert_frame_equal(
            before[expected.columns].reset_index(drop=True), expected, check_index_type=False
        )
        here = part[part["part"] == "second"]
        assert before["subtype"].iloc[0] == here["subtype"].iloc[0] == largest
        calls = found["predictions"]["subtype"]
        assert here["n"].sum() == (calls != "cannot call").sum()
    assert set(table["part"]) == {"training", "second"}


def test_no_patient_is_in_the_locked_outcome(model):
    assert len(model.parts["subtype_survival"]) <= 3 * 2
    assert "time" not in model.parts["subtype_survival"]


def test_another_endpoint_than_in_training_is_told_apart(second, model):
    adata = second
    ingest = adata.uns["precisionmed"]["ingest"]
    roles = json.loads(ingest["roles"])
    name, role = next(iter(roles["endpoints"].items()))
    ingest["roles"] = json.dumps(roles | {"endpoints": {"xfs": role}})
    for column in ("time", "event"):
        adata.obs[f"xfs_{column}"] = adata.obs[f"{name}_{column}"]
    table = tl.validate(adata, model).uns["precisionmed"]["validate"]["subtype_survival"]
    assert set(table.loc[table["part"] == "second", "endpoint"]) == {"xfs"}
    assert set(table.loc[table["part"] == "training", "endpoint"]) == {name}


def test_a_model_without_subtypes_says_so(trained, second, tmp_path):
    adata = trained[0].copy()
    del adata.uns["precisionmed"]["subtypes"], adata.obs["subtype"]
    found = tl.validate(second, lock(adata, tmp_path / "m.pmz")).uns["precisionmed"]["validate"]
    assert (
        found["replication_verdict"] == "The locked model has no subtypes, so there were none to find again."
    )
    assert not {"replication", "replication_overlap", "subtype_survival"} & set(found)


def test_a_model_locked_before_outcomes_were_still_works(trained, second):
    old = LockedModel.load(trained[1])
    del old.parts["subtype_survival"]
    found = tl.validate(second, old).uns["precisionmed"]["validate"]
    assert set(found["subtype_survival"]["part"]) == {"second"}


def test_a_handful_of_samples_is_too_few(second, model):
    found = tl.validate(second[:15].copy(), model).uns["precisionmed"]["validate"]
    assert "15 samples" in found["replication_verdict"]
    assert "replication" not in found


def test_a_split_far_from_training_is_told(model):
    """Of 105 called samples 87 are high, against half in training; and ten of 20 are not worth a word."""
    task = {"kind": "survival", "shares": {"high": 0.5, "low": 0.5}}
    told = LockedModel(model.manifest, model.genes, {**model.parts, "tasks": {"os": task}})
    for high, low, expected in ((87, 18, True), (10, 10, False), (60, 45, False), (9, 1, False)):
        groups = ["high"] * high + ["low"] * low + ["cannot call"] * 30
        notes: list[str] = []
        table = _module._shifts(pd.DataFrame({"os_risk_group": groups}), told, notes)
        assert len(table) == bool(notes)
        assert bool(notes) == expected, (high, low)
        if expected:
            assert "os: 87 of 105 called samples are high here, 50% in training" in notes[0]


def test_everything_survives_a_file(second, model, tmp_path):
    adata = tl.validate(second, model)
    adata.write_h5ad(tmp_path / "v.h5ad")
    back = ad.read_h5ad(tmp_path / "v.h5ad").uns["precisionmed"]["validate"]
    for name in ("replication", "replication_overlap", "replication_summary", "subtype_survival"):
        assert list(back[name].columns) == list(adata.uns["precisionmed"]["validate"][name].columns)
