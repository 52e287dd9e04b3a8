"""Check what comes one value a sample or one a call: numbers, 0/1 labels, group labels, levels."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from precisionmed.errors import InputError, first_few

LOST = ("nan", "<NA>", "NaT")
"""What a missing label is called once it has been turned into text."""


def numbers(values: ArrayLike, what: str, n: int | None = None) -> np.ndarray:
    """Return finite numbers (n_samples,) as float.

    A column (n_samples, 1) is taken as what it holds.

    Raises
    ------
    InputError
        Not one column of `n` numbers, no sample at all, or a value is missing or infinite.
    """
    column = _column(values, what, n)
    if column.dtype.kind not in "iuf":
        column = _from_objects(column, values, what)
    numeric = column.astype(float)
    missing = np.isnan(numeric)
    if missing.any():
        raise InputError(f"{what} is missing in {which(values, missing)}; leave them out first.")
    if np.isinf(numeric).any():
        raise InputError(f"{what} is infinite in {which(values, np.isinf(numeric))}; leave them out first.")
    return numeric


def zero_one(values: ArrayLike, what: str, n: int | None = None) -> np.ndarray:
    """Return a label of 0 and 1 (or False and True) as bool (n_samples,).

    Raises
    ------
    InputError
        Not one column of `n` values, no sample at all, a value is missing, or is neither 0 nor 1.
    """
    column = _column(values, what, n)
    if column.dtype == bool:
        return column
    missing = np.asarray(pd.isna(column))
    if missing.any():
        raise InputError(f"{what} is missing in {which(values, missing)}; leave them out first.")
    right = np.array([isinstance(value, Real | np.bool_) and value in (0, 1) for value in pd.unique(column)])
    if not right.all():
        found = [_plain(value) for value in _sorted(list(pd.unique(column)))]
        raise InputError(
            f"{what} must be 0 or 1 (or bool), found {first_few(repr(value) for value in found)}; "
            f"recode it, e.g. {what} = (column == {found[-1]!r})."
        )
    return column.astype(bool)


def group_codes(groups: ArrayLike, what: str, n: int | None = None) -> tuple[pd.Index, np.ndarray]:
    """Return the sorted names of groups, with the type they have, and the position of each sample's, (n,).

    Raises
    ------
    InputError
        Not one column of `n` labels, no sample at all, or a label is missing.
    """
    column = _column(groups, what, n)
    codes, names = pd.factorize(column)
    lost = (codes < 0) | np.isin(codes, [k for k, name in enumerate(names) if name in LOST])
    if lost.any():
        raise InputError(f"{what}: no label for {which(groups, lost)}; leave them out first.")
    ordered = pd.Index(_sorted(list(names)))
    return ordered, np.asarray(ordered.get_indexer(names))[codes]


def same_labels(a: ArrayLike, b: ArrayLike, first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
    """Return two ratings of the same samples as arrays whose equal labels are equal.

    1, 1.0 and True are one label. Text is no number: "1" and 1 are refused.

    Raises
    ------
    InputError
        Not one column each, a label is missing, or one side is text and the other numbers.
    """
    columns = []
    for values, what in ((a, first), (b, second)):
        names, codes = group_codes(values, what)
        kinds = {isinstance(name, str) for name in names}
        if len(kinds) > 1:
            raise InputError(f"{what} has both text and numbers among its labels; make them all text.")
        columns.append((names.to_numpy()[codes], kinds.pop(), names))
    (one, text, names), (other, also_text, other_names) = columns
    if text != also_text:
        raise InputError(
            f"{first} has the labels {first_few(repr(_plain(name)) for name in names)}, {second} "
            f"{first_few(repr(_plain(name)) for name in other_names)}: text and numbers; make both the same."
        )
    return (one, other) if text else (one.astype(float), other.astype(float))


def checked_level(level: float) -> float:
    """Return the level of an interval if it is one, such as 0.95."""
    if not isinstance(level, Real) or not 0 < level < 1:
        hint = (
            f"; write {level / 100:g} for {level:g}%" if isinstance(level, Real) and 1 <= level < 100 else ""
        )
        raise InputError(f"level must be between 0 and 1, found {_short(level)}{hint}.")
    return float(level)


def checked_count(count: int, what: str, least: int = 1) -> int:
    """Return a number of things (bootstrap samples, folds) if it is a whole one from `least` up."""
    if not isinstance(count, Integral) or isinstance(count, bool) or count < least:
        raise InputError(f"{what} must be a whole number from {least} up, found {_short(count)}.")
    return int(count)


def weights(values: ArrayLike, what: str, n: int) -> np.ndarray:
    """Return weights (n,): numbers from 0 up, not all of them 0.

    Raises
    ------
    InputError
        They are not, or there is another number of them.
    """
    column = _column(values, what, n)
    weight = column.astype(float) if column.dtype == bool else numbers(values, what, n)
    if (weight < 0).any() or not weight.any():
        raise InputError(f"{what} needs {n} numbers from 0 up, not all of them zero.")
    return weight


def which(values: Any, rows: np.ndarray) -> str:
    """Name the samples of a message: by the index of a pandas object, else by their rows."""
    found = np.flatnonzero(rows)
    index = getattr(values, "index", None)
    if isinstance(index, pd.Index):
        return f"{found.size} of {rows.size} samples ({first_few(str(index[int(row)]) for row in found)})"
    return f"{found.size} of {rows.size} samples (rows {first_few(str(row) for row in found)})"


def _column(values: ArrayLike, what: str, n: int | None) -> np.ndarray:
    """Return values as an array (n,) of the type they have, missing ones as NaN."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(object), np.nan)
    column = np.asarray(values, dtype=object if isinstance(values, list | tuple) else None)
    if isinstance(values, list | tuple) and column.ndim == 1:
        column = _narrowed(column)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        raise InputError(f"{what} must have one value a sample, found an array of shape {column.shape}.")
    if column.size == 0:
        raise InputError(f"{what} has no values: there are no samples.")
    if n is not None and column.size != n:
        raise InputError(f"{what} has {column.size} values for {n} samples; give one a sample.")
    return column


def _narrowed(column: np.ndarray) -> np.ndarray:
    """Return objects as numbers where all of them are numbers of one kind; a mixture stays what it is."""
    kinds = {type(value) for value in column}
    return np.array(column.tolist()) if len(kinds) == 1 and kinds <= {bool, int, float} else column


def _from_objects(column: np.ndarray, values: Any, what: str) -> np.ndarray:
    """Return objects as floats when every one is a number or missing."""
    if column.dtype.kind == "O":
        missing = np.asarray(pd.isna(column))
        wrong = [v for v in column[~missing] if not isinstance(v, Real) or isinstance(v, bool | np.bool_)]
        if not wrong:
            return np.where(missing, np.nan, column).astype(float)
    else:
        wrong = column[:1].tolist() if column.size else []
    raise InputError(f"{what} must be numbers, found {_plain(wrong[0])!r} ({type(wrong[0]).__name__}).")


def _sorted(values: list[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:  # of several types
        return sorted(values, key=lambda value: (str(type(value)), str(value)))


def _short(value: Any) -> str:
    """Return a value as text of one line."""
    return " ".join(repr(value).split())


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
