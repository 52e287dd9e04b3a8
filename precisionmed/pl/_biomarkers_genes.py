"""Figures of the genes of a signature, and of how sure they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.pl._base import (
    BLACK,
    BLUE,
    CYCLE,
    GREY,
    ORANGE,
    SOFT,
    VERMILION,
    canvas,
    italic_genes,
    note,
    slot,
    subtitle,
)
from precisionmed.pl._biomarkers_base import (
    beside,
    label_of,
    mark,
    name_ends,
    part,
    ratio_name,
    stacked,
    task_of,
)
from precisionmed.pl._forest import forest

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

_SHOWN = 30
_SHARES = (
    ("stability", "Chosen in\nhalves (%)"),
    ("selection_frequency", "Selected in\nfolds (%)"),
)
_DASHED = (0, (4, 3))


def signature(
    adata: AnnData, task: str | None = None, *, step: str = "biomarkers", ax: Axes | None = None
) -> Axes:
    """Draw the signature: effect of each gene with its interval, and how often refitted models chose it.

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
    found = slot(adata, "response", "classifier") if step == "response" else task_of(adata, task, step)
    table: pd.DataFrame = found["signature"]
    if table.empty:
        raise InputError("the signature holds no gene: the penalty chosen leaves none.")
    strongest = np.argsort(-np.abs(np.log(table["ratio"].to_numpy(dtype=float))), kind="stable")[:_SHOWN]
    table = table.iloc[strongest]
    ratio = table["ratio"].to_numpy(dtype=float)
    lower, upper = (
        table[side].to_numpy(dtype=float) if side in table else np.full(len(table), np.nan)
        for side in ("lower", "upper")
    )
    colour = np.where(ratio > 1, VERMILION, BLUE).tolist()
    rows = np.arange(len(table))[::-1]
    drugged = _drugged(table)
    shares = [(name, label) for name, label in _SHARES if name in table]
    with canvas(ax, 6.2, 1.1 + 0.2 * max(len(table), 4)) as ax:
        main, *sides = beside(ax, (0.96 - 0.2 * len(shares), *[0.16] * len(shares)), 0.04)
        genes = [f"{gene}*" if hit else str(gene) for gene, hit in zip(table["gene"], drugged, strict=True)]
        blank = [""] * len(ratio)
        forest(main, genes, ratio, lower, upper, reference=1, log=True, text=blank, colour=colour)
        main.barh(rows, ratio - 1, left=1, color=colour, height=0.66, alpha=0.22, zorder=0.5)
        italic_genes(main.get_yticklabels())
        main.set_xlabel(f"{ratio_name(found)} per standard deviation")
        note(ax, "* target of a known drug" if drugged.any() else "", (0, 0), (0, -36), va="top")
        for side, (name, label) in zip(sides, shares, strict=True):
            _share(side, rows, table[name], label)
            if name == "stability" and "stability_threshold" in found:
                threshold = 100 * float(found["stability_threshold"])
                side.axvline(threshold, color=SOFT, linewidth=0.9, linestyle=_DASHED)
        count = len(found["signature"])
        ax.set_title(f"Signature of {count} gene{'s' * (count != 1)}: {label_of(found, task, step)}")
        mark(ax, adata, task, step)
    return ax


