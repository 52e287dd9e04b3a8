"""Batch correction."""

from __future__ import annotations

from functools import partial

from precisionmed import pl
from precisionmed.report._format import count
from precisionmed.report._page import Page, Run

_NAMES = {"combat": "ComBat", "combat_seq": "ComBat-seq"}


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
            f"Batches were corrected by {_NAMES.get(method, method)} ({count(batches, 'batch', 'batches')})."
        )
    if len(found.get("variance", ())):
        page.figure(
            "variance",
            lambda: pl.batch.variance(run.adata),
            "Mean share of a gene's variance that each factor explains, before and after (n = "
            f"{run.adata.n_obs}). The batch should fall towards zero while biology stays.",
            "Bars of variance explained by batch and biology, before and after correction.",
        )
    if len(found.get("separation", ())):
        page.figure(
            "separation",
            lambda: pl.batch.separation(run.adata),
            "Mean silhouette width of each factor's levels in the first ten principal components (n = "
            f"{run.adata.n_obs}). After the correction batches should lie within one another (0 or below), "
            "and biology be as far apart as before.",
            "Silhouette widths of batch and biology, before and after correction.",
        )
    if "batch" in run.adata.obs:
        _components(run, page, corrected=method != "none")
    page.table(("batch", "variance"), found.get("variance"), "Fraction of variance by factor.")
    page.table(("batch", "separation"), found.get("separation"), "Mean silhouette width by factor.")
    page.table(("batch", "batches"), found.get("batches"), "Samples in each batch.")


def _components(run: Run, page: Page, *, corrected: bool) -> None:
    if "X_pca_before_batch" not in run.adata.obsm:
        return
    with page.pair():
        for when in ("before", "after") if corrected else ("before",):
            page.figure(
                f"pca_{when}",
                partial(pl.batch.pca, run.adata, when=when),
                f"Principal components of the normalized values {when} batch correction, by batch (n = "
                f"{run.adata.n_obs}).",
                f"Scatter of the first two components, {when} correction.",
            )
