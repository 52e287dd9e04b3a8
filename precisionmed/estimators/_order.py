"""The order in which named samples and genes are worked on: that of their names, not of the file.

Whatever is dealt or drawn by position (folds, halves, resamples, rotations, decoys, random genes) is dealt to
samples and genes in this order, so that the same table with its rows or columns shuffled gives the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.estimators._outcome import take

Order = NDArray[np.int64]


def name_order(names: pd.Index) -> Order | None:
    """Return the positions of the names in ascending order; None when they stand so, or are not unique.

    Numbers sort as numbers, everything else as text.
    """
    if isinstance(names, pd.MultiIndex) or not names.is_unique:
        return None
    keys = names if pd.api.types.is_numeric_dtype(names) else names.astype(str)
    if keys.is_monotonic_increasing:
        return None
    return np.argsort(keys.to_numpy(), kind="stable")


def row_order(X: Any) -> Order | None:
    """Return the order of the samples of a data frame or series by name; None for anything else."""
    return name_order(X.index) if isinstance(X, pd.DataFrame | pd.Series) else None


def column_order(X: Any) -> Order | None:
    """Return the order of the genes of a data frame by name; None for anything else."""
    return name_order(X.columns) if isinstance(X, pd.DataFrame) else None


def name_codes(values: Any) -> Order | None:
    """Return the rank of each sample's name in a data frame or series; None where positions say the same."""
    order = row_order(values)
    return None if order is None else inverse(order)


def inverse(order: Order) -> Order:
    """Return the positions that bring what was put into `order` back."""
    back = np.empty_like(order)
    back[order] = np.arange(order.size)
    return back


def rows_by_name(*, aligned: tuple[str, ...] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a `fit(self, X, y, ...)` see the samples of a data frame in the order of their names.

    Parameters
    ----------
    aligned
        Further parameters with an entry for each sample, besides `X` and `y`; a second positional one is the
        first of these.
    """

    def decorate(fit: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(fit)
        def ordered(self: Any, X: Any, y: Any = None, *positional: Any, **known: Any) -> Any:
            order = row_order(X)
            if order is None:
                return fit(self, X, y, *positional, **known)
            known |= dict(zip(aligned, positional, strict=False))
            known = {
                name: _taken(value, order) if name in aligned else value for name, value in known.items()
            }
            return fit(self, X.iloc[order], _taken(y, order), **known)

        return ordered

    return decorate


def _taken(values: Any, order: Order) -> Any:
    """Return what belongs to the samples in their new order; what has another length the fit refuses."""
    if np.ndim(values) == 0 or len(values) != order.size:
        return values
    return take(values, order)
