"""Dates as people write them. One column has one way of writing; what could mean two days is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import pandas as pd

from precisionmed.errors import InputError
from precisionmed.io.tables import is_missing

EXCEL_ZERO = pd.Timestamp("1899-12-30")
"""Day 0 of Excel's day numbers (1900 date system, for days after February 1900)."""
YEARS = (1901, 2100)
"""Years outside are placeholders (1900-01-01, 9999-12-31), not dates."""
_PIVOT = 69  # two-digit years from 69 on are of the last century, as POSIX has it

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_MONTH = rf"(?P<name>{_MONTHS})[a-z]*\.?"
_CLOCK = r"(?:[t ]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?\s*(?:[ap]m)?(?:z|[+-]\d\d:?\d\d)?)?"
_WAYS = {
    "year-month-day": rf"(?P<y>\d{{4}})[-/.](?P<m>\d\d?)[-/.](?P<d>\d\d?){_CLOCK}",
    "yearmonthday": r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)",
    "numbers": rf"(?P<a>\d\d?)(?P<sep>[-/. ])(?P<b>\d\d?)(?P=sep)(?P<y>\d{{4}}|\d\d){_CLOCK}",
    "day month-name year": rf"(?P<d>\d\d?)(?:st|nd|rd|th)?[-/. ]*{_MONTH}[-/., ]*(?P<y>\d{{4}}|\d\d){_CLOCK}",
    "month-name day year": rf"{_MONTH}[-/. ]*(?P<d>\d\d?)(?:st|nd|rd|th)?[-/., ]+(?P<y>\d{{4}}|\d\d){_CLOCK}",
    "Excel's day number": r"(?P<serial>[2-7]\d{4})(?:\.\d+)?",
}
_PATTERNS = {way: re.compile(pattern) for way, pattern in _WAYS.items()}


class DateColumn(NamedTuple):
    """Dates of a clinical column, not yet read."""

    recorded: pd.Series
    """As recorded."""
    key: str
    """Config key, for messages."""


def read_dates(columns: list[DateColumn], order: str, file: str) -> list[pd.Series]:
    """Read the date columns of one endpoint.

    Known are ISO dates, `20120301`, `1.3.2012` and `01/03/2012` with two- or four-digit years, `1-Mar-2012`,
    `March 1, 2012` and Excel's day numbers; a time of day is ignored.

    Parameters
    ----------
    columns
        The columns; where the dates of one leave the order of day and month open, the others decide.
    order
        `cohort.roles.endpoints.NAME.date_order`: `auto`, `dmy`, `mdy` or `ymd`.
    file
        The clinical table, for messages.

    Returns
    -------
    list of Series of datetime64
        NaT where a date is missing.

    Raises
    ------
    InputError
        A text is no date, a column mixes ways of writing, or day and month could be the other way round.
    """
    matches = [_matched(column, file) for column in columns]
    found = [_order(column, match, order, file) for column, match in zip(columns, matches, strict=True)]
    decided = {one for one in found if one in ("dmy", "mdy")}
    result = []
    for column, match, own in zip(columns, matches, found, strict=True):
        if own == "open":
            if len(decided) != 1:
                example = next(iter(match.values())).string
                raise InputError(
                    f"{file}: column '{column.recorded.name}' ({column.key}): {example!r} could have the "
                    "day or the month first, and no date of the column decides; set this "
                    "endpoint's date_order to dmy or mdy."
                )
            own = next(iter(decided))
        dates = {text: _date(found, own, column, file) for text, found in match.items()}
        days = column.recorded.map(lambda value, dates=dates: dates.get(_clean(value), pd.NaT))
        result.append(pd.to_datetime(days))
    return result


def looks_like_dates(values: pd.Series) -> bool:
    """Return whether all values of a column that are not missing are dates (day numbers of Excel are not)."""
    present = values[~is_missing(values)]
    ways = {_way(text) for text in present.unique()}
    return len(ways) == 1 and not ways & {"", "Excel's day number"}


def _clean(value: object) -> str:
    return " ".join(str(value).lower().split())


