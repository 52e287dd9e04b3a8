import anndata
import numpy as np
import pandas as pd
import pytest

from precisionmed.datasets import simulate
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators._operating_point import band
from precisionmed.estimators.out_of_fold import CrossValidation
from precisionmed.io.codec import decode
from precisionmed.pp.normalize import normalize
from precisionmed.tl._classifier_tables import call_rates, comparison_table, performance_table
from precisionmed.tl.classify import classify
from precisionmed.tl.receptors import AMPLICON, receptors

TABLES = ("performance", "roc", "calibration", "predictions", "signature")


def cohort(drop=()):
    adata = simulate(140, 200, seed=5)
    adata.obs = adata.obs.drop(columns=list(drop))
    return receptors(normalize(adata))


@pytest.fixture(scope="module")
def recorded():
    return classify(cohort(), n_folds=3, n_repeats=1, seed=3)


@pytest.fixture(scope="module")
def derived():
    return classify(cohort(drop=["her2", "pr"]), n_folds=3, n_repeats=1, seed=3)


def performance(adata, task):
    table = adata.uns["precisionmed"]["classify"][task]["performance"]
    return table.set_index(["model", "metric"])


@pytest.mark.parametrize("task", ["her2", "tnbc"])
def test_classifiers_work_on_samples_they_never_saw(recorded, task):
    found = performance(recorded, task)
    assert found.loc[("signature", "auc"), "estimate"] > 0.85
    assert found.loc[("signature", "called"), "estimate"] > 0.7
    assert (found["lower"] <= found["estimate"] + 1e-9).all()
    assert (found["estimate"] <= found["upper"] + 1e-9).all()
    stored = recorded.uns["precisionmed"]["classify"][task]
    status = recorded.obs[f"{task}_status"]
    assert stored["n_positive"] == (status == "positive").sum()
    assert stored["n_excluded"] == recorded.n_obs - stored["n_positive"] - stored["n_negative"]
    assert stored["label_source"] == "recorded"


def test_single_gene_is_the_baseline_of_recorded_labels_only(recorded, derived):
    assert performance(recorded, "her2").loc[("ERBB2 alone", "auc"), "estimate"] > 0.85
    compared = recorded.uns["precisionmed"]["classify"]["her2"]["comparisons"].iloc[0]
    assert compared["against"] == "ERBB2 alone"
    assert compared["lower"] <= compared["difference"] <= compared["upper"]
    assert performance(recorded, "tnbc").loc[("ESR1 alone", "auc"), "estimate"] > 0.8
    assert set(performance(derived, "her2").index.get_level_values("model")) == {"signature"}


def test_genes_that_define_a_derived_label_are_not_used(derived):
    stored = derived.uns["precisionmed"]["classify"]
    for task, forbidden in {"her2": AMPLICON, "tnbc": ("ESR1", "PGR", *AMPLICON)}.items():
        assert stored[task]["label_source"] == "expression-derived"
        assert not set(stored[task]["signature"]["gene"]) & set(forbidden)
        assert set(stored[task]["excluded_genes"]) == set(forbidden) & set(derived.raw.var_names)
    assert "derived from expression" in stored["methods"]


def test_calls_follow_probabilities(recorded):
    probability, call = recorded.obs["her2_probability"], recorded.obs["her2_call"]
    labelled = recorded.obs["her2_status"].isin(["positive", "negative"])
    assert (probability.notna() == labelled).all()
    stored = recorded.uns["precisionmed"]["classify"]["her2"]
    table = stored["predictions"].set_index("sample")
    low, high = band(table["threshold"], (0.35, 0.65))
    assert ((table["call"] == "positive") == (table["probability"] >= high)).all()
    assert ((table["call"] == "negative") == (table["probability"] <= low)).all()
    np.testing.assert_array_equal(call[labelled].astype(str), table["call"].reindex(call[labelled].index))
    share = stored["n_positive"] / (stored["n_positive"] + stored["n_negative"])
    assert stored["aim"] == "balanced"
    assert stored["threshold"] == decode(stored["model"]).threshold_ == pytest.approx(share, abs=0.02)
    np.testing.assert_array_equal(table["probability"], probability[table.index])


def test_final_model_predicts_the_cohort_and_matches_its_signature(recorded):
    stored = recorded.uns["precisionmed"]["classify"]["her2"]
    model = decode(stored["model"])
    genes = recorded.var_names[np.flatnonzero(model.coef_)]
    assert set(stored["signature"]["gene"]) == set(genes)
    truth = recorded.obs["her2_status"] == "positive"
    assert ((model.call(recorded.X) == "positive") == truth).mean() > 0.9


def test_same_seed_same_numbers_and_slots_survive_a_file(recorded, tmp_path):
    again = classify(cohort(), n_folds=3, n_repeats=1, seed=3)
    again.write_h5ad(tmp_path / "a.h5ad")
    back = anndata.read_h5ad(tmp_path / "a.h5ad").uns["precisionmed"]["classify"]
    stored = recorded.uns["precisionmed"]["classify"]
    assert list(back["tasks"]) == ["her2", "tnbc"]
    assert len(back["skipped"]) == 0
    for name in TABLES:
        pd.testing.assert_frame_equal(back["tnbc"][name], stored["tnbc"][name])


def test_small_classes_are_skipped_with_the_reason():
    adata = cohort()
    with pytest.warns(PrecisionMedWarning, match="classifier skipped"):
        classify(adata, min_class_size=100, n_repeats=1)
    stored = adata.uns["precisionmed"]["classify"]
    assert len(stored["tasks"]) == 0
    assert list(stored["skipped"]["task"]) == ["her2", "tnbc"]
    assert "at least 100 are needed" in stored["skipped"]["reason"].iloc[0]
    assert "her2_call" not in adata.obs


def test_wrong_order_and_unknown_tasks_are_told():
    with pytest.raises(InputError, match=r"run tl\.receptors first"):
        classify(normalize(simulate(40, 300)))
    with pytest.raises(InputError, match="no classifier 'er'"):
        classify(simulate(40, 300), tasks=["er"])


def test_a_fold_or_cohort_of_one_class_leaves_no_number_and_no_error():
    """Pairs within a test set make the AUC; without any it is missing, and the rates are defined."""
    predictions = pd.DataFrame({"row": range(6), "repeat": 0, "fold": [0, 0, 0, 1, 1, 1], "score": range(6)})
    result = CrossValidation(predictions, None)
    call = np.array(["positive", "cannot call", "cannot call", "cannot call", "cannot call", "cannot call"])
    for truth, known in (([1, 1, 1, 0, 0, 0], False), ([1, 1, 0, 0, 0, 0], True)):
        truth = np.array(truth)
        table = performance_table(truth, np.full(6, 0.5), call, result, {}).set_index("metric")
        assert np.isfinite(table.loc["auc", "estimate"]) == known
        assert table.loc["called", ["count", "n"]].tolist() == [1, 6]
        assert np.isnan(table.loc["specificity", "estimate"])
        assert len(comparison_table(truth, result, {"gene": np.arange(6.0)})) == known


def test_a_patient_with_several_samples_counts_once():
    truth, call = (
        np.array([1, 1, 1, 0, 0]),
        np.array(["positive", "negative", "positive", "negative", "cannot call"]),
    )
    rates = call_rates(truth, call, np.array(["a", "a", "b", "c", "d"]))
    assert rates["sensitivity"][3:] == (1.5, 2.0)
    assert rates["specificity"][3:] == (1.0, 1.0)
    assert call_rates(truth, call)["sensitivity"][3:] == (2.0, 3.0)
