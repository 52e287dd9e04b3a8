"""Figures of LASSO signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.pl._base import (
    BLACK,
    BLUE,
    CYCLE,
    GREY,
    SOFT,
    VERMILION,
    canvas,
    derived_mark,
    is_derived,
    italic_genes,
    note,
    one_of,
    slot,
)
from precisionmed.pl._forest import forest, height, ratio_axis
from precisionmed.pl._words import heading, words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def cv_curve(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the cross-validated loss along the penalty, with the penalty chosen and the genes kept.

    Parameters
    ----------
    adata
        Cohort after `tl.biomarkers`.
    task
        Task; the first when None.
    ax
        Axes to draw on.
    """
    found = _task(adata, task)
    table = found["cv_curve"]
    with canvas(ax, 3.7, 3.2) as ax:
        ax.errorbar(
            table["lambda"],
            table["cv_mean"],
            yerr=table["cv_se"],
            fmt="o",
            color=BLUE,
            ecolor="#B9D3E8",
            markersize=2.6,
            elinewidth=0.9,
        )
        _penalty_axis(ax, table)
        _genes_above(ax, table)
        ax.set_ylabel("Cross-validated deviance")
        ax.set_title(f"{heading(_label(found))}: penalty", pad=24)
        _mark(ax, adata, task, lift=9)
    return ax


