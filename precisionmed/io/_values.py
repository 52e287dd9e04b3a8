"""Clinical values as people write them: without regard to case, `1` equal to `1.0`, missing in many words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, nearest, warn
from precisionmed.io._numbers import read_numbers
from precisionmed.io.tables import is_missing


def clinical_column(clinical: pd.DataFrame, name: str, key: str, file: str) -> pd.Series:
    """Return a clinical column.

    Raises
    ------
    InputError
        There is none of this name; the message offers the nearest ones.
    """
    if name not in clinical.columns:
        raise InputError(f"{file}: has no column '{name}' ({key}).{nearest(name, clinical.columns)}")
    return clinical[name]


def equals_any(values: pd.Series, listed: Iterable[str]) -> np.ndarray:
    """Return which text values are listed; case, outer blanks and `1` against `1.0` make no difference."""
    wanted = {value_key(value) for value in listed}
    found = {value: value_key(value) in wanted for value in values.dropna().unique()}
    return values.map(found).fillna(False).to_numpy(bool)


def value_key(value: object) -> str | float:
    """Return what is compared of a value: its number, or its text without case and outer blanks."""
    text = str(value).strip().casefold()
    try:
        number = float(text)
    except ValueError:
        return text
    return number if np.isfinite(number) else text


def to_labels(
    values: pd.Series,
    labels: Mapping[str, Sequence[str]],
    key: str,
    file: str,
    fix: str = "",
    missing: Sequence[str] = (),
) -> pd.Series:
    """Return categories from recorded values.

    Parameters
    ----------
    values
        Text values.
    labels
        Label -> values that mean it.
    key
        Config key, for messages.
    file
        Clinical table, for messages.
    fix
        What to do about a value that is not listed, when it is not adding it to the labels of `key`.
    missing
        Values that say nothing.

    Raises
    ------
    InputError
        A value is neither listed nor missing, or listed for two labels.
    """
    result: pd.Series = pd.Series(np.nan, index=values.index, dtype=object)
    nothing = equals_any(values, missing)
    for label, listed in labels.items():
        chosen = equals_any(values, listed)
        if (chosen & nothing).any():
            raise InputError(
                f"{file}: column '{values.name}': {values[chosen & nothing].iloc[0]!r} is listed both for "
                f"{key}.{label} and {key}.missing_values; list it once."
            )
        twice = chosen & result.notna().to_numpy()
        if twice.any():
            other = result[twice].iloc[0]
            raise InputError(
                f"{file}: column '{values.name}': {values[twice].iloc[0]!r} is listed both for "
                f"{key}.{other} and "
                f"{key}.{label}; list it once."
            )
        result = result.mask(chosen, pd.Series(label, index=values.index))
    unknown = result.isna() & ~is_missing(values) & ~nothing
    if unknown.any():
        which, lists = values[unknown], first_few([*labels, "missing_values"])
        raise InputError(
            f"{file}: column '{values.name}': {int(unknown.sum())} samples have the value "
            f"{first_few(map(repr, which.unique()), 3)} (first: sample '{which.index[0]}'), which {key} "
            "does not list; "
            f"{fix or f'add it to one of its lists ({lists})'}, or blank it with cohort.values."
        )
    present = [label for label in labels if (result == label).any()]
    return result.astype(pd.CategoricalDtype(present))


def to_numbers(
    values: pd.Series, key: str, file: str, fix: str, notes: list[str], unit: str = ""
) -> pd.Series:
    """Return finite numbers, NaN where missing.

    A text that is no number, a bound, and cells with another unit than the stated one are an `InputError`.
    """
    found = read_numbers(values)
    if unit and found.unit not in ("", unit):
        raise InputError(
            f"{file}: column '{values.name}' ({key}): its cells are in {found.unit}, not in {unit}; state "
            "the unit that they have."
        )
    bad = pd.concat([found.odd, found.bounded])
    if len(bad):
        raise InputError(
            f"{file}: column '{values.name}' ({key}): sample '{bad.index[0]}' has {bad.iloc[0]!r}, "
            f"which is no number ({len(bad)} such samples); {fix}."
        )
    notes += [f"column '{values.name}': read {rule}." for rule in found.rules]
    return found.numbers


def to_categories(values: pd.Series, notes: list[str]) -> pd.Series:
    """Return categories; of spellings that differ in case, blanks or as 1 and 1.0 the commonest stands."""
    present = values.where(~is_missing(values))
    counts = present.value_counts()
    spelled: dict[str | float, str] = {}
    for value in sorted(counts.index, key=lambda value: (-counts[value], value)):
        spelled.setdefault(value_key(value), value)
    again = [value for value in counts.index if spelled[value_key(value)] != value]
    if again:
        pairs = first_few((f"{value!r} as {spelled[value_key(value)]!r}" for value in sorted(again)), 3)
        notes.append(f"column '{values.name}': other spellings were taken for one value ({pairs}).")
    return present.map(lambda value: spelled[value_key(value)], na_action="ignore").astype("category")


def replace_values(
    clinical: pd.DataFrame, values: Mapping[str, Mapping[str, str]], file: str, notes: list[str]
) -> pd.DataFrame:
    """Apply `cohort.values`: replacements by column. A key that never occurs is warned about."""
    clinical = clinical.copy()
    for name, replacements in values.items():
        column = clinical_column(clinical, name, f"cohort.values.{name}", file)
        changed = column.copy()
        for old, new in replacements.items():
            chosen = equals_any(column, [old])
            if not chosen.any():
                hint = nearest(old, column[~is_missing(column)].unique())
                warn(f"{file}: column '{name}' has no value {old!r} to replace (cohort.values).{hint}", notes)
            changed[chosen] = new
        clinical[name] = changed
    return clinical
