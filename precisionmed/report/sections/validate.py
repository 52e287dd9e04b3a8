"""External validation."""

from __future__ import annotations

from functools import partial
from typing import Any

from precisionmed import pl
from precisionmed.report._format import slug, words
from precisionmed.report._page import Page, Run


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    if not run.validations:
        page.quiet("No external cohort was given; performance elsewhere is unknown.")
        return
    page.text(
        "The locked model was applied to every sample of these cohorts alone. “Single sample” is what a "
        "new patient gets; "
        "“centred” moves each gene to the training mean first, which needs a whole cohort and shows what "
        "differences "
        "between platforms cost."
    )
    for cohort in run.validations:
        _cohort(run, cohort, run.validation(cohort), page)


def _cohort(run: Run, cohort: str, found: dict[str, Any], page: Page) -> None:
    adata, name = run.validations[cohort], slug(cohort)
    n = f"n = {adata.n_obs:,}"
    page.heading(cohort)
    page.add_notes({"notes": [f"{cohort}: {note}" for note in found.get("notes", [])]})
    if len(found.get("performance", ())):
        page.figure(
            f"{name}_performance",
            lambda: pl.validate.performance(adata),
            f"Performance of the locked model in {cohort} ({n}).",
            f"Performance estimates with intervals in {cohort}.",
        )
    if len(found.get("proportions", ())):
        page.figure(
            f"{name}_proportions",
            lambda: pl.validate.proportions(adata),
            f"Subtypes called in {cohort} ({n}), by mode.",
            f"Stacked bars of subtype calls in {cohort}.",
        )
    unit = _unit(run, cohort)
    curves = found.get("kaplan_meier")
    groupings = [] if curves is None or not len(curves) else list(dict.fromkeys(curves.get("grouping", [""])))
    for grouping in map(str, groupings):
        by = words(grouping) if grouping else "predicted group"
        page.figure(
            f"{name}_{slug(grouping) or 'groups'}",
            partial(pl.validate.kaplan_meier, adata, grouping=grouping or None, unit=unit),
            f"Survival in {cohort} by {by} ({n}), as the locked model called each sample alone.",
            f"Kaplan-Meier curves in {cohort} by {by}.",
        )
    captions = {"performance": "performance", "logrank": "log-rank tests", "proportions": "subtype calls"}
    captions["predictions"] = "what the locked model returned"
    for table, caption in captions.items():
        page.table(("validate", cohort, table), found.get(table), f"{cohort}: {caption}.")


def _unit(run: Run, cohort: str) -> str:
    if "unit" in run.validation(cohort):
        return str(run.validation(cohort)["unit"])
    units = run.validations[cohort].uns.get("precisionmed", {}).get("ingest", {}).get("endpoint_units", {})
    return str(next(iter(units.values()), "time"))
