"""Figures of every gene alone: the univariate screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.pl._base import BLUE, SOFT, VERMILION, canvas, italic_genes
from precisionmed.pl._biomarkers_base import label_of, mark, part, ratio_name, signature_genes, task_of
from precisionmed.pl._flow import spread
from precisionmed.pl._forest import forest, ratio_axis
from precisionmed.pl._words import heading

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

FDR = 0.05
_TALLEST = 300.0
"""-log10 of the smallest p that is told apart."""


def volcano(adata: AnnData, task: str | None = None, *, n: int = 16, ax: Axes | None = None) -> Axes:
    """Draw effect against evidence for every gene alone; up to `n` genes of the signature are named.

    Without a signature half as many of the clearest genes are.

    Parameters
    ----------
    adata
        Cohort after `tl.biomarkers`.
    task
        Task; the first when None.
    n
        Most genes to name; the most significant ones are.
    ax
        Axes to draw on.
    """
    found, table = task_of(adata, task), _tested(adata, task)
    strength = np.minimum(-np.log10(table["p"].to_numpy(dtype=float).clip(10.0**-_TALLEST)), _TALLEST)
    table = table.assign(strength=strength)
    own = table["gene"].astype(str).isin(signature_genes(found)).to_numpy()
    clear = (table["fdr"] < FDR).to_numpy()
    with canvas(ax, 3.7, 3.9) as ax:
        kinds: tuple[tuple[str, np.ndarray, str, float], ...] = (
            ("other", ~own & ~clear, "#C9CED4", 7),
            (f"FDR < {FDR:.0%}", ~own & clear, "#7FAFD3", 7),
            ("signature", own, VERMILION, 15),
        )
        for word, which, colour, size in (kind for kind in kinds if kind[1].any()):
            dots = table[which]
            label = f"{word} ({len(dots):,})"
            ax.scatter(
                dots["ratio"], dots["strength"], c=colour, s=size, linewidths=0, rasterized=True, label=label
            )
        # Room at both sides for the names.
        reach = 1.1 * float(np.abs(np.log(table["ratio"])).max())
        ratio_axis(ax, np.exp(-1.9 * reach), np.exp(1.9 * reach))
        ax.axvline(1, color=SOFT, linewidth=0.6, zorder=0)
        ax.set_ylim(0, 1.06 * float(strength.max()) or 1.0)
        named = table[own if own.any() else clear].nlargest(n if own.any() else n // 2, "strength")
        for side in (-1, 1):
            here = named[np.sign(np.log(named["ratio"])) == side]
            _name(ax, here, side, reach, VERMILION if own.any() else BLUE)
        ax.set_xlabel(f"{ratio_name(found)} per standard deviation")
        ax.set_ylabel("−log10 p")
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(-0.16, -0.16),
            ncols=3,
            columnspacing=0.9,
            handletextpad=0.1,
            markerscale=1.6,
        )
        ax.set_title(f"{heading(label_of(found))}: every gene alone")
        mark(ax, adata, task)
    return ax


def univariate(adata: AnnData, task: str | None = None, *, n: int = 15, ax: Axes | None = None) -> Axes:
    """Draw the ratios of the `n` genes that say most alone, with 95% intervals; signature genes are red."""
    found, table = task_of(adata, task), _tested(adata, task)
    top = table.sort_values("p", kind="stable").head(n)
    own = set(signature_genes(found))
    colour = [VERMILION if str(gene) in own else BLUE for gene in top["gene"]]
    with canvas(ax, 3.7, 3.9) as ax:
        forest(
            ax,
            [str(gene) for gene in top["gene"]],
            top["ratio"],
            top["lower"],
            top["upper"],
            reference=1,
            log=True,
            colour=colour,
        )
        italic_genes(ax.get_yticklabels())
        ax.set_xlabel(f"{ratio_name(found)} per standard deviation (95% CI)")
        ax.set_title(f"The {len(top)} strongest genes alone")
        mark(ax, adata, task)
    return ax


def _tested(adata: AnnData, task: str | None) -> pd.DataFrame:
    """Return the genes whose test has a result, with a finite ratio."""
    table = part(adata, task, "screen")
    table = table[np.isfinite(table["p"]) & np.isfinite(table["ratio"]) & (table["ratio"] > 0)]
    if table.empty:
        raise InputError("no gene could be tested alone.")
    return table


def _name(ax: Axes, genes: pd.DataFrame, side: int, reach: float, colour: str) -> None:
    """Write the names of genes in a column at their side, with a line to each."""
    genes = genes.sort_values("strength", ascending=False, kind="stable")
    top = ax.get_ylim()[1]
    heights = spread(list(genes["strength"]), 0.05 * top)
    heights += min(0.0, 0.98 * top - heights.max(initial=0.0)) + max(
        0.0, 0.02 * top - heights.min(initial=top)
    )
    look: dict[str, Any] = {"va": "center", "fontsize": 7, "style": "italic", "color": colour}
    line = {"arrowstyle": "-", "color": colour, "alpha": 0.5, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 2}
    for (_, row), y in zip(genes.iterrows(), heights, strict=True):
        ax.annotate(
            str(row["gene"]),
            (row["ratio"], row["strength"]),
            (np.exp(side * 1.15 * reach), y),
            ha="left" if side > 0 else "right",
            arrowprops=line,
            **look,
        )
