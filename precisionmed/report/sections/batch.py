"""Batch correction."""

from __future__ import annotations

from precisionmed import pl
from precisionmed.report._format import count
from precisionmed.report._page import Page, Run


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    found = run.step("batch")
    if not found:
        page.quiet("Batch correction was not run.")
        return
    method = str(found.get("params", {}).get("method", "none"))
    page.add_notes(found)
    if method == "none":
        page.quiet("No batch correction was configured; the values are those of the normalization.")
    else:
        batches = len(found.get("batches", ()))
        page.text(
            f"Batches were corrected by {'ComBat' if method == 'combat' else method} "
            f"({count(batches, 'batch', 'batches')})."
        )
    if len(found.get("variance", ())):
        page.figure(
            "variance",
            lambda: pl.batch.variance(run.adata),
            "Mean share of a gene's variance that each factor explains, before and after (n = "
            f"{run.adata.n_obs}). The batch should fall towards zero while biology stays.",
            "Bars of variance explained by batch and biology, before and after correction.",
        )
    page.table(("batch", "variance"), found.get("variance"), "Fraction of variance by factor.")
    page.table(("batch", "batches"), found.get("batches"), "Samples in each batch.")
