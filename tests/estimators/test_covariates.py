"""Clinical covariates are encoded by what the training samples taught."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators.covariates import CovariateEncoder


@pytest.fixture
def clinic() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [50.0, 60, 70, np.nan] + [55.0] * 20,
            "size": [np.nan] * 6 + [2.0] * 9 + [4.0] * 9,
            "grade": pd.Categorical(["3"] * 12 + ["2"] * 6 + ["1"] * 2 + ["4"] + [None] * 3),
            "nodes": ["yes"] * 12 + ["no"] * 12,
        }
    )


def test_columns_and_reference(clinic):
    encoder = CovariateEncoder().fit(clinic)
    assert encoder.columns_ == ["age", "size", "size: missing", "grade: 2", "grade: other", "nodes: yes"]
    assert encoder.reference_ == {"grade": "3", "nodes": "no"}
    assert encoder.medians_["age"] == 55.0


def test_values_are_complete_and_indicators_right(clinic):
    table = CovariateEncoder().fit_transform(clinic)
    assert np.isfinite(table.to_numpy()).all()
    assert table["age"][3] == 55.0
    assert table["size: missing"].tolist() == [1.0] * 6 + [0.0] * 18
    assert table["grade: other"].tolist() == [0.0] * 18 + [1.0] * 6
    assert table["nodes: yes"].sum() == 12


def test_what_was_done_is_said(clinic):
    notes = " ".join(CovariateEncoder().fit(clinic).notes_)
    assert "age: 1 missing values set to the median." in notes
    assert "size: 6 missing values set to the median and marked by an indicator." in notes
    assert "missing, 1, 4 had fewer than 5 samples each and went to 'other'" in notes


def test_a_small_pool_joins_the_reference():
    clinic = pd.DataFrame({"stage": ["I"] * 10 + ["II"] * 6 + ["III", "IV"]})
    encoder = CovariateEncoder().fit(clinic)
    assert encoder.columns_ == ["stage: II"]
    assert encoder.transform(clinic)["stage: II"].tolist() == [0.0] * 10 + [1.0] * 6 + [0.0] * 2


def test_a_frequent_missing_is_a_level():
    clinic = pd.DataFrame({"her2": ["negative"] * 10 + [None] * 6 + ["positive"] * 5})
    assert CovariateEncoder().fit(clinic).columns_ == ["her2: positive", "her2: missing"]


def test_unseen_levels_count_as_other_or_reference(clinic):
    encoder = CovariateEncoder().fit(clinic)
    new = clinic.iloc[[0]].assign(grade="9", nodes="unknown")
    assert encoder.transform(new)[["grade: other", "nodes: yes"]].iloc[0].tolist() == [1.0, 0.0]


def test_one_sample_is_encoded_as_among_many(clinic):
    encoder = CovariateEncoder().fit(clinic)
    pd.testing.assert_frame_equal(encoder.transform(clinic.iloc[[19]]), encoder.transform(clinic).iloc[[19]])


def test_order_of_samples_does_not_matter(clinic):
    ties = clinic.assign(nodes=["b", "a"] * 12)
    assert CovariateEncoder().fit(ties).columns_ == CovariateEncoder().fit(ties[::-1]).columns_


def test_wrong_tables_are_named(clinic):
    with pytest.raises(InputError, match="'age' has no value"):
        CovariateEncoder().fit(clinic.assign(age=np.nan))
    with pytest.raises(InputError, match="nodes"):
        CovariateEncoder().fit(clinic).transform(clinic.drop(columns="nodes"))
