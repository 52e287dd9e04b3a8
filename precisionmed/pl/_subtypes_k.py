"""Figures of how many subtypes there are, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.pl._base import (
    BLACK,
    BLUE,
    CYCLE,
    GREY,
    PALE,
    SOFT,
    VERMILION,
    canvas,
    note,
    slot,
    subtitle,
)
from precisionmed.pl._words import heading, p_text

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

_RULES = {
    "relative_pac": "PAC / null PAC",
    "pac": "PAC",
    "delta_area": "Delta area",
    "cola": "cola (1 − PAC)",
}
_INDEX_OF = {"cola": "stability"}
"""Rules that go by more than one index: the one that is shown."""
_RING: dict[str, Any] = {
    "marker": "o",
    "linestyle": "",
    "markersize": 11,
    "markerfacecolor": "none",
    "markeredgecolor": VERMILION,
    "markeredgewidth": 1.4,
    "clip_on": False,
}


def k_scores(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the proportion of ambiguous pairs (PAC) of each k against what cohorts without subtypes give.

    The band holds 90% of the reference cohorts; under each k stands its p.
    """
    table = slot(adata, "subtypes", "k_scores").sort_values("k")
    with canvas(ax, 3.7, 3.5) as ax:
        if {"null_lower", "null_upper"} <= set(table):
            ax.fill_between(
                table["k"], table["null_lower"], table["null_upper"], color=PALE, label="no subtypes: 5–95%"
            )
        if "null_pac" in table:
            ax.plot(table["k"], table["null_pac"], "--", color=GREY, linewidth=1, label="no subtypes: mean")
        ax.plot(table["k"], table["pac"], "o-", color=BLUE, markersize=4.5, label="this cohort")
        _ring(ax, table, "shown" if _descriptive(adata) else "chosen")
        drawn = [c for c in ("pac", "null_pac", "null_upper") if c in table]
        ax.set_ylim(0, 1.12 * float(table[drawn].max(axis=None)))
        _ticks(ax, table)
        ax.set_ylabel("Ambiguous pairs (PAC)")
        ax.legend(
            loc="upper left", bbox_to_anchor=(-0.02, -0.31), ncols=2, columnspacing=1.0, handlelength=1.4
        )
        ax.set_title("Stability by number of subtypes")
        chosen = table[table["chosen"].astype(bool)]
        if "p_family" in table and len(chosen):
            p = p_text(float(chosen["p_family"].iloc[0]))
            subtitle(ax, f"{int(chosen['k'].iloc[0])} against none, all k considered: {p}")
    return ax