def path(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the coefficients along the penalty; the first genes to enter are named."""
    found = _task(adata, task)
    table = found["path"]
    with canvas(ax, 3.7, 3.2) as ax:
        last = table.sort_values("lambda").groupby("gene", sort=False)["coefficient"].first()
        named = last.abs().sort_values(ascending=False, kind="stable").index[:8]
        shade = dict(zip(named, CYCLE, strict=False))
        for gene, part in table.sort_values("lambda").groupby("gene", sort=False):
            look = (
                {"color": shade[gene], "linewidth": 1.1}
                if gene in shade
                else {"color": "#C9CED4", "linewidth": 0.7}
            )
            ax.plot(part["lambda"], part["coefficient"], zorder=2 if gene in shade else 1, **look)
        _penalty_axis(ax, found["cv_curve"])
        _name_ends(ax, [(float(last[gene]), str(gene), colour) for gene, colour in shade.items()])
        ax.set_ylabel("Coefficient per SD")
        ax.set_title(f"{heading(_label(found))}: coefficients", pad=24)
        _mark(ax, adata, task, lift=9)
    return ax


def signature(
    adata: AnnData, task: str | None = None, *, step: str = "biomarkers", ax: Axes | None = None
) -> Axes:
    """Draw the signature: effect of each gene, and how often refitted models chose it.

    Parameters
    ----------
    adata
        Cohort after `tl.biomarkers` (or the step named by `step`).
    task
        Task; the first when None.
    step
        Step whose signature is drawn: `biomarkers`, `classify` or `response`.
    ax
        Axes to draw on.
    """
    found = slot(adata, "response", "classifier") if step == "response" else _task(adata, task, step)
    table: pd.DataFrame = found["signature"]
    if table.empty:
        raise InputError("the signature holds no gene: the penalty chosen leaves none.")
    ratio = table["ratio"].to_numpy(dtype=float)
    strongest = np.argsort(-np.abs(np.log(ratio)), kind="stable")[:30]
    table, ratio = table.iloc[strongest], ratio[strongest]
    rows = np.arange(len(table))[::-1]
    with canvas(ax, 6.2, 1.1 + 0.2 * max(len(table), 4)) as ax:
        ax.barh(rows, ratio - 1, left=1, color=np.where(ratio > 1, VERMILION, BLUE), height=0.66)
        ratio_axis(ax, min(ratio.min(), 1.0) / 1.05, max(ratio.max(), 1.0) * 1.05)
        ax.axvline(1, color=BLACK, linewidth=0.7)
        ax.set_yticks(rows, table["gene"].astype(str))
        italic_genes(ax.get_yticklabels())
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_ylim(-0.6, len(table) - 0.4)
        ax.set_xlabel(f"{_ratio(found)} per standard deviation")
        if "selection_frequency" in table:
            _frequencies(ax, rows, table["selection_frequency"].to_numpy(dtype=float))
        ax.set_title(f"Signature of {len(found['signature'])} genes: {_label(found, task, step)}")
        _mark(ax, adata, task, step)
    return ax


def performance(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the out-of-fold performance of the signature and what it is compared with."""
    found = _task(adata, task)
    table = found["performance"]
    with canvas(ax, 6.2, height(len(table))) as ax:
        forest(
            ax,
            _rows(table),
            table["estimate"],
            table["lower"],
            table["upper"],
            reference=0.5,
            limits=(min(0.4, float(np.nanmin(table["lower"].fillna(table["estimate"])))), 1.0),
        )
        ax.set_xlabel("Out-of-fold estimate (95% confidence interval; line: chance for AUC and C-index)")
        ax.set_title(
            f"{heading(_label(found))} (n = {int(found['n'])}, {int(found['n_events'])} {_positives(found)})"
        )
        _mark(ax, adata, task)
    return ax


def scores(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the out-of-fold scores by true class, for binary tasks."""
    name = one_of(adata, "biomarkers", "tasks", task)
    found = _task(adata, name)
    truth = found["predictions"].drop_duplicates("sample").set_index("sample")
    if "truth" not in truth:
        raise InputError(f"'{name}' is a survival task; its scores have no true class.")
    score = adata.obs[f"score_{name}"].reindex(truth.index)
    with canvas(ax, 3.7, 3.0) as ax:
        values = [
            score[truth["truth"].astype(float) == side].dropna().to_numpy(dtype=float) for side in (0, 1)
        ]
        edges = np.linspace(np.nanmin(score), np.nanmax(score), 31).tolist()
        for part, colour, side in zip(values, (BLUE, VERMILION), ("no", "yes"), strict=True):
            ax.hist(part, bins=edges, color=colour, alpha=0.6, label=f"{side} (n = {len(part)})")
        ax.set_xlabel("Out-of-fold score (log odds)")
        ax.set_ylabel("Samples")
        ax.legend(title=_label(found), loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2)
        ax.set_title("Scores by true class")
        _mark(ax, adata, name)
    return ax


def _task(adata: AnnData, task: str | None, step: str = "biomarkers") -> dict:
    return slot(adata, step, one_of(adata, step, "tasks", task))


def _mark(ax: Axes, adata: AnnData, task: str | None, step: str = "biomarkers", lift: float = 0) -> None:
    if step != "response" and is_derived(adata, one_of(adata, step, "tasks", task)):
        derived_mark(ax, "labels are", lift=lift)


def _label(found: dict, task: str | None = None, step: str = "biomarkers") -> str:
    if "label" in found:
        return str(found["label"])
    return "response" if step == "response" else words(task or step)


def _ratio(found: dict) -> str:
    return "Hazard ratio" if str(found.get("kind", "binary")) == "survival" else "Odds ratio"


def _positives(found: dict) -> str:
    return "events" if str(found["kind"]) == "survival" else "positive"


def _rows(table: pd.DataFrame) -> list[str]:
    return [
        f"{heading(model)}: {words(metric)}"
        for model, metric in zip(table["model"], table["metric"], strict=True)
    ]


def _penalty_axis(ax: Axes, table: pd.DataFrame) -> None:
    """Log penalty axis, strict to the left as in the papers, with the two usual choices marked."""
    ratio_axis(ax, float(table["lambda"].min()) / 1.1, float(table["lambda"].max()) * 1.1)
    for name, style in (("lambda_min", (0, (1, 2))), ("lambda_1se", (0, (4, 3)))):
        ax.axvline(float(table[name].iloc[0]), color=SOFT, linewidth=0.9, linestyle=style, zorder=0)
    ax.invert_xaxis()
    ax.set_xlabel("Penalty λ (dashed: 1 SE rule; dotted: minimum)")


def _genes_above(ax: Axes, table: pd.DataFrame) -> None:
    """Write the number of genes along the top."""
    at = np.unique(np.linspace(0, len(table) - 1, 7).round().astype(int))
    ordered = table.sort_values("lambda", ascending=False)
    for i in at:
        row = ordered.iloc[i]
        text = f"{int(row['n_genes'])}"
        note(ax, text, (row["lambda"], 1), (0, 3), ("data", "axes fraction"), ha="center", fontsize=7)
    note(ax, "genes", (0, 1), (-6, 3), ha="right", fontsize=7)


def _name_ends(ax: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Name curves at their right end, names moved apart where they would overlap."""
    if not ends:
        return
    low, high = ax.get_ylim()
    gap = (high - low) * 0.058
    ordered = sorted(ends)
    y = np.array([value for value, _, _ in ordered])
    for _ in range(200):
        short = np.maximum(gap - np.diff(y), 0) / 2
        if not short.any():
            break
        y[:-1] -= short
        y[1:] += short
    for (value, gene, colour), at in zip(ordered, y, strict=True):
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0}
        place: dict[str, Any] = {
            "xycoords": ("axes fraction", "data"),
            "textcoords": ("axes fraction", "data"),
        }
        look: dict[str, Any] = {"va": "center", "fontsize": 7, "color": colour, "style": "italic"}
        ax.annotate(gene, (1, value), (1.05, at), arrowprops=line, **place, **look)


def _frequencies(ax: Axes, rows: np.ndarray, frequency: np.ndarray) -> None:
    """Draw selection frequencies as small bars in their own column at the right."""
    side = ax.inset_axes((1.03, 0, 0.22, 1), sharey=ax)
    side.barh(rows, frequency * 100, color=GREY, height=0.66)
    side.set_xlim(0, 100)
    side.set_xticks([0, 50, 100])
    side.tick_params(axis="y", length=0, labelleft=False)
    side.tick_params(axis="x", labelsize=8)
    side.spines["left"].set_visible(False)
    side.set_xlabel("Selected in\nfolds (%)")
