"""Molecular and intrinsic subtypes."""

from __future__ import annotations

from typing import Any

from precisionmed import pl
from precisionmed.report._format import count
from precisionmed.report._page import Page, Run


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    found = run.step("subtypes")
    if not found:
        page.quiet("Subtypes were not looked for.")
        return
    if "reason" in found:
        page.text(str(found["reason"]))
    if "consensus" in run.adata.obsp:
        _discovered(run, found, page)
    if "intrinsic_subtype" in run.adata.obs:
        _intrinsic(run, found, page)
    page.add_notes(found)


def _discovered(run: Run, found: dict[str, Any], page: Page) -> None:
    n = run.adata.n_obs
    page.heading("Subtypes found in this cohort")
    page.figure(
        "consensus",
        lambda: pl.subtypes.consensus(run.adata),
        f"Consensus matrix (n = {n}): how often two samples fell into one cluster when clustered together "
        "on resampled data. Dark blocks are stable subtypes; the bars show what is known of each sample.",
        f"Consensus heat map of {n} samples with bars of clinical annotation.",
    )
    with page.pair():
        page.figure(
            "cdf",
            lambda: pl.subtypes.cdf(run.adata),
            "Distribution of consensus values for each number of subtypes. A flat middle means few "
            "ambiguous pairs; the chosen number is the thick line.",
            "Cumulative consensus curves, one for each number of subtypes.",
        )
        page.figure(
            "k_scores",
            lambda: pl.subtypes.k_scores(run.adata),
            "Proportion of ambiguous pairs (PAC, lower is better) and silhouette (higher is better) for "
            "each number of subtypes.",
            "Scores by number of subtypes, the chosen one marked.",
        )
    page.figure(
        "embedding",
        lambda: pl.subtypes.embedding(run.adata),
        f"Samples on the first two principal components of the clustered genes (n = {n}).",
        f"Scatter of {n} samples coloured by subtype.",
    )
    page.figure(
        "confidence",
        lambda: pl.subtypes.confidence(run.adata),
        f"Silhouette of each sample within its subtype (n = {n}). Samples below zero lie nearer to "
        "another subtype.",
        "Bars of silhouette values grouped by subtype.",
    )
    page.figure(
        "markers",
        lambda: pl.subtypes.markers(run.adata),
        f"Strongest marker genes of each subtype (n = {n}), relative to the gene's mean.",
        "Heat map of marker genes by sample.",
    )
    page.figure(
        "associations",
        lambda: pl.subtypes.associations(run.adata),
        "Clinical variables that differ between subtypes: evidence as false discovery rate, bars beyond "
        "the dashed line are below 0.05.",
        "Bars of evidence for clinical differences between subtypes.",
    )
    page.table(("subtypes", "k_scores"), found.get("k_scores"), "Stability by number of subtypes.")
    page.table(("subtypes", "markers"), found.get("markers"), "Marker genes of the subtypes.")
    page.table(
        ("subtypes", "associations"), found.get("associations"), "Association with clinical variables."
    )


def _intrinsic(run: Run, found: dict[str, Any], page: Page) -> None:
    page.heading("Intrinsic subtypes")
    source = str(found.get("intrinsic_source", ""))
    called = int(run.adata.obs["intrinsic_subtype"].notna().sum())
    page.text(
        f"{count(called, 'sample')} of {run.adata.n_obs:,} received an intrinsic subtype by correlation "
        "with "
        + ("centroids learned from the recorded subtypes of this cohort." if source == "learned"
           else "the published PAM50 centroids." if source == "published" else "centroids.")
    )  # fmt: skip
    page.figure(
        "intrinsic",
        lambda: pl.subtypes.intrinsic(run.adata),
        f"Intrinsic subtypes (n = {run.adata.n_obs}).",
        "Stacked bar of intrinsic subtypes.",
    )
    with page.pair():
        if "intrinsic_by_subtype" in found:
            page.figure(
                "intrinsic_by_subtype",
                lambda: pl.subtypes.intrinsic_by_subtype(run.adata),
                "Discovered (rows) against intrinsic subtypes (columns): number of samples, shaded by "
                "share of the row.",
                "Cross table of discovered and intrinsic subtypes.",
            )
        if "intrinsic_confusion" in found:
            page.figure(
                "intrinsic_confusion",
                lambda: pl.subtypes.intrinsic_confusion(run.adata),
                "Recorded (rows) against out-of-fold predicted subtypes (columns): the diagonal is right.",
                "Confusion table of recorded and predicted intrinsic subtypes.",
            )
    page.table(
        ("subtypes", "intrinsic_performance"),
        found.get("intrinsic_performance"),
        "Out-of-fold agreement with the recorded intrinsic subtypes.",
    )
    page.table(
        ("subtypes", "intrinsic_proportions"), found.get("intrinsic_proportions"), "Intrinsic subtypes."
    )
