"""Estimates with their intervals, one row each: hazard ratios, performance, C-indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from precisionmed.pl._base import BLACK, BLUE, GREY
from precisionmed.pl._words import number_text, ratio_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_STEPS = ((1, 2, 5), (1, 1.5, 2, 3, 5, 7))
"""Ticks within a decade of a ratio, coarse and fine."""


def height(rows: int) -> float:
    """Return the height in inches of a forest figure with `rows` rows."""
    return 0.95 + 0.27 * max(rows, 2)


def forest(
    ax: Axes,
    labels: Sequence[str],
    estimate: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    reference: float | None,
    log: bool = False,
    limits: tuple[float, float] | None = None,
    text: Sequence[str] | None = None,
    colour: str | Sequence[str] = BLUE,
) -> None:
    """Draw rows from top to bottom, the numbers at the right, and a line of no effect at `reference`.

    An interval that leaves the axis ends in an arrow head.
    """
    mid, low, high = (np.asarray(v, dtype=float) for v in (estimate, lower, upper))
    rows = np.arange(len(mid))[::-1]
    shades = [colour] * len(mid) if isinstance(colour, str) else list(colour)
    left, right = limits or _limits(low, high, mid, reference, log)
    if log:
        ratio_axis(ax, left, right)
    ax.set_xlim(left, right)
    ax.set_ylim(-0.6, len(mid) - 0.4)
    if reference is not None:
        ax.axvline(reference, color=GREY, linewidth=0.8, zorder=0)
    for row, m, lo, hi, shade in zip(rows, mid, low, high, shades, strict=True):
        if not np.isfinite(m):
            continue
        if np.isfinite(lo) and np.isfinite(hi):
            ax.plot(
                [max(lo, left), min(hi, right)], [row, row], color=shade, linewidth=1.4, solid_capstyle="butt"
            )
            if hi > right:
                ax.plot(right, row, ">", color=shade, markersize=5, clip_on=False)
            if lo < left:
                ax.plot(left, row, "<", color=shade, markersize=5, clip_on=False)
        if left <= m <= right:
            ax.plot(m, row, "s", color=shade, markersize=5)
    ax.set_yticks(rows, labels)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    texts = interval_texts(mid, low, high, ratio=log) if text is None else text
    for row, line in zip(rows, texts, strict=True):
        ax.annotate(
            line, (1.04, row), xycoords=("axes fraction", "data"), va="center", fontsize=8, color=BLACK
        )


def interval_texts(mid: ArrayLike, low: ArrayLike, high: ArrayLike, *, ratio: bool = False) -> list[str]:
    """Return `0.70 (0.61 to 0.78)` for each row; ratios are never 0 nor infinite."""
    text = ratio_text if ratio else number_text
    return [
        (text(m) + (f" ({text(lo)} to {text(hi)})" if np.isfinite(lo) and np.isfinite(hi) else ""))
        if np.isfinite(m) and (m > 0 or not ratio)
        else "not estimable"
        for m, lo, hi in zip(*(np.asarray(v, dtype=float) for v in (mid, low, high)), strict=True)
    ]


def _limits(
    low: np.ndarray, high: np.ndarray, mid: np.ndarray, reference: float | None, log: bool
) -> tuple[float, float]:
    values = np.concatenate([low, high, mid, [] if reference is None else [reference]])
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    if values.size == 0:
        return (0.5, 2.0) if log else (0.0, 1.0)
    if log:
        # Sparse strata give intervals over many decades; a hundredfold is as much as one can read.
        return max(values.min() / 1.15, 0.01), min(values.max() * 1.15, 100.0)
    pad = 0.06 * (values.max() - values.min() or 1.0)
    return values.min() - pad, values.max() + pad


def ratio_axis(ax: Axes, left: float, right: float) -> None:
    """Make x a log axis from `left` to `right` whose ticks are plain numbers."""
    from matplotlib.ticker import NullLocator

    decades = np.power(10.0, np.arange(-6, 5))
    fine = np.concatenate([np.arange(0.01, 0.1, 0.01), np.arange(0.1, 3.01, 0.1)])
    inside: list[float] = []
    for steps in (decades, *(np.outer(decades, s).ravel() for s in _STEPS), fine):
        inside = _apart(steps[(steps >= left) & (steps <= right)], 0.13 * np.log(right / left))
        if len(inside) >= 3:
            break
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(inside, [f"{tick:g}" for tick in inside])


def _apart(ticks: np.ndarray, gap: float) -> list[float]:
    """Keep ticks at least `gap` apart in logarithm, starting from the one nearest to 1."""
    kept: list[float] = []
    for tick in sorted(ticks.tolist(), key=lambda t: abs(np.log(t))):
        if all(abs(np.log(tick / other)) >= gap for other in kept):
            kept.append(round(tick, 10))
    return sorted(kept)
