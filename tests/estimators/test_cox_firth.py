"""Firth's Cox model equals a general optimizer around R's likelihood (tests/reference/survival/firth.R)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import PrecisionMedWarning
from precisionmed.estimators import CoxFirth, CoxModel
from precisionmed.estimators._cox_likelihood import RiskSets
from precisionmed.estimators._outcome import outcome_with_events
from precisionmed.estimators.cox_firth import _penalized, fit_cox

REFERENCE = Path(__file__).parents[1] / "reference" / "survival"
COVARIATES = ["age10", "nodes", "spared", "rare"]


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    table = pd.read_csv(REFERENCE / "cohort.csv").iloc[:90].copy()
    number = np.arange(1, 91)
    table["spared"] = ((table["event"] == 0) & (number % 3 == 0)).astype(int)
    table["rare"] = np.isin(number, [4, 17, 33, 58, 71]).astype(int)
    table["age10"] = (table["age"] - 57) / 10
    return table


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_estimates_and_profile_intervals_equal_the_reference(cohort, ties):
    """The optimizer's own coefficients are good to 1e-6; its profiles, to 1e-8."""
    expected = pd.read_csv(REFERENCE / "firth.csv").query("ties == @ties").set_index("covariate")
    found = CoxFirth(ties).fit(cohort[COVARIATES], cohort).summary_
    np.testing.assert_allclose(found["coefficient"], expected["coefficient"], rtol=5e-6)
    np.testing.assert_allclose(np.log(found[["lower", "upper"]]), expected[["lower", "upper"]], rtol=1e-7)
    np.testing.assert_allclose(found["p"], expected["p"], rtol=1e-7)


def test_the_score_is_the_gradient_of_the_penalized_likelihood(cohort):
    """With late entries too, at points that are no maximum."""
    rng = np.random.default_rng(0)
    entry = np.where(rng.random(len(cohort)) < 0.4, cohort["time"] * rng.random(len(cohort)), 0.0)
    outcome = outcome_with_events(cohort[["event", "time"]].assign(entry=entry), len(cohort))
    X = cohort[COVARIATES].to_numpy(float)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    for ties in ("efron", "breslow"):
        sets = RiskSets.of(outcome, ties)
        for beta in rng.normal(0, 0.5, (5, 4)):
            steps = 1e-5 * np.eye(4)
            slope = [
                (_penalized(X, beta + h, sets)[0] - _penalized(X, beta - h, sets)[0]) / 2e-5 for h in steps
            ]
            np.testing.assert_allclose(_penalized(X, beta, sets)[1], slope, rtol=1e-5, atol=1e-6)


def test_units_and_signs_do_not_matter(cohort):
    found = CoxFirth().fit(cohort[COVARIATES], cohort).summary_
    other = CoxFirth().fit(cohort[COVARIATES] * [1e-6, -1, 1e5, 1], cohort).summary_
    np.testing.assert_allclose(other["p"], found["p"], rtol=1e-6)
    np.testing.assert_allclose(other["hazard_ratio"]["nodes"], 1 / found["hazard_ratio"]["nodes"])
    np.testing.assert_allclose(other["lower"]["nodes"], 1 / found["upper"]["nodes"], rtol=1e-6)


def test_with_many_patients_it_is_the_cox_model(cohort):
    """The penalty does not grow with the cohort: of 100 copies 1% of it is left."""
    many = pd.concat([cohort] * 100, ignore_index=True)
    plain = CoxModel().fit(cohort[["age10", "nodes"]], cohort)
    small = CoxFirth(intervals=False).fit(cohort[["age10", "nodes"]], cohort)
    large = CoxFirth(intervals=False).fit(many[["age10", "nodes"]], many)
    limit = CoxModel().fit(many[["age10", "nodes"]], many)
    near, far = np.abs(large.coef_ - limit.coef_), np.abs(small.coef_ - plain.coef_)
    assert (near < 0.02 * far + 1e-9).all()


def test_one_event_in_one_of_two_groups_has_a_closed_form():
    """One event of n at risk, m of them in its group: the carrier's share of the risk becomes 3 / 4."""
    n, m = 12, 4
    group = (np.arange(n) < m).astype(float)
    y = pd.DataFrame({"event": np.arange(n) == 0, "time": np.where(np.arange(n) == 0, 1.0, 2.0)})
    beta = CoxFirth(intervals=False).fit(pd.DataFrame({"group": group}), y).coef_[0]
    # log likelihood b - log(m e^b + n - m), information q (1 - q) with q = m e^b / (m e^b + n - m):
    # its penalized score (1 - q) + (1 - 2 q) / 2 is 0 at q = 3 / 4.
    assert beta == pytest.approx(np.log(3 * (n - m) / m), rel=1e-8)


def test_a_separating_level_is_used_and_told(cohort):
    with pytest.warns(PrecisionMedWarning) as told:
        model = fit_cox(cohort[COVARIATES], cohort)
    assert any("Firth" in str(one.message) for one in told)
    assert not model.infinite_.any()
    assert -5 < model.coef_[2] < -1
    plain = fit_cox(cohort[["age10", "nodes"]], cohort)
    assert type(plain) is CoxModel
