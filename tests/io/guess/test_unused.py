"""Columns that look like something and are not used: said at `init`, kept at reading."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precisionmed.config import CohortConfig
from precisionmed.io import read_cohort
from precisionmed.io._guess import guess_cohort, unused_columns

ROLES = {"endpoints": {"os": {"time": "months", "event": "status"}}}


def config(**roles):
    return CohortConfig.model_validate({"expression": ["x.tsv"], "roles": ROLES | roles})


TABLE = pd.DataFrame(
    {
        "sample": [f"s{i}" for i in range(8)],
        "months": [str(3 * i + 1) for i in range(8)],
        "status": ["Dead", "Alive"] * 4,
        "RFS": ["1", "0"] * 4,
        "her2_ihc": ["3+", "0"] * 4,
        "er_mrna": ["Positive", "Negative"] * 4,
        "Chemo": ["Y", "N"] * 4,
        "Plate": ["a", "b"] * 4,
        "comment": list("abcdefgh"),
        "PR": [""] * 8,
        "aol_os_10y": ["0.9", "0.8"] * 4,
        "predicted relapse": ["0.1", "0.2"] * 4,
    }
)


def test_what_no_role_names_is_listed_with_its_reason():
    found = unused_columns(TABLE, config()).set_index("column")
    assert list(found.index) == ["RFS", "her2_ihc", "er_mrna", "Chemo", "Plate"]
    assert dict(found["looks_like"]) == {
        "RFS": "follow-up",
        "her2_ihc": "receptor her2",
        "er_mrna": "receptor er",
        "Chemo": "treatment",
        "Plate": "batch",
    }
    assert "time" in found.loc["RFS", "reason"]
    assert "expression" in found.loc["er_mrna", "reason"]
    assert dict(found["caution"]) == {
        "RFS": True,
        "her2_ihc": True,
        "er_mrna": False,
        "Chemo": True,
        "Plate": False,
    }


def test_what_a_role_names_is_used_however_it_is_named():
    roles = {
        "receptors": {"her2": {"column": "her2_ihc"}},
        "treatment": {"column": "Chemo"},
        "batch": "Plate",
    }
    assert list(unused_columns(TABLE, config(**roles))["column"]) == ["RFS", "er_mrna"]
    dates = {"endpoints": {"os": {"start": "months", "end": ["RFS", "Plate"], "event": "status"}}}
    assert "RFS" not in set(unused_columns(TABLE, config(**dates))["column"])


def test_a_column_named_as_a_listed_value_is_not_used():
    table = TABLE.assign(N=["N0", "N1"] * 4, Dead=["x", "y"] * 4, stage=["I", "II"] * 4)
    roles = {"treatment": {"column": "Chemo", "treated": ["Y"], "control": ["N"]}, "covariates": ["stage"]}
    assert "N" in set(unused_columns(table, config(**roles))["column"])


def test_a_declared_role_needs_no_caution_for_other_columns_of_its_kind():
    table = TABLE.assign(HER2=["Positive", "Negative"] * 4, os_event=["1", "0"] * 4)
    found = unused_columns(table, config(receptors={"her2": {"column": "her2_ihc"}})).set_index("column")
    assert not found.loc["HER2", "caution"]
    assert not found.loc["os_event", "caution"]


def test_reading_keeps_the_list(files):
    files.clinical["HER2 fish"] = ["Amplified", "Not amplified"] * 6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adata = read_cohort(files.write() | {"roles": ROLES})
    kept = adata.uns["precisionmed"]["ingest"]["unused_columns"]
    assert {"HER2 fish", "er_ihc", "chemo", "age"} <= set(kept["column"])
    assert kept["caution"].dtype == bool


NAMES = st.one_of(
    st.sampled_from(
        [
            "OS",
            "OS.time",
            "status",
            "er",
            "her2",
            "age",
            "chemo",
            "stage",
            "date of death",
            "%",
            "days_to_death",
            "batch",
            "sex",
            "[b]x",
            "pCR",
            "last_follow_up",
            "diagnosis date",
            "nodes",
            "grade",
            "time",
            "entry",
        ]
    ),
    st.text(min_size=1, max_size=12),
)
CELLS = st.one_of(
    st.sampled_from(
        ["0", "1", "2", "NA", "", "Dead", "Alive", "3+", "Positive", "2012-03-01", "Y", ">89", "1,5", "1e400"]
    ),
    st.text(max_size=6),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_table_is_too_odd(data):
    names = data.draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    n = data.draw(st.integers(1, 12))
    pool = data.draw(st.lists(CELLS, min_size=1, max_size=5))
    table = pd.DataFrame({name: [data.draw(st.sampled_from(pool)) for _ in range(n)] for name in names})
    proposal = guess_cohort(table)
    proposed = CohortConfig.model_validate({"expression": ["x.tsv"]} | proposal.cohort)
    unused = unused_columns(table, proposed)
    assert set(proposal.roles) | set(unused["column"]) <= set(names)
    assert not set(proposal.roles) & set(unused["column"])


@pytest.mark.parametrize("n", [500])
def test_wide_tables_are_looked_at_quickly(n):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({f"column {i} status": rng.choice(["a", "b"], 300) for i in range(n)})
    assert guess_cohort(table).roles == {}


@pytest.mark.parametrize("name", ["er", "pr", "her2"])
@pytest.mark.parametrize("values", [["8/8", "0/8"], ["Positif", "Négatif"], ["0", "5", "90", "100"]])
def test_a_column_named_as_a_role_is_not_taken_for_used(name, values):
    table = TABLE.drop(columns="her2_ihc").assign(**{name: (values * 8)[:8]})
    listed = unused_columns(table, config()).set_index("column")
    assert listed.loc[name, "looks_like"] == f"receptor {name}"
    assert listed.loc[name, "caution"]
