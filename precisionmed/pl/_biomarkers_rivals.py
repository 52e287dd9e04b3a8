"""Figures of how well a signature does, and what it has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.pl._base import BLUE, GREY, SOFT, VERMILION, canvas, colours, note, one_of, subtitle
from precisionmed.pl._biomarkers_base import label_of, mark, part, positives, stacked, task_of
from precisionmed.pl._forest import forest, interval_texts
from precisionmed.pl._words import heading, metric_text, p_text, words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

_ROW = 0.27
"""Height of a row in inches."""


def performance(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the out-of-fold performance of the signature and its rivals, and below the differences."""
    found = task_of(adata, task)
    table: pd.DataFrame = found["performance"]
    pairs: pd.DataFrame = found.get("comparisons", pd.DataFrame())
    several = len(pairs) > 0
    heights = (_ROW * max(len(table), 2), *([_ROW * max(len(pairs), 2)] if several else []))
    with canvas(ax, 6.2, 1.1 + sum(heights) + (0.55 if several else 0)) as ax:
        rows, *rest = stacked(ax, heights, 0.55)
        low = float(np.nanmin(table["lower"].fillna(table["estimate"])))
        forest(
            rows,
            _names(table, table["model"]),
            table["estimate"],
            table["lower"],
            table["upper"],
            reference=0.5,
            limits=(min(0.4, low), 1.0),
            colour=[VERMILION if "signature" in str(model) else BLUE for model in table["model"]],
        )
        metrics = " and ".join(dict.fromkeys(metric_text(metric) for metric in table["metric"]))
        rows.set_xlabel(f"{metrics[:1].upper()}{metrics[1:]}, out of fold (95% CI; line: chance)")
        for panel in rest:
            _differences(panel, pairs)
        ax.set_title(
            f"{heading(label_of(found))} (n = {int(found['n'])}, {int(found['n_events'])} {positives(found)})"
        )
        mark(ax, adata, task)
    return ax


def random_signatures(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the performance of signatures of as many random genes, and where the signature lies."""
    random = part(adata, task, "random_signatures")["estimate"].to_numpy(dtype=float)
    found = task_of(adata, task)
    rows = found["performance"].set_index("model")
    if "signature" not in rows.index:
        raise InputError("the signature is empty; there is nothing to place among random ones.")
    own = rows.loc["signature"]
    own = own.iloc[0] if isinstance(own, pd.DataFrame) else own
    estimate = float(own["estimate"])
    with canvas(ax, 3.7, 3.0) as ax:
        values = random[np.isfinite(random)]
        ax.hist(
            values, bins=min(25, max(8, values.size // 5)), color="#B9C1CA", edgecolor="white", linewidth=0.4
        )
        top = 1.22 * ax.get_ylim()[1]
        ax.set_ylim(0, top)
        ax.plot([estimate, estimate], [0, 0.88 * top], color=VERMILION, linewidth=1.6)
        right = estimate > np.mean(ax.get_xlim())
        note(
            ax,
            f"signature {estimate:.2f}",
            (estimate, 0.9 * top),
            (3 if right else -3, 2),
            "data",
            color=VERMILION,
            weight="bold",
            ha="right" if right else "left",
        )
        ax.set_xlabel(f"{heading(own['metric'])}, out of fold")
        ax.set_ylabel("Random signatures")
        ax.set_title(f"Against {values.size} random signatures")
        if "random_p" in found:
            subtitle(ax, f"of as many genes; {p_text(float(found['random_p']))}")
        mark(ax, adata, task, lift=11 if "random_p" in found else 0)
    return ax


def scores(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the out-of-fold scores by true class, for binary tasks."""
    name = one_of(adata, "biomarkers", "tasks", task)
    found = task_of(adata, name)
    truth = found["predictions"].drop_duplicates("sample").set_index("sample")
    if "truth" not in truth:
        raise InputError(f"'{name}' is a survival task; its scores have no true class.")
    score = adata.obs[f"score_{name}"].reindex(truth.index)
    shade = colours(["no", "yes"])
    with canvas(ax, 3.7, 3.0) as ax:
        edges = np.linspace(np.nanmin(score), np.nanmax(score), 31).tolist()
        for side, (word, colour) in enumerate(shade.items()):
            own = score[truth["truth"].astype(float) == side].dropna().to_numpy(dtype=float)
            ax.hist(own, bins=edges, color=colour, alpha=0.6, label=f"{word} (n = {len(own)})")
        ax.set_xlabel("Out-of-fold score (log odds)")
        ax.set_ylabel("Samples")
        ax.legend(title=label_of(found), loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2)
        ax.set_title("Scores by true class")
        mark(ax, adata, name)
    return ax


def _names(table: pd.DataFrame, models: pd.Series) -> list[str]:
    """Return row names, with the metric where there are several."""
    several = len(set(table["metric"])) > 1
    return [
        heading(model) + (f": {metric_text(metric)}" if several else "")
        for model, metric in zip(models, table["metric"], strict=True)
    ]


def _differences(ax: Axes, pairs: pd.DataFrame) -> None:
    models = pairs["model"].astype(str) + " vs " + pairs["against"].astype(str)
    texts = [
        f"{text}, {p_text(float(p))}"
        for text, p in zip(
            interval_texts(pairs["difference"], pairs["lower"], pairs["upper"]), pairs["p"], strict=True
        )
    ]
    forest(
        ax,
        _names(pairs, models),
        pairs["difference"],
        pairs["lower"],
        pairs["upper"],
        reference=0,
        text=[text.replace("-", "−") for text in texts],
        colour=[GREY if p > 0.05 else SOFT for p in pairs["p"].astype(float)],
    )
    ax.set_xlabel(f"Difference in {words(pairs['metric'].iloc[0])} (95% CI; right: the first is better)")
