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


def stages(**counts):
    values = [level for level, n in counts.items() for _ in range(n) if level != "missing"]
    values += [None] * counts.get("missing", 0)
    return pd.DataFrame({"stage": pd.Categorical(values, ["I", "II", "III", "IV"], ordered=True)})


@pytest.mark.parametrize(
    ("counts", "reference", "columns"),
    [
        ({"I": 9, "II": 20, "III": 8, "IV": 7}, "I", ["II", "III", "IV"]),
        ({"I": 9, "II": 20, "III": 8, "IV": 2}, "I", ["II", "III/IV"]),
        ({"I": 2, "II": 20, "III": 8, "IV": 7}, "I/II", ["III", "IV"]),
        ({"I": 9, "II": 3, "III": 2, "IV": 8}, "I", ["II/III", "IV"]),
        ({"I": 9, "III": 8}, "I", ["III"]),
        ({"I": 2, "II": 2}, "I/II", []),
        ({"I": 9, "II": 9, "missing": 6}, "I", ["II", "missing"]),
        ({"I": 9, "II": 10, "missing": 2}, "I", ["II"]),
    ],
)
def test_ordered_levels_have_the_lowest_as_reference_and_join_neighbours(counts, reference, columns):
    table = stages(**counts)
    encoder = CovariateEncoder().fit(table)
    assert encoder.reference_ == {"stage": reference}
    assert encoder.columns_ == [f"stage: {level}" for level in columns]
    for shuffled in (table, table[::-1]):
        assert CovariateEncoder().fit(shuffled).columns_ == encoder.columns_
    assert encoder.transform(table).to_numpy().sum(axis=1).max(initial=0) <= 1


def test_levels_that_were_not_seen_count_as_the_next_lower_one():
    encoder = CovariateEncoder().fit(stages(I=9, III=8))
    new = pd.DataFrame({"stage": ["I", "II", "III", "IV", None, "V"]})
    assert encoder.transform(new)["stage: III"].tolist() == [0, 0, 1, 1, 0, 0]
    higher = CovariateEncoder().fit(stages(III=9, IV=8))
    assert higher.transform(new)["stage: IV"].tolist() == [0, 0, 0, 1, 0, 0]


def test_the_negative_level_is_the_reference():
    clinic = pd.DataFrame({"node": ["Positive"] * 12 + ["Negative"] * 6 + ["unclear"] * 5})
    encoder = CovariateEncoder().fit(clinic)
    assert encoder.reference_ == {"node": "Negative"}
    assert encoder.columns_ == ["node: Positive", "node: unclear"]
    rare = pd.DataFrame({"node": ["positive"] * 12 + ["negative"] * 2 + ["unclear"] * 6})
    assert CovariateEncoder().fit(rare).reference_ == {"node": "positive"}


def test_samples_and_events_of_every_level_are_counted(clinic):
    encoder = CovariateEncoder().fit(clinic)
    event = np.arange(24) % 3 == 0
    found = encoder.level_table(clinic, event).set_index(["covariate", "level"])
    assert found.loc[("grade", "3"), ["column", "n", "events"]].tolist() == ["", 12, 4]
    assert found.loc[("grade", "other"), ["column", "n", "events"]].tolist() == ["grade: other", 6, 2]
    assert found.loc[("age", ""), ["column", "n", "events"]].tolist() == ["age", 24, 8]
    assert found.loc[("size", "missing"), ["n", "events"]].tolist() == [6, 2]
    for name in ("grade", "nodes"):
        assert found.loc[name, "n"].sum() == 24


@pytest.mark.parametrize("kind", ["nominal", "ordered"])
@pytest.mark.parametrize(
    "new", [[0, 1, 2], [0.0, 1.0, 2.0], ["0", "1", "2"], ["0.0", "1.0", " 2"], [False, True, 2]]
)
def test_levels_are_the_same_as_numbers_texts_and_truth(kind, new):
    for levels in (["0", "1", "2"], ["0.0", "1.0", "2.0"], [0, 1, 2], [0.0, 1.0, 2.0]):
        values = [level for level, n in zip(levels, (12, 8, 7), strict=True) for _ in range(n)]
        train = pd.DataFrame({"ecog": pd.Categorical(values, levels, ordered=kind == "ordered")})
        encoder = CovariateEncoder().fit(train)
        assert encoder.columns_ == ["ecog: 1", "ecog: 2"]
        column = pd.Series(new, dtype=object)
        table = encoder.transform(pd.DataFrame({"ecog": column}))
        assert table.to_numpy().tolist() == [[0, 0], [1, 0], [0, 1]]
