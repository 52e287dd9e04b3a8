"""Figures of external validation: each sample of another cohort was called alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, nearest
from precisionmed.io._evidence import FEWEST_CALLED
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
from precisionmed.pl._words import heading, metric_text, p_text, words
from precisionmed.pl.survival import draw_kaplan_meier

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

ORDER = ("LumA", "LumB", "Her2", "Basal", "Normal")
LAST = "cannot call"
MODES = {"single sample": BLUE, "centred": ORANGE}
_IN_THE_TABLE = ("positive_predictive_value", "negative_predictive_value")
"""Metrics that depend on how common the label is, and are not drawn beside those that do not."""
STATISTICS = {
    "in_group_proportion": ("null", "In-group proportion", "p"),
    "silhouette": ("silhouette", "Silhouette", "silhouette_p"),
}
"""Statistics of replication: prefix of the columns of their null, title, column of p."""


def performance(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw performance in an external cohort by task and mode, where at least half could be called."""
    table = slot(adata, "validate", "performance")
    table = table[table["estimate"].notna() & spoken_for(slot(adata, "validate"))]
    more = table[table["metric"] == "majority_share"].set_index(["task", "mode"])["estimate"]
    table = table[~table["metric"].isin(("majority_share", *_IN_THE_TABLE))]
    derived = {str(name) for name in slot(adata, "validate").get("derived_labels", [])}
    labels = [
        f"{heading(task)}{_mark(task, derived)}: {metric_text(metric)} (n = {int(n)}), {mode}"
        + (
            f"; the commoner label {more[task, mode]:.2f}"
            if (task, mode) in more and metric == "accuracy"
            else ""
        )
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


def spoken_for(found: dict) -> pd.Series:
    """Say for each row of `performance` whether its task called at least half of the samples in that mode."""
    table, called = found["performance"], found.get("called")
    if called is None:
        return pd.Series(True, index=table.index)
    enough = called[called["called"] >= FEWEST_CALLED * called["samples"]]
    good = set(zip(enough["task"].astype(str), enough["mode"].astype(str), strict=True))
    places = zip(table["task"].astype(str), table["mode"].astype(str), strict=True)
    return pd.Series([place in good for place in places], index=table.index, dtype=bool)


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


def replication(adata: AnnData, *, statistic: str = "in_group_proportion", ax: Axes | None = None) -> Axes:
    """Draw a statistic of each locked subtype against its values in cohorts without clusters.

    Parameters
    ----------
    adata
        Cohort after `tl.validate`.
    statistic
        `in_group_proportion` or `silhouette`.
    ax
        Axes to draw on.
    """
    if statistic not in STATISTICS:
        raise InputError(f"there is no statistic '{statistic}'.{nearest(statistic, STATISTICS)}")
    prefix, title, p = STATISTICS[statistic]
    table: pd.DataFrame = slot(adata, "validate", "replication")
    rows = np.arange(len(table))[::-1]
    with canvas(ax, 5.0, height(len(table)) + 0.15) as ax:
        lower, upper = table[f"{prefix}_lower"], table[f"{prefix}_upper"]
        ax.barh(rows, upper - lower, left=lower, height=0.5, color=PALE)
        ax.plot(table[f"{prefix}_mean"], rows, "|", color=GREY, markersize=10)
        for row, x, mode, fdr in zip(rows, table[statistic], table["mode"], table["fdr"], strict=True):
            shade = MODES.get(str(mode), BLUE)
            inside = shade if fdr < 0.05 else "white"
            ax.plot(x, row, "o", color=shade, markerfacecolor=inside, markersize=6, clip_on=False)
        ax.set_yticks(rows, [f"{s}, {m}" for s, m in zip(table["subtype"], table["mode"], strict=True)])
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_ylim(-0.6, len(table) - 0.4)
        low = float(np.nanmin([*lower, *table[statistic], 1.0]))
        ax.set_xlim(min(0.5, low - 0.03) if statistic == "in_group_proportion" else min(0.0, low - 0.05), 1)
        ax.set_xlabel(f"{title}\nband and line: 95% and mean without clusters; filled: FDR < 0.05")
        for row, n, value in zip(rows, table["samples"], table[p], strict=True):
            at = (1.04, row)
            text = f"n = {n}, {p_text(value)}" if n else "no sample"
            note(ax, text, at, of=("axes fraction", "data"), fontsize=8, color=BLACK, va="center")
        ax.set_title(f"{title}: subtypes in {slot(adata, 'validate', 'cohort')}")
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
        subtitle(ax, f"{agreement}, adjusted Rand index {summary['adjusted_rand']:.2f}".replace("-", "−"))
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
    ratios = interval_texts(table["hazard_ratio"], table["lower"], table["upper"], ratio=True)
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
        ax.set_title("Outcome by subtype (grey: training)")
    return ax


def kaplan_meier(adata: AnnData, *, grouping: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw Kaplan-Meier curves of an external cohort by what the locked model called each sample."""
    found = slot(adata, "validate")
    title = f"{found['cohort']}: {words(found['endpoint'])}"
    return draw_kaplan_meier(found, title, str(found["unit"]), grouping, ax)


def _mark(task: str, derived: set[str]) -> str:
    return "*" if str(task).removeprefix("signature_") in derived else ""
