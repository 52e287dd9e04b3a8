"""Which clinical row belongs to which sample of the matrix."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, nearest, warn
from precisionmed.io._tissue import NO_TUMOUR, barcode, tissue_of_barcode

ENOUGH = 0.5
"""Share of the names in the smaller table that a column has to name, to be taken for the samples' names."""
ENOUGH_NUMBERS = 0.8
"""The same of samples that are only numbered: numbers of many columns look alike."""
_CLOSE = 0.9

_NAME = (
    r"\bids?\b|\bpid\b|\bsid\b|sample|patient|\bcase|subject|participant|individual|specimen|donor|barcode|"
    r"accession|\bgeo\b|\bgsm\b|\bnames?\b|\bno\b|\bnr\b|\bnumber\b|\bcode\b|\bindex\b|\bmrn\b|^$|^unnamed|^row"
)
_MEASURED = (
    r"\bage\b|month|\bdays?\b|year|time|\bdate\b|event|status|\bsize\b|grade|stage|score|count|number of|"
    r"percent|rank|dose|follow|surviv"
)


@dataclass(frozen=True)
class SampleMatch:
    """Clinical rows of the samples of a matrix."""

    column: str
    """Clinical column that holds the sample names."""
    rule: str
    """How the names were compared (a clause)."""
    rows: np.ndarray
    """For each sample of the matrix the position of its clinical row, or -1."""
    of_patients: bool = False
    """Whether the column names patients, whose row all their samples have."""

    @property
    def n(self) -> int:
        """Number of samples that have a row."""
        return int((self.rows >= 0).sum())


@dataclass(frozen=True)
class _Rule:
    """A way to compare names: keys of a sample and of a clinical name that are equal when they match."""

    said: str
    of_sample: Callable[[str], str]
    of_clinical: Callable[[str], str]
    shared: bool = False
    """Whether several samples may have one row."""
    of_patients: bool = False


def name_key(name: object) -> str:
    """Return what is compared of a name: without case and outer blanks, `007` and `7.0` as `7`."""
    text = str(name).strip().casefold()
    return _number(text) or text


def _number(name: str) -> str:
    number = re.fullmatch(r"\s*0*(\d+)(\.0*)?\s*", name)
    return number[1] if number else ""


@lru_cache(maxsize=1 << 16)
def _loose(name: str) -> str:
    name = unicodedata.normalize("NFKC", name).casefold()
    name = _number(name) or re.sub(r"[\W_]+", "-", name).strip("-")
    name = name[1:] if re.match(r"x\d", name) else name  # R puts an X before names that start with a digit
    return _number(name) or name


def _vial(name: str) -> str:
    found = barcode(name)
    return f"{found.patient}-{found.type}{found.vial}" if found and found.vial else ""


def _sample(name: str) -> str:
    found = barcode(name)
    return f"{found.patient}-{found.type}" if found and found.type else ""


def _patient(name: str) -> str:
    found = barcode(name)
    return found.patient if found else ""


def _patient_only(name: str) -> str:
    found = barcode(name)
    return found.patient if found and not found.type else ""


def _tumour_patient(name: str) -> str:
    return "" if tissue_of_barcode(name) in NO_TUMOUR else _patient(name)


