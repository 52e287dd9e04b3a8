"""Figures of molecular and intrinsic subtypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.pl._base import (
    BLACK,
    BLUE,
    CYCLE,
    GREY,
    ORANGE,
    canvas,
    colours,
    column,
    heading,
    in_bar,
    italic_genes,
    key,
    levels,
    note,
    slot,
    words,
)
from precisionmed.pl._forest import forest, height
from precisionmed.pl._heat import (
    DIVERGING,
    annotation_bars,
    counted_cells,
    labelled,
    matrix,
    usual_annotations,
)
from precisionmed.pl.qc import scatter

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def consensus(adata: AnnData, *, annotations: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the consensus matrix in dendrogram order, with clinical bars above it.

    Parameters
    ----------
    adata
        Cohort after `tl.subtypes`.
    annotations
        Categorical columns of `obs` to show; subtypes and receptor status when None.
    ax
        Axes to draw on.
    """
    if "consensus" not in adata.obsp:
        raise InputError("obsp has no 'consensus': run pm.tl.subtypes first.")
    at = _order(adata)
    names = usual_annotations(adata) if annotations is None else list(annotations)
    values = np.asarray(adata.obsp["consensus"], dtype=float)[np.ix_(at, at)]
    with canvas(ax, 6.3, 4.5 + 0.18 * len(names)) as ax:
        matrix(ax, values, cmap="Blues", limits=(0, 1), label="Consensus", where=(1.04, 0.03, 0.2, 0.025))
        annotation_bars(ax, adata.obs.iloc[at], names, inch=3.9)
        ax.set(xticks=[], yticks=[], xlabel=f"Samples (n = {adata.n_obs})")
    return ax


