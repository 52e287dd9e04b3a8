"""Times made by subtraction and times of entry give R's numbers (tests/reference/follow_up/make.R)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.estimators import kaplan_meier as km
from precisionmed.estimators import metrics
from precisionmed.estimators.cox import CoxModel
from precisionmed.estimators.lasso import LassoCox
from precisionmed.estimators.screen import CoxScreen

REFERENCE = Path(__file__).parents[1] / "reference" / "follow_up"
CASES = ["subtraction", "truncated"]
TIES = ["efron", "breslow"]


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cohort.csv")


def _golden(name: str, **keys: str) -> pd.DataFrame:
    table = pd.read_csv(REFERENCE / f"{name}.csv")
    return table[np.all([table[key] == value for key, value in keys.items()], axis=0)]


def _scalar(case: str, quantity: str) -> float:
    return float(_golden("scalars", case=case, quantity=quantity)["value"].iloc[0])


def _outcome(cohort: pd.DataFrame, case: str) -> pd.DataFrame:
    columns = ["event", "time", "entry"] if case == "truncated" else ["event", "time"]
    return cohort[columns]


def _entry(cohort: pd.DataFrame, case: str) -> pd.Series | None:
    return cohort["entry"] if case == "truncated" else None


@pytest.mark.parametrize("case", CASES)
def test_curve_equals_survfit(cohort, case):
    curve = km.kaplan_meier(cohort["time"], cohort["event"], entry=_entry(cohort, case))
    expected = _golden("kaplan_meier", case=case).drop(columns="case")
    assert len(curve) == len(expected) < cohort["time"].nunique()
    np.testing.assert_allclose(curve.to_numpy(float), expected.to_numpy(float), rtol=0, atol=1e-9)
    median = km.median_survival(cohort["time"], cohort["event"], entry=_entry(cohort, case))
    assert median == pytest.approx(_scalar(case, "median"), rel=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_logrank_equals_survdiff(cohort, case):
    found = km.logrank(cohort["time"], cohort["event"], cohort["arm"], entry=_entry(cohort, case))
    assert found.chi2 == pytest.approx(_scalar(case, "logrank"), rel=1e-9)
    assert found.df == 2


def test_logrank_with_entry_equals_the_score_test_of_coxph(cohort):
    time = cohort["exact"] + np.arange(1, len(cohort) + 1) / 1000
    found = km.logrank(time, cohort["event"], cohort["arm"], entry=cohort["entry_exact"] * 0.9)
    assert found.chi2 == pytest.approx(_scalar("untied", "logrank"), rel=1e-9)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("case", CASES)
def test_cox_model_equals_coxph(cohort, case, ties):
    y = _outcome(cohort, case)
    model = CoxModel(ties).fit(cohort[["x", "z"]], y)
    expected = _golden("cox", case=case, ties=ties)
    np.testing.assert_allclose(model.coef_, expected["coefficient"], rtol=1e-7)
    np.testing.assert_allclose(model.summary_["se"], expected["se"], rtol=1e-7)
    loglik = [_scalar(case, f"{which}_{ties}") for which in ("null", "model")]
    np.testing.assert_allclose(model.loglik_, loglik, rtol=1e-10)
    tested = model.proportional_hazards(cohort[["x", "z"]], y)
    golden = _golden("proportional_hazards", case=case, ties=ties)["statistic"]
    np.testing.assert_allclose(tested["statistic"], golden, rtol=1e-5)
    golden = _golden("predicted_survival", case=case, ties=ties)
    survival = model.predict_survival(pd.DataFrame({"x": [0.5], "z": [1]}), golden["time"].to_numpy())
    np.testing.assert_allclose(survival[0], golden["survival"], rtol=1e-7)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("case", CASES)
def test_screen_and_lasso_equal_coxph(cohort, case, ties):
    """The LASSO at a penalty of almost nothing; 1e-4 of a coefficient."""
    y = _outcome(cohort, case)
    golden = _golden("screen", case=case, ties=ties)
    screen = CoxScreen(ties).fit(cohort[["x"]], y)
    np.testing.assert_allclose(screen.coef_, golden["coefficient"], rtol=1e-7)
    np.testing.assert_allclose(screen.se_, golden["se"], rtol=1e-7)
    lasso = LassoCox(1e-7, ties=ties).fit(cohort[["x"]], y)
    np.testing.assert_allclose(lasso.coef_, golden["coefficient"], atol=1e-5)
    within = LassoCox(1e-7, ties=ties).fit(cohort[["x", "z"]], y, strata=cohort["stratum"])
    golden = _golden("screen", case=f"{case}_strata", ties=ties)
    np.testing.assert_allclose(within.coef_, golden["coefficient"], atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_concordance_equals_r(cohort, case):
    known = {"entry": _entry(cohort, case)}
    found = metrics.concordance(cohort["time"], cohort["event"], cohort["x"], **known)
    within = metrics.concordance(
        cohort["time"], cohort["event"], cohort["x"], strata=cohort["stratum"], **known
    )
    assert found == pytest.approx(_scalar(case, "concordance"), abs=1e-12)
    assert within == pytest.approx(_scalar(case, "concordance_strata"), abs=1e-12)


@pytest.mark.parametrize("ties", TIES)
def test_lasso_baseline_with_entry_is_that_of_the_cox_model_without_penalty(cohort, ties):
    """Breslow's estimate in both where nobody dies twice at a time: times without ties."""
    y = _outcome(cohort, "truncated").copy()
    y["time"] = cohort["exact"] + np.arange(1, len(cohort) + 1) / 1000
    y["entry"] = cohort["entry_exact"] * 0.9
    X = cohort[["x", "z"]]
    lasso, cox = LassoCox(1e-7, ties=ties).fit(X, y), CoxModel(ties).fit(X, y)
    times = [0.2, 0.8, 1.9]
    np.testing.assert_allclose(
        lasso.predict_survival(X, times), cox.predict_survival(X, np.array(times)), atol=1e-4
    )
