"""Treatment response: interactions are recovered, and what a cohort cannot tell is said."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed.datasets.simulate import simulate
from precisionmed.errors import PrecisionMedWarning
from precisionmed.estimators.cox import CoxModel
from precisionmed.io.codec import decode
from precisionmed.pp.normalize import normalize
from precisionmed.tl._response_interaction import Trial, interaction, treatment_effects
from precisionmed.tl.response import response

FAST = {"n_folds": 3, "n_repeats": 1}


def cohort(n_samples: int = 150, **settings: object) -> ad.AnnData:
    adata = normalize(simulate(n_samples, 300, **settings))
    adata.obs["her2_status"] = adata.obs["her2"].copy()
    return adata


def with_roles(adata: ad.AnnData, **roles: object) -> ad.AnnData:
    ingest = adata.uns["precisionmed"]["ingest"]
    ingest["roles"] = json.dumps(json.loads(ingest["roles"]) | roles)
    return adata


def trial(rng: np.random.Generator, n: int, effect: float, ratio: float) -> tuple[Trial, pd.Series]:
    """Simulate a trial in which the log hazard ratio of treatment changes by `ratio` in carriers."""
    treated, carrier = rng.integers(0, 2, n).astype(float), rng.integers(0, 2, n)
    time = rng.exponential(np.exp(-(effect * treated + 0.4 * carrier + ratio * treated * carrier)))
    cut = rng.uniform(0.5, 3, n)
    names = pd.Index([f"p{i}" for i in range(n)])
    y = pd.DataFrame({"event": time <= cut, "time": np.minimum(time, cut)}, index=names)
    marker = pd.Series(pd.Categorical(np.where(carrier, "yes", "no")), index=names)
    return Trial("os", y, treated, pd.DataFrame(index=names)), marker


def test_interaction_is_recovered_with_nominal_coverage():
    rng = np.random.default_rng(11)
    estimates, covered = [], []
    for _ in range(150):
        row = interaction(*_named(trial(rng, 250, -0.2, -0.8)), [])[0][0]
        sign = 1 if "yes vs no" in row["term"] else -1
        estimates.append(sign * row["coefficient"])
        covered.append(row["lower"] < np.exp(sign * -0.8) < row["upper"])
    assert abs(np.mean(estimates) + 0.8) < 0.1
    assert abs(np.mean(covered) - 0.95) < 0.045


def test_without_interaction_one_test_in_twenty_is_small():
    rng = np.random.default_rng(5)
    p = [interaction(*_named(trial(rng, 200, -0.5, 0.0)), [])[0][0]["likelihood_ratio_p"] for _ in range(150)]
    assert abs(np.mean(np.array(p) < 0.05) - 0.05) < 0.035


def _named(simulated: tuple[Trial, pd.Series]) -> tuple[Trial, str, pd.Series]:
    return simulated[0], "marker", simulated[1]


def test_subgroup_effects_equal_models_of_the_subgroups():
    found, marker = trial(np.random.default_rng(2), 400, -0.3, -0.7)
    terms, subgroups = interaction(found, "marker", marker, [])
    effect = {row["level"]: row["coefficient"] for row in subgroups}
    level = next(row["term"] for row in terms).removeprefix("treated : ").split(" vs ")
    assert effect[level[0]] - effect[level[1]] == pytest.approx(terms[0]["coefficient"])
    for name, coefficient in effect.items():
        part = (marker == name).to_numpy()
        alone = CoxModel().fit(
            pd.DataFrame({"treated": found.treated[part]}, index=found.y.index[part]), found.y[part]
        )
        assert coefficient == pytest.approx(alone.coef_[0], abs=0.1)


def test_treatment_effect_is_adjusted_when_covariates_are_given():
    found, marker = trial(np.random.default_rng(7), 200, -0.5, 0.0)
    carrier = pd.DataFrame({"carrier": (marker == "yes").to_numpy().astype(float)}, index=found.y.index)
    rows = treatment_effects(Trial(found.endpoint, found.y, found.treated, carrier))
    assert [row["model"] for row in rows] == ["unadjusted", "adjusted"]
    assert rows[0]["n_treated"] + rows[0]["n_control"] == 200


def test_levels_too_small_in_an_arm_are_left_out_and_said():
    found, marker = trial(np.random.default_rng(1), 100, 0.0, 0.0)
    words = marker.astype(str).to_numpy(dtype=object)
    words[:4] = "rare"
    notes: list[str] = []
    terms, _ = interaction(found, "marker", pd.Series(pd.Categorical(words), index=marker.index), notes)
    assert len(terms) == 1
    assert "arm of rare" in notes[0]


@pytest.fixture(scope="module")
def randomized() -> ad.AnnData:
    return response(cohort(240, seed=3, censoring=0.3, label_effect=1.5), **FAST)


def test_both_are_available_and_stored(randomized):
    found = randomized.uns["precisionmed"]["response"]
    assert found["available"] == "both"
    assert "randomized" in found["sentence"]
    assert "could be called responder or non-responder" in found["sentence"]
    assert "is predicted" not in found["sentence"]
    columns = ["endpoint", "biomarker", "n_treated", "n_control", "term", "coefficient"]
    columns += ["hazard_ratio", "lower", "upper", "p", "fdr"]
    assert set(columns) <= set(found["interaction"].columns)
    assert set(found["subgroups"]["level"]) == {"positive", "negative"}
    assert not any("confounded" in note for note in found["notes"])
    assert found["treatment_effect"]["model"].tolist() == ["unadjusted"]


def test_classifier_is_stored_as_a_task_of_classify(randomized):
    found = randomized.uns["precisionmed"]["response"]["classifier"]
    assert {"performance", "roc", "calibration", "predictions", "signature", "model"} <= set(found)
    auc = found["performance"].set_index("metric").loc["auc", "estimate"]
    assert auc > 0.6
    probability = decode(found["model"]).predict_proba(np.asarray(randomized.X)[[0]])[0]
    assert probability.sum() == pytest.approx(1)
    out_of_fold = found["predictions"]["probability"].to_numpy()
    assert (
        np.abs(out_of_fold - decode(found["model"]).predict_proba(np.asarray(randomized.X))[:, 1]).max() > 0
    )


def test_result_survives_the_file(randomized, tmp_path):
    randomized.write_h5ad(tmp_path / "cohort.h5ad")
    back = ad.read_h5ad(tmp_path / "cohort.h5ad").uns["precisionmed"]["response"]
    expected = randomized.uns["precisionmed"]["response"]["interaction"]
    pd.testing.assert_frame_equal(back["interaction"], expected, check_dtype=False)


def test_confounding_is_told_and_adjusted_for():
    adata = with_roles(cohort(150, seed=6, treatment="confounded", censoring=0.3), response=None)
    found = response(adata, **FAST).uns["precisionmed"]["response"]
    assert found["available"] == "treatment"
    assert "confounded" in found["sentence"]
    assert "adjusted for age, grade, node_status" in found["notes"][0]
    assert found["treatment_effect"]["model"].tolist() == ["unadjusted", "adjusted"]


def test_neither_is_a_sentence():
    found = response(with_roles(cohort(40), treatment=None, response=None), **FAST)
    stored = found.uns["precisionmed"]["response"]
    assert stored["available"] == "neither"
    assert "Neither treatment nor response is declared" in stored["sentence"]


@pytest.mark.parametrize("role", ["treatment", "response"])
def test_one_sided_column_is_left_out_by_name(role):
    adata = cohort(40)
    adata.obs[role] = pd.Categorical([adata.obs[role].iloc[0]] * 40)
    with pytest.warns(PrecisionMedWarning, match=f"column '{role}': every sample is"):
        found = response(adata, **FAST).uns["precisionmed"]["response"]
    assert found["available"] in ("neither", *({"treatment", "response"} - {role}))
    assert any(f"column '{role}'" in note for note in found["notes"])


def rare_responders(seed: int, permuted: bool = False) -> ad.AnnData:
    """Return a cohort in which 18% respond, those with the highest sum of three genes and some noise."""
    adata = with_roles(cohort(140, seed=seed), treatment=None)
    rng = np.random.default_rng(seed)
    values = np.asarray(adata.X)
    genes = np.argsort(values.var(axis=0))[-3:]
    score = (values[:, genes] / values[:, genes].std(axis=0)).sum(axis=1) + rng.normal(0, 0.8, adata.n_obs)
    responds = score >= np.quantile(score, 0.82)
    responds = rng.permutation(responds) if permuted else responds
    adata.obs["response"] = pd.Categorical(np.where(responds, "responder", "non_responder"))
    return adata


def test_rare_responders_are_called_at_a_threshold_learned_in_training_sets():
    """Always "no" has an accuracy of 0.82; a threshold of one half calls few responders."""
    found = response(rare_responders(3), **FAST).uns["precisionmed"]["response"]
    table = found["classifier"]["performance"].set_index("metric")
    assert table.loc["auc", "lower"] > 0.7
    assert table.loc["sensitivity", "estimate"] > 0.6
    assert table.loc["specificity", "estimate"] > 0.6
    assert table.loc["majority_share", "estimate"] > 0.7
    calls = found["classifier"]["predictions"]
    assert calls["threshold"].between(0.15, 0.25).all()
    truth, call = calls["truth"], calls["call"]
    for metric, own, right in (
        ("sensitivity", truth == "positive", call == "positive"),
        ("specificity", truth == "negative", call == "negative"),
        ("positive_predictive_value", call == "positive", truth == "positive"),
        ("negative_predictive_value", call == "negative", truth == "negative"),
        ("accuracy", truth.notna(), truth == call),
    ):
        own &= call != "cannot call"
        assert table.loc[metric, "count"] == (own & right).sum()
        assert table.loc[metric, "n"] == own.sum()
    counts = found["classifier"]["counts"].set_index("truth")
    assert counts.to_numpy().sum() == 140
    assert counts.loc["positive", "positive"] == table.loc["sensitivity", "count"]
    assert f"sensitivity {table.loc['sensitivity', 'estimate']:.0%}" in found["sentence"]


@pytest.mark.parametrize("seed", [1, 4])
def test_permuted_labels_are_not_predicted(seed):
    """A threshold that had seen its test samples would find a balanced accuracy above one half."""
    found = response(rare_responders(seed, permuted=True), **FAST).uns["precisionmed"]["response"]
    table = found["classifier"]["performance"].set_index("metric")
    assert table.loc["auc", "lower"] <= 0.5 <= table.loc["auc", "upper"]
    assert "not predicted from expression better than by chance" in found["sentence"]
    calls = found["classifier"]["predictions"]
    above = calls["probability"] > calls["threshold"]
    positive = calls["truth"] == "positive"
    assert abs((above[positive].mean() + (~above)[~positive].mean()) / 2 - 0.5) < 0.15


def test_few_responders_are_no_classifier():
    adata = with_roles(cohort(60), treatment=None)
    adata.obs["response"] = pd.Categorical(["responder"] * 4 + ["non_responder"] * 56)
    found = response(adata, **FAST).uns["precisionmed"]["response"]
    assert "classifier" not in found
    assert "too few" in found["notes"][0]
    assert found["available"] == "response"
