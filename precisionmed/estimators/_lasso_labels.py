"""Outcomes other than survival as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from precisionmed.errors import InputError


def class_codes(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes, sorted, and the position of every sample's class among them.

    Raises
    ------
    InputError
        `y` is no column of labels, a label is missing, or there is only one class.
    """
    labels = _column(y)
    if pd.isna(labels).any():
        raise InputError("y has missing labels; leave these samples out first.")
    try:
        check_classification_targets(labels)
    except ValueError as error:
        raise InputError(str(error)) from None
    classes, codes = np.unique(labels, return_inverse=True)
    if classes.size < 2:
        raise InputError(f"y has one class only ({classes[0]}); two or more must be present.")
    return classes, codes


def real_values(y: Any) -> np.ndarray:
    """Return an outcome as numbers, (n,).

    Raises
    ------
    InputError
        `y` is no column of numbers, or has missing or infinite values.
    """
    column = _column(y)
    if column.dtype.kind == "c":
        raise InputError("Complex data not supported: y must be real numbers.")
    try:
        values = np.asarray(column, float)
    except (TypeError, ValueError):
        raise InputError("y has values that are no numbers; remove or recode them.") from None
    if not np.isfinite(values).all():
        raise InputError("y has missing (NaN) or infinite values; leave these samples out first.")
    return values


def _column(y: Any) -> np.ndarray:
    if y is None:
        raise InputError("the model requires y to be passed, but the target y is None.")
    try:
        return column_or_1d(y, warn=True)
    except ValueError as error:
        raise InputError(f"y must be one column: {error}") from None
