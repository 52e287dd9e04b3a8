"""Figures of subtypes beside what is known: classes, intrinsic subtypes, clinical variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, nearest
from precisionmed.pl._base import BLUE, GREY, canvas, colours, in_bar, note, slot, subtitle
from precisionmed.pl._flow import alluvial, spread
from precisionmed.pl._forest import forest, height, interval_texts
from precisionmed.pl._heat import counted_cells, labelled
from precisionmed.pl._words import heading, p_text, words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


_ROOM = 8.5
"""Per cent of the bar that hold two lines of text."""
_FARTHEST = 30
"""Evidence beyond a false discovery rate of 1e-30 is drawn alike, so that weaker evidence stays visible."""


def known(adata: AnnData, classification: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw how the subtypes spread over a known classification.

    Parameters
    ----------
    adata
        Cohort after `tl.subtypes`.
    classification
        Known classification; the one that agrees best when None.
    ax
        Axes to draw on.
    """
    agreement = slot(adata, "subtypes", "known_classes").sort_values("ari", ascending=False, kind="stable")
    names = list(agreement["classification"].astype(str))
    classification = names[0] if classification is None else classification
    if classification not in names:
        raise InputError(f"no known classification '{classification}'.{nearest(classification, names)}")
    row = agreement[agreement["classification"].astype(str) == classification].iloc[0]
    counts = _flows(slot(adata, "subtypes", "known_counts"), classification)
    with canvas(ax, 3.7, max(2.9, 0.9 + 0.24 * max(counts.shape))) as ax:
        alluvial(ax, counts)
        ax.set_title(heading(classification))
        ari = interval_texts([row["ari"]], [row["lower"]], [row["upper"]])[0]
        subtitle(ax, f"ARI {ari}, {p_text(float(row['p']))}, n = {int(row['n'])}")
    return ax


def associations(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the strength of evidence that clinical variables differ between subtypes."""
    table = slot(adata, "subtypes", "associations").sort_values("fdr", kind="stable").head(15)
    strength = -np.log10(np.maximum(table["fdr"].to_numpy(dtype=float), 1e-300))
    shown = np.minimum(strength, _FARTHEST)
    rows = np.arange(len(table))[::-1]
    with canvas(ax, 6.0, height(len(table))) as ax:
        ax.barh(rows, shown, color=np.where(table["fdr"] < 0.05, BLUE, "#BFC5CC"), height=0.62)
        ax.set_yticks(
            rows, [f"{words(v)} (n = {int(n)})" for v, n in zip(table["variable"], table["n"], strict=True)]
        )
        for row, length, value in zip(rows, shown, strength, strict=True):
            if value > _FARTHEST:
                note(ax, f"1e−{value:.0f}", (length, row), (3, 0), "data", va="center")
        ax.tick_params(axis="y", length=0)
        ax.axvline(-np.log10(0.05), color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        ax.set_xlabel("−log10 false discovery rate (dashed: 0.05)")
        ax.set_title("Clinical variables that differ between subtypes")
    return ax


def intrinsic(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the intrinsic subtypes as one stacked bar."""
    table = slot(adata, "subtypes", "intrinsic_proportions")
    table = table[table["samples"] > 0]
    shade = colours([str(s) for s in table["subtype"]])
    width = 100 * table["fraction"].to_numpy(dtype=float)
    start = np.concatenate([[0.0], np.cumsum(width)[:-1]])
    narrow: list[tuple[str, float]] = []
    with canvas(ax, 6.4, 1.7) as ax:
        for name, samples, left, wide in zip(table["subtype"], table["samples"], start, width, strict=True):
            colour, middle = shade[str(name)], left + wide / 2
            ax.barh(0, wide, left=left, color=colour, height=0.7, edgecolor="white", linewidth=1)
            if wide > _ROOM:
                text = f"{words(name)}\n{int(samples)} ({wide:.0f}%)"
                in_bar(ax, middle, 0, text, colour, weight="bold")
            else:
                narrow.append((f"{words(name)} {int(samples)}", middle))
        _above(ax, narrow)
        ax.set(xlim=(0, 100), ylim=(-0.4, 0.75), yticks=[])
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("Samples (%)")
        ax.set_title(f"Intrinsic subtypes (n = {int(table['samples'].sum())})")
    return ax


def _above(ax: Axes, labels: list[tuple[str, float]]) -> None:
    """Write labels above narrow parts of the bar, pushed apart, with a line to each."""
    where: np.ndarray = -spread([-middle for _, middle in labels], least=13.0) if labels else np.empty(0)
    if len(where) and where[-1] > 95:
        where = where - (where[-1] - 95)
    for (text, middle), x in zip(labels, where, strict=True):
        ax.plot([middle, x], [0.36, 0.5], color=GREY, linewidth=0.6)
        ax.text(x, 0.52, text, ha="center", va="bottom", fontsize=8)


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


def intrinsic_performance(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw out-of-fold agreement with the recorded intrinsic subtypes."""
    table: pd.DataFrame = slot(adata, "subtypes", "intrinsic_performance")
    with canvas(ax, 6.0, height(len(table))) as ax:
        labels = [heading(m) for m in table["metric"]]
        forest(ax, labels, table["estimate"], table["lower"], table["upper"], reference=None, limits=(0, 1))
        ax.set_xlabel("Estimate (95% confidence interval)")
        ax.set_title("Agreement with recorded intrinsic subtypes")
    return ax


def _flows(table: pd.DataFrame, classification: str) -> pd.DataFrame:
    """Return subtype x known class, with the classes in the order that makes ribbons cross least."""
    part = table[table["classification"].astype(str) == classification].astype({"subtype": str, "known": str})
    counts = part.pivot_table(index="subtype", columns="known", values="samples", aggfunc="sum", fill_value=0)
    counts = counts.loc[counts.sum(axis=1) > 0, counts.sum(axis=0) > 0]
    place = (counts.to_numpy() * np.arange(len(counts))[:, None]).sum(axis=0) / counts.to_numpy().sum(axis=0)
    return counts.iloc[:, np.argsort(place, kind="stable")]
