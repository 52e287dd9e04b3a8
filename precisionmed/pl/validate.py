"""Figures of external validation: each sample of another cohort was called alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.pl._base import BLUE, ORANGE, PALE, canvas, colours, heading, in_bar, slot, words
from precisionmed.pl._forest import forest, height
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


def kaplan_meier(adata: AnnData, *, grouping: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw Kaplan-Meier curves of an external cohort by what the locked model called each sample."""
    found = slot(adata, "validate")
    title = f"{found['cohort']}: {words(found['endpoint'])}"
    return draw_kaplan_meier(found, title, str(found["unit"]), grouping, ax)


def _mark(task: str, derived: set[str]) -> str:
    return "*" if str(task).removeprefix("signature_") in derived else ""
