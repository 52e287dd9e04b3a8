"""No cell of a table that is written is run by a spreadsheet."""

from __future__ import annotations

import pandas as pd
import pytest

from precisionmed.io.spreadsheet import without_formulas


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "=", "-1e"])
def test_live_texts_are_neutral_wherever_they_stand(text):
    table = pd.DataFrame({"a": [text, "x"], text: [1, 2]}, index=[text, "y"])
    safe = without_formulas(table)
    if len(text) > 1:
        assert safe.iloc[0, 0] == f"'{text}"
        assert safe.index[0] == f"'{text}"
        assert safe.columns[1] == f"'{text}"
    assert table.iloc[0, 0] == text  # the table itself is not touched


@pytest.mark.parametrize("text", ["-1.5", "+3", "-1.2e-05", "-0.3 to 0.4", "–", "-", "ESR1", "", "5%"])
def test_numbers_and_words_stay_as_they_are(text):
    assert without_formulas(pd.DataFrame({"a": [text]})).iloc[0, 0] == text


def test_types_and_missing_values_stay():
    table = pd.DataFrame({"n": [-1.0, None], "c": pd.Categorical(["=x", None]), "b": [True, False]})
    safe = without_formulas(table)
    assert safe["n"].equals(table["n"])
    assert safe["c"].tolist()[0] == "'=x"
    assert pd.isna(safe["c"].iloc[1])
    assert safe["b"].tolist() == [True, False]
