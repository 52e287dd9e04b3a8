"""Columns with a follow-up time or a date."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from precisionmed.config import DAYS_PER
from precisionmed.io._dates import looks_like_dates
from precisionmed.io._guess._draft import Draft, counted, few_enough, matches
from precisionmed.io._guess._events import endpoint_of
from precisionmed.io._numbers import Numbers, read_numbers

_ENDPOINT_WORDS = r"\b(os|dss|bcss|css|dfi|dfs|idfs|pfi|pfs|rfs|rfi|efs|dmfs|drfs)\b"
TIME_NAMES = (
    r"time|month|\bmos?\b|\bday|year|\byrs?\b|week|surviv|follow|\bfu\b|duration|"
    r"last (contact|known|seen|visit)|"
    rf"{_ENDPOINT_WORDS}"
)
NOT_TIME = (
    r"\bage\b|birth|\bpred|prob|risk|score|\baol\b|\b\d+ ?(y|yr|year)s?\b|(year|month|"
    r"day) of|menopaus|menarche|smok|pack|"
    r"number|\bcount\b|treatment|chemo|therapy|radiation|surgery|ischemi|freez|warm|cold|process|storage|scan|"
    r"\bto (birth|collection|sampl\w*|index|diagnosis|initial|procurement|consent)\b|"
    r"pregnan|contracept|breast feed|"
    r"(diagnosis|initial|birth|enrol\w*|collection) year|year (diagnosis|birth|collection)|"
    r"timepoint|time point|quality"
)
FOLLOW = r"follow|\bfu\b|last (contact|known|seen|visit|alive)|contact"
_START = (
    r"diagnos|\bdx\b|surg|operat|resect|regist|random|enrol|inclu|start|entry|baseline|"
    r"first treatment|biops|accru"
)
_END = (
    rf"{FOLLOW}|death|dead|died|decease|end|exit|relapse|recur|progress|censor|surviv|"
    rf"last|metasta|event|{_ENDPOINT_WORDS}"
)
_UNITS = (("days", r"\bdays?"), ("years", r"year|\byrs?\b"), ("months", r"month|\bmo?s?\b|\bmths?\b"))
_LONGEST_YEARS = 60.0


@dataclass(frozen=True)
class TimeColumn:
    """A column that says how long a patient was followed."""

    column: str
    endpoint: str
    """Short name of the endpoint that its name speaks of, or nothing."""
    follow_up: bool
    """Does its name speak of the last contact?"""


def find_times(draft: Draft, but_not: set[str]) -> list[TimeColumn]:
    """Return the columns with follow-up times; texts among the numbers are blanked when they are few."""
    found = []
    for column in draft.named(TIME_NAMES, NOT_TIME):
        if column in but_not:
            continue
        problem = _why_no_time(draft, column)
        if problem is None:
            found.append(TimeColumn(column, endpoint_of(column), matches(column, FOLLOW)))
        elif problem:
            draft.pass_over(column, problem)
    return found


def _why_no_time(draft: Draft, column: str) -> str | None:
    values = draft.present(column)
    found = read_numbers(draft.clinical[column])
    numbers = found.numbers.dropna()
    if not len(values):
        return "it has no values"
    if numbers.nunique() <= 3 or len(numbers) * 2 < len(values):  # codes, dates and texts are not for here
        return ""
    odd = no_times(found)
    if not few_enough(values, odd):
        return f"{counted(values, odd)} are no numbers"
    if numbers.max() <= 1 and len(numbers) > 3:
        return "its values are at most 1: a probability?"
    if (numbers < 0).mean() >= 0.05:
        return f"{int((numbers < 0).sum())} values are negative"
    if matches(column, r"\bweeks?\b|\bwks?\b") or found.unit == "weeks":
        return "it counts weeks; make it days"
    return None


def no_times(found: Numbers) -> list[str]:
    """Return the texts of a column that are no times; a bound (`>60`) is none."""
    return sorted({*found.odd, *found.bounded})


def time_settings(draft: Draft, columns: list[str], key: str) -> dict[str, object]:
    """Return `unit` and `nonpositive_time` of an endpoint's time columns, with remarks where guessed."""
    read = [read_numbers(draft.clinical[column]) for column in columns]
    numbers = pd.concat([found.numbers.drop(found.bounded.index).dropna() for found in read])
    for column, found in zip(columns, read, strict=True):
        draft.leave_out(column, no_times(found), f"{key}.time")
    unit = _unit(draft, columns, numbers, key, {found.unit for found in read} - {""})
    early = int((numbers <= 0).sum())
    if early:
        draft.remark(f"{key}.nonpositive_time", f"{early} rows have a time of 0 or less.")
    return {"unit": unit, "nonpositive_time": "drop" if early else "error"}


def _unit(draft: Draft, columns: list[str], numbers: pd.Series, key: str, in_cells: set[str]) -> str:
    longest = float(numbers.max())
    if len(in_cells) == 1:
        return next(iter(in_cells))
    named = {unit for column in columns for unit, pattern in _UNITS if matches(column, pattern)}
    if len(named) == 1:
        unit = next(iter(named))
        if longest * DAYS_PER[unit] <= _LONGEST_YEARS * DAYS_PER["years"]:
            return unit
        guessed = "days" if longest > 730 else "months"
        draft.remark(
            f"{key}.unit",
            f"The name says {unit}, but values reach {longest:g}: taken as {guessed}. Check it.",
        )
        return guessed
    guessed = "days" if longest > 400 else "months" if longest > 30 else "years"
    doubt = {"days": "", "months": "", "years": " They could be months."}[guessed]
    draft.remark(f"{key}.unit", f"Guessed from the values, which reach {longest:g}: check it.{doubt}")
    return guessed


def find_dates(draft: Draft) -> tuple[list[str], list[TimeColumn]]:
    """Return the columns with dates that follow-up can start from, and those at which it can end."""
    dates = [c for c in draft.clinical.columns if looks_like_dates(draft.clinical[c])]
    dates = [column for column in dates if not matches(column, r"birth|\bdob\b")]
    starts = [column for column in dates if matches(column, _START) and not matches(column, _END)]
    ends = [column for column in dates if column not in starts and matches(column, _END)]
    rank = [r"diagnos|\bdx\b", r"random|enrol|regist|inclu", r"surg|operat|resect"]
    starts.sort(key=lambda c: next((i for i, pattern in enumerate(rank) if matches(c, pattern)), len(rank)))
    return starts, [TimeColumn(column, endpoint_of(column), matches(column, FOLLOW)) for column in ends]
