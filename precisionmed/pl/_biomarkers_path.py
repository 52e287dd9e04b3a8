"""Figures of how a signature was chosen: the penalty, the path, and how few genes are enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.pl._base import BLUE, CYCLE, PALE, SOFT, VERMILION, canvas, note
from precisionmed.pl._biomarkers_base import label_of, mark, name_ends, part, task_of
from precisionmed.pl._forest import ratio_axis
from precisionmed.pl._words import heading, words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

_NAMED = 8


def cv_curve(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the cross-validated loss along the penalty, with the penalty chosen and the genes kept.

    Parameters
    ----------
    adata
        Cohort after `tl.biomarkers`.
    task
        Task; the first when None.
    ax
        Axes to draw on.
    """
    found = task_of(adata, task)
    table = found["cv_curve"]
    with canvas(ax, 3.7, 3.2) as ax:
        ax.errorbar(
            table["lambda"],
            table["cv_mean"],
            yerr=table["cv_se"],
            fmt="o",
            color=BLUE,
            ecolor="#B9D3E8",
            markersize=2.6,
            elinewidth=0.9,
        )
        _penalty_axis(ax, table)
        _genes_above(ax, table)
        ax.set_ylabel("Cross-validated deviance")
        ax.set_title(f"{heading(label_of(found))}: penalty", pad=24)
        mark(ax, adata, task, lift=9)
    return ax


def path(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the coefficients along the penalty; the largest are named."""
    found = task_of(adata, task)
    table = found["path"]
    with canvas(ax, 3.7, 3.2) as ax:
        last = table.sort_values("lambda").groupby("gene", sort=False)["coefficient"].first()
        named = last.abs().sort_values(ascending=False, kind="stable").index[:_NAMED]
        shade = dict(zip(named, CYCLE, strict=False))
        for gene, own in table.sort_values("lambda").groupby("gene", sort=False):
            look = (
                {"color": shade[gene], "linewidth": 1.1}
                if gene in shade
                else {"color": "#C9CED4", "linewidth": 0.7}
            )
            ax.plot(own["lambda"], own["coefficient"], zorder=2 if gene in shade else 1, **look)
        _penalty_axis(ax, found["cv_curve"])
        ax.set_ylim(ax.get_ylim())
        name_ends(ax, [(float(last[gene]), str(gene), colour) for gene, colour in shade.items()])
        ax.set_ylabel("Coefficient per SD")
        ax.set_title(f"{heading(label_of(found))}: coefficients", pad=24)
        mark(ax, adata, task, lift=9)
    return ax


def panel(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the out-of-fold performance of the first genes on the path, by how many they are.

    The band is one standard error of the best size; the smallest size within it is ringed.
    """
    table = part(adata, task, "panel").sort_values("n_genes")
    found = task_of(adata, task)
    metric = words(found["performance"]["metric"].iloc[0]) if len(found["performance"]) else "performance"
    with canvas(ax, 3.7, 3.2) as ax:
        best = table.loc[table["estimate"].idxmax()]
        ax.axhspan(best["estimate"] - best["se"], best["estimate"], color=PALE, zorder=0)
        ax.errorbar(
            table["n_genes"],
            table["estimate"],
            yerr=table["se"],
            fmt="o-",
            color=BLUE,
            ecolor="#B9D3E8",
            markersize=3.5,
            linewidth=1,
            elinewidth=0.9,
        )
        _chosen(ax, table[table["chosen"].astype(bool)])
        ratio_axis(ax, float(table["n_genes"].min()) / 1.2, float(table["n_genes"].max()) * 1.2)
        ax.set_xlabel("Number of genes (band: within 1 SE of the best)")
        ax.set_ylabel(f"{heading(metric)}, out of fold")
        ax.set_title("How few genes are enough")
        mark(ax, adata, task)
    return ax


def _chosen(ax: Axes, table: pd.DataFrame) -> None:
    ax.plot(
        table["n_genes"], table["estimate"], "o", ms=11, mfc="none", mec=VERMILION, mew=1.4, clip_on=False
    )
    for n, estimate in zip(table["n_genes"], table["estimate"], strict=True):
        note(
            ax,
            f"{int(n)}",
            (n, estimate),
            (0, -20),
            "data",
            ha="center",
            color=VERMILION,
            weight="bold",
            fontsize=8,
        )


def _penalty_axis(ax: Axes, table: pd.DataFrame) -> None:
    """Log penalty axis, strict to the left as in the papers, with the two usual choices marked."""
    ratio_axis(ax, float(table["lambda"].min()) / 1.1, float(table["lambda"].max()) * 1.1)
    for name, style in (("lambda_min", (0, (1, 2))), ("lambda_1se", (0, (4, 3)))):
        ax.axvline(float(table[name].iloc[0]), color=SOFT, linewidth=0.9, linestyle=style, zorder=0)
    ax.invert_xaxis()
    ax.set_xlabel("Penalty λ (dashed: 1 SE rule; dotted: minimum)")


def _genes_above(ax: Axes, table: pd.DataFrame) -> None:
    """Write the number of genes along the top."""
    at = np.unique(np.linspace(0, len(table) - 1, 7).round().astype(int))
    ordered = table.sort_values("lambda", ascending=False)
    for i in at:
        row = ordered.iloc[i]
        text = f"{int(row['n_genes'])}"
        note(ax, text, (row["lambda"], 1), (0, 3), ("data", "axes fraction"), ha="center", fontsize=7)
    note(ax, "genes", (1, 1), (6, 3), fontsize=7)
