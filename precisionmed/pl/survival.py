"""Figures of survival models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, nearest
from precisionmed.pl._base import VERMILION, canvas, is_derived, note, one_of, slot, subtitle
from precisionmed.pl._curves import kaplan_meier_curves, kaplan_meier_height
from precisionmed.pl._forest import forest, height, interval_texts
from precisionmed.pl._words import heading, p_text, words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


PERMUTED = "log-rank, outcomes permuted"


def kaplan_meier(
    adata: AnnData, endpoint: str | None = None, *, grouping: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw Kaplan-Meier curves with 95% bands, numbers at risk and the log-rank test.

    Parameters
    ----------
    adata
        Cohort after `tl.survival`.
    endpoint
        Endpoint; the first when None.
    grouping
        What the groups are (a `grouping` of the stored table); the first when None.
    ax
        Axes to draw on.
    """
    name = one_of(adata, "survival", "endpoints", endpoint)
    found = slot(adata, "survival", name)
    ax = draw_kaplan_meier(found, words(name), str(found["unit"]), grouping, ax)
    if grouping is not None and is_derived(adata, grouping.removesuffix("_status")):
        note(ax, "status is expression-derived", (1, 1), (0, 7), ha="right", color=VERMILION, weight="bold")
    return ax


def forest_plot(
    adata: AnnData, endpoint: str | None = None, *, model: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the hazard ratios of a Cox model (the last stored, i.e. fullest, when `model` is None)."""
    name = one_of(adata, "survival", "endpoints", endpoint)
    found = slot(adata, "survival", name)
    models = [str(m) for m in dict.fromkeys(found["cox"]["model"].astype(str))]
    model = models[-1] if model is None else model
    if model not in models:
        raise InputError(f"endpoint '{name}' has no Cox model '{model}'.{nearest(model, models)}")
    table = found["cox"][found["cox"]["model"].astype(str) == model]
    with canvas(ax, 6.4, height(len(table))) as ax:
        draw_hazards(ax, table, [_counted(row) for _, row in table.iterrows()])
        ax.set_title(
            f"{words(name)}: {words(model)} (n = {int(found['n'])}, {int(found['n_events'])} events)"
        )
        if "events" in table:
            subtitle(ax, "in brackets: samples, events")
    return ax


def concordance(adata: AnnData, endpoint: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the out-of-fold C-index of each model."""
    name = one_of(adata, "survival", "endpoints", endpoint)
    table = slot(adata, "survival", name, "concordance")
    with canvas(ax, 6.2, height(len(table))) as ax:
        low = float(table["lower"].fillna(table["estimate"]).min())
        high = float(table["upper"].fillna(table["estimate"]).max())
        forest(
            ax,
            [heading(m) for m in table["model"]],
            table["estimate"],
            table["lower"],
            table["upper"],
            reference=0.5,
            limits=(min(0.4, low - 0.02), max(0.8, high + 0.02)),
        )
        ax.set_xlabel("Out-of-fold C-index (95% confidence interval; line: chance)")
        events = int(table["n_events"].max())
        ax.set_title(f"{words(name)}: discrimination (n = {int(table['n'].max())}, {events} events)")
    return ax


def draw_hazards(ax: Axes, table: pd.DataFrame, labels: list[str]) -> None:
    """Draw hazard ratios with their intervals and p values, or with what is said instead of them."""
    ratios = interval_texts(table["hazard_ratio"], table["lower"], table["upper"], ratio=True)
    remarks = table["remark"] if "remark" in table else [""] * len(table)
    rows = zip(ratios, table["p"], remarks, table["hazard_ratio"], table["lower"], strict=True)
    forest(
        ax,
        labels,
        table["hazard_ratio"],
        table["lower"],
        table["upper"],
        reference=1.0,
        log=True,
        text=[_hazard_text(*row) for row in rows],
    )
    ax.set_xlabel("Hazard ratio (95% confidence interval)")


def _hazard_text(ratio: str, p: float, remark: str, estimate: float, lower: float) -> str:
    if np.isfinite(p):
        return f"{ratio}, {p_text(float(p))}"
    if remark:
        return f"{ratio} ({remark})" if np.isfinite(estimate) else f"not given: {remark}"
    return "1 (reference)" if estimate == 1 and np.isnan(lower) else "not estimable"


def _counted(row: pd.Series) -> str:
    """Return a covariate with the samples and events behind it."""
    name = heading(row["covariate"])
    return f"{name} ({int(row['n'])}, {int(row['events'])})" if "events" in row else name


def draw_kaplan_meier(found: dict, title: str, unit: str, grouping: str | None, ax: Axes | None) -> Axes:
    """Draw stored curves; `found` holds `kaplan_meier` and, if any, `at_risk` and `logrank`."""
    curves = _only(found["kaplan_meier"], grouping)
    grouping = str(curves["grouping"].iloc[0]) if "grouping" in curves else grouping
    at_risk = _only(found["at_risk"], grouping) if "at_risk" in found else None
    groups = curves["group"].nunique()
    by = ", all samples" if grouping == "overall" else f" by {words(grouping)}" if grouping else ""
    test = _test(found.get("logrank"), grouping)
    with canvas(ax, 5.8, kaplan_meier_height(groups)) as ax:
        kaplan_meier_curves(ax, curves, at_risk, unit=unit)
        ax.set_title(f"{title}{by}")
        if test:
            subtitle(ax, test)
    return ax


def _only(table: pd.DataFrame, grouping: str | None) -> pd.DataFrame:
    if "grouping" not in table:
        return table
    names = table["grouping"].astype(str)
    wanted = str(names.iloc[0]) if grouping is None else grouping
    if wanted not in set(names):
        raise InputError(f"no Kaplan-Meier curves by '{wanted}'.{nearest(wanted, dict.fromkeys(names))}")
    return table[names == wanted]


def _test(table: pd.DataFrame | None, grouping: str | None) -> str | None:
    if table is None or table.empty:
        return None
    if grouping is not None:
        table = table[table["grouping"].astype(str) == grouping]
        if table.empty:
            return None
    row = table.iloc[0]
    p = p_text(float(row["p"]))
    if str(row.get("test", "")) == PERMUTED:
        return f"{p}, outcomes permuted"
    adjusted = float(row.get("p_adjusted", row["p"]))
    several = np.isfinite(adjusted) and adjusted != row["p"]
    return f"log-rank {p}" + (f"; {p_text(adjusted)} adjusted for all groupings (Holm)" if several else "")
