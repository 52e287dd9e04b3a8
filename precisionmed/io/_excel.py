"""Excel workbooks in: the first sheet as cells, its header found below any title."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, warn
from precisionmed.io._layout import skip_titles
from precisionmed.io._text import DAMAGED

EXCEL = (".xlsx", ".xlsm", ".xls")


def read_excel(path: Path, notes: list[str] | None) -> pd.DataFrame:
    """Return the first sheet: numbers as numbers, everything else as stripped text, names of columns as text.

    Raises
    ------
    InputError
        The file is no workbook, or its first sheet is empty.
    """
    try:
        with pd.ExcelFile(path) as book:
            sheets = book.sheet_names
            frame = book.parse(sheets[0], header=None, keep_default_na=False, na_filter=False)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, SyntaxError, zipfile.BadZipFile,
            ImportError, *DAMAGED) as error:  # fmt: skip
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: cannot be read as an Excel workbook ({reason}); save it as .xlsx."
        ) from None
    if len(sheets) > 1:
        warn(f"{path}: only the first of {len(sheets)} sheets ('{sheets[0]}') was read.", notes)
    cells = np.array(
        [[_cell(value) for value in row] for row in frame.astype(object).to_numpy()], dtype=object
    )
    cells = cells.reshape(frame.shape)
    full = np.array([[value != "" for value in row] for row in cells], bool).reshape(cells.shape)
    cells, full = cells[full.any(axis=1)], full[full.any(axis=1)]
    if len(cells) == 0:
        raise InputError(f"{path}: the first sheet ('{sheets[0]}') is empty.")
    cells = cells[:, : int(np.flatnonzero(full.any(axis=0))[-1]) + 1]
    top = skip_titles(path, [[str(value) for value in row] for row in cells[:60]], notes)
    table = pd.DataFrame(cells[top + 1 :])
    table.columns = pd.Index([" ".join(str(value).split()) for value in cells[top]], dtype=object)
    return table


def _cell(value: object) -> object:
    """Return a number, or text; a date without time as `2014-03-12`."""
    if isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, int | float | np.integer | np.floating):
        return "" if isinstance(value, float) and np.isnan(value) else value
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return str(value).strip()
