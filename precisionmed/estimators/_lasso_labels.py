"""Outcomes other than survival as numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from precisionmed.errors import InputError, first_few
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._vectors import LOST, weights, which


class LabelScore:
    """How many samples a classifier calls what they are."""

    predict: Callable[..., np.ndarray]

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the fraction of samples whose predicted class is the true one; no call counts as wrong."""
        X, y, sample_weight = aligned(X=X, y=y, sample_weight=sample_weight)
        classes, codes = known_labels(y)
        # Compared one by one: a class may be a number, and "cannot call" is text.
        right = np.array([bool(a == b) for a, b in zip(self.predict(X), classes[codes], strict=True)])
        weight = None if sample_weight is None else weights(sample_weight, "sample_weight", right.size)
        return float(np.average(right, weights=weight))


def class_codes(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes, sorted and of the type they have, and the position of every sample's among them.

    Raises
    ------
    InputError
        `y` is no column of labels, a label is missing, labels are of several types, or there is only one
        class.
    """
    classes, codes = known_labels(y)
    if classes.size < 2:
        raise InputError(f"y has one class only ({classes[0]}); two or more must be present.")
    return classes, codes


def known_labels(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Do as `class_codes`, for one class as well."""
    labels = _column(y)
    missing = pd.isna(labels) | np.isin(labels.astype(str), LOST)
    if missing.any():
        raise InputError(f"y has missing labels: {which(y, missing)}; leave these samples out first.")
    if labels.dtype == object:
        kinds = {bool: bool, np.bool_: bool, str: str, np.str_: str}
        found = {kinds.get(type(label), float) for label in labels}
        if len(found) > 1:
            names = first_few(repr(label) for label in pd.unique(labels))
            raise InputError(f"y has labels of several types ({names}); make them all text, or all numbers.")
        labels = np.array(labels.tolist())
    try:
        check_classification_targets(labels)
    except ValueError as error:
        raise InputError(str(error)) from None
    return np.unique(labels, return_inverse=True)


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
    missing = np.asarray(pd.isna(column))
    if missing.any():
        raise InputError(f"y has missing values (NaN): {which(y, missing)}; leave these samples out first.")
    try:
        if column.dtype.kind in "mM":
            raise TypeError
        values = np.asarray(column, float)
    except (TypeError, ValueError):
        raise InputError("y has values that are no numbers; remove or recode them.") from None
    if not np.isfinite(values).all():
        raise InputError("y has infinite values (inf); leave these samples out first.")
    return values


def _column(y: Any) -> np.ndarray:
    if y is None:
        raise InputError("the model requires y to be passed, but the target y is None.")
    try:
        return column_or_1d(y, warn=True)
    except ValueError as error:
        raise InputError(f"y must be one column: {error}") from None
