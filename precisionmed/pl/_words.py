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
    if name == "called":
        return "fraction called"  # the metric; not the word in a sentence
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
