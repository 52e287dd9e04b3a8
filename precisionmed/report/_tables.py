"""Stored tables: all of them as CSV files, and some as the first rows on the page."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from precisionmed.io.run import replacing
from precisionmed.io.spreadsheet import without_formulas
from precisionmed.report._format import RATIOS, cell, column_label, is_number, ratio_text, slug

_INTERVAL = ("lower", "upper")


def stored_tables(content: Any, *path: str) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """Walk a step's slots and give every table with its path of keys (encoded models are no tables)."""
    if isinstance(content, pd.DataFrame):
        yield path, content
    elif isinstance(content, dict):
        for key, value in content.items():
            if key != "model":
                yield from stored_tables(value, *path, str(key))


def write_csv(table: pd.DataFrame, folder: Path, path: Sequence[str]) -> str:
    """Write `tables/<step>_<table>.csv` below `folder` and return that relative name."""
    name = f"tables/{'_'.join(slug(part) for part in path)}.csv"
    buffer = io.StringIO()
    without_formulas(named(table)).to_csv(buffer, index=False, lineterminator="\n")
    with replacing(folder / name) as temporary:
        temporary.write_text(buffer.getvalue(), encoding="utf-8")
    return name


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its row names as a first column, when they are names and not just numbers."""
    if all(str(label).isdigit() for label in table.index):
        return table
    first = str(table.index.name or "sample")
    return table.reset_index(names=first) if first not in table else table.reset_index(drop=True)


def html_table(table: pd.DataFrame, rows: int) -> tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]:
    """Return heads and the first `rows` rows of cells; `lower` and `upper` become one column.

    A head is `{label, number}`, a cell `{text, key, derived}` where `key` is what the column sorts by.
    """
    columns = [str(c) for c in table.columns]
    interval = all(c in columns for c in _INTERVAL)
    shown = [c for c in columns if not (interval and c == "upper")]
    heads = [
        {"label": "95% CI", "number": True}
        if interval and c == "lower"
        else {"label": column_label(c), "number": pd.api.types.is_numeric_dtype(table[c])}
        for c in shown
    ]
    body = []
    ratios = bool(RATIOS & set(columns))
    for record in table.head(rows).to_dict("records"):
        body.append(
            [_interval(record, ratios) if interval and c == "lower" else _cell(c, record[c]) for c in shown]
        )
    return heads, body


def _cell(column: str, value: Any) -> dict[str, Any]:
    text = cell(column, value)
    key = repr(float(value)) if is_number(value) and np.isfinite(value) else text
    return {"text": text, "key": key, "derived": text == "expression-derived"}


def _interval(record: dict[Any, Any], ratios: bool) -> dict[str, Any]:
    """Return an interval as one cell; of a ratio when the table's estimate is one."""
    low, high = (
        ratio_text(record[c]) if ratios and pd.notna(record[c]) else cell(c, record[c]) for c in _INTERVAL
    )
    text = "–" if low == "–" and high == "–" else f"{low} to {high}"
    return {"text": text, "key": _cell("lower", record["lower"])["key"], "derived": False}
