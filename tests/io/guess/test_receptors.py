"""Receptor status in the ways laboratories write it."""

from __future__ import annotations

import pandas as pd
import pytest

from precisionmed.io._guess._draft import Draft
from precisionmed.io._guess._receptors import find_receptors, read_status


def lists(column, values, receptor):
    found = read_status(Draft(pd.DataFrame({column: [str(v) for v in values]})), column, receptor)
    if isinstance(found, str):
        return found
    return tuple(found[label] for label in ("positive", "negative", "equivocal", "missing_values"))


@pytest.mark.parametrize(
    ("column", "values", "receptor", "expected"),
    [
        ("HER2 IHC", ["0", "1+", "2+", "3+"], "her2", (["3+"], ["0", "1+"], ["2+"], [])),
        ("her2", ["0", "1", "2", "3"], "her2", (["3"], ["0", "1"], ["2"], [])),
        ("her2_ihc_score", ["1", "2", "3"], "her2", (["3"], ["1"], ["2"], [])),
        ("HER2 score", ["0/1+", "2+", "3+"], "her2", (["3+"], ["0/1+"], ["2+"], [])),
        ("her2", ["Positive", "Negative", "2+"], "her2", (["Positive"], ["Negative"], ["2+"], [])),
        (
            "her2",
            ["IHC 3+", "IHC 1+", "2+/FISH-", "2+ FISH positive"],
            "her2",
            (["2+ FISH positive", "IHC 3+"], ["2+/FISH-", "IHC 1+"], [], []),
        ),
        (
            "HER2 fish",
            ["Amplified", "Not amplified", "Non-amplified", "Equivocal"],
            "her2",
            (["Amplified"], ["Non-amplified", "Not amplified"], ["Equivocal"], []),
        ),
        ("her2", ["HER2+", "HER2-"], "her2", (["HER2+"], ["HER2-"], [], [])),
        (
            "HER2 status",
            ["Positive (3+)", "Negative (1+)", "Equivocal (2+)"],
            "her2",
            (["Positive (3+)"], ["Negative (1+)"], ["Equivocal (2+)"], []),
        ),
        ("her2", ["1", "0"], "her2", (["1"], ["0"], [], [])),
        (
            "ER status by IHC",
            ["Positive", "Negative", "Indeterminate"],
            "er",
            (["Positive"], ["Negative"], ["Indeterminate"], []),
        ),
        ("er", ["ER+", "ER-"], "er", (["ER+"], ["ER-"], [], [])),
        ("er", ["P", "N", "I"], "er", (["P"], ["N"], ["I"], [])),
        ("er_ihc", ["pos", "neg", "NA"], "er", (["pos"], ["neg"], [], [])),
        ("er", ["0", "1+", "2+", "3+"], "er", (["1+", "2+", "3+"], ["0"], [], [])),
        (
            "er",
            ["low positive", "positive", "negative"],
            "er",
            (["low positive", "positive"], ["negative"], [], []),
        ),
        ("PR %", ["0", "<1", "1", "10", "95"], "pr", (["1", "10", "95"], ["0", "<1"], [], [])),
        (
            "ER percent",
            ["0%", "0.5%", "1%", "90%", ">90%", "1-10%"],
            "er",
            (["1%", "1-10%", "90%", ">90%"], ["0%", "0.5%"], [], []),
        ),
        ("PgR", ["Yes", "No", "Not done"], "pr", (["Yes"], ["No"], [], ["Not done"])),
    ],
)
def test_values(column, values, receptor, expected):
    assert lists(column, values, receptor) == expected


@pytest.mark.parametrize(
    ("column", "values", "receptor"),
    [
        ("er", ["1", "2"], "er"),  # 1 = positive in one registry, negative in another
        ("ER", [str(v) for v in range(0, 300, 20)], "er"),  # H-score, fmol, percent?
        ("her2 percent", ["10", "20", "90"], "her2"),
        ("er", ["Positive", "Positive"], "er"),
        ("ER percent", ["0", "0.5", "1.0"], "er"),
        ("ER percent", ["0", "5", "300"], "er"),
        ("her2", ["a", "b", "Positive", "Negative"], "her2"),
    ],
)
def test_what_cannot_be_told_is_said(column, values, receptor):
    assert isinstance(lists(column, values, receptor), str)


def test_less_than_ten_percent_could_be_either():
    assert lists("ER %", ["0", "<10", *["50"] * 30], "er")[3] == ["<10"]


def choose(**columns):
    draft = Draft(pd.DataFrame({name.replace("__", " "): values for name, values in columns.items()}))
    return {name: found["column"] for name, found in find_receptors(draft).items()}, draft.reasons


STATUS = ["Positive", "Negative"] * 3


def test_pathology_comes_before_all_else_and_expression_not_at_all():
    found, reasons = choose(
        er_mrna=STATUS, ER__status=STATUS, er_ihc=STATUS, genefu_her2=STATUS, PR__pred=STATUS
    )
    assert found == {"er": "er_ihc"}
    assert "expression" in reasons["er_mrna"]
    assert "expression" in reasons["genefu_her2"]
    assert reasons["ER status"] == "ER has 'er_ihc'"


def test_the_status_columns_of_metabric_are_derived():
    found, reasons = choose(
        ER__status__measured__by__IHC=STATUS,
        ER__Status=STATUS,
        PR__Status=STATUS,
        HER2__Status=STATUS,
        HER2__status__measured__by__SNP6=["GAIN", "NEUTRAL"] * 3,
    )
    assert found == {"er": "ER status measured by IHC", "her2": "HER2 status measured by SNP6"}
    assert "METABRIC" in reasons["PR Status"]
    assert choose(PR__Status=STATUS)[0] == {"pr": "PR Status"}


def test_status_before_score_and_ihc_before_fish_unless_mostly_empty():
    scores = ["3+", "0", "1+", "3+", "0", "2+"]
    assert choose(her2_ihc_score=scores, her2_ihc=STATUS, her2_fish=STATUS)[0] == {"her2": "her2_ihc"}
    sparse = ["Positive", "Negative", *[""] * 4]
    assert choose(her2_ihc=sparse, her2_fish=STATUS)[0] == {"her2": "her2_fish"}


def test_other_columns_that_name_a_receptor_are_none():
    found, _ = choose(HER2__therapy=["yes", "no"] * 3, er_pr_status=STATUS, her2_copy_number=["1", "2"] * 3)
    assert found == {}
