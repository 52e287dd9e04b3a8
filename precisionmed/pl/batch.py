"""Figures of batch correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from precisionmed.errors import InputError, nearest
from precisionmed.pl._base import BLUE, GREY, SOFT, canvas, column, slot
from precisionmed.pl._words import words
from precisionmed.pl.qc import scatter

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def variance(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the share of variance that batch and biology explain, before and after any correction."""
    table = slot(adata, "batch", "variance")
    rows = np.arange(len(table))[::-1]
    corrected = _corrected(adata)
    bars = ((0.2, "before", GREY), (-0.2, "after", BLUE)) if corrected else ((0.0, "before", BLUE),)
    with canvas(ax, 6.0, 1.3 + 0.42 * len(table)) as ax:
        for offset, when, colour in bars:
            share = table[when].to_numpy(dtype=float) * 100
            ax.barh(rows + offset, share, height=0.38 if len(bars) == 2 else 0.6, color=colour, label=when)
            for row, value in zip(rows + offset, share, strict=True):
                ax.annotate(
                    f"{value:.1f}",
                    (value, row),
                    (4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7.5,
                )
        ax.set_yticks(rows, [words(f) for f in table["factor"]])
        ax.tick_params(axis="y", length=0)
        ax.margins(x=0.12)
        ax.set_xlim(0)
        ax.set_xlabel("Variance explained, mean over genes (%)")
        ax.set_title(f"Variance by factor (n = {adata.n_obs})")
        if corrected:
            ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return ax


def separation(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the mean silhouette width by batch and by biology, before and after any correction."""
    table = slot(adata, "batch", "separation")
    if table.empty:
        raise InputError("no clinical variable has two levels of two samples.")
    rows = np.arange(len(table))[::-1]
    before, after = (table[when].to_numpy(dtype=float) for when in ("before", "after"))
    with canvas(ax, 6.0, 1.4 + 0.34 * len(table)) as ax:
        ax.axvline(0, color=SOFT, lw=0.7)
        if _corrected(adata):
            ax.hlines(rows, before, after, color="#C9CDD3", lw=2, zorder=1)
            ax.scatter(before, rows, s=34, color=GREY, label="before", zorder=2)
        ax.scatter(after, rows, s=34, color=BLUE, label="after" if _corrected(adata) else "", zorder=3)
        ax.set_yticks(rows, [words(f) for f in table["factor"]])
        ax.set_ylim(-0.6, len(table) - 0.4)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
        ax.margins(x=0.15)
        ax.set_xlabel("Mean silhouette width (0: not separated, 1: apart)")
        ax.set_title(f"Separation by factor (n = {adata.n_obs})")
        if _corrected(adata):
            ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return ax


def pca(adata: AnnData, *, when: str = "after", color: str | None = "batch", ax: Axes | None = None) -> Axes:
    """Draw two principal components before or after the correction, coloured by a column of `obs`."""
    slots = {"before": "X_pca_before_batch", "after": "X_pca_batch"}
    if when not in slots:
        raise InputError(f"when='{when}' is no choice.{nearest(when, slots)}")
    fractions = slot(adata, "batch", "pca_variance")[when].to_numpy(dtype=float)
    if slots[when] not in adata.obsm:
        raise InputError("no batch correction was done, so there are no components after it.")
    scores = np.asarray(adata.obsm[slots[when]])[:, :2]
    with canvas(ax, 5.4, 3.9) as ax:
        scatter(ax, scores, None if color is None else column(adata, color), title=color)
        ax.set_xlabel(f"PC1 ({fractions[0]:.0%} of variance)")
        ax.set_ylabel(f"PC2 ({fractions[1]:.0%} of variance)")
        ax.set_title(f"Principal components {when} batch correction (n = {adata.n_obs})")
    return ax


def _corrected(adata: AnnData) -> bool:
    return str(slot(adata, "batch", "params").get("method", "none")) != "none"