_PATIENT = "by the patient in the TCGA barcode"
_RULES = (
    _Rule("exactly", str, str),
    _Rule("as whole numbers (007 and 7.0 are 7)", _number, _number),
    _Rule("with letter case and punctuation ignored", _loose, _loose),
)
_BARCODE_RULES = (
    _Rule("by the vial in the TCGA barcode (its first 16 characters)", _vial, _vial, shared=True),
    _Rule("by the first 15 characters of the TCGA barcode", _sample, _sample, shared=True),
    _Rule(_PATIENT, _patient, _patient_only, shared=True, of_patients=True),
    _Rule(_PATIENT, _patient_only, _tumour_patient, shared=True),
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

    Names are compared exactly, as whole numbers, without case and punctuation (R turns `TCGA-A1` into
    `TCGA.A1`), then by the vial, sample and patient of TCGA barcodes; the strictest way that matches most
    samples counts. A column that is not stated has to name half of the samples (or have half of its names
    among them), each in one row. Samples that are only numbered are joined by a column whose name says that
    it holds names, and that has nearly all of them.

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
        No column names the samples, several do and disagree, a matched name has several clinical rows, or
        there is no `sample_column`.
    """
    if sample_column is not None and sample_column not in clinical.columns:
        hint = nearest(sample_column, clinical.columns)
        raise InputError(f"{names[1]}: has no column '{sample_column}' (cohort.sample_column).{hint}")
    columns = [sample_column] if sample_column is not None else list(clinical.columns)
    found = _Search(samples, clinical, stated=sample_column is not None)
    for column in columns:
        found.look(column)
    match = found.best(names)
    if match is None:
        raise found.refusal(columns, names)
    if match.rule != "exactly":
        warn(f"Sample names of {names[0]} and {names[1]} were matched {match.rule}.", notes)
    return match


class _Search:
    """The columns that could name the samples."""

    def __init__(self, samples: pd.Index, clinical: pd.DataFrame, *, stated: bool) -> None:
        self.samples, self.clinical, self.stated = samples, clinical, stated
        self.fewest = min(len(samples), len(clinical)) / 4
        """Columns of fewer different values name nobody."""
        barcodes = any(barcode(str(name)) for name in samples)
        self.rules = (*_RULES, *_BARCODE_RULES) if barcodes else _RULES
        self.keys = [[rule.of_sample(str(name)) for name in samples] for rule in self.rules]
        self.good: list[tuple[int, SampleMatch]] = []
        """Columns that may name the samples, with the place of their rule."""
        self.poor: list[SampleMatch] = []
        self.repeated: dict[str, pd.Index] = {}

    def look(self, column: str) -> None:
        """Compare the names of a column in all ways."""
        values = self.clinical[column].astype(str).str.strip()
        if not self.stated and (values.nunique() < self.fewest or _measurements(values)):
            return
        coded = bool(values.str.contains("tcga|target", case=False).any())
        candidates: list[tuple[int, SampleMatch]] = []
        for place, (rule, keys) in enumerate(zip(self.rules, self.keys, strict=True)):
            if rule in _BARCODE_RULES and not coded:
                break
            match = self._compared(column, values, rule, keys)
            if match is not None:
                candidates.append((place, match))
                if match.n == len(self.samples):
                    break
        if candidates:
            place, match = max(candidates, key=lambda found: (found[1].n, -found[0]))
            if self.stated or self._names(match, self.keys[place], values):
                self.good.append((place, match))
            else:
                self.poor.append(match)

    def _compared(self, column: str, values: pd.Series, rule: _Rule, keys: list[str]) -> SampleMatch | None:
        """Return the rows that a rule finds, nothing when there are none or the names repeat under it."""
        wanted, place, twice = set(keys) - {""}, dict[str, int](), []
        for i, value in enumerate(values):
            key = rule.of_clinical(value)
            if key in wanted:
                if key in place:
                    twice.append(i)
                place.setdefault(key, i)
        rows = np.array([place.get(key, -1) for key in keys])
        matched = [key for key in keys if key in place]
        if twice:
            named = is_name_column(column) or not all(_loose(key).isdigit() for key in matched)
            if self.stated or (named and len(matched) >= ENOUGH * len(keys)):
                self.repeated.setdefault(column, pd.Index(values.iloc[twice].unique()))
            return None
        if not matched or (not rule.shared and len(set(matched)) < len(matched)):
            return None
        return SampleMatch(column, rule.said, rows, rule.of_patients)

    def _names(self, match: SampleMatch, keys: list[str], values: pd.Series) -> bool:
        """Return whether a column names the samples and does not merely share some values with them."""
        matched = [_loose(key) for key, row in zip(keys, match.rows, strict=True) if row >= 0]
        if sum(key.isdigit() for key in matched) * 2 > len(matched):
            enough = match.n >= ENOUGH_NUMBERS * len(self.samples)
            return enough and is_name_column(match.column) and values[values != ""].is_unique
        smaller = min(len(self.samples), int((values != "").sum()))
        return match.n >= ENOUGH * smaller

    def best(self, names: tuple[str, str]) -> SampleMatch | None:
        """Return the column that names most samples.

        Raises
        ------
        InputError
            Another one names about as many, in other rows.
        """
        if not self.good:
            return None
        order = sorted(self.good, key=lambda f: (-f[1].n, f[0], not is_name_column(f[1].column), f[1].column))
        best = order[0][1]
        for _, other in order[1:]:
            both = (best.rows >= 0) & (other.rows >= 0)
            if other.n >= _CLOSE * best.n and (best.rows[both] != other.rows[both]).any():
                raise InputError(
                    f"{names[1]}: columns '{best.column}' and '{other.column}' both have the sample names of "
                    f"{names[0]}, in different rows; set cohort.sample_column to the right one."
                )
        return best

    def refusal(self, columns: list[str], names: tuple[str, str]) -> InputError:
        """Return what to tell when no column names the samples."""
        if self.repeated:
            column, twice = max(self.repeated.items(), key=lambda found: len(found[1]))
            return InputError(
                f"{names[1]}: {len(twice)} samples occur more than once in column '{column}' "
                f"({first_few(twice)}); keep one row a sample."
            )
        has = f"the matrix has {first_few(self.samples, 3)}"
        if self.poor:
            poor = sorted(self.poor, key=lambda match: (-match.n, match.column))
            listed = first_few((f"'{m.column}' has {m.n} of {len(self.samples)}" for m in poor), 3)
            return InputError(
                f"{names[1]}: no column names the samples of {names[0]} ({has}; {listed}); set "
                "cohort.sample_column to the column with the sample names, if one has them."
            )
        column = next((name for name in columns if is_name_column(name)), columns[0])
        values = self.clinical[column].astype(str)
        for name in columns:
            longer = self._longer(self.clinical[name].astype(str))
            if longer:
                return InputError(
                    f"{names[1]}: no sample of {names[0]} is in it, but names of column '{name}' begin those "
                    f"of samples ({first_few(longer, 3)}): if they are patients, give the table of their "
                    "samples too (clinical tables are joined), else write the same names in both files."
                )
        mangled = values.str.fullmatch(r"\d\.\d+E\+\d+").any()
        hint = (
            " Excel has rounded the names: format the column as text and export it again." if mangled else ""
        )
        return InputError(
            f"{names[1]}: no sample of {names[0]} is in it ({has}; column '{column}' has "
            f"{first_few(values, 3)}); set cohort.sample_column to the column with the sample names, or "
            f"cohort.orientation if the matrix lies the other way.{hint}"
        )

    def _longer(self, values: pd.Series) -> list[str]:
        """Return `name: sample` where samples have the column's names with something behind them."""
        if not is_name_column(str(values.name)):
            return []
        stem = {_loose(value): value for value in values if value}
        found = []
        for sample in map(str, self.samples):
            parts = _loose(sample).split("-")
            begin = next((b for n in range(len(parts) - 1, 0, -1) if (b := "-".join(parts[:n])) in stem), "")
            if begin:
                found.append(f"{stem[begin]}: {sample}")
        return found if len(found) >= ENOUGH * len(self.samples) else []


def _measurements(values: pd.Series) -> bool:
    """Return whether most values have decimals, as no name of a sample does."""
    return bool(values.str.fullmatch(r"[+-]?\d*\.\d*[1-9]\d*(e[+-]?\d+)?", case=False).mean() > ENOUGH)


def is_name_column(column: str) -> bool:
    """Return whether the heading says that a column holds names of samples or patients."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(column))
    words = " ".join(re.findall(r"[a-z0-9]+", words.lower()))
    return bool(re.search(_NAME, words)) and not re.search(_MEASURED, words)


def names_in(clinical: pd.DataFrame | None, sample_column: str | None) -> set[str]:
    """Return every text of the clinical table that may name a sample (in columns of distinct values)."""
    if clinical is None:
        return set()
    if sample_column in clinical.columns:
        return set(clinical[sample_column])
    likely = [c for c in clinical.columns if clinical[c].nunique() * 2 > len(clinical)]
    return {name for c in likely for name in clinical[c] if name and (is_name_column(c) or not _number(name))}