def votes(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw which k each rule votes for, over the values of its index; the answer is shaded."""
    table = slot(adata, "subtypes", "votes").reset_index(drop=True)
    scores = slot(adata, "subtypes", "k_scores").set_index("k")
    ks = sorted({*scores.index.astype(int), *table["k"].astype(int)})
    answer = 1 if _descriptive(adata) else chosen_k(adata)
    with canvas(ax, 3.7, 1.5 + 0.27 * len(table)) as ax:
        if answer in ks:
            ax.axvspan(ks.index(answer) - 0.5, ks.index(answer) + 0.5, color=PALE, zorder=0)
        for i, (rule, voted) in enumerate(zip(table["rule"].astype(str), table["k"], strict=True)):
            row, index = len(table) - 1 - i, _INDEX_OF.get(rule, rule)
            colour = VERMILION if voted == answer else BLUE
            ax.scatter(ks.index(int(voted)), row, s=310 if index in scores else 62, c=colour, zorder=2)
            if index not in scores:
                ax.axhline(row, color="#ECEEF1", linewidth=0.7, zorder=0.5)
            else:
                _values(ax, row, [float(scores[index].get(k, np.nan)) for k in ks], ks.index(int(voted)))
        ax.set_yticks(range(len(table)), [_RULES.get(str(r)) or heading(r) for r in table["rule"]][::-1])
        ax.set_xticks(range(len(ks)), ["none" if k == 1 else str(k) for k in ks])
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set(xlim=(-0.6, len(ks) - 0.4), ylim=(-0.6, len(table) - 0.4))
        ax.set_xlabel("Number of subtypes")
        ax.set_title("What each rule votes for")
    return ax


def _values(ax: Axes, row: int, values: list[float], voted: int) -> None:
    for at, value in enumerate(values):
        if np.isfinite(value):
            text = f"{value:.2f}".replace("0.", ".", 1).replace("-", "−")
            look: dict[str, Any] = {"color": "white", "weight": "bold"} if at == voted else {"color": SOFT}
            ax.text(at, row, text, ha="center", va="center", fontsize=7, zorder=3, **look)


def cdf(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the distribution of consensus values for each number of subtypes; flat in the middle is stable."""
    table = slot(adata, "subtypes", "cdf")
    chosen = chosen_k(adata)
    ks = sorted({int(k) for k in table["k"]})
    with canvas(ax, 3.6, 3.0) as ax:
        for k, colour in zip(ks, CYCLE * 3, strict=False):
            part = table[table["k"] == k]
            wide = 2.4 if k == chosen else 1.1
            ax.plot(part["consensus"], part["cdf"], color=colour, linewidth=wide, label=f"{k}")
        ax.set(xlim=(0, 1), ylim=(0, 1.01))
        ax.set_xlabel("Consensus of a pair of samples")
        ax.set_ylabel("Cumulative fraction of pairs")
        ax.legend(title="Subtypes", loc="lower right", ncols=1 if len(ks) < 6 else 2, labelspacing=0.25)
        ax.set_title("Consensus distribution")
    return ax


def delta_area(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw by how much each further subtype raises the area under the consensus distribution."""
    table = slot(adata, "subtypes", "k_scores").sort_values("k")
    with canvas(ax, 3.6, 3.0) as ax:
        ax.plot(table["k"], table["delta_area"], "o-", color=BLUE, markersize=4.5)
        ax.set_xticks(table["k"].astype(int))
        chosen = table[table["k"] == chosen_k(adata)]
        ax.plot(chosen["k"], chosen["delta_area"], **_RING)
        gain = table["delta_area"].to_numpy(dtype=float)
        ax.set_ylim(min(0.0, 1.12 * np.nanmin(gain)), 1.12 * np.nanmax(gain))
        ax.set_xlabel("Number of subtypes")
        ax.set_ylabel("Relative gain in area")
        ax.set_title("Gain from one more subtype")
    return ax


def chosen_k(adata: AnnData) -> int | None:
    """Return the k whose labels are stored; None when there is no such k."""
    table = slot(adata, "subtypes", "k_scores")
    found = table.loc[table["chosen"].astype(bool), "k"]
    return int(found.iloc[0]) if len(found) else None


def _descriptive(adata: AnnData) -> bool:
    """Say whether no subtypes are announced, so that k merely describes the cohort."""
    found = slot(adata, "subtypes")
    return "stopped" in found or not bool(found.get("evidence", True))


def _ring(ax: Axes, table: pd.DataFrame, label: str) -> None:
    from matplotlib.patheffects import withStroke

    chosen = table[table["chosen"].astype(bool)]
    halo = [withStroke(linewidth=2.5, foreground="white")]
    ax.plot(chosen["k"], chosen["pac"], **_RING)
    for k, pac in zip(chosen["k"], chosen["pac"], strict=True):
        look = {"color": VERMILION, "weight": "bold", "ha": "center", "fontsize": 8, "path_effects": halo}
        note(ax, label, (k, pac), (0, -18), "data", **look)


def _ticks(ax: Axes, table: pd.DataFrame) -> None:
    """Label the k axis, with the p of each k in a second row."""
    known = "p" in table and table["p"].notna().any()
    ax.set_xticks(table["k"].astype(int))
    if known:
        short = [p_text(float(p)).removeprefix("p = ").removeprefix("p ") for p in table["p"]]
        ax.set_xticklabels([f"{int(k)}\n{p}" for k, p in zip(table["k"], short, strict=True)])
        note(ax, "p", (0, 0), (-9, -25), fontsize=8, ha="right", color=BLACK, style="italic")
    ax.set_xlim(table["k"].min() - 0.45, table["k"].max() + 0.45)
    ax.set_xlabel("Number of subtypes")