def _way(text: object) -> str:
    return next((way for way, pattern in _PATTERNS.items() if pattern.fullmatch(_clean(text))), "")


def _matched(column: DateColumn, file: str) -> dict[str, re.Match[str]]:
    """Return the parts of each different date of a column, which has one way of writing."""
    values = column.recorded
    place = f"{file}: column '{values.name}' ({column.key})"
    matches: dict[str, re.Match[str]] = {}
    ways: dict[str, str] = {}
    present = values[~is_missing(values)]
    if present.empty:
        raise InputError(f"{place} has no date for any sample; name another column.")
    for sample, value in zip(present.index, present, strict=True):
        way = _way(value)
        if not way:
            part = "the day is missing" if re.fullmatch(r"\d{4}([-/.]\d\d?)?|\d\d?[-/.]\d{4}", value) else ""
            raise InputError(
                f"{place}: sample '{sample}' has {value!r}, which is no date{f' ({part})' if part else ''}; "
                "write year-month-day, as in 2012-03-31, or leave it empty."
            )
        ways.setdefault(way, value)
        match = _PATTERNS[way].fullmatch(_clean(value))
        assert match is not None  # `_way` has just found it
        matches[_clean(value)] = match
    if len(ways) > 1:
        one, two = list(ways.values())[:2]
        hint = (
            " (Excel turns the dates that it understands into its own, at times with day and month swapped)"
            if "Excel's day number" in ways or "numbers" in ways
            else ""
        )
        raise InputError(
            f"{place} has dates in different formats, {one!r} and {two!r}{hint}; write all as year-month-day."
        )
    return matches


def _order(column: DateColumn, matches: dict[str, re.Match[str]], order: str, file: str) -> str:
    """Return `dmy` or `mdy`, `open` when the dates do not tell, or `ymd` when there is nothing to tell."""
    pairs = [(int(m["a"]), int(m["b"])) for m in matches.values() if "a" in m.re.groupindex]
    if not pairs:
        return "ymd"
    place = f"{file}: column '{column.recorded.name}' ({column.key})"
    if order != "auto":
        if order == "ymd":
            example = next(iter(matches))
            raise InputError(f"{place}: {example!r} does not start with the year, as date_order: ymd says.")
        return order
    day_first, month_first = any(a > 12 for a, _ in pairs), any(b > 12 for _, b in pairs)
    if day_first and month_first:
        raise InputError(
            f"{place} has dates with the day first and others with the month first; write them as "
            "year-month-day."
        )
    return "dmy" if day_first else "mdy" if month_first else "open"


def _date(match: re.Match[str], order: str, column: DateColumn, file: str) -> pd.Timestamp:
    part: Callable[[str], str | None] = match.groupdict().get
    place = f"{file}: column '{column.recorded.name}' ({column.key})"
    serial = part("serial")
    if serial:
        return EXCEL_ZERO + pd.Timedelta(days=int(serial))
    year = int(match["y"])
    if len(match["y"]) == 2:
        year += 1900 if year >= _PIVOT else 2000
    if "a" in match.re.groupindex:
        day, month = (
            (int(match["a"]), int(match["b"])) if order == "dmy" else (int(match["b"]), int(match["a"]))
        )
    else:
        day, month = (
            int(match["d"]),
            _MONTHS.split("|").index(match["name"]) + 1 if part("name") else int(match["m"]),
        )
    try:
        found = date(year, month, day)
    except ValueError:
        raise InputError(
            f"{place}: there is no day {match.string!r}{f' in the order {order}' if order != 'ymd' else ''}; "
            "correct it, or set date_order of this endpoint."
        ) from None
    if not YEARS[0] <= year < YEARS[1]:
        raise InputError(
            f"{place}: {match.string!r} stands for a missing date, it seems; blank it with cohort.values."
        )
    return pd.Timestamp(found)


def days_between(start: pd.Series, end: pd.Series) -> pd.Series:
    """Return the days from one date to another, NaN where one is missing."""
    return (end - start).dt.total_seconds() / 86400
