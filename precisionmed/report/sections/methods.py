"""Methods: the sentences each step stored, and the references they name."""

from __future__ import annotations

import numpy as np

from precisionmed.report._page import Page, Run
from precisionmed.report.references import cited

_TITLES = {
    "ingest": "Cohort",
    "qc": "Quality control",
    "normalize": "Normalization",
    "batch": "Batch correction",
    "subtypes": "Subtypes",
    "biomarkers": "Biomarkers",
    "receptors": "Receptor status",
    "classify": "Classifiers",
    "survival": "Survival",
    "response": "Response",
}


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    texts = {title: _sentences(run.step(step)) for step, title in _TITLES.items()}
    external = [_sentences(run.validation(cohort)) for cohort in run.validations]
    texts["External validation"] = next((text for text in external if text), "")
    for title, text in texts.items():
        if text:
            page.heading(title)
            page.text(text)
    references = cited(" ".join(texts.values()))
    if references:
        page.heading("References")
        page.listing(references, kind="references")


def _sentences(content: dict) -> str:
    return " ".join(str(sentence).strip() for sentence in np.ravel(content.get("methods", [])))
