from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.report._format import cell, ci_text, column_label, count, join, percent, slug
from precisionmed.report._page import Book, Page
from precisionmed.report._tables import html_table, named, stored_tables
from precisionmed.report.references import cited, references


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("p", 0.00001, "1e−5"),
        ("univariate_p", 3.2e-12, "3e−12"),
        ("likelihood_ratio_p", 0.0004, "4e−4"),
        ("p", 0.0, "< 1e−300"),
        ("hazard_ratio", 0.0, "not estimable"),
        ("hazard_ratio", math.inf, "not estimable"),
        ("ratio", 1e-5, "< 0.01"),
        ("ratio", 250.4, "250"),
        ("estimate", 1.4e-17, "0.00"),
        ("estimate", 2e-4, "< 0.001"),
        ("difference", -2e-4, "> −0.001"),
        ("coefficient", 2e-5, "2e−5"),
        ("metric", "called", "fraction called"),
        ("p", 0.0312, "0.031"),
        ("fdr", 0.4, "0.40"),
        ("n", 1204.0, "1,204"),
        ("hazard_ratio", 1.2, "1.20"),
        ("coefficient", -0.5, "−0.50"),
        ("fraction", 0.002, "0.002"),
        ("lambda", 0.012345, "0.0123"),
        ("value", 31234.5, "31,234"),
        ("upper", math.inf, "∞"),
        ("value", np.nan, "–"),
        ("agrees", np.bool_(True), "yes"),
        ("metric", "balanced_accuracy", "balanced accuracy"),
        ("receptor", "er", "ER"),
        ("sample", "os_1", "os_1"),
    ],
)
def test_cells(column: str, value: object, text: str) -> None:
    assert cell(column, value) == text


def test_small_phrases() -> None:
    assert count(1, "sample") == "1 sample"
    assert count(1204, "batch", "batches") == "1,204 batches"
    assert join(["a", "b", "c"]) == "a, b and c"
    assert percent(0.017) == "1.7%"
    assert percent(0.42) == "42%"
    assert ci_text(0.7, math.nan, math.nan) == "0.70"
    assert ci_text(math.nan, 0, 1) == "not estimable"
    assert slug("GSE 1/2: new") == "GSE_1_2_new"
    assert column_label("hazard_ratio") == "Hazard ratio"
    assert column_label("fdr") == "FDR"


def test_lower_and_upper_become_one_column() -> None:
    table = pd.DataFrame({"model": ["a"], "estimate": [0.7], "lower": [0.61], "upper": [0.78], "n": [50]})
    heads, rows = html_table(table, 5)
    assert [head["label"] for head in heads] == ["Model", "Estimate", "95% CI", "n"]
    assert [c["text"] for c in rows[0]] == ["a", "0.70", "0.61 to 0.78", "50"]


def test_row_names_become_a_column_only_when_they_are_names() -> None:
    assert list(named(pd.DataFrame({"x": [1]}, index=["0"])).columns) == ["x"]
    assert list(named(pd.DataFrame({"x": [1]}, index=["T1"])).columns) == ["sample", "x"]


def test_tables_are_found_at_any_depth_but_not_in_models() -> None:
    frame = pd.DataFrame({"x": [1]})
    content = {"a": frame, "task": {"b": frame, "model": {"c": frame}}, "params": {"k": 2}}
    assert [path for path, _ in stored_tables(content, "step")] == [("step", "a"), ("step", "task", "b")]


def test_references_are_found_by_first_author_and_year() -> None:
    text = "TMM (Robinson and Oshlack 2010); tests of Grambsch and Therneau (1994); Şenbabaoğlu et al. 2014."
    found = " ".join(cited(text))
    assert all(name in found for name in ("Oshlack", "Therneau", "Michailidis"))
    assert cited("Robinson Crusoe and others") == []
    assert all(entry.startswith(author) for (author, _), entry in references().items())


def test_a_column_of_counts_is_not_called_a_fraction() -> None:
    assert column_label("called") == "Called"


def test_interval_of_a_ratio_is_written_as_a_ratio() -> None:
    table = pd.DataFrame({"hazard_ratio": [0.02], "lower": [1.4e-17], "upper": [0.22]})
    assert html_table(table, 5)[1][0][1]["text"] == "< 0.01 to 0.22"
    table = pd.DataFrame({"estimate": [0.02], "lower": [1.4e-17], "upper": [0.22]})
    assert html_table(table, 5)[1][0][1]["text"] == "0.00 to 0.22"


@pytest.mark.parametrize(("total", "shown"), [(15, 15), (16, 16), (20, 20), (21, 15)])
def test_a_table_with_few_more_rows_is_shown_whole(tmp_path: Path, total: int, shown: int) -> None:
    page = Page(Book(tmp_path), "word", "Title")
    page.table(("word", "numbers"), pd.DataFrame({"x": range(total)}), "Numbers.")
    assert len(page.blocks[0].rows) == shown
