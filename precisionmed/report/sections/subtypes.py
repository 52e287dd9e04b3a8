"""Molecular and intrinsic subtypes: how many and why, who is in them, what they are."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from precisionmed import pl
from precisionmed.report._format import count, heading, join, p_text, percent, slug, words
from precisionmed.report._page import Page, Run
from precisionmed.report.sections import _groups
from precisionmed.report.sections._how_many import descriptive, verdict, why

_DRAWN_CLASSES = 6
_LEADING = 4


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    found = run.step("subtypes")
    if not found:
        page.quiet("Subtypes were not looked for.")
        return
    if "skipped" in found:
        page.quiet(f"Subtypes were not looked for: {found['skipped']}")
        return
    verdict(run, found, page)
    if "consensus" in run.adata.obsp:
        why(run, found, page)
        _who(run, found, page)
        _what(run, found, page)
        _known(run, found, page)
    if "intrinsic_subtype" in run.adata.obs:
        _intrinsic(run, found, page)
    page.add_notes(found)


def _part(found: dict[str, Any], title: str) -> str:
    return f"{title} (descriptive)" if descriptive(found) else title


def _who(run: Run, found: dict[str, Any], page: Page) -> None:
    n = run.adata.n_obs
    page.heading(_part(found, "Who is in them"))
    page.text(_sizes(run.adata.obs))
    page.figure(
        "consensus",
        lambda: pl.subtypes.consensus(run.adata),
        f"Consensus matrix (n = {n:,}): how often two samples fell into one cluster when clustered together "
        "on resampled data. Dark blocks are stable subtypes; the bars show what is known of each sample.",
        f"Consensus heat map of {n} samples with bars of clinical annotation.",
    )
    for basis, name, title in (
        ("X_pca", "embedding", "the first two principal components"),
        ("X_umap", "umap", "a UMAP"),
    ):
        if basis in run.adata.obsm:
            page.figure(
                name,
                partial(pl.subtypes.embedding, run.adata, basis=basis),
                f"Samples on {title} of the clustered genes (n = {n:,}). Filled: core samples of their "
                "subtype; open: uncertain ones; the larger, the more confident.",
                f"Scatter of {n} samples coloured by subtype.",
            )
    page.figure(
        "confidence",
        lambda: pl.subtypes.confidence(run.adata),
        f"Silhouette of each sample within its subtype (n = {n:,}). Samples below zero lie nearer to "
        "another subtype."
        + (
            " The strip below shows in how many of the other ways to cluster the sample stays in its subtype."
            if "subtype_robustness" in run.adata.obs
            else ""
        ),
        "Bars of silhouette values grouped by subtype.",
    )
    _robustness(run, found, page)


def _sizes(obs: pd.DataFrame) -> str:
    """Say how many samples, and how many core samples, each subtype has."""
    core = obs["subtype_core"].astype(bool)
    listed = []
    for name, own in core.groupby(obs["subtype"], observed=True):
        listed.append(f"{name}: {count(len(own), 'sample')}, {int(own.sum()):,} core")
    outliers = int(obs["subtype"].isna().sum())
    if outliers:
        listed.append(f"{count(outliers, 'outlier')} without a subtype")
    ways = " and in most other ways to cluster" if "subtype_robustness" in obs else ""
    return (
        f"{'; '.join(listed)}. Core samples ({percent(float(core.mean()))}) stay with their subtype in "
        f"nearly every resample{ways}; the others lie between subtypes, and their label should be read "
        "with care."
    )


def _robustness(run: Run, found: dict[str, Any], page: Page) -> None:
    table = found.get("robustness")
    if table is None or not len(table):
        return
    page.figure(
        "robustness",
        lambda: pl.subtypes.robustness(run.adata),
        f"The same number of subtypes sought again in {len(table)} ways (choice of genes and clusterer; n = "
        f"{run.adata.n_obs:,}): adjusted Rand index (ARI) between any two, and at the right with the "
        "subtypes reported here. 1 is the same partition, 0 is chance.",
        "Heat table of agreement between partitions.",
    )
    page.table(
        ("subtypes", "robustness"), table, "Ways to cluster, and their agreement with the subtypes (ARI)."
    )


def _what(run: Run, found: dict[str, Any], page: Page) -> None:
    page.heading(_part(found, "What they are"))
    page.figure(
        "markers",
        lambda: pl.subtypes.markers(run.adata),
        f"Strongest marker genes of each subtype (n = {run.adata.n_obs:,}), relative to the gene's mean.",
        "Heat map of marker genes by sample.",
    )
    _leading(found, "markers", "Marker genes", page)
    if len(found.get("gene_sets", ())):
        page.figure(
            "gene_sets",
            lambda: pl.subtypes.gene_sets(run.adata),
            "Gene sets whose genes are higher (or lower) in a subtype than in the others: the clearest of "
            f"each subtype (n = {run.adata.n_obs:,}), larger dots for stronger evidence.",
            "Dots of evidence, gene sets by subtype.",
        )
        _leading(found, "gene_sets", "Gene sets", page)
    page.figure(
        "associations",
        lambda: pl.subtypes.associations(run.adata),
        "Clinical variables that differ between subtypes: evidence as false discovery rate, bars beyond "
        "the dashed line are below 0.05. Very strong evidence is cut off and written beside the bar.",
        "Bars of evidence for clinical differences between subtypes.",
    )
    page.table(
        ("subtypes", "associations"), found.get("associations"), "Association with clinical variables."
    )
    page.table(
        ("subtypes", "technical"),
        found.get("technical"),
        "Whether the groups follow a batch, plate, site or the libraries: strength and evidence.",
    )
    said = _survival(run)
    if said:
        page.text(said)


def _leading(found: dict[str, Any], name: str, what: str, page: Page) -> None:
    """Show the first rows of each subtype, rather than of the first subtype."""
    if name in found:
        table = found[name].groupby("subtype", observed=True, sort=False).head(_LEADING)
        caption = f"{what}: the {_LEADING} with the strongest evidence in each subtype; the file holds more."
        page.table(("subtypes", name), table, caption, rows=len(table))


def _survival(run: Run) -> str:
    """Say whether survival differs between the subtypes; the curves are drawn in the section Survival."""
    survival, parts = run.step("survival"), []
    for endpoint in [str(e) for e in survival.get("endpoints", [])]:
        table = survival[endpoint].get("logrank")
        if table is None or "grouping" not in table:
            continue
        row = table[table["grouping"].astype(str) == "subtype"]
        if len(row):
            p = row["p_adjusted" if "p_adjusted" in row else "p"]
            parts.append(f"{words(endpoint)} log-rank {p_text(float(p.iloc[0]))}")
    if not parts:
        return ""
    return (
        f"Survival by subtype: {join(parts)} (adjusted by Holm for the groupings tested). The curves are in "
        "the section Survival."
    )


def _known(run: Run, found: dict[str, Any], page: Page) -> None:
    classes = found.get("known_classes")
    if classes is None or not len(classes):
        return
    page.heading(_part(found, "Beside known classes"))
    best = classes.sort_values("ari", ascending=False, kind="stable")
    with page.pair():
        for name, n in best[["classification", "n"]].head(_DRAWN_CLASSES).itertuples(index=False):
            page.figure(
                f"known_{slug(name)}",
                partial(pl.subtypes.known, run.adata, str(name)),
                f"{heading(name)}: where the samples of each subtype go (n = {int(n):,}). The adjusted Rand "
                "index (ARI) is 1 when both divide the samples alike, 0 when they agree by chance alone.",
                f"Alluvial diagram from subtypes to {words(name)}.",
            )
    page.table(("subtypes", "known_classes"), classes, "Agreement of the subtypes with known classes (ARI).")


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
        f"Intrinsic subtypes (n = {run.adata.n_obs:,}).",
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
    _groups.show(run.adata, page, ("subtypes", "groups"), found.get("groups"), "Intrinsic subtypes")
    page.table(
        ("subtypes", "intrinsic_proportions"), found.get("intrinsic_proportions"), "Intrinsic subtypes."
    )
