"""Fitted estimators as plain data: a JSON text and arrays, never pickle.

An estimator is written as its class name, constructor parameters and learned attributes (those
that end in `_`). Only classes listed in `precisionmed.estimators.__all__` can come back, so a
model file is data and cannot run code. What comes back has the form that `encode` gives it; whether its
numbers make sense is told by `precisionmed.io._declared`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from precisionmed import estimators
from precisionmed.errors import InputError, one_line
from precisionmed.io._archive import parsed

Encoded = dict[str, Any]
_DEEPEST = 40
"""Levels of a tree; the deepest model of the package has about twenty."""
_NUMERIC = "biuf"


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
    """Return what `encode` was given; estimators are equal in parameters and learned attributes.

    Raises
    ------
    InputError
        The content has another form than `encode` gives.
    """
    if not isinstance(encoded, dict) or not isinstance(encoded.get("json"), str):
        raise InputError("the model has no content; lock it anew.")
    arrays = encoded.get("arrays", {})
    if not isinstance(arrays, dict) or not all(isinstance(a, np.ndarray) for a in arrays.values()):
        raise InputError("the model's arrays are damaged; lock it anew.")
    tree = parsed(encoded["json"])
    try:
        return _from_tree(tree, arrays, 0)
    except InputError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, MemoryError) as error:
        raise InputError(f"the model holds a damaged entry ({one_line(error, 100)})") from None


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
    learned = {k: v for k, v in vars(value).items() if _is_learned(k)}
    return {
        "estimator": name,
        "params": _to_tree(value.get_params(deep=False), arrays),
        "learned": _to_tree(learned, arrays),
    }


def _is_learned(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and name.endswith("_") and not name.startswith("_")


def _from_tree(tree: Any, arrays: dict[str, np.ndarray], depth: int) -> Any:
    if depth > _DEEPEST:
        raise InputError("the model is nested too deeply")
    if tree is None or isinstance(tree, str | bool | int | float):
        if isinstance(tree, int) and abs(tree) >= 2**63:
            raise InputError("the model holds a number that is too large")
        return tree
    if not isinstance(tree, dict):
        raise InputError("the model holds a bare list")
    for kind, (keys, read) in _KINDS.items():
        if kind in tree:
            if set(tree) != {kind, *keys}:
                break
            return read(tree, arrays, depth + 1)
    raise InputError("the model holds an entry of unknown kind; it was written by another version.")


def _array_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray], depth: int) -> np.ndarray:
    name, dtype = tree["array"], np.dtype(tree["dtype"]) if isinstance(tree["dtype"], str) else None
    if dtype is None or dtype.kind not in _NUMERIC or dtype.names or dtype.itemsize > 8:
        raise InputError(f"the model holds an array of type {one_line(tree['dtype'], 40)}")
    if not isinstance(name, str) or name not in arrays:
        raise InputError(f"the model lacks its array {one_line(name, 40)}")
    found = arrays[name]
    shape = _shape(tree, found.size)
    # HDF5 gives truth values and whole numbers back as they went in; a change of kind is damage.
    if found.dtype.kind != dtype.kind:
        raise InputError(f"the model's array {name} is of type {found.dtype}, not {dtype}")
    return np.asarray(found, dtype=dtype).reshape(shape).copy()


def _shape(tree: dict[str, Any], size: int) -> tuple[int, ...]:
    shape = tree["shape"]
    if not isinstance(shape, list) or not all(type(n) is int and 0 <= n <= 2**40 for n in shape):
        raise InputError("the model holds an array without a proper shape")
    if len(shape) > 4 or math.prod(shape) != size:
        raise InputError(f"the model holds {size} values where it declares {one_line(shape, 40)}")
    return tuple(shape)


def _strings_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray], depth: int) -> np.ndarray:
    values = _listed(tree, "strings")
    if not all(v is None or isinstance(v, str | bool | int | float) for v in values):
        raise InputError("the model holds texts that are no texts")
    return np.array(values, dtype=object).reshape(_shape(tree, len(values)))


def _listed(tree: dict[str, Any], key: str) -> list[Any]:
    if not isinstance(tree[key], list):
        raise InputError(f"the model holds a {key} without its entries")
    return tree[key]


def _pairs(
    tree: dict[str, Any], key: str, arrays: dict[str, np.ndarray], depth: int
) -> list[tuple[Any, Any]]:
    """Return the (key, decoded value) pairs of an entry; no key twice."""
    pairs = _listed(tree, key)
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise InputError(f"the model holds a damaged {key}")
    keys = [pair[0] for pair in pairs]
    plain = str if key != "dict" else str | bool | int | float
    if not all(isinstance(k, plain) for k in keys) or len(set(keys)) < len(keys):
        raise InputError(f"the model holds a {key} with damaged or repeated names")
    return [(k, _from_tree(v, arrays, depth)) for k, v in pairs]


def _columns(
    tree: dict[str, Any], key: str, arrays: dict[str, np.ndarray], depth: int
) -> dict[str, np.ndarray]:
    columns = dict(_pairs(tree, key, arrays, depth))
    for name, column in columns.items():
        if not isinstance(column, np.ndarray) or column.ndim != 1:
            raise InputError(f"the model holds a table whose column '{one_line(name, 40)}' is none")
    if len({len(column) for column in columns.values()}) > 1:
        raise InputError("the model holds a table whose columns differ in length")
    return columns


def _struct_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray], depth: int) -> np.ndarray:
    return pd.DataFrame(_columns(tree, "struct", arrays, depth)).to_records(index=False).view(np.ndarray)


def _dict_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray], depth: int) -> dict[Any, Any]:
    return dict(_pairs(tree, "dict", arrays, depth))


def _list_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray], depth: int) -> list[Any]:
    return [_from_tree(v, arrays, depth) for v in _listed(tree, "list")]


def _tuple_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray], depth: int) -> tuple[Any, ...]:
    return tuple(_from_tree(v, arrays, depth) for v in _listed(tree, "tuple"))


def _index_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray], depth: int) -> pd.Index:
    return _labels(tree["index"], arrays, depth)


def _labels(tree: Any, arrays: dict[str, np.ndarray], depth: int) -> pd.Index:
    values = _from_tree(tree, arrays, depth)
    if not isinstance(values, np.ndarray) or values.ndim != 1:
        raise InputError("the model holds an index that is none")
    return pd.Index(values)


def _frame_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray], depth: int) -> pd.DataFrame:
    columns = _columns(tree, "frame", arrays, depth)
    return pd.DataFrame(columns, index=_labels(tree["rows"], arrays, depth))


def _series_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray], depth: int) -> pd.Series:
    columns = _columns(tree, "series", arrays, depth)
    if list(columns) != ["value"]:
        raise InputError("the model holds a series without its values")
    return pd.Series(columns["value"], index=_labels(tree["rows"], arrays, depth), name="value")


def _estimator_from_tree(tree: dict[str, Any], arrays: dict[str, np.ndarray], depth: int) -> BaseEstimator:
    name = tree["estimator"]
    kind: Any = getattr(estimators, name) if isinstance(name, str) and name in estimators.__all__ else None
    if not (isinstance(kind, type) and issubclass(kind, BaseEstimator)):
        raise InputError(
            f"the model needs the estimator '{one_line(name, 60)}', which this version does not have."
        )
    params = _from_tree(tree["params"], arrays, depth)
    learned = _from_tree(tree["learned"], arrays, depth)
    if not isinstance(params, dict) or not isinstance(learned, dict):
        raise InputError(f"the model's {name} has no parameters")
    known = signature(kind).parameters
    odd = [*(k for k in params if k not in known), *(k for k in learned if not _is_learned(k))]
    if odd:
        raise InputError(f"the model's {name} has '{one_line(odd[0], 60)}', which this version does not know")
    estimator = kind(**params)
    for attribute, content in learned.items():
        if isinstance(getattr(kind, attribute, None), property):
            raise InputError(f"the model's {name} sets '{one_line(attribute, 60)}', which is computed")
        setattr(estimator, attribute, content)
    return estimator


_Reader = Callable[[dict[str, Any], dict[str, np.ndarray], int], Any]
_KINDS: dict[str, tuple[tuple[str, ...], _Reader]] = {
    "array": (("shape", "dtype"), _array_from_tree),
    "strings": (("shape",), _strings_from_tree),
    "struct": ((), _struct_from_tree),
    "dict": ((), _dict_from_tree),
    "list": ((), _list_from_tree),
    "tuple": ((), _tuple_from_tree),
    "index": ((), _index_from_tree),
    "frame": (("rows",), _frame_from_tree),
    "series": (("rows",), _series_from_tree),
    "estimator": (("params", "learned"), _estimator_from_tree),
}
"""Kinds of entries: the keys beside the first, and what reads them."""
