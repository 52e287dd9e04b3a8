"""Hazards of groups: a Cox model of indicators, and nothing claimed where nothing can be estimated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.estimators.group_hazards import group_hazards

REFERENCE = Path(__file__).parents[1] / "reference" / "replication"
COLUMNS = ["hazard_ratio", "lower", "upper", "p"]


@pytest.fixture
def cohort() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "outcome.csv")


def test_equal_to_coxph(cohort):
    expected = pd.read_csv(REFERENCE / "hazards.csv")
    found = group_hazards(cohort["time"], cohort["event"], cohort["group"], "B")
    assert list(found["subtype"]) == ["B", "A", "C", "D"]
    assert list(found["n"]) == [40, 30, 30, 20]
    np.testing.assert_allclose(found.loc[1:2, COLUMNS], expected[COLUMNS], rtol=1e-6)


def test_the_reference_and_a_group_without_events_have_no_ratio(cohort):
    found = group_hazards(cohort["time"], cohort["event"], cohort["group"], "B").set_index("subtype")
    assert found.loc["B", "hazard_ratio"] == 1
    assert found.loc["B", ["lower", "upper", "p"]].isna().all()
    assert found.loc["D", "events"] == 0
    assert found.loc["D", COLUMNS].isna().all()


def test_few_events_or_none_in_the_reference_give_no_ratio(cohort):
    few = cohort["event"] * (cohort["time"] < cohort.loc[cohort["event"] == 1, "time"].nsmallest(9).max())
    found = group_hazards(cohort["time"], few, cohort["group"], "B")
    assert found.loc[1:, COLUMNS].isna().all(axis=None)
    found = group_hazards(cohort["time"], cohort["event"], cohort["group"], "D")
    assert found.loc[1:, COLUMNS].isna().all(axis=None)


def test_a_group_that_dies_first_has_no_finite_ratio():
    time, group = np.arange(1.0, 41), np.repeat(["A", "B"], 20)
    found = group_hazards(time, np.ones(40), group, "B")
    assert found.loc[1, ["lower", "upper", "p"]].isna().all()
