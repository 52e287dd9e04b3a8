"""Signatures of a simulated cohort: found, stored, reproducible, honest when there is nothing."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed import datasets
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io.codec import decode
from precisionmed.pp.normalize import normalize
from precisionmed.tl.biomarkers import biomarkers
from precisionmed.tl.receptors import receptors

QUICK = {"n_folds": 3, "n_repeats": 2, "n_pairs": 10, "random_signatures": 20}
MODELS = ["signature", "best single gene", "clinical only", "signature + clinical"]
INTERVAL = ["lower", "upper"]
TABLES = {
    "signature": [
        *("gene", "coefficient", "ratio", *INTERVAL, "selection_frequency", "stability"),
        *("univariate_p", "univariate_fdr"),
    ],
    "screen": ["gene", "coefficient", "ratio", *INTERVAL, "statistic", "p", "fdr"],
    "performance": ["model", "metric", "estimate", *INTERVAL],
    "comparisons": ["model", "against", "metric", "difference", *INTERVAL, "p"],
    "random_signatures": ["estimate"],
    "panel": ["n_genes", "estimate", "se", "chosen"],
    "stability": ["gene", "frequency", "selected"],
    "stability_path": ["gene", "n_genes", "frequency"],
    "decoys": ["threshold", "n_real", "n_decoy", "fdp"],
}


@pytest.fixture(scope="module")
def cohort():
    adata = normalize(datasets.simulate(150, 400, seed=3))
    return biomarkers(adata, labels=("er", "response"), **QUICK)


def _slots(adata):
    return adata.uns["precisionmed"]["biomarkers"]


def test_tasks_and_tables_are_those_of_the_data_model(cohort):
    found = _slots(cohort)
    tasks = found["tasks"].tolist()
    assert tasks[:2] == ["er", "response"]
    assert len(tasks) > 2
    for task in tasks:
        slot = found[task]
        for name, columns in TABLES.items():
            assert list(slot[name].columns) == columns, name
        curve = ["lambda", "n_genes", "cv_mean", "cv_se", "lambda_min", "lambda_1se"]
        assert list(slot["cv_curve"].columns) == curve
        assert list(slot["path"].columns) == ["lambda", "gene", "coefficient"]
        assert slot["path"]["gene"].nunique() <= 30
        assert slot["performance"]["model"].tolist() == MODELS
        assert len(slot["random_signatures"]) == 20
        known = ["truth"] if slot["kind"] == "binary" else ["time", "event"]
        assert list(slot["predictions"].columns) == ["sample", "repeat", "fold", *known, "score"]
        assert len(slot["predictions"]) == 2 * slot["n"]
        score = cohort.obs[f"score_{task}"].dropna()
        mean = slot["predictions"].groupby("sample")["score"].mean()
        pd.testing.assert_series_equal(score, mean.reindex(score.index), check_names=False)


def test_er_signature_is_found_and_its_model_gives_it_back(cohort):
    slot = _slots(cohort)["er"]
    best = slot["performance"].set_index("model").loc["signature"]
    assert best["metric"] == "auc"
    assert best["lower"] > 0.7
    signature = slot["signature"]
    assert 0 < len(signature) < 100
    assert signature["selection_frequency"].between(0, 1).all()
    model = decode(slot["model"])
    used = np.flatnonzero(model.coef_)
    assert set(cohort.var_names[used]) == set(signature["gene"])
    effect = dict(zip(cohort.var_names[used], (model.coef_ * model.scale_)[used], strict=True))
    np.testing.assert_allclose(np.exp([effect[g] for g in signature["gene"]]), signature["ratio"])
    assert model.predict_proba(cohort.X).shape == (150, 2)


def test_everything_survives_a_file(cohort, tmp_path):
    cohort.write_h5ad(tmp_path / "cohort.h5ad")
    back = ad.read_h5ad(tmp_path / "cohort.h5ad")
    for task in _slots(cohort)["tasks"]:
        for name in ("signature", "performance", "path"):
            pd.testing.assert_frame_equal(_slots(back)[task][name], _slots(cohort)[task][name])


def test_same_seed_same_result_whatever_else_is_asked(cohort):
    again = normalize(datasets.simulate(150, 400, seed=3))
    biomarkers(again, labels=("er",), endpoints=[], **QUICK)
    assert _slots(again)["tasks"].tolist() == ["er"]
    pd.testing.assert_frame_equal(_slots(again)["er"]["predictions"], _slots(cohort)["er"]["predictions"])


def test_labels_and_endpoints_that_cannot_be_learned_are_skipped_with_a_note():
    adata = normalize(datasets.simulate(60, 200, seed=1))
    (endpoint,) = [c.removesuffix("_event") for c in adata.obs if c.endswith("_event")][:1]
    adata.obs[f"{endpoint}_event"] = (np.arange(60) < 4).astype(float)
    adata.obs["er"] = pd.Categorical(np.where(np.arange(60) < 3, "positive", "negative"))
    del adata.obs["response"]
    with pytest.warns(PrecisionMedWarning) as caught:
        biomarkers(adata, labels=("er", "response"), endpoints=[endpoint], **QUICK)
    notes = " ".join(_slots(adata)["notes"])
    assert len(caught) == 2
    assert "smaller class has 3 samples" in notes
    assert "response: the cohort has no such label" in notes
    assert "4 events, fewer than 10" in notes
    assert _slots(adata)["tasks"].size == 0


def test_label_derived_from_expression_is_learned_without_its_genes():
    adata = normalize(datasets.simulate(150, 400, seed=3))
    del adata.obs["er"]
    receptors(adata)
    slots = adata.uns["precisionmed"]["receptors"]
    assert slots["source"]["er"] == "expression-derived"
    biomarkers(adata, labels=("er",), endpoints=[], **QUICK)
    slot = _slots(adata)["er"]
    assert "ESR1" in slot["excluded_genes"]
    assert "ESR1" not in set(slot["signature"]["gene"]) | set(slot["path"]["gene"])
    assert "derived from expression" in _slots(adata)["methods"]


def test_mistakes_are_named():
    adata = datasets.simulate(40, 200, seed=1)
    with pytest.raises(InputError, match=r"run pp\.normalize first"):
        biomarkers(adata, labels=("er",), endpoints=[])
    with pytest.raises(InputError, match="no label 'ER2'"):
        biomarkers(adata, labels=("ER2",))
    with pytest.raises(InputError, match="'oss' is not declared"):
        biomarkers(adata, endpoints=("oss",))
