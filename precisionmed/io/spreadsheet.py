"""Tables that people open in a spreadsheet: no cell of theirs is run as a formula."""

from __future__ import annotations

import re

import pandas as pd

_LIVE = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = r"[-+]?[\d.]+(?:[eE][-+]?\d+)?%?"
_NUMBERS = re.compile(rf"{_NUMBER}(?: to {_NUMBER})?")


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with an apostrophe before each text that a spreadsheet would take for a formula.

    Texts that start with `=`, `+`, `-`, `@`, a tab or a line end are meant, in cells, row names and column
    names; numbers and intervals written as text stay as they are.
    """
    safe = table.copy(deep=False)
    for position in range(safe.shape[1]):
        column = safe.iloc[:, position]
        if not (
            pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype)
        ):
            safe.isetitem(position, column.astype(object).map(_safe).array)
    names = (
        [_safe(name) for name in safe.index] if not pd.api.types.is_numeric_dtype(safe.index) else safe.index
    )
    safe.index = pd.Index(names, name=safe.index.name)
    safe.columns = pd.Index([_safe(name) for name in safe.columns], name=safe.columns.name)
    return safe


def _safe(value: object) -> object:
    if (
        isinstance(value, str)
        and value.startswith(_LIVE)
        and not _NUMBERS.fullmatch(value)
        and len(value) > 1
    ):
        return f"'{value}"
    return value
