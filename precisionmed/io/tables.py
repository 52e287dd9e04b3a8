"""Delimited and Excel tables in: find out how a file is written, and say precisely what is wrong with it.

A file is decompressed once; its delimiter, header and the number of fields of every line are
checked before pandas parses it, so that a damaged file never becomes a matrix full of holes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, warn
from precisionmed.io._excel import EXCEL, read_excel
from precisionmed.io._layout import open_table, parse
from precisionmed.io._number_format import TEXT, kind_of, plain_columns
from precisionmed.io._text import existing_file, read_text

__all__ = [
    "EXCEL",
    "MISSING",
    "existing_file",
    "is_missing",
    "missing_words",
    "open_table",
    "parse",
    "read_excel",
    "read_text",
    "read_text_table",
]

MISSING = frozenset(
    [
        *(
            "",
            "na",
            "n/a",
            "n.a.",
            "n.a",
            "na.",
            "n a",
            "nan",
            "null",
            "<na>",
            "nil",
            "(null)",
            "#n/a",
            "#n/a n/a",
        ),
        *(
            "--",
            "---",
            "'--",
            "\u2013",
            "\u2014",
            ".",
            "..",
            "?",
            "*",
            "#value!",
            "#div/0!",
            "#ref!",
            "#name?",
        ),
        *("#num!", "#null!", "#nv", "#wert!", "#calc!", "#spill!", "#getting_data", "1.#qnan", "-1.#ind"),
        *("not available", "not evaluated", "not applicable", "not reported", "not determined", "not known"),
        *("not recorded", "n.d.", "unknown", "missing", "no data"),
        *("[not available]", "[not evaluated]", "[not applicable]", "[not reported]", "[unknown]"),
        *("[discrepancy]", "[pending]", "[completed]", "[missing]", "[na]", "(missing)", "(unknown)"),
    ]
)
"""Spellings of a missing value, in lower case."""

MISSING_NUMBERS = MISSING | {"-", "none"}
"""Spellings of a missing number: a lone `-` or `none` may be a category elsewhere."""


def is_missing(values: pd.Series) -> pd.Series:
    """Return which text values stand for a missing one (see `MISSING`).

    A lone `-` or `none` does where every other value is a number; elsewhere it may be a status.
    """
    text = values.astype(str).str.strip().str.lower()
    missing = values.isna() | text.isin(MISSING)
    dash = text.isin(MISSING_NUMBERS) & ~missing
    if dash.any():
        others = text[~missing & ~dash].unique()
        if len(others) and all(kind_of(value) != TEXT for value in others):
            missing |= dash
    return missing


def missing_words(cells: np.ndarray) -> np.ndarray:
    """Return which cells (objects) of a matrix of numbers stand for a missing one."""
    codes, distinct = pd.factorize(cells.ravel(), use_na_sentinel=False)
    absent = [
        v.strip().lower() in MISSING_NUMBERS if isinstance(v, str) else bool(pd.isna(v)) for v in distinct
    ]
    return np.array(absent, bool)[codes].reshape(cells.shape)


def read_text_table(path: Path, what: str, notes: list[str] | None = None) -> pd.DataFrame:
    """Read any table as text, every cell stripped, numbers with a decimal point.

    Repeated names of columns are numbered, and those that cannot be stored are replaced, both said.

    Parameters
    ----------
    path
        TSV, CSV (`;`, `|` and blanks too), compressed or not, or an Excel workbook (first sheet).
    what
        What the table is, for messages (`"clinical table"`).
    notes
        Where warnings are kept for the report.

    Raises
    ------
    InputError
        The file is missing, empty, damaged or no table, or its numbers contradict each other.
    """
    if existing_file(path, what).suffix.lower() in EXCEL:
        frame, delimiter = read_excel(path, notes), ""
    else:
        table = open_table(path, what, notes)
        frame, delimiter = parse(table, dtype=str, keep_default_na=False), table.delimiter
        frame.columns = pd.Index(table.header)
    frame = frame.apply(lambda c: c.map(lambda v: v.strip() if isinstance(v, str) else v)).fillna("")
    frame = without_repeated_header(path, frame, [str(name) for name in frame.columns], notes)
    if frame.empty:
        raise InputError(f"{path}: the {what} has a header but no rows.")
    blank = [
        not str(name).strip() and frame.iloc[:, i].isin(["", None]).all()
        for i, name in enumerate(frame.columns)
    ]
    frame = frame.loc[:, [not b for b in blank]]
    names = _named([" ".join(str(name).split()) for name in frame.columns], path, notes)
    frame.columns = pd.Index(_distinct(names, path, notes))
    frame = plain_columns(path, frame.reset_index(drop=True), is_missing, delimiter, notes)
    return frame.astype(str)


def without_repeated_header(
    path: Path, frame: pd.DataFrame, header: list[str], notes: list[str] | None
) -> pd.DataFrame:
    """Leave out empty rows, rows that repeat the header, and the `CDE_ID:` row below it in TCGA's files."""
    first = frame.iloc[:, 0].astype(str)
    likely = first.isin(["", "nan", header[0]]) | first.str.startswith("CDE_ID:")
    if not likely.any():
        return frame
    rows = frame[likely].astype(object).where(frame[likely].notna(), "").astype(str)
    empty = (rows == "").all(axis=1)
    again = (rows == header).all(axis=1) & ~empty
    codes = rows.apply(lambda c: c.str.startswith("CDE_ID:") | (c == "")).all(axis=1) & ~empty
    if again.any() or codes.any():
        warn(f"{path.name}: {int((again | codes).sum())} rows that repeat the header were left out.", notes)
    drop = empty | again | codes
    return frame.drop(index=drop[drop].index)


def _named(names: list[str], path: Path, notes: list[str] | None) -> list[str]:
    """Return the names, those that cannot be stored (none, `_index`) replaced."""
    taken = set(names)
    result = []
    for i, name in enumerate(names):
        new = name
        if name in ("", "_index"):
            new = "index" if name else ("row_name" if i == 0 else f"column_{i + 1}")
            while new in taken:
                new += "_"
            taken.add(new)
        result.append(new)
    replaced = [f"column {i + 1} is '{new}'" for i, new in enumerate(result) if new != names[i]]
    if replaced and notes is not None:
        notes.append(f"{path.name}: columns without a storable name were named: {first_few(replaced)}.")
    return result


def _distinct(names: list[str], path: Path, notes: list[str] | None) -> list[str]:
    """Return the names with `_2`, `_3` ... behind repeated ones, and say so."""
    taken = set(names)
    seen: set[str] = set()
    result = []
    for name in names:
        new, number = name, 2
        while new in seen or (new != name and new in taken):
            new, number = f"{name}_{number}", number + 1
        seen.add(new)
        result.append(new)
    repeated = [name for name, new in zip(names, result, strict=True) if name != new]
    if repeated:
        told = f"column '{repeated[0]}' occurs more than once; the later ones were numbered."
        warn(f"{path.name}: {told}", notes)
    return result