def stability(adata: AnnData, task: str | None = None, *, n: int = 10, ax: Axes | None = None) -> Axes:
    """Draw how often each gene is among the first genes on the path of halves of the cohort.

    The `n` most frequent genes are named; selected ones are in colour.
    """
    table = part(adata, task, "stability_path", "stability_threshold", "stability_pfer")
    found = task_of(adata, task)
    along = "n_genes" if "n_genes" in table else "lambda"
    summary = found["stability"]
    selected = set(summary.loc[summary["selected"].astype(bool), "gene"].astype(str))
    last = table.groupby("gene", sort=False, observed=True)["frequency"].max()
    named = [str(g) for g in last.sort_values(ascending=False, kind="stable").index[:n]]
    shade = dict(zip([g for g in named if g in selected], CYCLE * 2, strict=False))
    with canvas(ax, 3.7, 3.4) as ax:
        for gene, own in table.sort_values(along).groupby("gene", sort=False, observed=True):
            colour = shade.get(str(gene), BLUE if str(gene) in selected else "#C9CED4")
            ax.plot(own[along], own["frequency"] * 100, color=colour, linewidth=1.1)
        threshold = 100 * float(found["stability_threshold"])
        ax.axhline(threshold, color=SOFT, linewidth=0.9, linestyle=_DASHED, zorder=3)
        ax.set_ylim(0, 101)
        name_ends(ax, [(100 * float(last[g]), g, shade.get(g, GREY)) for g in named])
        if along == "n_genes":
            ax.set_xlim(table[along].min(), table[along].max())
            ax.set_xlabel("First genes on the path of each half")
        else:
            ax.set_xscale("log")
            ax.set_xlim(table[along].max(), table[along].min())
            ax.set_xlabel("Penalty λ")
        ax.set_ylabel("Halves that choose the gene (%)")
        ax.set_title("Stability of the genes")
        subtitle(
            ax,
            f"above {threshold:.0f}%: at most {float(found['stability_pfer']):.2g} false genes expected",
        )
        mark(ax, adata, task, lift=11)
    return ax


def decoys(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw how many genes beat their decoys, how many decoys beat their genes, and the FDP that follows."""
    table = part(adata, task, "decoys", "decoy_fdr").sort_values("threshold")
    found = task_of(adata, task)
    target = float(found["decoy_fdr"])
    at = 100 * table["threshold"]
    chosen = len(found.get("decoy_genes", ()))
    with canvas(ax, 3.7, 3.4) as ax:
        count, rate = stacked(ax, (1.5, 0.85), 0.14)
        for column, colour, label in (("n_real", BLUE, "genes"), ("n_decoy", ORANGE, "decoys")):
            count.step(at, table[column], where="post", color=colour, label=label)
        _count_axis(count, float(table[["n_real", "n_decoy"]].max(axis=None)))
        rate.step(at, np.minimum(table["fdp"], 1) * 100, where="post", color=BLACK, linewidth=1.2)
        rate.axhline(100 * target, color=VERMILION, linewidth=0.9, linestyle=_DASHED)
        rate.set_ylim(0, 104)
        rate.set_ylabel("Estimated\nFDP (%)")
        rate.set_xlabel("Wins in at least this share of halves (%)")
        for panel in (count, rate):
            panel.set_xlim(0, 100)
            if chosen and "decoy_threshold" in found:
                at_least = 100 * float(found["decoy_threshold"])
                panel.axvline(at_least, color=SOFT, linewidth=0.9, linestyle=(0, (1, 2)))
        ax.set_title("Genes against their decoys")
        said = f"{chosen} gene{'s' * (chosen != 1)} selected" if chosen else "no gene selected"
        subtitle(ax, f"{said} at a false discovery rate of {target:.0%}")
        mark(ax, adata, task, lift=11)
    return ax


def _count_axis(ax: Axes, most: float) -> None:
    """Make y an axis of counts that shows 1 and hundreds alike."""
    ax.set_yscale("symlog", linthresh=1)
    ax.set_ylim(0, 4 * most)  # room for the key
    ticks = [tick for tick in (0, 1, 10, 100, 1000) if tick <= 4 * most]
    ax.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.minorticks_off()
    ax.tick_params(labelbottom=False)
    ax.set_ylabel("Winners")
    ax.legend(loc="upper right", ncols=2, handlelength=1.2, columnspacing=1, borderaxespad=0)


def _drugged(table: pd.DataFrame) -> np.ndarray:
    """Say which genes a drug is known to hit."""
    if "drug" not in table:
        return np.zeros(len(table), dtype=bool)
    return table["drug"].fillna("").astype(str).str.strip().ne("").to_numpy()


def _share(side: Axes, rows: np.ndarray, share: pd.Series, label: str) -> None:
    """Draw how often each gene was chosen as small bars beside its row."""
    side.barh(rows, share.to_numpy(dtype=float) * 100, color=GREY, height=0.66)
    side.set_ylim(-0.6, len(rows) - 0.4)
    side.set_xlim(0, 100)
    side.set_xticks([0, 50, 100])
    side.tick_params(axis="y", length=0, labelleft=False)
    side.spines["left"].set_visible(False)
    side.set_xlabel(label)
