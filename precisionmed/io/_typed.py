"""Clinical columns as numbers, ordered levels or categories; impossible values and stray texts are told."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, warn
from precisionmed.io._numbers import read_numbers
from precisionmed.io._ordered import ordered_levels
from precisionmed.io._values import to_categories

_ODD = 0.2
"""Largest share of texts among the numbers of a column without a role that count as missing."""

_RANGES: tuple[tuple[str, float, float], ...] = (
    (r"\bage\b(?! (group|class|cat))", 0, 120),
    (r"%|\bpercent|\bpct\b", 0, 100),
    (r"\bsize\b|\bdiameter\b|\bnodes?\b|\bweight\b|\bheight\b|\bbmi\b|\bki 67\b|\bki67\b", 0, np.inf),
)
"""Words in the name of a column, and what its values can be."""
_FEWEST_NAMES, _NAMES = 12, 0.5
"""A covariate with more different texts than both, the second as a share of the samples, is none."""
_NO_AMOUNT = r"change|delta|log|score|\bz\b|ratio|\bdiff"


def typed(
    recorded: pd.Series, key: str, file: str, notes: list[str], levels: Sequence[str] | None = None
) -> pd.Series:
    """Return a clinical column as ordered categories, floats, or categories when it is none of numbers.

    Parameters
    ----------
    recorded
        Text values.
    key
        Config key of the role that the column has, empty when it has none.
    file
        Clinical table, for messages.
    notes
        Where is kept what was read by a rule, or not read.
    levels
        Its levels, lowest first, when `cohort.roles.ordered` states them.

    Raises
    ------
    InputError
        The column has a role, and texts among its numbers or values that cannot be.
    """
    name = str(recorded.name)
    ordered = ordered_levels(recorded, levels, key, file, notes)
    if ordered is not None:
        return ordered
    found = read_numbers(recorded)
    place = f"column '{name}'"
    if not found.mostly and (len(found.odd) or found.numbers.isna().all()):
        return _categories(recorded, key, file, notes)
    if len(found.odd):
        n, which = len(found.odd), first_few(map(repr, found.odd.unique()), 3)
        if key:
            raise InputError(
                f"{file}: {place} ({key}): {n} samples have texts among its numbers ({which}; first: sample "
                f"'{found.odd.index[0]}'); correct or blank them, with cohort.values.{name} if you like."
            )
        if n > _ODD * int(recorded.notna().sum()):
            notes.append(f"{place}: texts among numbers ({which}): taken as categories.")
            return _categories(recorded, key, file, notes)
        warn(f"{place}: {n} texts among its numbers count as missing ({which}).", notes)
    notes += [f"{place}: read {rule}." for rule in found.rules]
    _check_possible(found.numbers, key, file, notes)
    return found.numbers


def _check_possible(values: pd.Series, key: str, file: str, notes: list[str]) -> None:
    """Refuse (or, of a column without a role, tell) an age of 570, a negative size and the like."""
    name = str(values.name)
    words = " ".join(re.findall(r"[a-z]+|[0-9]+|%", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))
    if re.search(_NO_AMOUNT, words):
        return
    for pattern, low, high in _RANGES:
        if not re.search(pattern, words):
            continue
        if "age" in pattern and values.median() > high:  # in days, as the Genomic Data Commons has it
            high *= 366
        wrong = values[(values < low) | (values > high)]
        if wrong.empty:
            return
        message = (
            f"{file}: column '{name}'{f' ({key})' if key else ''}: {len(wrong)} samples have a value that "
            f"cannot be (sample '{wrong.index[0]}': {wrong.iloc[0]:g}); correct it, or blank it "
            "with cohort.values."
        )
        if key:
            raise InputError(message)
        warn(message, notes)
        return


def _categories(recorded: pd.Series, key: str, file: str, notes: list[str]) -> pd.Series:
    """Return categories; a covariate with a value of its own in most samples is none."""
    result = to_categories(recorded, notes)
    n, present = len(result.cat.categories), int(result.notna().sum())
    if key.endswith("covariates") and n > _FEWEST_NAMES and n > _NAMES * present:
        raise InputError(
            f"{file}: column '{recorded.name}' ({key}) has {n} different texts in {present} samples "
            f"({first_few(map(repr, result.cat.categories), 3)}), too many to compare; remove it from the "
            "covariates, or group its values with cohort.values."
        )
    return result
