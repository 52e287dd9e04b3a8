"""Cox models equal R's `survival` (tests/reference/survival/make.R) and say what is odd."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators.cox import CoxModel
from precisionmed.estimators.screen import CoxScreen

REFERENCE = Path(__file__).parents[1] / "reference" / "survival"
COVARIATES = ["age", "size", "nodes", "grade2", "grade3"]


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cohort.csv")


@pytest.fixture(scope="module")
def genes() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "genes.csv")


@pytest.fixture(scope="module")
def scalars() -> pd.Series:
    return pd.read_csv(REFERENCE / "scalars.csv").set_index("quantity")["value"]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_fit_equals_coxph(cohort, scalars, ties):
    expected = pd.read_csv(REFERENCE / "cox.csv").query("ties == @ties").set_index("covariate")
    model = CoxModel(ties).fit(cohort[COVARIATES], cohort)
    found = model.summary_[["coefficient", "se", "p"]]
    np.testing.assert_allclose(found, expected[found.columns], rtol=1e-9)
    np.testing.assert_allclose(model.loglik_, scalars[[f"null_{ties}", f"model_{ties}"]], rtol=1e-12)


def test_proportional_hazards_equals_cox_zph(cohort, scalars):
    expected = pd.read_csv(REFERENCE / "proportional_hazards.csv").set_index("covariate")
    X = cohort[COVARIATES]
    found = CoxModel().fit(X, cohort).proportional_hazards(X, cohort)
    np.testing.assert_allclose(found[expected.columns], expected, rtol=1e-8)
    assert list(found.index) == list(expected.index)
    breslow = CoxModel("breslow").fit(X, cohort).proportional_hazards(X, cohort)
    assert breslow.loc["GLOBAL", "statistic"] == pytest.approx(scalars["global_ph_breslow"], rel=1e-8)


def test_prediction_equals_survfit(cohort):
    expected = pd.read_csv(REFERENCE / "predicted_survival.csv")
    model = CoxModel().fit(cohort[COVARIATES], cohort)
    found = model.predict_survival(cohort[COVARIATES].iloc[:6], expected["time"].to_numpy())
    np.testing.assert_allclose(found.T, expected.drop(columns="time"), rtol=1e-8)
    np.testing.assert_allclose(model.predict_survival(cohort[COVARIATES].iloc[:6], 30), found[:, 1])
    risk = model.predict(cohort[COVARIATES])
    np.testing.assert_allclose(risk, pd.read_csv(REFERENCE / "log_risk.csv")["log_risk"], atol=1e-9)


def test_one_sample_is_predicted_as_among_many(cohort):
    model = CoxModel().fit(cohort[COVARIATES], cohort)
    np.testing.assert_array_equal(
        model.predict(cohort[COVARIATES].iloc[[7]]), model.predict(cohort[COVARIATES])[[7]]
    )


def test_collinear_and_constant_covariates_are_dropped(cohort):
    X = cohort[["age", "nodes"]].assign(age_in_months=cohort["age"] * 12.0, ward=1.0)
    with pytest.warns(PrecisionMedWarning, match="age_in_months, ward dropped"):
        model = CoxModel().fit(X, cohort)
    alone = CoxModel().fit(cohort[["age", "nodes"]], cohort)
    np.testing.assert_allclose(model.coef_, [*alone.coef_, 0, 0], rtol=1e-9)
    assert model.summary_["p"].isna().tolist() == [False, False, True, True]


def test_separation_is_told_and_leaves_the_other_covariates_alone(cohort):
    X = cohort[["age"]].assign(marker=cohort["event"].to_numpy() == 0).astype(float)
    with pytest.warns(PrecisionMedWarning, match="marker separates the events"):
        model = CoxModel().fit(X, cohort)
    # With an infinite coefficient the carriers have left every risk set.
    rest = cohort[cohort["event"] == 1]
    alone = CoxModel().fit(rest[["age"]], rest)
    assert model.summary_.loc["marker", "coefficient"] == -np.inf
    np.testing.assert_allclose(model.summary_.loc["age"], alone.summary_.loc["age"], rtol=1e-5)
    assert np.isfinite(model.predict(X)).all()
    assert model.proportional_hazards(X, cohort).index.tolist() == ["age", "GLOBAL"]


def test_units_do_not_matter(cohort):
    X = cohort[["age", "size"]]
    tiny = CoxModel().fit(X * [1e-9, 1e6], cohort).summary_
    np.testing.assert_allclose(tiny["z"], CoxModel().fit(X, cohort).summary_["z"], rtol=1e-9)


def test_without_covariates_the_baseline_remains(cohort):
    model = CoxModel().fit(cohort[[]], cohort)
    assert model.loglik_[0] == model.loglik_[1]
    assert 0 < model.predict_survival(cohort[[]].iloc[:1], 30)[0] < 1


def test_structured_outcome_and_array_are_accepted(cohort):
    y = np.array(
        list(zip(cohort["event"], cohort["time"], strict=True)), dtype=[("event", bool), ("time", float)]
    )
    found = CoxModel().fit(cohort[COVARIATES].to_numpy(), y)
    np.testing.assert_array_equal(found.coef_, CoxModel().fit(cohort[COVARIATES], cohort).coef_)
    assert found.feature_names_[0] == "x0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"age": np.nan}, "missing or infinite values in age"),
        ({"event": 2}, "event must be 0 or 1.*found 2; recode"),
        ({"event": 0}, "needs events"),
        ({"time": np.nan}, "time is missing in 160 of 160 samples"),
    ],
)
def test_wrong_input_is_named(cohort, change, message):
    data = cohort.assign(**change)
    with pytest.raises(InputError, match=message):
        CoxModel().fit(data[COVARIATES], data)


def test_unknown_ties_are_refused(cohort):
    with pytest.raises(InputError, match="efron"):
        CoxModel("exact").fit(cohort[COVARIATES], cohort)


def test_intervals_cover_the_truth():
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(200):
        X = rng.normal(size=(80, 2))
        time = rng.exponential(np.exp(-(X @ [0.5, 0.0])))
        cut = rng.uniform(0.2, 3, size=80)
        y = pd.DataFrame({"time": np.minimum(time, cut), "event": time <= cut})
        table = CoxModel().fit(X, y).summary_
        covered.append((np.exp([0.5, 0]) > table["lower"]) & (np.exp([0.5, 0]) < table["upper"]))
    assert np.all(np.abs(np.mean(covered, axis=0) - 0.95) < 0.045)


def test_screen_equals_coxph(cohort, genes):
    expected = pd.read_csv(REFERENCE / "screen.csv").set_index("gene")
    found = CoxScreen().fit(genes, cohort).table_.set_index("gene").rename(columns={"statistic": "z"})
    columns = ["coefficient", "se", "z", "p", "fdr"]
    np.testing.assert_allclose(found[columns], expected[columns], rtol=1e-8)
    assert found.index.tolist() == expected.index.tolist()
    spread, width = CoxScreen().fit(genes, cohort).spread_, stats.norm.ppf(0.975) * expected["se"]
    np.testing.assert_allclose(np.log(found["ratio"]), expected["coefficient"] * spread, rtol=1e-8)
    np.testing.assert_allclose(np.log(found["lower"]), (expected["coefficient"] - width) * spread, rtol=1e-8)


def test_screen_with_breslow_ties_equals_the_model(cohort, genes):
    found = CoxScreen("breslow").fit(genes.iloc[:, :2], cohort)
    model = CoxModel("breslow").fit(genes.iloc[:, [1]], cohort)
    assert found.coef_[1] == pytest.approx(model.coef_[0], rel=1e-9)


def test_screen_survives_constant_and_separating_genes(cohort, genes):
    X = genes.iloc[:, :3].assign(flat=7.1, perfect=cohort["event"].astype(float))
    table = CoxScreen().fit(X, cohort).table_.set_index("gene")
    assert table.loc["flat"].isna().all()
    assert table.loc["perfect", "coefficient"] == np.inf
    assert table.loc["perfect", "p"] < 1e-6
    kept = table.drop(index="flat")
    np.testing.assert_allclose(kept["fdr"], stats.false_discovery_control(kept["p"]))


def test_screen_of_a_gene_with_missing_values_is_nan(cohort, genes):
    table = CoxScreen().fit(genes.assign(GENE02=np.nan), cohort).table_.set_index("gene")
    assert table.loc["GENE02"].isna().all()
    assert table.drop(index="GENE02").notna().all(axis=None)


def test_early_leavers_change_nothing(cohort, genes):
    outlier = pd.DataFrame({"time": [0.5], "event": [0]})
    y = pd.concat([cohort[["time", "event"]], outlier], ignore_index=True)
    X = pd.concat([genes.iloc[:, :3], genes.iloc[:1, :3] + 1e6], ignore_index=True)
    expected = CoxScreen().fit(genes.iloc[:, :3], cohort).table_
    pd.testing.assert_frame_equal(CoxScreen().fit(X, y).table_, expected, rtol=1e-9)
    np.testing.assert_allclose(
        CoxModel().fit(X, y).coef_, CoxModel().fit(genes.iloc[:, :3], cohort).coef_, rtol=1e-6
    )


def test_time_itself_as_covariate_diverges_without_overflow(cohort):
    X = cohort[["age"]].assign(clock=-cohort["time"])
    with pytest.warns(PrecisionMedWarning, match="clock separates"):
        model = CoxModel().fit(X, cohort)
    assert np.isfinite(model.loglik_).all()
    assert np.isfinite(model.coef_).all()


def test_rare_levels_without_events_are_infinite(cohort):
    censored = np.flatnonzero(cohort["event"].to_numpy() == 0)
    late = censored[np.argsort(-cohort["time"].to_numpy()[censored])]
    X = cohort[["age"]].assign(rare=0.0, rarer=0.0).astype(float)
    X.loc[late[:5], "rare"], X.loc[late[5:7], "rarer"] = 1.0, 1.0
    with pytest.warns(PrecisionMedWarning, match="rare, rarer separates"):
        model = CoxModel().fit(X, cohort)
    assert model.infinite_.tolist() == [False, True, True]
    assert model.proportional_hazards(X, cohort).index.tolist() == ["age", "GLOBAL"]
    assert CoxScreen().fit(X, cohort).coef_[1] == -np.inf
