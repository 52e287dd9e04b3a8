"""Kaplan-Meier, log-rank and follow-up equal R's `survival` (tests/reference/survival/make.R)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.estimators import kaplan_meier as km

REFERENCE = Path(__file__).parents[1] / "reference" / "survival"


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cohort.csv")


@pytest.mark.parametrize("group", ["all", "S1", "S3"])
def test_curve_and_interval_equal_survfit(cohort, group):
    expected = pd.read_csv(REFERENCE / "kaplan_meier.csv").query("group == @group").drop(columns="group")
    part = cohort if group == "all" else cohort[cohort["group"] == group]
    curve = km.kaplan_meier(part["time"], part["event"])
    np.testing.assert_allclose(curve.to_numpy(float), expected.to_numpy(float), rtol=0, atol=1e-10)


def test_logrank_equals_survdiff(cohort):
    expected = pd.read_csv(REFERENCE / "logrank.csv").set_index("grouping")
    for grouping in expected.index:
        result = km.logrank(cohort["time"], cohort["event"], cohort[grouping])
        np.testing.assert_allclose(result, expected.loc[grouping, ["chi2", "df", "p"]], rtol=1e-10)


def test_medians_equal_survfit(cohort):
    expected = pd.read_csv(REFERENCE / "scalars.csv").set_index("quantity")["value"]
    assert km.median_survival(cohort["time"], cohort["event"]) == expected["median_survival"]
    assert km.median_follow_up(cohort["time"], cohort["event"]) == expected["median_follow_up"]


def test_numbers_at_risk_equal_survfit(cohort):
    expected = pd.read_csv(REFERENCE / "at_risk.csv").pivot_table(index="group", columns="time", values="n")
    found = km.numbers_at_risk(cohort["time"], cohort["group"], [0, 24, 48, 96])
    np.testing.assert_array_equal(found, expected)


def test_median_is_the_middle_of_a_flat_half_and_nan_when_not_reached():
    assert km.median_survival([1, 2, 3, 4], [1, 1, 1, 1]) == 2.5
    assert np.isnan(km.median_survival([1, 2, 3], [1, 0, 0]))


def test_curve_before_and_after_its_times():
    curve = km.kaplan_meier([2.0, 4.0], [1, 0])
    np.testing.assert_allclose(km.survival_at(curve, [0, 2, 3, 9]), [1, 0.5, 0.5, 0.5])


def test_logrank_has_nothing_to_say_without_events_or_groups():
    assert np.isnan(km.logrank([1, 2, 3], [1, 1, 1], ["a"] * 3).p)
    assert np.isnan(km.logrank([1, 2, 3], [0, 0, 0], ["a", "a", "b"]).p)


def test_logrank_leaves_out_a_group_gone_before_the_first_event():
    three = km.logrank([1, 5, 6, 7, 8], [0, 1, 1, 1, 1], list("abbcc"))
    two = km.logrank([5, 6, 7, 8], [1, 1, 1, 1], list("bbcc"))
    assert three == pytest.approx(two)
