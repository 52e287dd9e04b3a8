"""Figures of the HER2 and triple-negative classifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.pl import biomarkers
from precisionmed.pl._base import BLUE, DERIVED, PALE, SOFT, VERMILION, canvas, derived_mark, one_of, slot
from precisionmed.pl._curves import calibration_curve, roc_curve
from precisionmed.pl._words import heading, words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def roc(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the out-of-fold ROC curve of a task (the first when None)."""
    name, found = _task(adata, task)
    with canvas(ax, 3.7, 3.7) as ax:
        roc_curve(ax, found["roc"], auc_text(found["performance"]))
        ax.set_title(f"{heading(name)}: ROC{_counts(found)}")
        _mark(ax, found)
    return ax


def calibration(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw observed against predicted out-of-fold probability of a task (the first when None)."""
    name, found = _task(adata, task)
    with canvas(ax, 3.7, 3.7) as ax:
        calibration_curve(ax, found["calibration"])
        ax.set_title(f"{heading(name)}: calibration")
        _mark(ax, found)
    return ax


def probabilities(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw out-of-fold probabilities by true class; in the band of the locked model it is "cannot call"."""
    name, found = _task(adata, task)
    table = found["predictions"]
    with canvas(ax, 6.2, 2.3) as ax:
        low, high = (float(limit) for limit in np.ravel(found["band"]))
        ax.axvspan(low, high, color=PALE, zorder=0, linewidth=0)
        ax.text((low + high) / 2, 1.52, "cannot call", ha="center", va="bottom", fontsize=7.5, color=SOFT)
        labels = []
        for row, (side, colour) in enumerate((("negative", BLUE), ("positive", VERMILION))):
            p = table.loc[_is_positive(table["truth"]) == (side == "positive"), "probability"].to_numpy(
                dtype=float
            )
            ax.plot(p, row + _spread(p), "o", color=colour, markersize=3, alpha=0.75, markeredgewidth=0)
            labels.append(f"{side}\n(n = {len(p)})")
        ax.set_yticks([0, 1], labels)
        ax.tick_params(axis="y", length=0)
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.5, 1.7))
        ax.set_xlabel(f"Out-of-fold probability of {words(name)}")
        ax.set_ylabel("Label")
        ax.set_title(f"{heading(name)}: probabilities")
        _mark(ax, found)
    return ax


def signature(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the genes of a task's classifier (the first task when None)."""
    name, _ = _task(adata, task)
    return biomarkers.signature(adata, name, step="classify", ax=ax)


def auc_text(performance: pd.DataFrame) -> str | None:
    """Return `AUC 0.91 (0.86 to 0.95)` from a performance table."""
    found = performance[performance["metric"].astype(str) == "auc"]
    if found.empty:
        return None
    row = found.iloc[0]
    interval = f" ({row['lower']:.2f} to {row['upper']:.2f})" if np.isfinite(row["lower"]) else ""
    return f"AUC {row['estimate']:.2f}{interval}"


def _task(adata: AnnData, task: str | None) -> tuple[str, dict]:
    name = one_of(adata, "classify", "tasks", task)
    found = slot(adata, "classify", name)
    if "roc" not in found:
        raise InputError(f"'{name}' has no trained classifier in this cohort.")
    return name, found


def _counts(found: dict) -> str:
    return f" (n = {int(found['n_positive']) + int(found['n_negative'])})"


def _mark(ax: Axes, found: dict) -> None:
    if str(found["label_source"]) == DERIVED:
        derived_mark(ax, "labels are")


def _is_positive(truth: pd.Series) -> pd.Series:
    text = truth.astype(str)
    return text.isin(["positive", "1", "1.0", "True"])


def _spread(values: np.ndarray) -> np.ndarray:
    """Spread points of a strip evenly over its height, the same way every time."""
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return ((order * 0.6180339887) % 1.0 - 0.5) * 0.56
