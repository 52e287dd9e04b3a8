"""Rows of an expression matrix that are no genes: counters' summaries, spike-ins, totals, annotation."""

from __future__ import annotations

import re

SUMMARY_ROW = re.compile(  # of HTSeq, STAR and featureCounts
    r"_{0,2}(no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique)$"
    r"|N_(unmapped|multimapping|noFeature|ambiguous)$"
    r"|(Assigned|Unassigned_\w+)$"
)
_CONTROL = re.compile(r"ERCC-\d{5}$|AFFX-.+")
_TOTALS = frozenset(
    {"total", "totals", "grand total", "sum", "mean", "average", "median"}
    | {"total counts", "total reads", "total count", "library size", "lib size", "column sum"}
)
_ANNOTATION = frozenset(
    {"batch", "group", "condition", "cohort", "plate", "site", "tissue", "subtype", "treatment", "response"}
    | {
        "age",
        "sex",
        "gender",
        "stage",
        "grade",
        "patient",
        "patient id",
        "sample",
        "sample id",
        "sample type",
    }
    | {"status", "class", "label"}
)

SUMMARY, CONTROL, TOTAL, DESCRIBED = (
    "counter's summary row, dropped",
    "spike-in or control, dropped",
    "total or mean of the genes, dropped",
    "description of the samples, dropped",
)
DROPPED = (SUMMARY, CONTROL, TOTAL, DESCRIBED)
"""What becomes of rows that are no genes."""


def no_gene(label: str) -> str:
    """Return why a row cannot be a gene (one of `DROPPED`), or nothing. No gene has such a name."""
    if SUMMARY_ROW.match(label):
        return SUMMARY
    if _CONTROL.match(label):
        return CONTROL
    words = " ".join(re.split(r"[\s._-]+", label.strip().lower()))
    return TOTAL if words in _TOTALS else DESCRIBED if words in _ANNOTATION else ""
