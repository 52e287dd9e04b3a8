"""Figure of performance by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from precisionmed.errors import InputError
from precisionmed.pl._base import canvas, slot
from precisionmed.pl._forest import forest, height, interval_texts
from precisionmed.pl._words import heading, p_text, words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

MAIN = ("auc", "c_index", "accuracy")
_CHANCE = {"auc": 0.5, "c_index": 0.5}


def performance(adata: AnnData, step: str, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw AUC, C-index or accuracy of a model in each group of the columns that the roles name.

    Parameters
    ----------
    adata
        Cohort after the step.
    step
        `biomarkers`, `classify`, `survival`, `response`, `subtypes` or `validate`.
    task
        Task or endpoint of the step; `classifier` of `response`, None for `subtypes`.
    ax
        Axes to draw on.

    Raises
    ------
    InputError
        Nothing is stored, or no group was large enough to be shown.
    """
    if step == "validate":
        table = slot(adata, step, "groups")
        table = table[table["task"].astype(str) == task]
    else:
        table = slot(adata, step, *([] if task is None else [task]), "groups")
    table = table[table["metric"].isin(MAIN)]
    if table.empty:
        raise InputError("no group is large enough to be shown.")
    metric = str(table["metric"].iloc[0])
    cases = {"auc": " positive", "c_index": " events"}.get(metric)
    labels = [
        f"{words(column)}: {group} (n = {int(n)}" + (f", {int(events)}{cases})" if cases else ")")
        for column, group, n, events in table[["column", "group", "n", "events"]].itertuples(index=False)
    ]
    columns = ["estimate", "lower", "upper"]
    texts = [
        text + (f", {p_text(p)}" if np.isfinite(p) else "")
        for text, p in zip(interval_texts(*(table[c] for c in columns)), table["p_adjusted"], strict=True)
    ]
    with canvas(ax, 6.8, height(len(table))) as ax:
        low = float(np.nanmin([0.4, *table["lower"], *table["estimate"]]))
        reference = _CHANCE.get(metric)
        forest(
            ax,
            labels,
            *(table[column] for column in columns),
            reference=reference,
            limits=(low - 0.02, 1.0),
            text=texts,
        )
        line = "; line: chance" if reference else ""
        ax.set_xlabel(f"{heading(metric)} (95% confidence interval{line}; p: against the rest, corrected)")
    return ax