def cdf(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the distribution of consensus values for each number of subtypes; flat in the middle is stable."""
    table = slot(adata, "subtypes", "cdf")
    chosen = _chosen(adata)
    ks = sorted({int(k) for k in table["k"]})
    with canvas(ax, 3.6, 3.0) as ax:
        for k, colour in zip(ks, CYCLE * 3, strict=False):
            part = table[table["k"] == k]
            wide = 2.4 if k == chosen else 1.1
            ax.plot(part["consensus"], part["cdf"], color=colour, linewidth=wide, label=f"{k}")
        ax.set(xlim=(0, 1), ylim=(0, 1.01))
        ax.set_xlabel("Consensus of a pair of samples")
        ax.set_ylabel("Cumulative fraction of pairs")
        ax.legend(title="Subtypes", loc="lower right", ncols=1 if len(ks) < 6 else 2, labelspacing=0.25)
        ax.set_title("Consensus distribution")
    return ax


def k_scores(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the proportion of ambiguous pairs (PAC) and the silhouette for each number of subtypes."""
    table = slot(adata, "subtypes", "k_scores").sort_values("k")
    with canvas(ax, 3.6, 3.0) as ax:
        for name, label, colour in (
            ("pac", "PAC (lower is better)", BLUE),
            ("silhouette", "silhouette", ORANGE),
        ):
            if name in table and table[name].notna().any():
                ax.plot(table["k"], table[name], "o-", color=colour, markersize=4, label=label)
        ax.axvline(_chosen(adata), color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        note(ax, "chosen", (_chosen(adata), 1), (4, -2), ("data", "axes fraction"), va="top")
        ax.set_xticks(table["k"])
        ax.margins(y=0.25)
        ax.set_xlabel("Number of subtypes")
        ax.set_ylabel("Score")
        ax.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2, columnspacing=1.0, handlelength=1.3)
        ax.set_title("Choice of the number of subtypes")
    return ax


def embedding(adata: AnnData, *, color: str = "subtype", ax: Axes | None = None) -> Axes:
    """Draw the first two principal components of the clustered genes, coloured by a column of `obs`."""
    if "X_pca" not in adata.obsm:
        raise InputError("obsm has no 'X_pca': run pm.tl.subtypes first.")
    with canvas(ax, 5.4, 3.7) as ax:
        scatter(ax, np.asarray(adata.obsm["X_pca"])[:, :2], column(adata, color), title=color)
        ax.set(xlabel="PC1", ylabel="PC2")
        ax.set_title(f"Principal components of the most variable genes (n = {adata.n_obs})")
    return ax


def confidence(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the silhouette of each sample within its subtype, descending."""
    subtype = column(adata, "subtype")
    values = column(adata, "subtype_silhouette").to_numpy(dtype=float)
    shade = colours(levels(subtype))
    start = 0
    with canvas(ax, 6.4, 2.6) as ax:
        for name, colour in shade.items():
            part = np.sort(values[(subtype == name).to_numpy(dtype=bool)])[::-1]
            edges = np.arange(start, start + len(part) + 1) - 0.5
            ax.stairs(part, edges, fill=True, color=colour)
            start += len(part) + max(1, adata.n_obs // 100)
        ax.axhline(0, color=BLACK, linewidth=0.6)
        ax.set_xlim(-1, start)
        ax.set_xticks([])
        ax.set_xlabel("Samples, by subtype")
        ax.set_ylabel("Silhouette")
        key(ax, {f"{n} ({(subtype == n).sum()})": c for n, c in shade.items()}, title="Subtype (n)")
        ax.set_title("How well samples fit their subtype")
    return ax


def markers(adata: AnnData, *, n: int = 8, ax: Axes | None = None) -> Axes:
    """Draw the `n` strongest markers of each subtype, gene-centred, samples in dendrogram order."""
    table = slot(adata, "subtypes", "markers")
    table = table[table["gene"].isin(adata.var_names) & (table["log_fold_change"] > 0)]
    strongest = (
        table.sort_values("t", ascending=False, kind="stable").groupby("subtype", observed=True).head(n)
    )
    genes = list(dict.fromkeys(strongest.sort_values("subtype", kind="stable")["gene"]))
    if not genes:
        raise InputError("no marker gene is higher in any subtype.")
    at = _order(adata)
    values = np.asarray(adata[:, genes].X, dtype=float)[at].T
    # Centred and scaled for the eye only: rows of one colour scale.
    values = (values - values.mean(axis=1, keepdims=True)) / np.maximum(
        values.std(axis=1, keepdims=True), 1e-12
    )
    tall = max(0.125 * len(genes), 2.2)
    with canvas(ax, 6.3, tall + 1.3) as ax:
        matrix(
            ax,
            values,
            cmap=DIVERGING,
            limits=(-2.5, 2.5),
            label="Expression\n(SD from gene mean)",
            where=(1.04, 0.06, 0.2, 0.09 / tall),
        )
        ax.set_yticks(range(len(genes)), genes, fontsize=7)
        italic_genes(ax.get_yticklabels())
        ax.tick_params(axis="y", length=0)
        annotation_bars(ax, adata.obs.iloc[at], usual_annotations(adata)[:2], inch=tall)
        ax.set(xticks=[], xlabel=f"Samples (n = {adata.n_obs})")
    return ax


def intrinsic(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the intrinsic subtypes as one stacked bar."""
    table = slot(adata, "subtypes", "intrinsic_proportions")
    shade = colours([str(s) for s in table["subtype"]])
    start = 0.0
    with canvas(ax, 6.4, 1.5) as ax:
        for name, samples, fraction in table[["subtype", "samples", "fraction"]].itertuples(index=False):
            ax.barh(
                0,
                fraction * 100,
                left=start * 100,
                color=shade[str(name)],
                height=0.7,
                edgecolor="white",
                linewidth=1,
            )
            middle = (start + fraction / 2) * 100
            if fraction > 0.085:
                text = f"{words(name)}\n{int(samples)} ({fraction:.0%})"
                in_bar(ax, middle, 0, text, shade[str(name)], weight="bold")
            elif samples:
                note(
                    ax,
                    f"{words(name)} {int(samples)}",
                    (middle, 0.36),
                    (0, 3),
                    "data",
                    ha="center",
                    fontsize=8,
                )
            start += fraction
        ax.set(xlim=(0, 100), ylim=(-0.4, 0.6), yticks=[])
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("Samples (%)")
        ax.set_title(f"Intrinsic subtypes (n = {int(table['samples'].sum())})")
    return ax


def intrinsic_by_subtype(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the cross table of discovered and intrinsic subtypes, shaded by share of the row."""
    table = labelled(slot(adata, "subtypes", "intrinsic_by_subtype"))
    with canvas(ax, 3.6, 1.2 + 0.34 * len(table)) as ax:
        counted_cells(ax, table)
        ax.set_title("Discovered and intrinsic subtypes")
    return ax


def intrinsic_confusion(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw recorded (rows) against out-of-fold predicted (columns) intrinsic subtypes."""
    table = labelled(slot(adata, "subtypes", "intrinsic_confusion"))
    with canvas(ax, 3.6, 1.3 + 0.34 * len(table)) as ax:
        counted_cells(ax, table)
        ax.set(xlabel="Predicted, out of fold", ylabel="Recorded")
        ax.set_title("Recorded and predicted")
    return ax


def associations(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the strength of evidence that clinical variables differ between subtypes."""
    table = slot(adata, "subtypes", "associations").sort_values("fdr", kind="stable").head(15)
    strength = -np.log10(np.maximum(table["fdr"].to_numpy(dtype=float), 1e-300))
    rows = np.arange(len(table))[::-1]
    with canvas(ax, 6.0, height(len(table))) as ax:
        ax.barh(rows, strength, color=np.where(table["fdr"] < 0.05, BLUE, "#BFC5CC"), height=0.62)
        ax.set_yticks(
            rows, [f"{words(v)} (n = {int(n)})" for v, n in zip(table["variable"], table["n"], strict=True)]
        )
        ax.tick_params(axis="y", length=0)
        ax.axvline(-np.log10(0.05), color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        ax.set_xlabel("−log10 false discovery rate (dashed: 0.05)")
        ax.set_title("Clinical variables that differ between subtypes")
    return ax


def intrinsic_performance(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw out-of-fold agreement with the recorded intrinsic subtypes."""
    table: pd.DataFrame = slot(adata, "subtypes", "intrinsic_performance")
    with canvas(ax, 6.0, height(len(table))) as ax:
        labels = [heading(m) for m in table["metric"]]
        forest(ax, labels, table["estimate"], table["lower"], table["upper"], reference=None, limits=(0, 1))
        ax.set_xlabel("Estimate (95% confidence interval)")
        ax.set_title("Agreement with recorded intrinsic subtypes")
    return ax


def _order(adata: AnnData) -> np.ndarray:
    names = pd.Index(np.asarray(slot(adata, "subtypes", "order")).astype(str))
    return adata.obs_names.get_indexer(names)


def _chosen(adata: AnnData) -> int:
    table = slot(adata, "subtypes", "k_scores")
    return int(table.loc[table["chosen"].astype(bool), "k"].iloc[0])
