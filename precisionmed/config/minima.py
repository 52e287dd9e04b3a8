"""What each step needs at least: one place for the steps, their messages and the documentation."""

from __future__ import annotations

SAMPLES_TO_CLUSTER, GENES_TO_CLUSTER = 12, 20
PER_SUBTYPE = 5
PER_CLASS = 8
EVENTS = 10
PER_GROUP = 5
TO_REPLICATE = 20
TO_VALIDATE = 5
TO_AUDIT, TO_AUDIT_PER_CLASS = 20, 5
TO_LOCK = 5
"""Patients of a cohort, a batch or a subtype, and samples of a gene, in a model file: fewer would show."""

MINIMA = (
    (
        "subtypes",
        f"{SAMPLES_TO_CLUSTER} samples and {GENES_TO_CLUSTER} genes that vary",
        "are not looked for",
    ),
    ("subtypes", f"{PER_SUBTYPE} patients of a subtype", "new samples are not called this subtype"),
    (
        "classify",
        f"{PER_CLASS} patients of each class (`classify.min_class_size`, `n_folds`)",
        "no classifier",
    ),
    ("biomarkers", f"{PER_CLASS} patients of each class, or {EVENTS} events", "no signature"),
    ("survival", f"{EVENTS} events", "curves, no models"),
    ("survival", f"{PER_GROUP} samples of a group", "no curve of this group"),
    ("response", f"{PER_CLASS} responders and non-responders", "no classifier"),
    ("response", f"{PER_GROUP} treated and control patients of a group", "no treatment effect there"),
    ("validate", f"{TO_VALIDATE} patients of each class, or events", "no estimate"),
    (
        "groups",
        f"{TO_AUDIT} patients, and {TO_AUDIT_PER_CLASS} of each class or with the event",
        "too few to show",
    ),
    ("validate", f"{TO_REPLICATE} samples and subtype genes", "subtypes are not looked for again"),
    ("lock", f"{TO_LOCK} patients of a batch", "its correction stays out of the model file"),
    ("lock", f"{TO_LOCK} patients of a subtype", "its outcome stays out of the model file"),
)
"""Step, what it needs, and what happens with less; the run goes on in any case."""


def minima_table() -> str:
    """Return the table of the documentation (Markdown)."""
    rows = [("Step", "needs at least", "with less"), ("---",) * 3, *MINIMA]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
