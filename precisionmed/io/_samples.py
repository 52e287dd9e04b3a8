"""Which clinical row belongs to which sample of the matrix."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, nearest, warn


@dataclass(frozen=True)
class SampleMatch:
    """Clinical rows of the samples of a matrix."""

    column: str
    """Clinical column that holds the sample names."""
    rule: str
    """How the names were compared (a clause)."""
    rows: np.ndarray
    """For each sample of the matrix the position of its clinical row, or -1."""


def _loose(name: str) -> str:
    name = re.sub(r"[^0-9a-z]+", "-", name.lower()).strip("-")
    return name[1:] if re.match(r"x\d", name) else name  # R puts an X before names that start with a digit


def _tcga(length: int) -> Callable[[str], str]:
    def barcode(name: str) -> str:
        name = _loose(name).upper()
        return name[:length] if name.startswith("TCGA-") and len(name) >= length else ""

    return barcode


def name_key(name: object) -> str:
    """Return what is compared of a name: without case and outer blanks, `007` and `7.0` as `7`."""
    text = str(name).strip().casefold()
    number = re.fullmatch(r"0*(\d+)(\.0+)?", text)
    return number[1] if number else text


def _same(name: str) -> str:
    return name


# How to compare names: (said in the report, key of a matrix sample, key of a clinical name).
_RULES: tuple[tuple[str, Callable[[str], str], Callable[[str], str]], ...] = (
    ("exactly", _same, _same),
    ("with letter case and punctuation ignored", _loose, _loose),
    ("by the first 15 characters of the TCGA barcode", _tcga(15), _tcga(15)),
    ("by the patient in the TCGA barcode", _tcga(12), _tcga(12)),
)


def match_samples(
    samples: pd.Index,
    clinical: pd.DataFrame,
    *,
    sample_column: str | None,
    names: tuple[str, str],
    notes: list[str],
) -> SampleMatch:
    """Find the clinical column that names the samples, and each sample's row in it.

    Names are compared exactly; where fewer than half are found so, also without case and punctuation (R turns
    `TCGA-A1` into `TCGA.A1`), then by TCGA sample and patient barcode.

    Parameters
    ----------
    samples
        Sample names of the matrix.
    clinical
        The clinical table, as text.
    sample_column
        The column, when it is stated.
    names
        Names of the matrix and of the clinical table, for messages.
    notes
        Where warnings are kept for the report.

    Raises
    ------
    InputError
        No name is in both tables, a matched name has several clinical rows, or there is no `sample_column`.
    """
    if sample_column is not None and sample_column not in clinical.columns:
        hint = nearest(sample_column, clinical.columns)
        raise InputError(f"{names[1]}: has no column '{sample_column}' (cohort.sample_column).{hint}")
    columns = [sample_column] if sample_column is not None else list(clinical.columns)
    match, repeated = _best_match(samples, clinical[columns])
    if match is None:
        raise InputError(
            f"{names[1]}: no sample of {names[0]} is in it (the matrix has {first_few(samples, 3)}; "
            f"column '{columns[0]}' has {first_few(clinical[columns[0]], 3)}); set cohort.sample_column "
            "to the column with the sample names, or cohort.orientation if the matrix lies the other way."
        )
    if len(repeated):
        raise InputError(
            f"{names[1]}: {repeated.nunique()} samples occur more than once in column '{match.column}' "
            f"({first_few(repeated.unique())}); keep one row a sample."
        )
    if match.rule != "exactly":
        warn(f"Sample names of {names[0]} and {names[1]} were matched {match.rule}.", notes)
    return match


def _best_match(samples: pd.Index, clinical: pd.DataFrame) -> tuple[SampleMatch | None, pd.Index]:
    """Return the column and rule that match most samples, and the names that match repeatedly."""
    match: SampleMatch | None = None
    repeated: pd.Index = pd.Index([], dtype=object)
    best = (0, 0)
    for rule, of_sample, of_clinical in _RULES:
        keys = pd.Index([of_sample(name) for name in samples])
        for column in clinical.columns:
            there = pd.Index([of_clinical(name) for name in clinical[column]])
            matched = keys.isin(there[there != ""])
            twice = there[there.isin(keys[matched]) & there.duplicated()]
            score = (int(matched.sum()), -len(twice))
            if score[0] and score > best:
                first = pd.Series(range(len(there)), index=there)[~there.duplicated()]
                rows = np.where(matched, first.reindex(keys).fillna(-1).to_numpy(), -1).astype(int)
                match, repeated, best = SampleMatch(column, rule, rows), twice, score
        if best[0] * 2 >= len(samples):
            break
    return match, repeated


def names_in(clinical: pd.DataFrame | None, sample_column: str | None) -> set[str]:
    """Return every text of the clinical table that may name a sample (in columns of distinct values)."""
    if clinical is None:
        return set()
    if sample_column in clinical.columns:
        return set(clinical[sample_column])
    likely = [c for c in clinical.columns if clinical[c].nunique() * 2 > len(clinical)]
    return {name for c in likely for name in clinical[c] if name}
