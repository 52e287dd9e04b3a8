"""Pseudonyms for a report that is handed on: S001, S002, ... for samples, P001, ... for patients."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from anndata import AnnData

_SHORTEST, _SHORTEST_NUMBER = 4, 6
"""Characters of a name that is looked for within texts; shorter ones mean other things too."""
_LIST = re.compile(r"(?<=\()([^()]+?)(?=( \(\+\d+ more\))?\))")
_AFTER_SAMPLE = re.compile(r"(?<=sample )'?([^\s,;:()']+)'?")
_FEWEST_NAMES = 10
"""Entries of an array that are samples when all of them are called like one."""
_COLUMNS = {"sample": "S", "sample_a": "S", "sample_b": "S", "patient": "P"}


def pseudonymous(adata: AnnData) -> AnnData:
    """Return a copy in which samples and patients have pseudonyms, in every slot that a report reads.

    Names are numbered in the order of their digests, so that the order of the rows does not matter and the
    same cohort gets the same pseudonyms every time. Names below four characters, and numbers below six, are
    replaced where they can be nothing else: in the columns of samples and patients, in lists of nothing but
    names, and after the word sample. Samples that were excluded are covered, because `ingest` lists them.
    """
    new = _new_names(adata)
    result = adata.copy()
    stored = result.uns.get("precisionmed", {})
    result.obs_names = [new[str(name)] for name in result.obs_names]
    if "patient" in result.obs:
        result.obs["patient"] = [new.get(str(v), v) for v in result.obs["patient"].astype(object)]
    result.uns["precisionmed"] = _replaced(stored, new, _pattern(new))
    return result


def renamer(cohorts: Iterable[AnnData]) -> Callable[[str], str]:
    """Return what replaces names of these cohorts' samples and patients in a text, such as a config's."""
    new: dict[str, str] = {}
    for cohort in cohorts:
        new = _new_names(cohort) | new
    pattern = _pattern(new)
    return lambda text: str(_replaced(text, new, pattern))


def _new_names(adata: AnnData) -> dict[str, str]:
    names = {"S": set(map(str, adata.obs_names)), "P": set()}
    if "patient" in adata.obs:
        names["P"] |= set(adata.obs["patient"].dropna().astype(str))
    _collect(adata.uns.get("precisionmed", {}), names)
    names["P"] -= names["S"]
    return {old: f"{kind}{i:03d}" for kind in "SP" for i, old in enumerate(_ordered(names[kind]), 1)}


def _ordered(names: set[str]) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())


def _collect(content: Any, names: dict[str, set[str]]) -> None:
    if isinstance(content, dict):
        for value in content.values():
            _collect(value, names)
    elif isinstance(content, pd.DataFrame):
        for column, kind in _COLUMNS.items():
            if column in content and content[column].dtype.kind not in "iufb":
                names[kind] |= set(content[column].dropna().astype(str))


def _pattern(new: dict[str, str]) -> re.Pattern[str] | None:
    long = [name for name in new if _is_telling(name)]
    if not long:
        return None
    any_of = "|".join(re.escape(name) for name in sorted(long, key=len, reverse=True))
    return re.compile(rf"(?<![^\W_]|-)(?:{any_of})(?![^\W_]|-)")


def _is_telling(name: str) -> bool:
    return len(name) >= (_SHORTEST_NUMBER if name.replace(".", "").isdigit() else _SHORTEST)


def _list_of_names(text: str, new: dict[str, str]) -> str:
    """Replace names in a list in brackets, when all of it is names."""
    items = text.split(", ")
    return ", ".join(new[item] for item in items) if all(item in new for item in items) else text


def _replaced(content: Any, new: dict[str, str], pattern: re.Pattern[str] | None) -> Any:
    if isinstance(content, str):
        if content in new and _is_telling(content):
            return new[content]
        text = _AFTER_SAMPLE.sub(lambda m: new.get(m[1], m[0]), content)
        text = _LIST.sub(lambda m: _list_of_names(m[0], new), text)
        return text if pattern is None else pattern.sub(lambda m: new[m[0]], text)
    if isinstance(content, dict):
        return {key: _replaced(value, new, pattern) for key, value in content.items()}
    if isinstance(content, pd.DataFrame):
        return _table(content, new, pattern)
    if isinstance(content, np.ndarray) and content.dtype.kind in "OUT":
        if content.ndim == 1 and len(content) > _FEWEST_NAMES and all(str(v) in new for v in content):
            return np.array([new[str(v)] for v in content], dtype=object)  # samples in some order
        flat = [_replaced(v, new, pattern) if isinstance(v, str) else v for v in content.ravel()]
        return np.array(flat, dtype=object).reshape(content.shape)
    if isinstance(content, list | tuple):
        return type(content)(_replaced(v, new, pattern) for v in content)
    return content


def _table(table: pd.DataFrame, new: dict[str, str], pattern: re.Pattern[str] | None) -> pd.DataFrame:
    result = table.copy()
    for column in result:
        if isinstance(result[column].dtype, pd.CategoricalDtype):
            result[column] = result[column].astype(object)
        if column in _COLUMNS:
            result[column] = [new.get(str(v), v) for v in result[column]]
        elif result[column].dtype.kind == "O":
            result[column] = [
                _replaced(v, new, pattern) if isinstance(v, str) else v for v in result[column].tolist()
            ]
    result.columns = [new[str(c)] if str(c) in new and _is_telling(str(c)) else c for c in result.columns]
    # Row numbers and subtypes may look like samples with short names: those are left where they are.
    if len(result) and all(str(v) in new and _is_telling(str(v)) for v in result.index):
        result.index = pd.Index([new[str(v)] for v in result.index], name=result.index.name)
    return result
