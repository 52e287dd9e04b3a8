"""Signatures of a simulated cohort: found, stored, reproducible, honest when there is nothing."""

from __future__ import annotations

import re

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed import datasets
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io.codec import decode
from precisionmed.pp._inputs import roles_of
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
        empty = slot["signature"].empty  # no gene, no model to measure
        for name, columns in TABLES.items():
            if not (empty and name == "random_signatures"):
                assert list(slot[name].columns) == columns, name
        curve = ["lambda", "n_genes", "cv_mean", "cv_se", "lambda_min", "lambda_1se"]
        assert list(slot["cv_curve"].columns) == curve
        assert list(slot["path"].columns) == ["lambda", "gene", "coefficient"]
        assert slot["path"]["gene"].nunique() <= 30
        models = [name for name in MODELS if not (empty and name.startswith("signature"))]
        assert slot["performance"]["model"].tolist() == models
        assert len(slot.get("random_signatures", ())) == (0 if empty else 20)
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
        for name, stored in _slots(cohort)[task].items():
            if isinstance(stored, pd.DataFrame):
                pd.testing.assert_frame_equal(_slots(back)[task][name], stored)
            elif name != "model":
                assert np.all(_slots(back)[task][name] == stored)


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
    assert "smaller class has 3 patients" in notes
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


def test_formula_gives_the_score_of_the_model(cohort):
    for task in _slots(cohort)["tasks"]:
        slot = _slots(cohort)[task]
        text, model = slot["formula"], decode(slot["model"])
        if slot["signature"].empty:
            assert "holds no gene" in text
            continue
        numbers = re.match(r"score = (\S+)((?: [-+] \S+ x \S+)*), where", text)
        score = np.full(cohort.n_obs, float(numbers[1]))
        for sign, size, gene in re.findall(r" ([-+]) (\S+) x ([^\s,]+)", numbers[2]):
            score += float(sign + size) * cohort[:, gene].X[:, 0]
        expected = (
            model.predict(cohort.X) if slot["kind"] == "survival" else model.decision_function(cohort.X)
        )
        np.testing.assert_allclose(score, expected, atol=0.02)
        assert "log2 counts per million (TMM)" in text


def test_er_genes_are_stable_beat_the_clinic_and_have_intervals(cohort):
    slot = _slots(cohort)["er"]
    signature = slot["signature"].set_index("gene")
    assert (signature["lower"] <= signature["upper"]).all()
    assert signature["univariate_fdr"].iloc[0] < 0.001
    stable = slot["stability"].set_index("gene")
    assert stable["frequency"].is_monotonic_decreasing
    both = signature.index.intersection(stable.index)
    pd.testing.assert_series_equal(
        signature.loc[both, "stability"], stable.loc[both, "frequency"], check_names=False
    )
    assert (stable["selected"] == (stable["frequency"] >= slot["stability_threshold"])).all()
    assert slot["stability_pfer"] <= 1
    last = slot["stability_path"].query(f"n_genes == {slot['stability_q']}").set_index("gene")["frequency"]
    pd.testing.assert_series_equal(last, stable["frequency"].head(len(last)), check_names=False)
    against = slot["comparisons"].set_index("against").query("model == 'signature'")
    assert against.loc["clinical only", "lower"] > 0
    assert 0 < slot["random_p"] < 0.3
    panel = slot["panel"]
    assert len(slot["panel_genes"]) == panel.loc[panel["chosen"], "n_genes"].item()


def test_a_signature_without_genes_says_so_everywhere():
    adata = normalize(datasets.simulate(80, 150, seed=2))
    rng = np.random.default_rng(0)
    adata.obs["response"] = pd.Categorical(
        rng.permutation(np.repeat(["responder", "non_responder"], 40)), ["responder", "non_responder"]
    )
    biomarkers(adata, labels=("response",), endpoints=[], **QUICK)
    slot = _slots(adata)["response"]
    assert slot["signature"].empty
    assert list(slot["signature"].columns) == TABLES["signature"]
    assert slot["formula"] == (
        "The signature holds no gene: everybody's score is 0, a probability of 50%, as frequent as response "
        "is in the cohort."
    )
    assert "nomogram" not in slot
    assert slot["decoy_genes"].size == 0
    assert not {"signature", "signature + clinical"} & set(slot["performance"]["model"])
    assert slot["comparisons"].empty
    assert not {"random_p", "random_percentile", "random_signatures"} & set(slot)


def test_drugs_are_marked_and_what_is_not_asked_for_is_left_out(tmp_path):
    adata = normalize(datasets.simulate(150, 400, seed=3))
    targets = tmp_path / "targets.csv"
    targets.write_text("gene,drug\nESR1,tamoxifen\nESR1,fulvestrant\n")
    settings = {**QUICK, "stability": False, "random_signatures": 0}
    biomarkers(adata, labels=("er",), endpoints=[], drug_targets=targets, **settings)
    slot = _slots(adata)["er"]
    assert not {"stability", "stability_q", "decoys", "decoy_genes", "random_signatures", "random_p"} & set(
        slot
    )
    assert "stability" not in slot["signature"]
    drugs = slot["signature"].set_index("gene")["drug"]
    assert drugs["ESR1"] == "fulvestrant; tamoxifen"
    assert (drugs.drop("ESR1") == "").all()
    text = _slots(adata)["methods"]
    assert "Stability" not in text
    assert "at random" not in text


def test_a_covariate_that_is_the_label_does_not_compete_with_the_signature():
    adata = normalize(datasets.simulate(150, 200, seed=3))
    adata.obs["blank"] = np.nan
    roles = roles_of(adata)
    roles.covariates = [*roles.covariates, "er", "blank"]
    adata.uns["precisionmed"]["ingest"]["roles"] = roles.model_dump_json()
    biomarkers(adata, labels=("er",), endpoints=[], **{**QUICK, "stability": False, "random_signatures": 0})
    notes = " ".join(_slots(adata)["notes"])
    assert "covariate 'er' says what is to be predicted" in notes
    assert "covariate 'blank' is known in fewer than 10 samples" in notes
    clinical = _slots(adata)["er"]["performance"].set_index("model").loc["clinical only", "estimate"]
    assert clinical < 0.9
