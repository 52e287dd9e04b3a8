"""Stored names and numbers as words that people read."""

from __future__ import annotations

import re

import numpy as np

_CAPITALS = "er pr her2 os rfs dfs dss pfs auc rle pc fdr pac npi ihc sd mad atc pam nmf pam50 xist"
WORDS = {
    **{name: name.upper() for name in _CAPITALS.split()},
    "brier": "Brier score",
    "tnbc": "triple-negative",
    "ki67": "Ki-67",
    "pcr": "pCR",
    "kmeans": "k-means",
    "concordance": "C-index",
}


def words(name: object) -> str:
    """Return a stored name as words: `risk_group_os` becomes `risk group OS`."""
    text = str(name).replace("c_index", "C-index").replace("non_responder", "non-responder").replace("_", " ")
    return re.sub(r"\b[a-z0-9]+\b", lambda word: WORDS.get(word[0], word[0]), text)


def heading(name: object) -> str:
    """Return a stored name as words with a capital letter."""
    text = words(name)
    return text[:1].upper() + text[1:]


def p_text(p: float) -> str:
    """Return a p value as journals print it."""
    if not np.isfinite(p):
        return "p not available"
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def number_text(value: float) -> str:
    """Return an estimate with two decimals; what would print as 0.00 without being it as `< 0.01`.

    Below 1e-9 a number is rounding noise, unless it is a ratio (see `ratio_text`).
    """
    size = abs(value)
    if not np.isfinite(value):
        return "not estimable"
    if size >= 0.005 or size < 1e-9:
        text = f"{value if size >= 0.005 else 0.0:.2f}"
    elif size >= 0.0005:
        text = f"{value:.3f}"
    else:
        text = "< 0.001" if value > 0 else "> -0.001"
    return text.replace("-", "\u2212")


def ratio_text(value: float) -> str:
    """Return a hazard or odds ratio, or an end of its interval: neither 0 nor infinite."""
    if np.isnan(value) or value < 0:
        return "not estimable"
    if value < 0.005:
        return "< 0.01"
    if value >= 1e4:
        return "> 10,000"
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def metric_text(name: object) -> str:
    """Return the name of a measure of performance."""
    return "fraction called" if name == "called" else words(name)
