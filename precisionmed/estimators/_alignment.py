"""Whose row is whose: what is known of the same samples has one length and one order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few


def aligned(**given: Any) -> tuple[Any, ...]:
    """Return what is given, row i of everything belonging to the same sample.

    Data frames and series go by their index: the first of them sets the order, and the others are brought
    into it. What has no index goes by position.

    Parameters
    ----------
    **given : array, DataFrame, Series or None
        Values with one row a sample, by the name that a message gives them; None stays None.

    Returns
    -------
    tuple
        In the order given.

    Raises
    ------
    InputError
        The numbers of rows differ, or two indices do not hold the same samples.

    Examples
    --------
    >>> X = pd.DataFrame({"ESR1": [1.0, 2.0]}, index=["P1", "P2"])
    >>> aligned(X=X, y=pd.Series([1, 0], index=["P2", "P1"]))[1].to_list()
    [0, 1]
    """
    present = {name: values for name, values in given.items() if values is not None}
    sizes = {name: _n_rows(name, values) for name, values in present.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(_lengths(present, sizes))
    labelled = {name: v for name, v in present.items() if isinstance(v, pd.DataFrame | pd.Series)}
    if len(labelled) < 2:
        return tuple(given.values())
    first = next(iter(labelled))
    order = labelled[first].index
    return tuple(
        _in_order(name, values, first, order) if name in labelled else values
        for name, values in given.items()
    )


def labels_of_rows(*given: Any) -> pd.Index | None:
    """Return the index of the first data frame or series; None without any."""
    return next((values.index for values in given if isinstance(values, pd.DataFrame | pd.Series)), None)


def _n_rows(name: str, values: Any) -> int:
    shape = getattr(values, "shape", None)
    if shape is None:
        shape = (len(values),) if hasattr(values, "__len__") else np.asarray(values).shape
    if len(shape) == 0 or isinstance(values, str):
        raise InputError(f"{name} is a single value; give one for each sample.")
    return int(shape[0])


def _in_order(name: str, values: Any, first: str, order: pd.Index) -> Any:
    index = values.index
    if index.equals(order):
        return values
    for where, names in ((first, order), (name, index)):
        twice = names.duplicated()
        if twice.any():
            raise InputError(
                f"{first} and {name} cannot be matched by their index: {first_few(names[twice].unique(), 3)} "
                f"stands more than once in the index of {where}; make it unique."
            )
    # A slice of an index with duplicates remembers that it had some: `take` starts afresh.
    position = index.take(np.arange(len(index))).get_indexer(order)
    if (position < 0).any():
        alone = _alone(first, order, name, index)
        raise InputError(
            f"{first} and {name} have different samples in their index ({alone}); give both the same index, "
            "or arrays if rows go by position."
        )
    return values.iloc[position]


def _alone(first: str, order: pd.Index, name: str, index: pd.Index) -> str:
    """Name the samples that only one of two indices has."""
    pairs = ((first, order[~order.isin(index)]), (name, index[~index.isin(order)]))
    return "; ".join(f"only {where} has {first_few(rows, 3)}" for where, rows in pairs if len(rows))


def _lengths(present: dict[str, Any], sizes: dict[str, int]) -> str:
    first, n = next(iter(sizes.items()))
    other = next(name for name, size in sizes.items() if size != n)
    message = f"{first} has {n} samples, but {other} has {sizes[other]}; give one row a sample in both"
    if not all(isinstance(present[name], pd.DataFrame | pd.Series) for name in (first, other)):
        return message + "."
    alone = _alone(first, present[first].index, other, present[other].index)
    return f"{message}{' (' + alone + ')' if alone else ''}."
