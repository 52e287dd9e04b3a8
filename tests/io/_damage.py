"""Rightly sealed but damaged model files, and what may come of them."""

from __future__ import annotations

import contextlib
import copy
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.io._archive import opened, sealed
from precisionmed.io.model import LockedModel

STRANGE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 3, 10**12, -(10**12), 2**70, 0.5, -0.5, 1e-300, 1e300, -1e300,
    float("nan"), float("inf"), float("-inf"), "", "x", "Preprocessor", "encode", "a0", "a999", "\n" * 5,
    "é" * 300, [], {}, [0], ["x"], [[]], {"dict": []}, {"list": [1, "x"]}, {"tuple": []}, {"array": "a0"},
    {"array": "a0", "shape": [-1], "dtype": "<f8"}, {"array": "a0", "shape": [2**40], "dtype": "|O"},
    {"strings": ["x"], "shape": [1]}, {"strings": [], "shape": [0, 2**40]}, {"index": 3},
    {"estimator": "GeneFilter", "params": {"dict": []}, "learned": {"dict": []}},
    {"estimator": "encode", "params": {"dict": []}, "learned": {"dict": []}},
)  # fmt: skip


def nodes(tree: Any, path: tuple = ()) -> list[tuple]:
    """Return the places of all nodes of a JSON tree; of long lists only some entries."""
    found = [path]
    if isinstance(tree, dict):
        for key in tree:
            found += nodes(tree[key], (*path, key))
    elif isinstance(tree, list):
        for i in range(min(len(tree), 12)):
            found += nodes(tree[i], (*path, i))
    return found


def replaced(tree: Any, path: tuple, value: Any) -> Any:
    """Return a copy of the tree with another value at one place."""
    if not path:
        return value
    tree = copy.deepcopy(tree)
    place = tree
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return tree


def dropped(tree: Any, path: tuple) -> Any:
    """Return a copy of the tree without one node."""
    if not path:
        return None
    tree = copy.deepcopy(tree)
    place = tree
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return tree


def damaged_array(array: np.ndarray, how: str, rng: np.random.Generator) -> np.ndarray:
    """Return an array with another type, shape or value."""
    out = array.copy()
    at = int(rng.integers(out.size)) if out.size else 0
    if how in ("nan", "inf", "-inf", "huge", "negative"):
        value = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "huge": 1e308, "negative": -1e6}[how]
        out = out.astype(float)
        if out.size:
            out[at] = value
    elif how == "truncated":
        out = out[: at if at < out.size else 0]
    elif how == "longer":
        out = np.concatenate([out, out[:1]])
    elif how == "reversed":
        out = np.ascontiguousarray(out[::-1])
    elif how == "all_nan":
        out = np.full(out.shape, np.nan)
    elif how == "zeros":
        out = np.zeros_like(out)
    elif how == "matrix":
        out = out.reshape(1, -1)
    elif how == "text":
        out = np.full(out.shape, "x")
    else:
        out = out.astype(how)
    return out


HOW = ("nan", "inf", "-inf", "huge", "negative", "truncated", "longer", "reversed", "all_nan", "zeros",
       "matrix", "text", "float32", "int64", "int8", "bool", "complex128", "uint64")  # fmt: skip


def what_comes_of(path: Path, samples: pd.DataFrame) -> str:
    """Return `refused`, or `sane` when calls are probabilities, known words and reasons; fail otherwise."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            calls = LockedModel.load(path).predict(samples)
    except InputError as error:
        message = str(error)
        assert "\n" not in message
        assert len(message) < 600, message
        return "refused"
    for name in calls:
        if name.endswith(("_probability", "_confidence")) or "_survival_" in name:
            values = calls[name].dropna()
            assert np.isfinite(values).all(), name
            if not name.endswith("_confidence"):
                assert ((values >= 0) & (values <= 1)).all(), name
        if name.endswith("_reason"):
            task = name.removesuffix("_reason")
            answer = next((c for c in (f"{task}_probability", f"{task}_risk") if c in calls), None)
            if answer is not None:
                unknown = calls[answer].isna()
                assert (calls[name][unknown] != "").all(), name
            if f"{task}_risk" in calls:
                assert np.isfinite(calls[f"{task}_risk"].dropna()).all()
    return "sane"


class Original:
    """A model file taken apart, to be put together with damage."""

    def __init__(self, path: Path) -> None:
        self.texts, self.arrays = opened(path)
        self.trees = {name: json.loads(text) for name, text in self.texts.items()}
        self.places = {name: nodes(tree) for name, tree in self.trees.items()}

    def damaged(self, seed: int) -> bytes:
        """Return the bytes of a file with one to three damages, rightly sealed."""
        rng = np.random.default_rng(seed)
        trees, arrays = dict(self.trees), dict(self.arrays)
        for _ in range(int(rng.integers(1, 4))):
            if rng.random() < 0.35 and arrays:
                name = sorted(arrays)[int(rng.integers(len(arrays)))]
                how = HOW[int(rng.integers(len(HOW)))]
                if rng.random() < 0.1:
                    del arrays[name]
                else:
                    with np.errstate(all="ignore"), warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        with contextlib.suppress(ValueError, TypeError, OverflowError):
                            arrays[name] = damaged_array(arrays[name], how, rng)
                continue
            name = "manifest.json" if rng.random() < 0.1 else "model.json"
            places = self.places[name]
            path = places[int(rng.integers(len(places)))]
            try:
                if rng.random() < 0.2:
                    trees[name] = dropped(trees[name], path)
                else:
                    trees[name] = replaced(trees[name], path, STRANGE[int(rng.integers(len(STRANGE)))])
            except (KeyError, IndexError, TypeError):
                pass  # an earlier damage took the place away
        return sealed({name: json.dumps(tree) for name, tree in trees.items()}, arrays)
