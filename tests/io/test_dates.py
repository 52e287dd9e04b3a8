"""Dates in many ways of writing; what could mean two days is refused."""

from __future__ import annotations

import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.io._dates import DateColumn, looks_like_dates, read_dates


def read(*columns, order="auto"):
    named = [
        DateColumn(pd.Series(values, [f"T{i}" for i in range(len(values))], name=f"c{k}"), "key")
        for k, values in enumerate(columns)
    ]
    return [[f"{day:%Y-%m-%d}" for day in found] for found in read_dates(named, order, "clinical.tsv")]


@pytest.mark.parametrize(
    "text",
    ["2012-03-31", "2012-3-31", "2012/03/31", "2012.03.31", "20120331",
 "31.03.2012", "31/3/2012", "03/31/2012",
     "3-31-2012", "31-Mar-2012", "31MAR2012", "31 March 2012", "March 31, 2012", "Mar 31 2012", "31.03.12",
     "31-Mar-12", "2012-03-31 00:00:00", "2012-03-31T13:05:00Z", "31/03/2012 13:05", "40999", "40999.0"],
)  # fmt: skip
def test_ways_of_writing_a_day(text):
    assert read([text]) == [["2012-03-31"]]


def test_day_and_month_are_decided_by_any_date_or_not_at_all():
    assert read(["03/04/2012", "13/04/2012"]) == [["2012-04-03", "2012-04-13"]]
    assert read(["03/04/2012", "03/14/2012"]) == [["2012-03-04", "2012-03-14"]]
    assert read(["03/04/2012"], ["25/04/2012"]) == [["2012-04-03"], ["2012-04-25"]]
    assert read(["03/04/2012"], order="mdy") == [["2012-03-04"]]
    with pytest.raises(InputError, match=r"'03/04/2012' could have the day or the month first.*date_order"):
        read(["03/04/2012", "05/06/2012"])
    with pytest.raises(InputError, match="day first and others with the month first"):
        read(["13/04/2012", "04/13/2012"])
    with pytest.raises(InputError, match="could have the day or the month first"):
        read(["03/04/2012"], ["25/04/2012"], ["04/25/2012"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["2012-03-31", "2012"], r"sample 'T1' has '2012', which is no date \(the day is missing\)"),
        (["2012-03"], "the day is missing"),
        (["2012-02-30"], "there is no day '2012-02-30'"),
        (["soon"], "sample 'T0' has 'soon', which is no date"),
        (["41000", "13/04/2012"], r"different formats, '41000' and '13/04/2012' \(Excel"),
        (["2012-03-31 00:00:00", "13/04/2012"], "different formats"),
        (["9999-12-31"], "stands for a missing date"),
        (["1900-01-01"], "stands for a missing date"),
        (["", "NA"], "has no date for any sample"),
        (["12"], "which is no date"),
    ],
)
def test_what_is_no_date_is_told(values, message):
    with pytest.raises(InputError, match=message) as told:
        read(values)
    assert str(told.value).startswith("clinical.tsv: column 'c0' (key)")


def test_columns_of_dates_are_recognized():
    assert looks_like_dates(pd.Series(["2012-03-01", "NA", "2013-01-01"]))
    assert not looks_like_dates(pd.Series(["41000", "41001"]))
    assert not looks_like_dates(pd.Series(["2012-03-01", "x"]))
    assert not looks_like_dates(pd.Series(["NA"]))
