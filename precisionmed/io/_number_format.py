"""Which marks the numbers of a file have: decimal point or comma, and what separates thousands.

One decision for a file, from all of its numbers. `0,5` or `12,25` prove a decimal comma, `1,234,567` and
`1,234.5` commas between thousands, `1.234,5` points between thousands; `2,395` alone proves nothing: beside
`415` in its column it is 2395. What contradicts the decision is an error, never another number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.errors import InputError

TEXT, WHOLE, POINT, POINT_OR_GROUP, COMMA, COMMA_OR_GROUP = range(6)
COMMA_GROUPS, POINT_GROUPS, BLANKS, BLANKS_POINT, SETTLED = range(6, 11)
"""What a cell is: no number, a whole number, decimal point, `1.234`, decimal comma, `1,234`, `1,234,567`,
`1.234,5`, `1 234`, `1 234.5`, and a number that the file stores as one (Excel)."""

MARKED = (COMMA, COMMA_OR_GROUP, COMMA_GROUPS, POINT_GROUPS, BLANKS, BLANKS_POINT)
"""Cells that are not written plainly."""

LARGEST_LOG = 24
"""Integer parts up to this could be logarithms of counts."""

_SIGN, _EXPONENT = r"[-+\u2212]?", r"([eE][-+]?\d+)?"
_BLANK = "[ \u00a0\u202f\u2009'\u2019]"
_FORMS = (
    (WHOLE, rf"{_SIGN}\d+{_EXPONENT}"),
    (POINT_OR_GROUP, rf"{_SIGN}[1-9]\d{{0,2}}\.\d{{3}}"),
    (POINT, rf"{_SIGN}(\d+\.\d*|\.\d+){_EXPONENT}"),
    (COMMA_OR_GROUP, rf"{_SIGN}[1-9]\d{{0,2}},\d{{3}}"),
    (COMMA_GROUPS, rf"{_SIGN}[1-9]\d{{0,2}}((,\d{{3}}){{2,}}(\.\d*)?|(,\d{{3}})+\.\d*)"),
    (POINT_GROUPS, rf"{_SIGN}[1-9]\d{{0,2}}((\.\d{{3}}){{2,}}(,\d+)?|(\.\d{{3}})+,\d+)"),
    (COMMA, rf"{_SIGN}(\d+,\d+|,\d+|[1-9]\d{{0,2}}({_BLANK}\d{{3}})+,\d+){_EXPONENT}"),
    (BLANKS, rf"{_SIGN}[1-9]\d{{0,2}}({_BLANK}\d{{3}})+"),
    (BLANKS_POINT, rf"{_SIGN}[1-9]\d{{0,2}}({_BLANK}\d{{3}})+\.\d*"),
)
_PATTERNS = tuple((code, re.compile(form, re.ASCII)) for code, form in _FORMS)
_MONTH = re.compile(r"(0?[1-9]|1[0-2])\.(19|20)\d\d")


@dataclass(frozen=True)
class NumberFormat:
    """The marks of a file's numbers."""

    decimal: str = "."
    thousands: str = ""

    def plain(self, text: str) -> str:
        """Return a number of this format with a decimal point and no other mark."""
        text = re.sub(_BLANK, "", text.strip()).replace("\u2212", "-")
        if self.thousands:
            text = text.replace(self.thousands, "")
        return text.replace(self.decimal, ".")

    def reads(self, code: int) -> bool:
        """Return whether a cell of this kind is a number of the format."""
        if code in (WHOLE, BLANKS, SETTLED):
            return True
        if self.decimal == ",":
            return code in (COMMA, COMMA_OR_GROUP) or (
                self.thousands == "." and code in (POINT_GROUPS, POINT_OR_GROUP)
            )
        return code in (POINT, POINT_OR_GROUP, BLANKS_POINT) or (
            self.thousands == "," and code in (COMMA_GROUPS, COMMA_OR_GROUP)
        )


def kind_of(text: str) -> int:
    """Return what a cell is (`TEXT`, `WHOLE`, ...)."""
    for code, pattern in _PATTERNS:
        if pattern.fullmatch(text):
            return code
    return TEXT


