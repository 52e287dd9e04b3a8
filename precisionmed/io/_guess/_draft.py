"""What is being proposed for a clinical table, and the columns' names and values as the guesses read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import pandas as pd

from precisionmed.errors import first_few, split_words
from precisionmed.io.tables import is_missing

UNKNOWN = (
    r"(lost|lost to.*|loss to.*|ltfu|l?fu lost|unknown|unk|not (known|done|available|tested|"
    r"performed|assess\w*|"
    r"evalua\w*|recorded|reported|determined|classified|applicable|examined).*|no data|"
    r"n\.? ?[ad]\.?|n/a|pending|missing|"
    r"indeterminate result|insufficient.*|withdr\w+.*|declined|refused|other|null|-+|\?+)"
)
"""Words (a pattern) that say that a value is not known."""
SAMPLE_NAMES = "sample names"
"""Role of the column with the sample names."""
_MOST_ODD = 0.05
_FROM_EXPRESSION = (
    r"\bm ?rna\b|genefu|expr|\bgene\b|derived|\bpred|classifier|signature|microarray|"
    r"\barray\b|inferred|imputed|"
    r"\bsurrogate\b|\bscmod|\bssp\b"
)


@dataclass
class Draft:
    """Roles found so far, why (by config key), and why a column that looks like something is not used."""

    clinical: pd.DataFrame
    """Clinical table as text."""
    remarks: dict[str, str] = field(default_factory=dict)
    """Config key (dotted) -> what a person should know."""
    roles: dict[str, str] = field(default_factory=dict)
    """Column -> its role."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Column -> why it is not used."""
    blanked: dict[str, dict[str, str]] = field(default_factory=dict)
    """Replacements of values, by column."""

    _present: dict[str, tuple[pd.DataFrame, pd.Series]] = field(default_factory=dict)
    """Values that are not missing, by column, of the table they were taken from."""

    def remark(self, key: str, text: str) -> None:
        """Add a sentence beside a config key."""
        self.remarks[key] = f"{self.remarks.get(key, '')} {text}".strip()

    def use(self, column: str, role: str) -> None:
        """Note the role of a column."""
        self.roles[column] = f"{self.roles[column]}, {role}" if column in self.roles else role
        self.reasons.pop(column, None)

    def pass_over(self, column: str, reason: str) -> None:
        """Note why a column is not used; the first reason stays."""
        if column not in self.roles:
            self.reasons.setdefault(column, reason)

    def present(self, column: str) -> pd.Series:
        """Return the values that are not missing, stripped."""
        values = self.clinical[column]
        if self._present.get(column, (None,))[0] is not self.clinical:
            self._present[column] = (self.clinical, values[~is_missing(values)].str.strip())
        return self._present[column][1]

    def completeness(self, column: str) -> float:
        """Return the share of rows with a value."""
        return len(self.present(column)) / max(len(self.clinical), 1)

    def numbers(self, column: str) -> pd.Series:
        """Return the values that are numbers."""
        return pd.to_numeric(self.present(column), errors="coerce").dropna().astype(float)

    def named(self, pattern: str, but_not: str = "$^") -> list[str]:
        """Return the columns whose words match one pattern and not the other."""
        return [c for c in self.clinical.columns if matches(c, pattern) and not matches(c, but_not)]

    def ranked(self, patterns: Sequence[str], but_not: str) -> list[str]:
        """Return the recorded columns that a pattern fits, in the order of the patterns."""
        found: list[str] = []
        for pattern in patterns:
            found += [column for column in self.named(pattern, but_not) if column not in found]
        for column in filter(from_expression, found):
            self.pass_over(column, "it seems to be derived from expression, not recorded")
        return [column for column in found if not from_expression(column)]

    def leave_out(self, column: str, values: list[str], key: str) -> None:
        """Blank values that cannot be read (by `cohort.values`), and say so beside a config key."""
        if values:
            self.blanked.setdefault(column, {}).update(dict.fromkeys(values, ""))
            said = counted(self.present(column), values)
            self.remark(key, f"Left out as missing in '{column}': {said} (cohort.values).")


@cache
def words(name: str) -> str:
    """Return the words of a name, in lower case, with one blank between them."""
    return " ".join(split_words(name))


def matches(name: str, pattern: str) -> bool:
    """Return whether the words of a name match."""
    return re.search(pattern, words(name)) is not None


def from_expression(name: str) -> bool:
    """Return whether a name speaks of something computed, mostly from expression, rather than recorded."""
    return matches(name, _FROM_EXPRESSION)


def few_enough(values: pd.Series, odd: list[str]) -> bool:
    """Return whether values that nobody knows are few: 5% of the rows, or one. `unknown` is known."""
    unknown = [value for value in odd if not re.fullmatch(UNKNOWN, value.lower())]
    n = int(values.isin(unknown).sum())
    return n < len(values) and n <= max(1, _MOST_ODD * len(values))


def counted(values: pd.Series, listed: list[str]) -> str:
    """Return the values with how often they occur, e.g. `'Lost' (1), 'x' (2)`."""
    return first_few([f"'{value}' ({int((values == value).sum())})" for value in listed], 4)


def listed(values: pd.Series, which: pd.Series) -> list[str]:
    """Return the distinct values that are chosen, in order."""
    return sorted(values[which.to_numpy(dtype=bool)].unique())
