"""Numbers as people write them into clinical tables, by rules that are stated; nothing else is a number."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from precisionmed.errors import first_few
from precisionmed.io._units import split_units, told
from precisionmed.io.tables import is_missing

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_UPPER = re.compile(
    r"(?:>=?|≥|over|above)\s*(?P<a>\d+\.?\d*)|(?P<b>\d+\.?\d*)\s*(?:\+|(?:and|or) (?:over|older|more|up))"
)
_LOWER = re.compile(r"(?:<=?|≤|under|below|less than)\s*(?P<a>\d+\.?\d*)")
_MOSTLY, _FEWEST = 0.5, 3
"""A column is one of numbers when at least this share of its values is, and so many differ."""


@dataclass(frozen=True)
class Numbers:
    """What the values of a clinical column are as numbers."""

    numbers: pd.Series
    """Float; NaN where missing or no number."""
    bounded: pd.Series
    """The texts that were taken at their bound."""
    odd: pd.Series
    """The texts that are neither a number nor missing."""
    rules: list[str]
    """What was read by a rule (clauses)."""
    mostly: bool
    """Whether this is a column of numbers, some texts aside."""
    unit: str = ""
    """The unit that stands in the cells (`23 mm`, `57 years`)."""


def read_numbers(recorded: pd.Series) -> Numbers:
    """Read a text column.

    Beside plain numbers there are percentages, decimal commas, thousands (when a comma is always followed by
    three digits) and, where most values are plain numbers, a bound for what lies beyond it: `>89`, `89+`
    and `<1` are 89 and 1, unless other numbers of the column lie beyond too. A unit in the cells is taken off
    (`split_units`).
    """
    present = recorded[~is_missing(recorded)].astype(str)
    texts = {
        text: text.replace("\u2212", "-").replace("\u00a0", " ").strip().lower() for text in present.unique()
    }
    read = {text: float(clean) for text, clean in texts.items() if _PLAIN.fullmatch(clean)}
    rules: list[str] = []
    percent = {
        t: float(c[:-1]) for t, c in texts.items() if c.endswith("%") and _PLAIN.fullmatch(c[:-1].strip())
    }
    bare, factors, unit = split_units(texts, str(recorded.name))
    clean_of = texts | bare
    commas, how = _commas({t: c for t, c in clean_of.items() if "," in c})
    measured = {t: float(c) for t, c in bare.items() if _PLAIN.fullmatch(c)}
    read |= percent | commas | measured
    read |= {t: float(f"{read[t] * factor:.12g}") for t, factor in factors.items() if t in read}
    read = {text: number for text, number in read.items() if np.isfinite(number)}
    if commas:
        rules.append(f"{how} ({first_few(map(repr, commas), 3)})")
    if percent:
        rules.append(f"percentages without the sign ({first_few(map(repr, percent), 3)})")
    if unit:
        rules.append(told(bare, factors, unit))
    share = float(present.isin(list(read)).mean()) if len(present) else 0.0
    mostly = share >= _MOSTLY and len(set(read.values())) >= _FEWEST
    bounds: dict[str, float] = {}
    if mostly:
        bounds = _bounds({t: c for t, c in texts.items() if t not in read}, set(read.values()))
        read |= bounds
        if bounds:
            n = int(present.isin(list(bounds)).sum())
            rules.append(f"{first_few(map(repr, bounds), 3)} at the bound ({n} samples)")
    odd = present[~present.isin(list(read))]
    bounded = present[present.isin(list(bounds))]
    numbers = (
        recorded.map(lambda text: read.get(str(text), np.nan)).where(~is_missing(recorded)).astype(float)
    )
    mostly &= odd.nunique() < len(set(read.values()))
    return Numbers(numbers, bounded, odd, rules, mostly, unit)


def _commas(texts: dict[str, str]) -> tuple[dict[str, float], str]:
    """Return the numbers with commas, all of one kind, and which kind that is."""
    if texts and all(_THOUSANDS.fullmatch(clean) for clean in texts.values()):
        return {
            text: float(clean.replace(",", "")) for text, clean in texts.items()
        }, "commas between thousands"
    if all(_DECIMAL_COMMA.fullmatch(clean) for clean in texts.values()):
        return {text: float(clean.replace(",", ".")) for text, clean in texts.items()}, "decimal commas"
    return {}, ""


def _bounds(texts: dict[str, str], numbers: set[float]) -> dict[str, float]:
    """Return the bound of values that are only known to lie beyond it."""
    found = {}
    for text, clean in texts.items():
        upper, lower = _UPPER.fullmatch(clean), _LOWER.fullmatch(clean)
        if upper is not None:
            bound = float(upper["a"] or upper["b"])
            if not any(number > bound for number in numbers):
                found[text] = bound
        elif lower is not None:
            bound = float(lower["a"])
            if not any(0 < number < bound for number in numbers):
                found[text] = bound
    return found
