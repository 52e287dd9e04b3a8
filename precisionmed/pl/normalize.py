"""Figures of normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from precisionmed.pl._base import canvas, slot
from precisionmed.pl._curves import density_lines, mean_variance_cloud, rle_band

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def rle(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw relative log expression after normalization."""
    with canvas(ax, 6.4, 3.0) as ax:
        rle_band(ax, slot(adata, "normalize", "rle"), set())
        ax.set_title(f"Relative log expression after normalization (n = {adata.n_obs})")
    return ax


def density(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the distribution of log expression after normalization, one thin line a sample."""
    with canvas(ax, 6.4, 2.9) as ax:
        density_lines(ax, slot(adata, "normalize", "density"), set())
        ax.set_title(f"Expression after normalization (n = {adata.n_obs}, {adata.n_vars:,} genes)")
    return ax


def mean_variance(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the genes' spread against their mean after normalization."""
    table = slot(adata, "normalize", "mean_variance")
    with canvas(ax, 5.4, 3.3) as ax:
        mean_variance_cloud(ax, table)
        ax.set_title(f"Mean and variance after normalization ({len(table):,} genes)")
    return ax
