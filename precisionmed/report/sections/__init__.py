"""The sections of the report, one module a word, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable

from precisionmed.report._page import Page, Run
from precisionmed.report.sections import (
    batch,
    biomarkers,
    classify,
    cohort,
    lock,
    methods,
    normalize,
    provenance,
    qc,
    response,
    subtypes,
    summary,
    survival,
    validate,
)

SECTIONS: tuple[tuple[str, str, Callable[[Run, Page], None]], ...] = (
    ("summary", "Summary", summary.fill),
    ("cohort", "Cohort", cohort.fill),
    ("qc", "Quality control", qc.fill),
    ("normalize", "Normalization", normalize.fill),
    ("batch", "Batch", batch.fill),
    ("subtypes", "Subtypes", subtypes.fill),
    ("biomarkers", "Biomarkers", biomarkers.fill),
    ("classify", "Classifiers", classify.fill),
    ("survival", "Survival", survival.fill),
    ("response", "Response", response.fill),
    ("validate", "External validation", validate.fill),
    ("lock", "Locked model", lock.fill),
    ("methods", "Methods", methods.fill),
    ("provenance", "Provenance", provenance.fill),
)
