"""Numbers, names and table cells as a careful journal prints them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from precisionmed.pl import _words
from precisionmed.pl._words import heading, metric_text, number_text, ratio_text, words

__all__ = [
    "RATIOS",
    "cell",
    "ci_text",
    "column_label",
    "count",
    "heading",
    "join",
    "named_model",
    "p_text",
    "percent",
    "ratio_text",
    "slug",
    "words",
]

_UNITS = {"coefficient"}
"""What is small in one unit is large in another."""
_P = re.compile(r"(.+_)?(p|fdr)|p_.+")
RATIOS = {"hazard_ratio", "ratio"}
_WHOLE = {
    "n",
    "samples",
    "genes",
    "events",
    "at_risk",
    "k",
    "df",
    "bytes",
    "positive",
    "negative",
    "equivocal",
}
_WHOLE |= {
    "missing",
    "repeat",
    "fold",
    "n_treated",
    "n_control",
    "n_events",
    "n_genes",
    "count",
    "of",
    "comparisons",
}
_TWO = {"estimate", "lower", "upper", "hazard_ratio", "ratio", "coefficient", "survival", "correlation", "r2"}
_TWO |= {
    "agreement",
    "kappa",
    "sensitivity",
    "specificity",
    "selection_frequency",
    "fraction",
    "statistic",
    "t",
}
_TWO |= {"probability", "predicted", "observed", "log_fold_change", "score", "chi2", "before", "after", "pac"}
_TWO |= {"null_pac", "relative_pac", "stability", "silhouette", "cophenetic", "delta_area", "ari", "jaccard"}
_TWO |= {"difference", "difference_lower", "difference_upper", "frequency"}
_NAMES = {"model", "metric", "task", "variable", "covariate", "factor", "grouping", "group", "receptor"}
_NAMES |= {"biomarker", "endpoint", "truth", "call", "label", "classification", "rule", "clusterer"}
_NAMES |= {"against"}
"""Columns of names that we made; samples, genes and files stay as they are."""
_LABELS = {
    "k": "k",
    "p": "p",
    "p_adjusted": "adjusted p",
    "fdr": "FDR",
    "n": "n",
    "r2": "R²",
    "chi2": "χ²",
    "df": "df",
    "pac": "PAC",
    "null_pac": "null PAC",
    "ari": "ARI",
    "t": "t",
    "n_events": "events",
    "n_treated": "n treated",
    "n_control": "n control",
    "sha256": "SHA-256",
    "chr_y": "chromosome Y",
    "xist": "XIST",
}


def p_text(p: float) -> str:
    """Return `p = 0.003` that does not break at the end of a line."""
    return _words.p_text(p).replace(" ", "\u00a0")


def percent(fraction: float) -> str:
    """Return `42%`, with a decimal below 10."""
    value = 100 * float(fraction)
    return f"{value:.1f}%" if 0 < value < 10 else f"{value:.0f}%"


def count(n: int, one: str, many: str | None = None) -> str:
    """Return `1 sample` or `1,204 samples`."""
    return f"{int(n):,} {one if int(n) == 1 else many or one + 's'}"


def join(items: list[str]) -> str:
    """Return `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def ci_text(estimate: float, lower: float, upper: float) -> str:
    """Return `0.70 (95% CI 0.61 to 0.78)`; without the interval where there is none."""
    if not np.isfinite(estimate):
        return "not estimable"
    if not (np.isfinite(lower) and np.isfinite(upper)):
        return number_text(estimate)
    ends = f"{number_text(lower)} to\u00a0{number_text(upper)}"
    return f"{number_text(estimate)} (95%\u00a0CI {ends})"


def named_model(model: object) -> str:
    """Return what a model of survival is made of, in words."""
    return "clinical variables" if str(model) == "clinical" else words(model)


def slug(text: object) -> str:
    """Return text as part of a file name."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", str(text)).strip("_")


def column_label(name: object) -> str:
    """Return a stored column name as a table heading."""
    text = str(name)
    return _LABELS.get(text, heading(text) if text.replace("_", "").isalpha() else words(text))


def is_number(value: Any) -> bool:
    """Say whether a stored value is a number (and not a yes or no)."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))


def cell(column: str, value: Any) -> str:
    """Return one table cell as text."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "–"
    if not is_number(value):
        if column == "metric":
            return metric_text(value)
        return words(value) if column in _NAMES else str(value)
    number = float(value)
    if _P.fullmatch(column):
        return _p_cell(number)
    if column in RATIOS:
        return ratio_text(number) if 0 < number < np.inf else "not estimable"
    if column in _WHOLE or (number.is_integer() and abs(number) < 1e15 and column not in _TWO):
        return f"{number:,.0f}".replace("-", "−")
    return _decimal(number, column in _TWO, small=column not in _UNITS)


def _p_cell(p: float) -> str:
    """Return a p value of a table: small ones with their exponent, which ranks them."""
    if p >= 0.001:
        return _words.p_text(p).removeprefix("p = ")
    return f"{p:.0e}".replace("e-0", "e-").replace("-", "−") if p > 0 else "< 1e−300"


def _decimal(number: float, two: bool, small: bool) -> str:
    """Return a number; `small`: a small one is near enough to 0 to say so, whatever it is."""
    if not np.isfinite(number):
        return ("−" if number < 0 else "") + "∞"
    size = abs(number)
    if two and (size == 0 or 0.005 <= size < 1000):
        text = f"{number:.2f}"
    elif two and size < 0.005 and (small or size < 1e-9):
        return number_text(number)
    elif 1e-3 <= size < 1e5:
        text = f"{number:,.{max(0, 2 - int(np.floor(np.log10(size))))}f}"
    else:
        text = f"{number:.2g}"
    return text.replace("e-0", "e-").replace("-", "−")
