"""Figures of normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from precisionmed.pl._base import BLUE, canvas, slot
from precisionmed.pl._curves import rle_band

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

BINS = 60


def rle(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw relative log expression after normalization."""
    with canvas(ax, 6.4, 3.0) as ax:
        rle_band(ax, slot(adata, "normalize", "rle"), set())
        ax.set_title(f"Relative log expression after normalization (n = {adata.n_obs})")
    return ax


def density(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the distribution of log expression in `X`, one thin line a sample."""
    slot(adata, "normalize")
    values = np.asarray(adata.X, dtype=float)
    low, high = np.nanpercentile(values[:, :: max(1, adata.n_vars // 2000)], [0.05, 99.95])
    edges = np.linspace(low, high, BINS + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    shares = np.array([np.histogram(row, bins=edges)[0] for row in values]) / values.shape[1] * 100
    with canvas(ax, 6.4, 2.9) as ax:
        from matplotlib.collections import LineCollection

        lines = [np.column_stack([centres, share]) for share in shares]
        faint = max(0.06, 12 / (60 + len(values)))
        # Hundreds of lines: one collection, as pixels within the vector figure.
        ax.add_collection(LineCollection(lines, colors=BLUE, linewidths=0.5, alpha=faint, rasterized=True))
        ax.set_xlim(low, high)
        ax.set_ylim(0, shares.max() * 1.05)
        ax.set_xlabel("Expression (log2)")
        ax.set_ylabel("Genes in each bin (%)")
        ax.set_title(f"Expression after normalization (n = {adata.n_obs}, {adata.n_vars:,} genes)")
    return ax
