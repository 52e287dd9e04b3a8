"""Curves that several steps share: ROC, calibration, Kaplan-Meier, relative log expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.pl._base import BLACK, BLUE, GREY, PALE, VERMILION, colours, note
from precisionmed.pl._words import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BANDS = 3
"""Groups that still show their confidence bands; more of them hide one another."""
FEW_GENES = 3000
"""Genes that are still drawn as points; more are drawn as cells of a honeycomb."""


def roc_curve(ax: Axes, table: pd.DataFrame, label: str | None) -> None:
    """Draw a ROC curve in the unit square, with chance as a thin line."""
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, zorder=0)
    ax.plot(table["false_positive_rate"], table["true_positive_rate"], color=BLUE, clip_on=False)
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    ax.set_xlabel("False positive rate (1 − specificity)")
    ax.set_ylabel("True positive rate (sensitivity)")
    if label:
        ax.text(0.97, 0.05, label, ha="right", va="bottom", transform=ax.transAxes)


def calibration_curve(ax: Axes, table: pd.DataFrame) -> None:
    """Draw observed against predicted fractions, one point a group of samples."""
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, zorder=0)
    ax.plot(
        table["predicted"], table["observed"], "o-", color=BLUE, markersize=4.5, linewidth=0.8, clip_on=False
    )
    fewest, most = int(table["n"].min()), int(table["n"].max())
    each = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    ax.text(0.97, 0.05, f"each point: {each} samples", ha="right", va="bottom", transform=ax.transAxes)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    ax.set_xlabel("Predicted probability")
    ax.set_ylabel("Observed fraction")


def kaplan_meier_curves(ax: Axes, curves: pd.DataFrame, at_risk: pd.DataFrame | None, *, unit: str) -> None:
    """Draw survival by group and, under the axis, the numbers at risk; 95% bands for up to three groups."""
    groups = list(dict.fromkeys(curves["group"].astype(str)))
    shade = colours(groups)
    for group in groups:
        part = curves[curves["group"].astype(str) == group].sort_values("time")
        time, survival, lower, upper = _from_one(part)
        if len(groups) <= MOST_BANDS:
            ax.fill_between(time, lower, upper, step="post", color=shade[group], alpha=0.13)
        ax.step(time, survival, where="post", color=shade[group], label=words(group))
    ax.set_xlim(0, float(curves["time"].max()) * 1.02)
    ax.set_ylim(0, 1.02)
    ax.set_xlabel(f"Time ({unit})")
    ax.set_ylabel("Survival probability")
    if at_risk is not None and len(at_risk):
        _at_risk_rows(ax, at_risk, shade)
    else:
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))


def _from_one(part: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """Return the columns of a curve, starting from survival 1 at time 0."""
    values = part[["time", "survival", "lower", "upper"]].to_numpy(dtype=float)
    if values[0, 0] > 0:
        values = np.vstack([[0.0, 1.0, 1.0, 1.0], values])
    return tuple(values.T)


def _at_risk_rows(ax: Axes, at_risk: pd.DataFrame, shade: dict[str, str]) -> None:
    """Write the numbers at risk under the axis; the row labels are the key to the colours."""
    rows = at_risk[at_risk["group"].astype(str).isin(list(shade))]
    times = [c for c in rows.columns if c not in ("group", "grouping") and float(c) <= ax.get_xlim()[1]]
    ax.set_xticks([float(t) for t in times])
    note(ax, "Number at risk", (0, 0), (-16, -45), ha="right", fontsize=8)
    for i, record in enumerate(rows.to_dict("records")):
        drop = -58 - 12.5 * i
        group = str(record["group"])
        note(ax, words(group), (0, 0), (-16, drop), ha="right", fontsize=8, weight="bold", color=shade[group])
        for t in times:
            if pd.notna(record[t]):
                at = (float(t), 0.0)
                note(
                    ax,
                    f"{int(record[t])}",
                    at,
                    (0, drop),
                    ("data", "axes fraction"),
                    ha="center",
                    fontsize=8,
                    color=BLACK,
                )


def kaplan_meier_height(groups: int) -> float:
    """Return the height in inches of a Kaplan-Meier figure with its table."""
    return 3.6 + 0.18 * groups


def rle_band(ax: Axes, table: pd.DataFrame, flagged: set[str]) -> None:
    """Draw relative log expression by sample: median line, quartile box and 5-95% band."""
    x = np.arange(len(table))
    ax.fill_between(x, table["q05"], table["q95"], color=PALE, step="mid", label="5th to 95th percentile")
    ax.fill_between(x, table["q25"], table["q75"], color="#A9C7E3", step="mid", label="quartiles")
    ax.step(x, table["median"], where="mid", color=BLUE, linewidth=1.0, label="median")
    ax.axhline(0, color=BLACK, linewidth=0.6)
    odd = table["sample"].astype(str).isin(flagged).to_numpy()
    if odd.any():
        ax.plot(x[odd], table["median"].to_numpy()[odd], "v", color=VERMILION, markersize=4, label="outlier")
    ax.set_xlim(-0.5, len(table) - 0.5)
    ax.set_xlabel("Samples, in the order of the cohort")
    ax.set_ylabel("Relative log expression (log2)")
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.17), ncols=4, columnspacing=1.2, handlelength=1.4)


def density_lines(ax: Axes, table: pd.DataFrame, flagged: set[str]) -> None:
    """Draw the distribution of each sample as a thin line, outliers on top.

    The height leaves out the lowest bin: genes without any read would flatten everything else.
    """
    centers = table.columns[1:].astype(float).to_numpy()
    shares = table.iloc[:, 1:].to_numpy(dtype=float) * 100
    odd = table["sample"].astype(str).isin(flagged).to_numpy()
    faint = max(0.06, 12 / (60 + len(table)))
    ax.plot(centers, shares[~odd].T, color=BLUE, linewidth=0.5, alpha=faint)
    if odd.any():
        lines = ax.plot(centers, shares[odd].T, color=VERMILION, linewidth=0.9)
        lines[0].set_label("outlier")
        ax.legend(loc="upper right")
    highest = float(shares[:, 1:].max()) * 1.08
    if shares[:, 0].max() > highest:
        share = f"{np.median(shares[:, 0]):.0f}%"
        note(ax, f"lowest bin: {share} of the genes (median)", (0, 1), (14, -10))
    ax.set_xlim(centers[0], centers[-1])
    ax.set_ylim(0, highest)
    ax.set_xlabel("Expression (log2)")
    ax.set_ylabel("Genes in each bin (%)")


def mean_variance_cloud(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the root of each gene's standard deviation against its mean, and the trend."""
    x, y = table["mean"].to_numpy(dtype=float), np.sqrt(table["sd"].to_numpy(dtype=float))
    if len(x) > FEW_GENES:
        cells = ax.hexbin(x, y, gridsize=(90, 45), bins="log", mincnt=1, cmap="Blues", linewidths=0.1)
        cells.set_edgecolor("face")
        cells.set_clim(0.3, None)
    else:
        ax.plot(x, y, "o", color=BLUE, markersize=2.4, alpha=0.6)
    trend = table.dropna(subset="trend").sort_values("mean")
    if len(trend):
        step = max(1, len(trend) // 400)
        line = trend.iloc[::step]
        ax.plot(line["mean"], np.sqrt(line["trend"].clip(lower=0)), color=VERMILION, label="trend")
        ax.legend(loc="upper right")
    ax.set_ylim(0)
    ax.set_xlabel("Mean expression (log2)")
    ax.set_ylabel("√ standard deviation (log2)")
