"""Figures of external validation: each sample of another cohort was called alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, nearest
from precisionmed.pl._base import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALE,
    canvas,
    colours,
    in_bar,
    note,
    slot,
    subtitle,
)
from precisionmed.pl._forest import forest, height, interval_texts
from precisionmed.pl._heat import counted_cells
from precisionmed.pl._words import heading, p_text, words
from precisionmed.pl.survival import draw_kaplan_meier

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

ORDER = ("LumA", "LumB", "Her2", "Basal", "Normal")
LAST = "cannot call"
MODES = {"single sample": BLUE, "centred": ORANGE}


def performance(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw performance in an external cohort by task and mode."""
    table = slot(adata, "validate", "performance")
    table = table[table["estimate"].notna()]
    derived = {str(name) for name in slot(adata, "validate").get("derived_labels", [])}
    labels = [
        f"{heading(task)}{_mark(task, derived)}: {words(metric)} (n = {int(n)}), {mode}"
        for task, metric, n, mode in table[["task", "metric", "n", "mode"]].itertuples(index=False)
    ]
    with canvas(ax, 6.4, height(len(table))) as ax:
        low = float(np.nanmin([0.4, *table["lower"], *table["estimate"]]))
        shades = [MODES.get(str(m), BLUE) for m in table["mode"]]
        forest(
            ax,
            labels,
            table["estimate"],
            table["lower"],
            table["upper"],
            reference=0.5,
            limits=(low, 1.0),
            colour=shades,
        )
        chance = "95% confidence interval; line: chance for AUC and C-index"
        ax.set_xlabel(f"Estimate ({chance})" + ("\n* labels are expression-derived" if derived else ""))
        ax.set_title(f"Performance in {slot(adata, 'validate', 'cohort')}")
    return ax


