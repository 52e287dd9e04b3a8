"""Alluvial diagram: how samples of one grouping spread over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.pl._base import BLACK, SOFT, colours
from precisionmed.pl._words import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

_GAP = 0.025
_BAR = 0.035
_LOWEST = 0.034
"""Room for one line of text, as a fraction of the axes."""


def alluvial(ax: Axes, counts: pd.DataFrame) -> None:
    """Draw ribbons from the rows (left, coloured) to the columns (right) of a table of counts.

    The height of a bar and of a ribbon is its number of samples.
    """
    left, right = counts.sum(axis=1), counts.sum(axis=0)
    total = float(left.sum())
    y_left, scale_left = _stack(left, total)
    y_right, scale_right = _stack(right, total)
    shade = colours([str(name) for name in counts.index])
    at_left, at_right = dict(y_left), dict(y_right)
    for name in counts.index:
        for other in counts.columns:
            n = float(counts.loc[name, other])
            if n <= 0:
                continue
            thick_left, thick_right = n * scale_left, n * scale_right
            _ribbon(ax, at_left[name], thick_left, at_right[other], thick_right, shade[str(name)])
            at_left[name] -= thick_left
            at_right[other] -= thick_right
    for names, tops, scale, x, side in (
        (left, y_left, scale_left, 0.0, "right"),
        (right, y_right, scale_right, 1.0 - _BAR, "left"),
    ):
        _bars(ax, names, tops, scale, x, side, shade)
    ax.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)


def _stack(sizes: pd.Series, total: float) -> tuple[dict[str, float], float]:
    """Return the upper edge of each bar, from the top down, and the height of one sample."""
    free = 1 - _GAP * (len(sizes) - 1)
    scale = free / total
    tops, y = {}, 1.0
    for name, n in sizes.items():
        tops[str(name)] = y
        y -= float(n) * scale + _GAP
    return tops, scale


def _ribbon(ax: Axes, y0: float, thick0: float, y1: float, thick1: float, colour: str) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    x0, x1, middle = _BAR, 1 - _BAR, 0.5
    points = [
        (x0, y0),
        (middle, y0),
        (middle, y1),
        (x1, y1),
        (x1, y1 - thick1),
        (middle, y1 - thick1),
        (middle, y0 - thick0),
        (x0, y0 - thick0),
        (x0, y0),
    ]
    kinds = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    ax.add_patch(PathPatch(Path(points, kinds), facecolor=colour, alpha=0.5, linewidth=0))


def _bars(
    ax: Axes,
    sizes: pd.Series,
    tops: dict[str, float],
    scale: float,
    x: float,
    side: str,
    shade: dict[str, str],
) -> None:
    """Draw the bars of one side and their labels, pushed apart where bars are thin."""
    middles = []
    for name, n in sizes.items():
        thick = float(n) * scale
        colour = shade[str(name)] if side == "right" else SOFT
        ax.add_patch(_rectangle(x, tops[str(name)] - thick, _BAR, thick, colour))
        middles.append(tops[str(name)] - thick / 2)
    where = -0.015 if side == "right" else 1.015
    for (name, n), y in zip(sizes.items(), spread(middles), strict=True):
        text = f"{words(name)} ({int(n)})"
        ax.text(where, y, text, ha=side, va="center", fontsize=8, color=BLACK, clip_on=False)


def _rectangle(x: float, y: float, width: float, tall: float, colour: str) -> Rectangle:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, tall, facecolor=colour, linewidth=0)


def spread(middles: list[float], least: float = _LOWEST) -> np.ndarray:
    """Return heights (descending) moved as little as needed to be `least` apart."""
    y = np.array(middles, dtype=float)
    for _ in range(200):
        close = -np.diff(y) < least - 1e-9
        if not close.any():
            break
        for i in np.flatnonzero(close):
            short = (least - (y[i] - y[i + 1])) / 2
            y[i] += short
            y[i + 1] -= short
    return y
