"""Figures of batch correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from precisionmed.pl._base import BLUE, GREY, canvas, slot, words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def variance(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the share of variance that batch and biology explain, before and after any correction."""
    table = slot(adata, "batch", "variance")
    rows = np.arange(len(table))[::-1]
    corrected = str(slot(adata, "batch", "params").get("method", "none")) != "none"
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
