"""Several clinical tables of one cohort to one: patients and their samples, joined by a shared column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from precisionmed.errors import InputError, first_few, nearest
from precisionmed.io._samples import name_key
from precisionmed.io._values import value_key
from precisionmed.io.tables import is_missing, read_text_table

_SHARED = 0.5
"""Least share of the names in one table, the one with fewer, that the other one has as well."""
_OTHER = "\0"
"""Behind a column of the other table (no name in a text table has it)."""


def read_clinical(paths: Sequence[Path], join_column: str | None, notes: list[str]) -> pd.DataFrame:
    """Read the clinical tables of a cohort as text and join them.

    A row of one table may belong to several rows of another (a patient's row to each sample); a column that
    several tables have must say the same in all of them.

    Parameters
    ----------
    paths
        The tables.
    join_column
        The column with the patient (or sample) in each; found by itself when None.
    notes
        Where warnings are kept for the report.

    Raises
    ------
    InputError
        A table cannot be read, no column joins them or several could, or the tables contradict each other.
    """
    table = read_text_table(paths[0], "clinical table", notes)
    for path in paths[1:]:
        other = read_text_table(path, "clinical table", notes)
        table = _join(table, other, (paths[0].name, path.name), join_column, notes)
    again = table.duplicated()
    if again.any():
        names = " and ".join(path.name for path in paths)
        notes.append(f"{names}: {int(again.sum())} rows that repeat another one were left out.")
    return table[~again].reset_index(drop=True)


def clinical_label(paths: Sequence[Path]) -> str:
    """Return the name of the clinical tables for messages."""
    return " and ".join(str(path) for path in paths)


def _join(
    first: pd.DataFrame, other: pd.DataFrame, names: tuple[str, str], column: str | None, notes: list[str]
) -> pd.DataFrame:
    here, there = _join_columns(first, other, names, column)
    if here != there:
        notes.append(f"{names[1]}: its column '{there}' is the column '{here}' of {names[0]}.")
        other = other.rename(columns={there: here})
    if _keys(first[here]).duplicated().any():
        many, one, order = first, other, names
    else:
        many, one, order = other, first, (names[1], names[0])
    many, one = many.assign(_key=_keys(many[here])), one.assign(_key=_keys(one[here])).dropna(subset="_key")
    joined = many.merge(one, on="_key", how="outer", suffixes=("", _OTHER))
    for name in [name for name in one.columns if name in many.columns and name != "_key"]:
        joined[name] = _agreed(joined, name, here, order)
    joined = joined.drop(columns=["_key", *(c for c in joined.columns if c.endswith(_OTHER))]).fillna("")
    columns = [*first.columns, *(c for c in other.columns if c not in first.columns)]
    only = len(set(one["_key"]) - set(many["_key"]))
    said = f", {only} rows of {order[1]} belong to none of {order[0]}" if only else ""
    notes.append(f"{names[0]} and {names[1]} were joined by column '{here}'{said}.")
    return joined[columns]


def _keys(column: pd.Series) -> pd.Series:
    """Return what is compared of names, missing ones as None."""
    return column.map(name_key).astype(object).where(~is_missing(column), None)


def _join_columns(
    first: pd.DataFrame, other: pd.DataFrame, names: tuple[str, str], column: str | None
) -> tuple[str, str]:
    """Return the columns by which two tables are joined, unique in one of them at least."""
    if column is not None:
        for table, name in ((first, names[0]), (other, names[1])):
            if column not in table.columns:
                raise InputError(
                    f"{name}: has no column '{column}' (cohort.join_column).{nearest(column, table.columns)}"
                )
        if not _unique(first[column]) and not _unique(other[column]):
            twice = first[column][_keys(first[column]).duplicated()].iloc[0]
            raise InputError(
                f"{names[0]} and {names[1]}: '{twice}' occurs more than once in column '{column}' of both; "
                "one of the tables needs one row for each."
            )
        if not _overlap(first[column], other[column]):
            raise InputError(f"{names[1]}: no value of its column '{column}' is in that of {names[0]}.")
        return column, column
    pairs = [(c, c) for c in first.columns if c in other.columns and _joins(first[c], other[c])]
    if not pairs:  # the same names under another heading
        pairs = [(a, b) for a in first.columns for b in other.columns if _joins(first[a], other[b])]
        pairs = [(a, b) for a, b in pairs if not _numeric(first[a])]
    if len(pairs) > 1:  # a sample is named by its own column, not by its patient's
        both = [(a, b) for a, b in pairs if _unique(first[a]) and _unique(other[b])]
        pairs = both or pairs
        most = max(_overlap(first[a], other[b]) for a, b in pairs)
        pairs = [(a, b) for a, b in pairs if _overlap(first[a], other[b]) == most]
    if not pairs:
        raise InputError(
            f"{names[0]} and {names[1]}: no column that they share names the patients or samples of both; "
            "give both such a column of one name and set cohort.join_column, or join them yourself."
        )
    if len({_rows(first[a], other[b]) for a, b in pairs}) > 1:
        listed = first_few(a if a == b else f"{a} = {b}" for a, b in pairs)
        raise InputError(
            f"{names[0]} and {names[1]}: could be joined by several columns ({listed}); set "
            "cohort.join_column."
        )
    return pairs[0]


def _unique(column: pd.Series) -> bool:
    return not _keys(column).dropna().duplicated().any()


def _numeric(column: pd.Series) -> bool:
    return bool(_keys(column).dropna().str.fullmatch(r"[\d.e+-]+").mean() > 0.5)


def _overlap(a: pd.Series, b: pd.Series) -> float:
    """Return the share of different values that both columns have, of those in the column with fewer."""
    here, there = set(_keys(a).dropna()), set(_keys(b).dropna())
    fewer = min(len(here), len(there))
    return len(here & there) / fewer if fewer else 0.0


def _joins(a: pd.Series, b: pd.Series) -> bool:
    return (_unique(a) or _unique(b)) and _overlap(a, b) >= _SHARED


def _rows(a: pd.Series, b: pd.Series) -> frozenset[tuple[int, int]]:
    """Return which rows of two tables belong together."""
    left = pd.DataFrame({"key": _keys(a), "a": range(len(a))}).dropna(subset="key")
    right = pd.DataFrame({"key": _keys(b), "b": range(len(b))}).dropna(subset="key")
    merged = left.merge(right, on="key")
    return frozenset(zip(merged["a"], merged["b"], strict=True))


def _agreed(joined: pd.DataFrame, name: str, key: str, names: tuple[str, str]) -> pd.Series:
    """Return a column that both tables have: one fills the gaps of the other, and they agree elsewhere."""
    here, there = joined[name], joined[name + _OTHER]
    known_here, known_there = ~is_missing(here), ~is_missing(there)
    differ = known_here & known_there & (here.map(value_key) != there.map(value_key))
    if differ.any() and name != key:
        who, one, other = joined.loc[differ, [key, name, name + _OTHER]].iloc[0]
        raise InputError(
            f"{names[0]} and {names[1]}: column '{name}' says {one!r} and {other!r} of '{who}' "
            f"({int(differ.sum())} such rows); remove or rename the column in one of them."
        )
    return here.where(known_here, there)