def proportions(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the subtype calls of an external cohort, one stacked bar a mode."""
    table: pd.DataFrame = slot(adata, "validate", "proportions")
    found = set(table["subtype"].astype(str))
    shade = colours([*(name for name in ORDER if name in found), *sorted(found - set(ORDER) - {LAST})])
    if LAST in found:
        shade[LAST] = PALE
    modes = list(dict.fromkeys(table["mode"].astype(str)))
    with canvas(ax, 6.2, 1.1 + 0.42 * len(modes)) as ax:
        start = dict.fromkeys(modes, 0.0)
        for subtype, colour in shade.items():
            for row, mode in enumerate(modes[::-1]):
                part = table[(table["subtype"].astype(str) == subtype) & (table["mode"].astype(str) == mode)]
                share = float(part["fraction"].sum()) * 100
                ax.barh(
                    row,
                    share,
                    left=start[mode],
                    color=colour,
                    height=0.66,
                    edgecolor="white",
                    linewidth=0.8,
                    label=words(subtype) if row == 0 else None,
                )
                if share > 6:
                    n = int(part["samples"].sum())
                    in_bar(ax, start[mode] + share / 2, row, f"{n}", colour)
                start[mode] += share
        ax.set_yticks(range(len(modes)), modes[::-1])
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 100)
        ax.set_xlabel("Samples (%)")
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
        ax.set_title(f"Subtype calls in {slot(adata, 'validate', 'cohort')}")
    return ax


def replication(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the in-group proportion of each locked subtype against that of cohorts without clusters."""
    table: pd.DataFrame = slot(adata, "validate", "replication")
    rows = np.arange(len(table))[::-1]
    with canvas(ax, 5.6, height(len(table)) + 0.35) as ax:
        modes = table["mode"].astype(str)
        spans = (table["null_upper"] - table["null_lower"]) * 100
        ax.barh(rows, spans, left=table["null_lower"] * 100, height=0.5, color=PALE, label="no clusters: 95%")
        ax.plot(table["null_mean"] * 100, rows, "|", color=GREY, markersize=10, label="no clusters: mean")
        for mode in dict.fromkeys(modes):
            own = (modes == mode).to_numpy()
            x = table["in_group_proportion"].to_numpy()[own] * 100
            ax.plot(x, rows[own], "o", color=MODES.get(mode, BLUE), markersize=6, label=mode, clip_on=False)
        ax.set_yticks(rows, [f"{s}, {m}" for s, m in zip(table["subtype"], modes, strict=True)])
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_ylim(-0.6, len(table) - 0.4)
        ax.set_xlim(min(50.0, float(np.nanmin(table["null_lower"])) * 100), 100)
        ax.set_xlabel("In-group proportion (%)")
        for row, n, silhouette, fdr in zip(
            rows, table["samples"], table["silhouette"], table["fdr"], strict=True
        ):
            text = f"n = {n}, silhouette {silhouette:.2f}, FDR {_evidence(fdr)}" if n else "no sample"
            note(ax, text, (1.04, row), of=("axes fraction", "data"), fontsize=8, color=BLACK, va="center")
        ax.legend(loc="upper left", bbox_to_anchor=(0, -0.42 / (0.3 + 0.13 * len(table))), ncols=4)
        ax.set_title(f"Are the subtypes clusters in {slot(adata, 'validate', 'cohort')} too?")
    return ax


def overlap(adata: AnnData, *, mode: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the calls of the locked model (rows) against clusters found in the cohort alone (columns)."""
    table: pd.DataFrame = slot(adata, "validate", "replication_overlap")
    modes = list(dict.fromkeys(table["mode"].astype(str)))
    mode = modes[0] if mode is None else mode
    if mode not in modes:
        raise InputError(f"there are no calls of mode '{mode}'.{nearest(mode, modes)}")
    own = table[table["mode"].astype(str) == mode]
    cells = own.pivot_table(index="called", columns="found", values="samples", aggfunc="sum", sort=False)
    summary = slot(adata, "validate", "replication_summary").set_index("mode").loc[mode]
    with canvas(ax, 1.9 + 0.62 * cells.shape[1], 1.5 + 0.36 * cells.shape[0]) as ax:
        counted_cells(ax, cells)
        ax.set_xlabel("Cluster of this cohort alone")
        ax.set_ylabel("Called by the locked model")
        ax.set_title(heading(mode))
        agreement = (
            f"{summary['agreement']:.0%} agree" if np.isfinite(summary["agreement"]) else "none called"
        )
        subtitle(ax, f"{agreement}, adjusted Rand index {summary['adjusted_rand']:.2f}")
    return ax


def subtype_survival(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the hazards of the subtypes in the training cohort and in this one."""
    table: pd.DataFrame = slot(adata, "validate", "subtype_survival")
    labels = [
        f"{subtype}, {cohort} ({words(endpoint)}): {events} events of {n}"
        for subtype, cohort, endpoint, events, n in table[
            ["subtype", "cohort", "endpoint", "events", "n"]
        ].itertuples(index=False)
    ]
    is_reference = (table["hazard_ratio"] == 1) & table["p"].isna()
    ratios = interval_texts(table["hazard_ratio"], table["lower"], table["upper"])
    text = [
        "reference" if is_one else (f"{ratio}, {p_text(p)}" if np.isfinite(p) else "not estimable")
        for is_one, ratio, p in zip(is_reference, ratios, table["p"], strict=True)
    ]
    shades = [GREY if part == "training" else BLUE for part in table["part"].astype(str)]
    with canvas(ax, 6.4, height(len(table))) as ax:
        forest(
            ax,
            labels,
            table["hazard_ratio"],
            table["lower"],
            table["upper"],
            reference=1.0,
            log=True,
            text=text,
            colour=shades,
        )
        ax.set_xlabel("Hazard ratio (95% confidence interval)")
        ax.set_title("Outcome by subtype: training cohort (grey) and here (blue)")
    return ax


def kaplan_meier(adata: AnnData, *, grouping: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw Kaplan-Meier curves of an external cohort by what the locked model called each sample."""
    found = slot(adata, "validate")
    title = f"{found['cohort']}: {words(found['endpoint'])}"
    return draw_kaplan_meier(found, title, str(found["unit"]), grouping, ax)


def _mark(task: str, derived: set[str]) -> str:
    return "*" if str(task).removeprefix("signature_") in derived else ""


def _evidence(fdr: float) -> str:
    return "not known" if not np.isfinite(fdr) else "< 0.001" if fdr < 0.001 else f"{fdr:.2g}"
