"""Heat maps of samples with bars of clinical annotation above them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.pl._base import BLACK, colours, levels, tick_style
from precisionmed.pl._words import heading, words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

MISSING = "#F1F2F4"
DIVERGING = "RdBu_r"
_USUAL = ("subtype", "intrinsic_subtype", "er_status", "pr_status", "her2_status", "tnbc_status")


def usual_annotations(adata: AnnData) -> list[str]:
    """Return the annotation columns that this cohort has, subtypes first."""
    return [name for name in _USUAL if name in adata.obs and adata.obs[name].notna().any()]


def annotation_bars(ax: Axes, obs: pd.DataFrame, columns: Sequence[str], *, inch: float) -> None:
    """Draw one bar a column above `ax`, whose x axis has one unit a sample, and the keys at its right.

    `inch` is the height of `ax`, so that bars have the same height in any figure.
    """
    if not columns:
        return
    thick = 0.16 / inch
    keys: dict[str, dict[str, str]] = {}
    for i, name in enumerate(columns):
        bar = ax.inset_axes((0, 1 + 0.02 + (len(columns) - 1 - i) * thick * 1.12, 1, thick))
        values = obs[name]
        shade = colours(levels(values))
        entries = keys.setdefault("Receptor status" if name.endswith("_status") else heading(name), {})
        entries.update({words(level): colour for level, colour in shade.items()})
        if entries.pop("missing", None) or values.isna().any():
            entries["missing"] = MISSING  # always the last of its key
        bar.imshow(_paint(values, shade), aspect="auto", interpolation="nearest")
        bar.set_axis_off()
        label = "TNBC status" if name == "tnbc_status" else heading(name)
        bar.text(-0.01, 0.5, label, ha="right", va="center", fontsize=7.5, transform=bar.transAxes)
    _stacked_keys(ax, keys, inch, 1.02 + len(columns) * thick * 1.12)


def _paint(values: pd.Series, shade: dict[str, str]) -> np.ndarray:
    from matplotlib.colors import to_rgb

    return np.array(
        [[to_rgb(shade.get(str(v), MISSING)) if pd.notna(v) else to_rgb(MISSING) for v in values]]
    )


def _stacked_keys(ax: Axes, keys: dict[str, dict[str, str]], inch: float, y: float) -> None:
    line = 0.15 / inch
    for title, shade in keys.items():
        place: dict[str, Any] = {"transform": ax.transAxes, "va": "top", "fontsize": 7.5}
        ax.text(1.03, y, title, weight="bold", **place)
        for i, (name, colour) in enumerate(shade.items(), start=1):
            ax.plot(
                1.045,
                y - (i + 0.45) * line,
                "s",
                color=colour,
                markersize=5.5,
                transform=ax.transAxes,
                clip_on=False,
            )
            ax.text(1.07, y - i * line, name, **place)
        y -= (len(shade) + 1.7) * line


def matrix(
    ax: Axes,
    values: np.ndarray,
    *,
    cmap: str,
    limits: tuple[float, float],
    label: str,
    where: tuple[float, float, float, float],
) -> None:
    """Draw a matrix filling `ax`, with a thin colour bar at `where` (axes fractions)."""
    image = ax.imshow(
        values,
        cmap=cmap,
        vmin=limits[0],
        vmax=limits[1],
        aspect="auto",
        interpolation="nearest",
        rasterized=True,
    )
    bar_ax = ax.inset_axes(where)
    tick_style(bar_ax)
    bar = ax.figure.colorbar(image, cax=bar_ax, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_label(label, fontsize=7.5, color=BLACK)
    bar_ax.tick_params(labelsize=7, length=2)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)


def counted_cells(ax: Axes, table: pd.DataFrame) -> None:
    """Draw a cross table: number in each cell, shade by its share of the row."""
    counts = table.to_numpy(dtype=float)
    fraction = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(fraction, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, col), n in np.ndenumerate(counts):
        ink = "white" if fraction[row, col] > 0.55 else BLACK
        ax.text(col, row, f"{n:.0f}", ha="center", va="center", color=ink, fontsize=8)
    ax.set_xticks(range(table.shape[1]), [words(c).replace(" ", "\n") for c in table.columns])
    ax.set_yticks(range(table.shape[0]), [words(i) for i in table.index])
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """Return a stored cross table with its column of row names as the index."""
    text = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
    return table.set_index(text[0]) if text else table