def kinds(cells: np.ndarray) -> np.ndarray:
    """Return what each cell is: text by its form, whole numbers `WHOLE`, other floats `SETTLED`."""
    flat = cells.ravel()
    codes, distinct = pd.factorize(flat, use_na_sentinel=False)
    found = [
        kind_of(value.strip()) if isinstance(value, str) else _kind_of_object(value) for value in distinct
    ]
    return np.array(found, np.int8)[codes].reshape(cells.shape)


def _kind_of_object(value: object) -> int:
    if isinstance(value, bool | np.bool_):
        return TEXT
    return WHOLE if isinstance(value, int | np.integer) else SETTLED


def decide(
    path: Path, kind: np.ndarray, cells: np.ndarray, name: Callable[[int, int], str], delimiter: str
) -> NumberFormat:
    """Decide on the marks of a file's numbers.

    Parameters
    ----------
    path
        The file, for messages.
    kind
        Rows x columns, what each cell is (see `kinds`); `TEXT` where it is to be left aside.
    cells
        Rows x columns, the cells.
    name
        Names a cell (row, column) in a message.
    delimiter
        Of the file: a semicolon goes with decimal commas, a comma with decimal points.

    Raises
    ------
    InputError
        Cells contradict each other, or nothing tells commas between thousands from decimal commas.
    """
    has = {code: bool((kind == code).any()) for code in range(11)}

    has[POINT] |= has[BLANKS_POINT]

    def first(*codes: int) -> str:
        row, column = np.argwhere(np.isin(kind, codes))[0]
        return f"{name(int(row), int(column))}: {str(cells[row, column])!r}"

    def contradiction(a: str, b: str, what: str) -> InputError:
        return InputError(f"{path}: {a} {what} {b}; write all numbers of the file in one way.")

    if has[COMMA] or has[POINT_GROUPS]:
        comma = first(COMMA, POINT_GROUPS)
        if has[COMMA_GROUPS]:
            raise contradiction(
                comma, first(COMMA_GROUPS), "has a decimal comma, but commas separate thousands in"
            )
        if has[POINT]:
            raise contradiction(
                comma, first(POINT, BLANKS_POINT), "has no decimal point, but there is one in"
            )
        if has[POINT_OR_GROUP] and not has[POINT_GROUPS]:
            raise contradiction(
                comma, first(POINT_OR_GROUP), "has a decimal comma, which leaves open the point of"
            )
        return NumberFormat(",", "." if has[POINT_GROUPS] else "")
    if has[COMMA_GROUPS] or (has[COMMA_OR_GROUP] and has[POINT]):
        return NumberFormat(".", ",")
    if not has[COMMA_OR_GROUP]:
        _check_points(path, kind, first, delimiter)
        return NumberFormat()
    if has[POINT_OR_GROUP]:
        raise contradiction(
            first(COMMA_OR_GROUP), first(POINT_OR_GROUP), "does not tell which mark is the decimal one beside"
        )
    return _undecided(path, kind, cells, first(COMMA_OR_GROUP), delimiter)


def _check_points(path: Path, kind: np.ndarray, first: Callable[..., str], delimiter: str) -> None:
    """Refuse `2.395` beside `415` where no other number tells that the point is a decimal one.

    A file with decimals has one with another number of digits, or writes `415.000`; a CSV has no other point.
    """
    grouped = kind == POINT_OR_GROUP
    if grouped.any() and delimiter != "," and not np.isin(kind, (POINT, BLANKS_POINT)).any():
        beside = (kind == WHOLE) & grouped.any(axis=0)
        if beside.any():
            raise InputError(
                f"{path}: {first(POINT_OR_GROUP)}: its point may be a decimal one or between thousands, as "
                "every point of the file is before three digits and whole numbers are beside it; write the "
                "file without marks between thousands (or with 415.0 for 415)."
            )


def _undecided(path: Path, kind: np.ndarray, cells: np.ndarray, example: str, delimiter: str) -> NumberFormat:
    """Decide where all marks are commas before three digits."""
    grouped = kind == COMMA_OR_GROUP
    beside = (kind == WHOLE)[:, grouped.any(axis=0)]
    if beside.any() or delimiter == ",":
        return NumberFormat(".", ",")
    small = all(abs(int(text.strip().replace("\u2212", "-").split(",")[0])) <= LARGEST_LOG
                for text in pd.unique(cells[grouped]))  # fmt: skip
    if delimiter == ";" and small:
        return NumberFormat(",")
    if delimiter != ";" and (not small or grouped.sum() < 2):
        return NumberFormat(".", ",")
    raise InputError(
        f"{path}: {example}: every number of its column has a comma before three digits, which may be "
        "decimals or thousands; write the file with decimal points and nothing between thousands."
    )


