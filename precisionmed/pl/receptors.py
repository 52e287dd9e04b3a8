"""Figures of receptor status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, nearest
from precisionmed.pl._base import (
    BLACK,
    BLUE,
    DERIVED,
    PALE,
    SKY,
    VERMILION,
    YELLOW,
    canvas,
    derived_mark,
    in_bar,
    note,
    slot,
    subtitle,
)
from precisionmed.pl._words import heading, words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def mixtures(adata: AnnData, receptor: str = "her2", *, ax: Axes | None = None) -> Axes:
    """Draw a receptor's expression with its two fitted components and the threshold.

    Parameters
    ----------
    adata
        Cohort after `tl.receptors`.
    receptor
        `er`, `pr` or `her2`.
    ax
        Axes to draw on.
    """
    table = slot(adata, "receptors", "mixtures")
    names = table["receptor"].astype(str)
    if receptor not in set(names):
        raise InputError(f"no mixture was fitted for '{receptor}'.{nearest(receptor, names)}")
    fit = table[names == receptor].iloc[0]
    values = slot(adata, "receptors", "values")[receptor].dropna().to_numpy(dtype=float)
    with canvas(ax, 3.7, 2.9) as ax:
        edges = np.linspace(values.min(), values.max(), int(np.clip(len(values) // 4, 15, 45))).tolist()
        ax.hist(values, bins=edges, color="#D5DAE0")
        x = np.linspace(values.min(), values.max(), 300)
        # Densities are scaled to counts in a bin, so that they lie over the bars.
        area = len(values) * (edges[1] - edges[0])
        for side, weight, colour in (
            ("low", 1 - fit["weight_high"], BLUE),
            ("high", fit["weight_high"], VERMILION),
        ):
            ax.plot(x, area * weight * _normal(x, fit[f"mean_{side}"], fit[f"sd_{side}"]), color=colour)
        ax.axvline(float(fit["threshold"]), color=BLACK, linewidth=0.9, linestyle=(0, (4, 3)))
        at = (float(fit["threshold"]), 1.0)
        note(ax, f"{fit['threshold']:.2f}", at, (3, 0), ("data", "axes fraction"), va="top")
        ax.margins(y=0.12)
        ax.set_xlabel(f"{fit['genes']} expression (log2)")
        ax.set_ylabel("Samples")
        ax.set_title(f"{words(receptor)} (n = {len(values)})")
        _mark_source(ax, adata, receptor)
    return ax


def status(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw how many samples are positive, negative, equivocal and missing for each receptor."""
    table: pd.DataFrame = slot(adata, "receptors", "counts")
    shade = {"positive": VERMILION, "negative": SKY, "equivocal": YELLOW, "missing": PALE}
    rows = np.arange(len(table))[::-1]
    with canvas(ax, 6.2, 1.1 + 0.38 * len(table)) as ax:
        start = np.zeros(len(table))
        for name, colour in shade.items():
            counts = table[name].to_numpy(dtype=float)
            ax.barh(
                rows,
                counts,
                left=start,
                color=colour,
                height=0.62,
                label=name,
                edgecolor="white",
                linewidth=0.8,
            )
            for row, left, n in zip(rows, start, counts, strict=True):
                if n > 0.05 * adata.n_obs:
                    in_bar(ax, left + n / 2, row, f"{int(n)}", colour)
            start += counts
        ax.set_yticks(
            rows, [f"{heading(r)}\n({s})" for r, s in zip(table["receptor"], table["source"], strict=True)]
        )
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, start.max())
        ax.set_xlabel("Samples")
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
        ax.set_title(f"Receptor status used for training (n = {adata.n_obs})")
    return ax


def _normal(x: np.ndarray, mean: float, sd: float) -> np.ndarray:
    return np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))


def _mark_source(ax: Axes, adata: AnnData, receptor: str) -> None:
    """Write on the figure itself that the label comes from expression, when it does."""
    source = str(slot(adata, "receptors", "source").get(receptor, "not available"))
    if source == DERIVED:
        derived_mark(ax, "status is")
    else:
        subtitle(ax, f"status is {source}; mixture shown for comparison")
