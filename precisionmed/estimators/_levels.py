"""Levels of categories as text: 1, 1.0 and "1.0" are one level, and True is the 1 of a column of 0 and 1."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from numbers import Integral, Real

import numpy as np
import pandas as pd

_TRUTH = {"true": "1", "false": "0"}


def level_words(column: pd.Series, missing: str) -> pd.Series:
    """Return values as text, whole numbers without a point, and `missing` for those that are missing."""
    words = {value: _word(value) for value in column.dropna().unique()}
    return column.astype(object).map(words).where(column.notna(), missing).astype(str)


def known_level(word: str, levels: Iterable[str]) -> str | None:
    """Return the level that a text means: the same one, or the same but for case, blanks or truth as 0/1."""
    listed = list(levels)
    return word if word in listed else {_key(level): level for level in listed}.get(_key(word))


def to_known(words: pd.Series, levels: Mapping[str, str], rest: str) -> pd.Series:
    """Map texts by a table of levels, those that it does not have to `rest`."""
    found = {word: known_level(word, levels) for word in words.unique()}
    return words.map({word: rest if level is None else levels[level] for word, level in found.items()})


def _word(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return str(int(float(value))) if float(value).is_integer() else repr(float(value))
    text = str(value).strip()
    whole = re.fullmatch(r"([+-]?\d+)\.0*", text)
    return whole[1] if whole else text


def _key(word: str) -> str:
    text = word.strip().casefold()
    return _TRUTH.get(text, text)