def describe(path: Path, found: NumberFormat, example: str, notes: list[str]) -> None:
    """Note how the numbers were read, where they are not written plainly."""
    thousands = f"'{found.thousands}' between thousands" if found.thousands else ""
    decimal = "a decimal comma" if found.decimal == "," else ""
    marks = " and ".join(mark for mark in (decimal, thousands) if mark) or "blanks between thousands"
    notes.append(f"{path.name}: its numbers have {marks} ('{example}' was read as {found.plain(example)}).")


def plain_columns(
    path: Path, frame: pd.DataFrame, missing: Callable[[pd.Series], pd.Series], delimiter: str,
    notes: list[str] | None,
) -> pd.DataFrame:  # fmt: skip
    """Return a table of text with its numbers written plainly, everything else as it was.

    Only columns count in which at least half of what is there are numbers; a few cells with another decimal
    mark than the rest of their column stay text.

    Raises
    ------
    InputError
        See `decide`.
    """
    cells = frame.to_numpy(dtype=object, copy=True)
    kind = kinds(cells)
    absent = np.column_stack([missing(frame.iloc[:, i]).to_numpy() for i in range(frame.shape[1])])
    kind[absent] = TEXT
    evidence = kind.copy()
    for i in range(frame.shape[1]):
        evidence[:, i] = _evidence(kind[:, i], cells[:, i], int((~absent[:, i]).sum()), i == 0, delimiter)
    found = decide(path, evidence, cells, lambda r, c: f"row {r + 1}, column '{frame.columns[c]}'", delimiter)
    marked = np.isin(evidence, MARKED)
    if found.thousands == ".":
        marked |= evidence == POINT_OR_GROUP
    if not marked.any():
        return frame
    if notes is not None:
        describe(path, found, cells[marked][0], notes)
    cells[marked] = [found.plain(text) for text in cells[marked]]
    return pd.DataFrame(cells, index=frame.index, columns=frame.columns)


def _evidence(kind: np.ndarray, cells: np.ndarray, present: int, first: bool, delimiter: str) -> np.ndarray:
    """Return the cells of a column that count as numbers; the others as `TEXT`."""
    count = {code: int((kind == code).sum()) for code in range(11)}
    numbers = int((kind != TEXT).sum())
    commas, points = count[COMMA] + count[POINT_GROUPS], count[POINT] + count[BLANKS_POINT]
    months = all(_MONTH.fullmatch(str(text).strip()) for text in cells[kind == POINT]) if points else False
    names = first and len(set(map(str, cells))) == len(cells) and not commas
    only_blanks = count[BLANKS] == numbers
    if numbers * 2 < present or months or names or only_blanks:
        return np.full_like(kind, TEXT)
    if commas <= points and commas:  # a few odd ones stay what they are
        return np.where(np.isin(kind, (COMMA, POINT_GROUPS)), TEXT, kind)
    if delimiter == ";" and not commas and points and _identifies(cells, kind):
        return np.full_like(kind, TEXT)
    return kind


def _identifies(cells: np.ndarray, kind: np.ndarray) -> bool:
    """Return whether numbers with a point are codes: all alike in their digits, never without the point."""
    shapes = {re.sub(r"\d", "0", str(text).strip()) for text in cells[kind != TEXT]}
    return len(shapes) == 1


def to_floats(cells: np.ndarray, kind: np.ndarray, found: NumberFormat) -> np.ndarray:
    """Return cells as float64, NaN where a cell is no number of the format.

    Parameters
    ----------
    cells, kind
        Rows x columns, and what each cell is.
    found
        The format of the file.
    """
    readable = np.isin(kind, [code for code in range(11) if found.reads(code)])
    codes, distinct = pd.factorize(cells[readable], use_na_sentinel=False)
    numbers = [float(found.plain(v)) if isinstance(v, str) else float(v) for v in distinct]
    result = np.full(cells.shape, np.nan)
    result[readable] = np.array(numbers, float)[codes] if numbers else []
    return result
