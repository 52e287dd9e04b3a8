"""Treatment and response."""

from __future__ import annotations

from typing import Any

from precisionmed import pl
from precisionmed.report._page import Page, Run
from precisionmed.report.sections import _groups


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    found = run.step("response")
    if not found:
        page.quiet("The step was not run.")
        return
    page.text(str(found.get("sentence", "")))
    page.add_notes(found)
    if len(found.get("interaction", ())):
        _interaction(run, found, page)
    if "roc" in found.get("classifier", {}):
        _classifier(run, found["classifier"], page)


def _interaction(run: Run, found: dict[str, Any], page: Page) -> None:
    treatment = run.config.cohort.roles.treatment
    if treatment is not None and not treatment.randomized:
        page.text(
            "Treatment was not allocated at random: who was treated differed from who was not, so "
            "these estimates are confounded and only raise questions."
        )
    page.figure(
        "interaction",
        lambda: pl.response.interaction(run.adata),
        "Treatment-by-biomarker interaction: the treatment's hazard ratio in one level of the "
        "biomarker, divided by that in the reference level. Left of 1 the treatment does more in "
        "that level.",
        "Forest plot of interactions.",
    )
    if len(found.get("subgroups", ())):
        page.figure(
            "subgroups",
            lambda: pl.response.subgroups(run.adata),
            "Hazard ratio of treatment within each level of a biomarker, with the number of treated "
            "patients and controls.",
            "Forest plot of the treatment effect in subgroups.",
        )
    page.table(("response", "interaction"), found["interaction"], "Treatment-by-biomarker interactions.")
    page.table(("response", "treatment_effect"), found.get("treatment_effect"), "Effect of treatment.")


def _classifier(run: Run, classifier: dict[str, Any], page: Page) -> None:
    n = f"{int(classifier['n_positive']):,} responders, {int(classifier['n_negative']):,} non-responders"
    page.heading("Response classifier")
    with page.pair():
        page.figure(
            "roc",
            lambda: pl.response.roc(run.adata),
            f"Response: out-of-fold ROC curve ({n}).",
            "ROC curve.",
        )
        page.figure(
            "calibration",
            lambda: pl.response.calibration(run.adata),
            f"Response: predicted against observed frequency ({n}).",
            "Calibration curve.",
        )
    if len(classifier.get("signature", ())):
        page.figure(
            "signature",
            lambda: pl.response.signature(run.adata),
            f"Response: genes of the classifier ({n}).",
            "Coefficients of the response classifier.",
        )
    captions = {
        "performance": "out-of-fold performance; counts are patients, rates those among the called",
        "counts": "out-of-fold calls by recorded response (positive: responder)",
        "signature": "genes",
    }
    for table, caption in captions.items():
        page.table(
            ("response", "classifier", table), classifier.get(table), f"Response classifier: {caption}."
        )
    path = ("response", "classifier", "groups")
    _groups.show(run.adata, page, path, classifier.get("groups"), "Response classifier", task="classifier")
