"""Fitted estimators as plain data: a JSON text and arrays, never pickle.

An estimator is written as its class name, constructor parameters and learned attributes (those
that end in `_`). Only classes listed in `precisionmed.estimators.__all__` can come back, so a
model file is data and cannot run code.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from precisionmed import estimators
from precisionmed.errors import InputError

Encoded = dict[str, Any]


def encode(value: Any) -> Encoded:
    """Encode fitted estimators, and containers of them, as plain data.

    Parameters
    ----------
    value
        An estimator of this package, or nested dictionaries and lists of estimators, arrays,
        data frames, strings, numbers, booleans and None.

    Returns
    -------
    dict
        `{"json": str, "arrays": {name: ndarray}}`; survives `write_h5ad` and the locked model file.

    Raises
    ------
    TypeError
        If a value is of a type that cannot be locked.
    """
    arrays: dict[str, np.ndarray] = {}
    tree = _to_tree(value, arrays)
    return {"json": json.dumps(tree, sort_keys=True, allow_nan=True), "arrays": arrays}


def decode(encoded: Encoded) -> Any:
    """Return what `encode` was given; estimators are equal in parameters and learned attributes."""
    return _from_tree(json.loads(encoded["json"]), encoded.get("arrays", {}))


def _to_tree(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return value.item()
    if isinstance(value, int | float):
        return value
    if isinstance(value, np.random.Generator):
        return None  # a generator is used up by fitting; the fitted attributes are what counts
    if isinstance(value, np.ndarray):
        return _array_to_tree(value, arrays)
    if isinstance(value, pd.DataFrame | pd.Series | pd.Index):
        return _pandas_to_tree(value, arrays)
    if isinstance(value, dict):
        return {"dict": [[_to_tree(k, arrays), _to_tree(v, arrays)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        return {"tuple" if isinstance(value, tuple) else "list": [_to_tree(v, arrays) for v in value]}
    if isinstance(value, BaseEstimator):
        return _estimator_to_tree(value, arrays)
    raise TypeError(f"cannot lock a value of type {type(value).__name__}")


def _array_to_tree(value: np.ndarray, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    if value.dtype.names:
        return {"struct": [[name, _to_tree(value[name], arrays)] for name in value.dtype.names]}
    if value.dtype.kind in "OUST":
        return {"strings": [_to_tree(v, arrays) for v in value.ravel().tolist()], "shape": list(value.shape)}
    name = f"a{len(arrays)}"
    # HDF5 scalars and empty arrays come back changed; shape and dtype are kept in the JSON text.
    arrays[name] = np.ascontiguousarray(value).reshape(-1)
    return {"array": name, "shape": list(value.shape), "dtype": value.dtype.str}


def _pandas_to_tree(
    value: pd.DataFrame | pd.Series | pd.Index, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    if isinstance(value, pd.Index):
        return {"index": _to_tree(value.to_numpy(), arrays)}
    frame = value.to_frame("value") if isinstance(value, pd.Series) else value
    return {
        "series" if isinstance(value, pd.Series) else "frame": [
            [str(column), _to_tree(frame[column].to_numpy(), arrays)] for column in frame.columns
        ],
        "rows": _to_tree(frame.index.to_numpy(), arrays),
    }


def _estimator_to_tree(value: BaseEstimator, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    name = type(value).__name__
    if name not in estimators.__all__:
        raise TypeError(f"cannot lock an estimator of class {name}: it is not one of precisionmed.estimators")
    learned = {k: v for k, v in vars(value).items() if k.endswith("_") and not k.startswith("_")}
    return {
        "estimator": name,
        "params": _to_tree(value.get_params(deep=False), arrays),
        "learned": _to_tree(learned, arrays),
    }


def _from_tree(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        flat = np.asarray(arrays[tree["array"]], dtype=np.dtype(tree["dtype"]))
        return flat.reshape(tree["shape"]).copy()
    if "strings" in tree:
        return np.array([_from_tree(v, arrays) for v in tree["strings"]], dtype=object).reshape(tree["shape"])
    if "struct" in tree:
        columns = {name: _from_tree(v, arrays) for name, v in tree["struct"]}
        return pd.DataFrame(columns).to_records(index=False).view(np.ndarray)
    if "dict" in tree:
        return {_from_tree(k, arrays): _from_tree(v, arrays) for k, v in tree["dict"]}
    if "list" in tree:
        return [_from_tree(v, arrays) for v in tree["list"]]
    if "tuple" in tree:
        return tuple(_from_tree(v, arrays) for v in tree["tuple"])
    if "index" in tree:
        return pd.Index(_from_tree(tree["index"], arrays))
    if "frame" in tree or "series" in tree:
        return _pandas_from_tree(tree, arrays)
    if "estimator" in tree:
        return _estimator_from_tree(tree, arrays)
    raise InputError("the model holds an entry of unknown kind; it was written by another version.")


def _pandas_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray]) -> pd.DataFrame | pd.Series:
    rows = pd.Index(_from_tree(tree["rows"], arrays))
    kind = "series" if "series" in tree else "frame"
    frame = pd.DataFrame({name: _from_tree(v, arrays) for name, v in tree[kind]}, index=rows)
    return frame["value"] if kind == "series" else frame


def _estimator_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray]) -> BaseEstimator:
    name = tree["estimator"]
    if name not in estimators.__all__:
        raise InputError(f"the model needs the estimator '{name}', which this version does not have.")
    estimator = getattr(estimators, name)(**_from_tree(tree["params"], arrays))
    for attribute, learned in _from_tree(tree["learned"], arrays).items():
        setattr(estimator, attribute, learned)
    return estimator
