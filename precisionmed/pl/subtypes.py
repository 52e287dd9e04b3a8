"""Figures of molecular and intrinsic subtypes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.pl._base import BLUE, SOFT, VERMILION, canvas, italic_genes, slot
from precisionmed.pl._heat import DIVERGING, annotation_bars, matrix, usual_annotations
from precisionmed.pl._subtypes_k import cdf, delta_area, k_scores, votes
from precisionmed.pl._subtypes_known import (
    associations,
    intrinsic,
    intrinsic_by_subtype,
    intrinsic_confusion,
    intrinsic_performance,
    known,
)
from precisionmed.pl._subtypes_samples import confidence, consensus, embedding, order, robustness

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

__all__ = [
    "associations",
    "cdf",
    "confidence",
    "consensus",
    "delta_area",
    "embedding",
    "gene_sets",
    "intrinsic",
    "intrinsic_by_subtype",
    "intrinsic_confusion",
    "intrinsic_performance",
    "k_scores",
    "known",
    "markers",
    "robustness",
    "votes",
]

FDR = 0.05
_DIRECTIONS = {"up": VERMILION, "down": BLUE}


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
    at = order(adata)
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


def gene_sets(adata: AnnData, *, n: int = 5, ax: Axes | None = None) -> Axes:
    """Draw the `n` gene sets most clearly higher in each subtype: size is evidence, colour the direction.

    A subtype without any set that is higher shows those that are lower.
    """
    table = slot(adata, "subtypes", "gene_sets").sort_values("p", kind="stable")
    found = table[table["fdr"] < FDR]
    if found.empty:
        raise InputError(f"no gene set differs between the subtypes at a false discovery rate of {FDR:.0%}.")
    names = sorted(table["subtype"].astype(str).unique())
    best = [_raised(found[found["subtype"].astype(str) == name]).head(n) for name in names]
    sets = list(dict.fromkeys(str(one) for own in best for one in own["gene_set"]))
    shown = found[found["gene_set"].astype(str).isin(sets)]
    rows = shown["gene_set"].astype(str).map({one: len(sets) - 1 - i for i, one in enumerate(sets)})
    strength = -np.log10(np.maximum(shown["fdr"].to_numpy(dtype=float), 1e-300))
    with canvas(ax, 4.6 + 0.34 * len(names), 1.3 + 0.215 * len(sets)) as ax:
        ax.scatter(
            shown["subtype"].astype(str).map({name: i for i, name in enumerate(names)}),
            rows,
            s=_area(strength),
            c=[_DIRECTIONS[str(d)] for d in shown["direction"]],
        )
        ax.set_yticks(range(len(sets)), [_short(one) for one in sets[::-1]])
        ax.set_xticks(range(len(names)), names)
        ax.set(xlim=(-0.6, len(names) - 0.4), ylim=(-0.7, len(sets) - 0.3), xlabel="Subtype")
        ax.grid(axis="y")
        ax.tick_params(length=0)
        ax.spines["left"].set_visible(False)
        _evidence_key(ax)
        ax.set_title("Gene sets of the subtypes")
    return ax


def _raised(table: pd.DataFrame) -> pd.DataFrame:
    """Return the sets that are higher; all when there is none."""
    up = table[table["direction"].astype(str) == "up"]
    return up if len(up) else table


def _area(strength: np.ndarray) -> np.ndarray:
    """Return dot areas; evidence beyond 1e-10 looks alike."""
    return 9 + 9 * np.minimum(strength, 10)


def _short(name: str, most: int = 46) -> str:
    """Return the name of a gene set as words that fit beside the figure."""
    text = re.sub(r" \(GO:\d+\)$", "", name).replace("_", " ")
    if text.split(" ")[0].islower():  # not rRNA
        text = text[:1].upper() + text[1:]
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _evidence_key(ax: Axes) -> None:
    from matplotlib.lines import Line2D

    def dot(colour: str, area: float, label: str) -> Line2D:
        return Line2D([], [], marker="o", linestyle="", color=colour, markersize=area**0.5, label=label)

    dots = [dot(colour, 50, {"up": "higher", "down": "lower"}[d]) for d, colour in _DIRECTIONS.items()]
    for power in (2, 5, 10):
        label = f"FDR ≤ 1e−{power}" if power == 10 else f"FDR 1e−{power}"
        dots.append(dot(SOFT, float(_area(np.array([power]))[0]), label))
    ax.legend(handles=dots, loc="upper left", bbox_to_anchor=(1.01, 1), handletextpad=0.4, labelspacing=0.6)
