"""Figures: draw what the steps stored, compute nothing but layout.

One module a step; every function takes an annotated cohort and, optionally, the `Axes` to draw on,
and returns the `Axes`.
"""

from __future__ import annotations

from precisionmed.pl import (
    batch,
    biomarkers,
    classify,
    groups,
    normalize,
    qc,
    receptors,
    response,
    subtypes,
    survival,
    validate,
)

__all__ = [
    "batch",
    "biomarkers",
    "classify",
    "groups",
    "normalize",
    "qc",
    "receptors",
    "response",
    "subtypes",
    "survival",
    "validate",
]
