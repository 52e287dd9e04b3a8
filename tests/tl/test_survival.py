"""The survival step stores what docs/data-model.md says, from models that never saw the test sample."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed.datasets.simulate import simulate
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators.cox import CoxModel
from precisionmed.estimators.kaplan_meier import logrank
from precisionmed.io.codec import decode
from precisionmed.pp.normalize import normalize
from precisionmed.tl._survival_curves import times_at_risk
from precisionmed.tl._survival_models import FIRTH, cox_tables, designs_of
from precisionmed.tl.survival import survival

FAST = {"n_folds": 3, "n_repeats": 1}


def cohort(n_samples: int = 150, **settings: object) -> ad.AnnData:
    adata = normalize(simulate(n_samples, 300, treatment=None, **settings))
    adata.obs["subtype"] = adata.obs["intrinsic"].copy()
    return adata


def without(adata: ad.AnnData, **roles: object) -> ad.AnnData:
    """Change the declared roles."""
    ingest = adata.uns["precisionmed"]["ingest"]
    ingest["roles"] = json.dumps(json.loads(ingest["roles"]) | roles)
    return adata


@pytest.fixture(scope="module")
def done() -> ad.AnnData:
    return survival(cohort(seed=4, hazard_effect=0.8, censoring=0.4), **FAST)


@pytest.fixture(scope="module")
def os(done) -> dict:
    return done.uns["precisionmed"]["survival"]["os"]


def test_tables_have_the_columns_of_the_data_model(os):
    columns = {
        "kaplan_meier": ["grouping", "group", "time", "survival", "lower", "upper", "at_risk"],
        "logrank": ["grouping", "chi2", "df", "p"],
        "cox": ["model", "covariate", "n", "events", "coefficient", "hazard_ratio", "lower", "upper", "p"],
        "proportional_hazards": ["covariate", "statistic", "p"],
        "concordance": ["model", "estimate", "lower", "upper", "n", "n_events"],
    }
    for name, expected in columns.items():
        assert set(expected) <= set(os[name].columns), name
        assert os[name].index.is_unique
    assert os["unit"] == "months"
    assert os["horizon"] == os["median_follow_up"]


def test_models_are_compared_on_the_same_samples(os):
    table = os["concordance"].set_index("model")
    assert list(table.index) == ["clinical", "genes", "clinical + genes", "subtype"]
    assert (table["n"] == os["n"]).all()
    assert ((table["lower"] <= table["estimate"]) & (table["estimate"] <= table["upper"])).all()
    assert table.loc["genes", "estimate"] > 0.55


def test_cox_table_is_the_model_of_all_samples(done, os):
    rows = os["cox"][os["cox"]["model"] == "subtype"].set_index("covariate")
    base = rows.index[0]
    assert rows["hazard_ratio"].iloc[0] == 1
    rows = rows.drop(index=base)
    labels = done.obs["subtype"].astype(str)
    reference = labels.value_counts().index[0]
    X = pd.get_dummies(labels, dtype=float).drop(columns=reference).add_prefix("subtype: ")
    y = pd.DataFrame({"time": done.obs["os_time"], "event": done.obs["os_event"]})
    expected = CoxModel().fit(X, y).summary_
    assert base == f"subtype: {reference} (reference)"
    assert rows["n"].tolist() == [int(X[name].sum()) for name in rows.index]
    assert rows["events"].tolist() == [int(done.obs["os_event"][X[name] == 1].sum()) for name in rows.index]
    np.testing.assert_allclose(rows["coefficient"], expected.loc[rows.index, "coefficient"], rtol=1e-8)
    assert os["cox"]["model"].iloc[-1] == "clinical + gene risk"


def test_logrank_of_the_groups(done, os):
    row = os["logrank"].set_index("grouping").loc["subtype"]
    expected = logrank(done.obs["os_time"], done.obs["os_event"], done.obs["subtype"])
    assert row["chi2"] == pytest.approx(expected.chi2)
    assert row["df"] == expected.df


def test_curves_overall_and_of_risk_groups(done, os):
    curves = os["kaplan_meier"]
    assert curves["grouping"].iloc[0] == "overall"
    assert set(curves.loc[curves["grouping"] == "risk_group", "group"]) == {"low", "high"}
    assert os["at_risk"].loc["0", "0"] == done.n_obs


def test_risk_is_out_of_fold(done):
    model = decode(done.uns["precisionmed"]["survival"]["os"]["model"])["model"]
    assert np.abs(model.predict(np.asarray(done.X)) - done.obs["risk_os"]).max() > 1e-3
    assert done.obs["risk_group_os"].cat.categories.tolist() == ["low", "high"]


def test_model_serves_one_new_patient_from_expression_alone(done, os):
    parts = decode(os["model"])
    sample = np.asarray(done.X)[[5]]
    risk = parts["model"].predict(sample)
    np.testing.assert_array_equal(risk, parts["model"].predict(np.asarray(done.X))[[5]])
    assert 0 < parts["model"].predict_survival(sample, parts["horizon"])[0] < 1
    assert parts["threshold"] == pytest.approx(np.median(parts["model"].predict(np.asarray(done.X))))


def test_result_survives_the_file(done, tmp_path):
    done.write_h5ad(tmp_path / "cohort.h5ad")
    back = ad.read_h5ad(tmp_path / "cohort.h5ad").uns["precisionmed"]["survival"]
    pd.testing.assert_frame_equal(
        back["os"]["concordance"], done.uns["precisionmed"]["survival"]["os"]["concordance"]
    )
    np.testing.assert_array_equal(
        decode(back["os"]["model"])["model"].coef_,
        decode(done.uns["precisionmed"]["survival"]["os"]["model"])["model"].coef_,
    )


def test_same_seed_same_result(done):
    again = survival(cohort(seed=4, hazard_effect=0.8, censoring=0.4), **FAST)
    np.testing.assert_array_equal(again.obs["risk_os"], done.obs["risk_os"])
    pd.testing.assert_frame_equal(
        again.uns["precisionmed"]["survival"]["os"]["concordance"],
        done.uns["precisionmed"]["survival"]["os"]["concordance"],
    )


def test_permuted_outcome_has_a_c_index_of_one_half():
    estimates = []
    rng = np.random.default_rng(0)
    for seed in range(6):
        adata = without(cohort(100, seed=seed), covariates=["age", "grade"])
        shuffled = rng.permutation(adata.n_obs)
        for column in ("os_time", "os_event"):
            adata.obs[column] = adata.obs[column].to_numpy()[shuffled]
        found = survival(adata, **FAST).uns["precisionmed"]["survival"]["os"]["concordance"]
        estimates.append(found.set_index("model")["estimate"])
    mean = pd.concat(estimates, axis=1).mean(axis=1)
    assert mean.between(0.42, 0.58).all(), mean


def test_missing_covariates_are_handled_in_folds_and_said():
    adata = without(cohort(100, seed=2), covariates=["age", "stage"])
    adata.obs.loc[adata.obs_names[:8], "age"] = np.nan
    adata.obs["stage"] = pd.Categorical((["I"] * 10 + ["II"] * 10 + [None] * 5) * 4)
    adata.obs.loc[adata.obs_names[0], "stage"] = "II"
    found = survival(adata, **FAST).uns["precisionmed"]["survival"]
    assert "age: 8 missing values set to the median" in " ".join(found["notes"])
    covariates = found["os"]["cox"].query("model == 'clinical'")["covariate"].tolist()
    reference = "stage: II (reference)"
    assert covariates == ["age", "age: missing", reference, "stage: I", "stage: missing"]


def test_a_level_with_few_events_has_no_ratio():
    adata = without(cohort(100, seed=2), covariates=["stage"])
    stage = np.array(["II"] * 92 + ["IV"] * 8)
    adata.obs["stage"] = pd.Categorical(stage, ["I", "II", "III", "IV"], ordered=True)
    adata.obs.loc[stage == "IV", "os_event"] = [1.0, 1, 1, 1, 0, 0, 0, 0]
    found = survival(adata, **FAST).uns["precisionmed"]["survival"]
    rows = found["os"]["cox"].query("model == 'clinical'").set_index("covariate")
    assert rows["n"].tolist() == [92, 8]
    assert rows.index.tolist() == ["stage: II (reference)", "stage: IV"]
    assert rows.loc["stage: IV", ["hazard_ratio", "lower", "upper", "p"]].isna().all()
    assert rows.loc["stage: IV", "events"] == 4
    assert any("no hazard ratio is shown for stage: IV" in note for note in found["notes"])


def test_cohort_without_endpoints_is_told_and_not_refused():
    adata = survival(without(cohort(60), endpoints={}), **FAST)
    found = adata.uns["precisionmed"]["survival"]
    assert len(found["endpoints"]) == 0
    assert "No endpoint" in found["notes"][0]
    assert "risk_os" not in adata.obs


def test_few_events_leave_the_curves():
    adata = cohort(60)
    adata.obs["os_event"] = np.where(np.arange(60) < 9, 1.0, 0.0)
    found = survival(adata, **FAST).uns["precisionmed"]["survival"]
    assert "9 events are too few" in " ".join(found["notes"])
    assert "concordance" not in found["os"]
    assert len(found["os"]["kaplan_meier"])


def test_second_samples_of_a_patient_and_missing_outcomes_are_left_out():
    adata = cohort(60)
    adata.obs["os_event"] = 0.0
    adata.obs.loc[adata.obs_names[:3], "os_time"] = np.nan
    adata.obs["patient"] = ["p0"] * 2 + [f"p{i}" for i in range(2, 58)] + ["p57", "p57"]
    found = survival(adata, **FAST).uns["precisionmed"]["survival"]
    assert found["os"]["n"] == 55  # two of p57 and the three without time are gone
    assert "3 samples without follow-up" in " ".join(found["notes"])
    assert "2 further samples of patients" in " ".join(found["notes"])


def test_collinear_covariate_is_a_warning_and_a_note():
    adata = cohort(80, seed=5)
    adata.obs["age_again"] = adata.obs["age"] * 2
    with pytest.warns(PrecisionMedWarning, match="age_again dropped"):
        survival(without(adata, covariates=["age", "age_again"]), **FAST)
    assert "age_again dropped" in " ".join(adata.uns["precisionmed"]["survival"]["notes"])


def test_horizon_beyond_follow_up_is_warned_of():
    adata = cohort(60)
    adata.obs["os_event"] = 0.0
    with pytest.warns(PrecisionMedWarning, match="beyond the last follow-up"):
        survival(adata, horizon=1e6, **FAST)


def test_unknown_covariate_is_named_with_the_nearest():
    with pytest.raises(InputError, match=r"'grad' is no clinical column.*'grade'"):
        survival(without(cohort(60), covariates=["grad"]), **FAST)


def test_cohort_that_is_not_normalized_is_refused():
    with pytest.raises(InputError, match=r"pp\.normalize"):
        survival(simulate(60, 300), **FAST)


@pytest.mark.parametrize(
    ("last", "unit"), [(130.0, "months"), (2500.0, "days"), (9.7, "years"), (0.3, "years")]
)
def test_times_at_risk_are_round_and_few(last, unit):
    times = times_at_risk(last, unit)
    assert times[0] == 0
    assert 3 <= times.size <= 7
    assert times[-1] <= last * (1 + 1e-9)


def test_empty_signature_is_said_and_still_serves_new_patients():
    adata = cohort(100, seed=1)
    del adata.obs["subtype"]
    shuffled = np.random.default_rng(0).permutation(adata.n_obs)
    for column in ("os_time", "os_event"):
        adata.obs[column] = adata.obs[column].to_numpy()[shuffled]
    found = survival(adata, **FAST).uns["precisionmed"]["survival"]
    parts = decode(found["os"]["model"])
    assert "the signature is empty" in " ".join(found["notes"])
    assert not parts["model"].coef_.any()
    sample = np.asarray(adata.X)[[0]]
    assert parts["model"].predict(sample)[0] == 0
    assert 0 < parts["model"].predict_survival(sample, parts["horizon"])[0] < 1


def test_entry_times_are_used_everywhere():
    adata = cohort(120, seed=6, hazard_effect=0.8, censoring=0.3)
    adata.obs["os_entry"] = adata.obs["os_time"] * np.random.default_rng(1).uniform(0, 0.9, adata.n_obs)
    roles = json.loads(adata.uns["precisionmed"]["ingest"]["roles"])
    roles["endpoints"]["os"]["entry"] = "os_entry"
    adata = survival(without(adata, endpoints=roles["endpoints"]), **FAST)
    found = adata.uns["precisionmed"]["survival"]["os"]
    obs = adata.obs
    test = logrank(obs["os_time"], obs["os_event"], obs["subtype"], entry=obs["os_entry"])
    stored = found["logrank"].set_index("grouping").loc["subtype"]
    assert stored["chi2"] == pytest.approx(test.chi2)
    assert test.chi2 != pytest.approx(logrank(obs["os_time"], obs["os_event"], obs["subtype"]).chi2, rel=1e-3)
    overall = found["kaplan_meier"].query("grouping == 'overall'")
    assert overall["at_risk"].iloc[0] < adata.n_obs
    assert "Left truncation (os)" in adata.uns["precisionmed"]["survival"]["methods"]
    with pytest.raises(InputError, match="'os_entry' is not in obs"):
        adata.obs = obs.drop(columns="os_entry")
        survival(adata, **FAST)


def test_rows_without_a_test_or_a_ratio_say_why(os):
    cox = os["cox"]
    risk = cox[cox["covariate"].str.startswith("gene risk")]
    assert risk["remark"].tolist() == ["out of fold, not tested"]
    assert np.isfinite(risk["hazard_ratio"]).all()
    assert risk[["lower", "upper", "p"]].isna().all(axis=None)
    assert "clinical + gene risk" not in set(os["proportional_hazards"]["model"])
    assert (
        ~cox["remark"].isin(["", FIRTH]) == (cox["p"].isna() & ~cox["covariate"].str.endswith("(reference)"))
    ).all()


def test_a_separating_level_has_no_ratio():
    n = 60
    y = pd.DataFrame({"event": np.arange(n) < 30, "time": 1.0 + np.arange(n)})
    grade = pd.Series(np.where(np.arange(n) < 10, "late", np.where(y["event"], "mid", "early")), name="when")
    frame = pd.DataFrame({"x": grade})
    notes: list[str] = []
    designs = designs_of({"subtype": frame}, None, y["event"], notes)
    with pytest.warns(PrecisionMedWarning, match="separates the events"):
        table = cox_tables(designs, y)["cox"].set_index("covariate")
    assert not np.isinf(table["hazard_ratio"]).any()
    assert not (table["hazard_ratio"] == 0).any()
    rest = table[~table.index.str.endswith("(reference)")]
    assert rest["remark"].str.contains("events").all()


def test_a_level_whose_events_all_come_first_has_a_ratio_by_firths_likelihood():
    n = 60
    y = pd.DataFrame({"event": np.arange(n) < 30, "time": 1.0 + np.arange(n)})
    frame = pd.DataFrame({"x": np.where(np.arange(n) < 12, "early", "late")})
    designs = designs_of({"subtype": frame}, None, y["event"], [])
    with pytest.warns(PrecisionMedWarning, match="separates the events"):
        table = cox_tables(designs, y)["cox"].set_index("covariate")
    row = table[~table.index.str.endswith("(reference)")].iloc[0]
    assert (row["n"], row["events"], row["remark"]) == (12, 12, FIRTH)
    assert 1 < row["lower"] < row["hazard_ratio"] < np.inf
    assert row["p"] < 0.001
