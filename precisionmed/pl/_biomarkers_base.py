"""What the figures of signatures share: reading a task's slots, axes of ratios, names beside curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from precisionmed.errors import InputError
from precisionmed.pl._base import (
    derived_mark,
    is_derived,
    one_of,
    slot,
    tick_style,
)
from precisionmed.pl._flow import spread
from precisionmed.pl._words import words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def task_of(adata: AnnData, task: str | None, step: str = "biomarkers") -> dict:
    """Return what a step stored for a task; the first task when None."""
    return slot(adata, step, one_of(adata, step, "tasks", task))


def part(adata: AnnData, task: str | None, name: str, *also: str) -> Any:
    """Return the table `name` of a task.

    Raises
    ------
    InputError
        It is absent or empty, or one of the entries `also` needed beside it is absent.
    """
    task = one_of(adata, "biomarkers", "tasks", task)
    for key in also:
        slot(adata, "biomarkers", task, key)
    table = slot(adata, "biomarkers", task, name)
    if len(table) == 0:
        raise InputError(f"'biomarkers/{task}/{name}' is empty: there is nothing to draw.")
    return table


def mark(ax: Axes, adata: AnnData, task: str | None, step: str = "biomarkers", lift: float = 0) -> None:
    """Say under the title that the labels come from expression, if they do."""
    if step != "response" and is_derived(adata, one_of(adata, step, "tasks", task)):
        derived_mark(ax, "labels are", lift=lift)


def label_of(found: dict, task: str | None = None, step: str = "biomarkers") -> str:
    """Return the words for a task."""
    if "label" in found:
        return str(found["label"])
    return "response" if step == "response" else words(task or step)


def is_survival(found: dict) -> bool:
    """Say whether a task is an endpoint."""
    return str(found.get("kind", "binary")) == "survival"


def ratio_name(found: dict) -> str:
    """Return `Odds ratio` or `Hazard ratio`."""
    return "Hazard ratio" if is_survival(found) else "Odds ratio"


def positives(found: dict) -> str:
    """Return what `n_events` counts."""
    return "events" if is_survival(found) else "positive"


def signature_genes(found: dict) -> list[str]:
    """Return the genes of the signature, strongest first."""
    table = found["signature"]
    size = np.abs(np.log(table["ratio"].to_numpy(dtype=float)))
    return [str(gene) for gene in table["gene"].iloc[np.argsort(-size, kind="stable")]]


def stacked(ax: Axes, heights: tuple[float, ...], gap: float) -> list[Axes]:
    """Return panels from top to bottom inside axes that only keep their title; sizes in inches."""
    ax.set_axis_off()
    whole = sum(heights) + gap * (len(heights) - 1)
    panels, top = [], 1.0
    for height in heights:
        panels.append(ax.inset_axes((0, top - height / whole, 1, height / whole)))
        tick_style(panels[-1])
        top -= (height + gap) / whole
    return panels


def beside(ax: Axes, widths: tuple[float, ...], gap: float) -> list[Axes]:
    """Return panels from left to right inside axes that only keep their title; sizes in fractions."""
    ax.set_axis_off()
    panels, left = [], 0.0
    for width in widths:
        panels.append(ax.inset_axes((left, 0, width, 1)))
        tick_style(panels[-1])
        left += width + gap
    return panels


def name_ends(ax: Axes, ends: list[tuple[float, str, str]], *, side: float = 1.0) -> None:
    """Name curves or points `(y, name, colour)` at one side, names moved apart where they would overlap.

    `side` is 1 for the right of the axes, 0 for the left.
    """
    if not ends:
        return
    low, high = ax.get_ylim()
    inch = ax.get_position().height * ax.get_figure(root=True).get_figheight()  # type: ignore[union-attr]
    gap = (high - low) * 0.14 / max(inch, 1.0)
    ordered = sorted(ends, reverse=True)
    outside = 0.05 if side > 0.5 else -0.05
    for (value, name, colour), at in zip(ordered, spread([y for y, _, _ in ordered], gap), strict=True):
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0}
        place: dict[str, Any] = {
            "xycoords": ("axes fraction", "data"),
            "textcoords": ("axes fraction", "data"),
        }
        look: dict[str, Any] = {"va": "center", "fontsize": 7, "color": colour, "style": "italic"}
        ax.annotate(name, (side, value), (side + outside, at), arrowprops=line, **place, **look)
