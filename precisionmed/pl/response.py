"""Figures of treatment response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from precisionmed.errors import InputError
from precisionmed.pl import biomarkers
from precisionmed.pl._base import canvas, slot, words
from precisionmed.pl._curves import calibration_curve, roc_curve
from precisionmed.pl._forest import height
from precisionmed.pl.classify import auc_text
from precisionmed.pl.survival import draw_hazards

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def interaction(adata: AnnData, *, n: int = 20, ax: Axes | None = None) -> Axes:
    """Draw how the hazard ratio of treatment changes with each biomarker (the `n` smallest p values)."""
    table = slot(adata, "response", "interaction")
    table = (
        table[table["term"].astype(str).str.contains("interaction|:|×", regex=True)]
        if "term" in table
        else table
    )
    if table.empty:
        raise InputError("no treatment-by-biomarker interaction was estimated in this cohort.")
    table = table.sort_values("p", kind="stable").head(n)
    with canvas(ax, 6.4, height(len(table))) as ax:
        pairs = zip(table["biomarker"], table["endpoint"], strict=True)
        draw_hazards(ax, table, [f"{words(marker)} ({words(endpoint)})" for marker, endpoint in pairs])
        ax.set_xlabel("Ratio of hazard ratios, treated against control (95% confidence interval)")
        ax.set_title("Does the effect of treatment depend on the biomarker?")
    return ax


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
