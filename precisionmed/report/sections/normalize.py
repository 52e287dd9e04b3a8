"""Normalization."""

from __future__ import annotations

from precisionmed import pl
from precisionmed.report._format import count
from precisionmed.report._page import Page, Run


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    found = run.step("normalize")
    if not found:
        page.quiet("Normalization was not run.")
        return
    n, raw = run.adata.n_obs, run.adata.raw
    kept = f"{count(run.adata.n_vars, 'gene')}" + (f" of {raw.n_vars:,}" if raw is not None else "")
    method = str(found.get("params", {}).get("method", "")).replace("_", " ")
    page.text(
        f"Method: {method}. {kept} passed the expression filter. The reference is frozen: a new sample is "
        "normalized alone, exactly as the cohort was."
    )
    page.table(("normalize", "summary"), found.get("summary"), "Normalization in numbers.")
    page.figure(
        "rle",
        lambda: pl.normalize.rle(run.adata),
        f"Relative log expression after normalization (n = {n}). Medians on the zero line and boxes of "
        "equal height show comparable samples.",
        f"Bands of relative log expression for {n} samples after normalization.",
    )
    page.figure(
        "density",
        lambda: pl.normalize.density(run.adata),
        f"Distribution of expression in each sample (n = {n}, {run.adata.n_vars:,} genes) as all later "
        "steps see it. A line apart from the bundle is a sample to distrust.",
        f"Overlaid distributions of expression of {n} samples.",
    )
    page.figure(
        "mean_variance",
        lambda: pl.normalize.mean_variance(run.adata),
        f"Spread of each gene against its mean after filter and normalization ({run.adata.n_vars:,} genes), "
        "with the trend. A flat or gently falling trend is what models of log expression assume; the genes "
        "high above it are those that tell tumours apart.",
        "Cloud of genes, root of the standard deviation against mean expression, with a trend line.",
    )
    page.add_notes(found)
