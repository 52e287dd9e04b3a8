"""Figures of treatment response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from precisionmed.pl import biomarkers
from precisionmed.pl._base import canvas, slot
from precisionmed.pl._curves import calibration_curve, roc_curve
from precisionmed.pl._forest import height
from precisionmed.pl._words import heading, words
from precisionmed.pl.classify import auc_text
from precisionmed.pl.survival import draw_hazards

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def interaction(adata: AnnData, *, n: int = 20, ax: Axes | None = None) -> Axes:
    """Draw how the hazard ratio of treatment changes with each biomarker (the `n` smallest p values)."""
    table = slot(adata, "response", "interaction").sort_values("p", kind="stable").head(n)
    with canvas(ax, 7.2, height(len(table))) as ax:
        rows = zip(table["biomarker"], table["term"], table["endpoint"], strict=True)
        draw_hazards(ax, table, [f"{heading(m)}, {_levels(t)} ({words(e)})" for m, t, e in rows])
        ax.set_xlabel("Ratio of hazard ratios (95% confidence interval)")
        ax.set_title("Interaction with treatment")
    return ax


def subgroups(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the hazard ratio of treatment within each level of each biomarker."""
    table = slot(adata, "response", "subgroups")
    with canvas(ax, 7.2, height(len(table))) as ax:
        labels = [
            f"{heading(marker)} {words(level)} ({words(endpoint)}; {treated} / {control})"
            for marker, level, endpoint, treated, control in table[
                ["biomarker", "level", "endpoint", "n_treated", "n_control"]
            ].itertuples(index=False)
        ]
        draw_hazards(ax, table, labels)
        ax.set_xlabel("Hazard ratio, treated / control (95% confidence interval)")
        ax.set_title("Treatment effect in subgroups")
    return ax


def _levels(term: object) -> str:
    """Return the levels that a stored term compares, e.g. `S2 vs S1`."""
    return words(str(term).rpartition(" : ")[2])


def roc(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the out-of-fold ROC curve of the response classifier."""
    found = slot(adata, "response", "classifier")
    with canvas(ax, 3.7, 3.7) as ax:
        roc_curve(ax, found["roc"], auc_text(found["performance"]))
        ax.set_title("Response: ROC")
    return ax


def calibration(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw observed against predicted out-of-fold probability of response."""
    with canvas(ax, 3.7, 3.7) as ax:
        calibration_curve(ax, slot(adata, "response", "classifier", "calibration"))
        ax.set_title("Response: calibration")
    return ax


def signature(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the genes of the response classifier."""
    return biomarkers.signature(adata, step="response", ax=ax)
