"""Figures of a signature in use: its genes across the cohort, and a nomogram to score by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.pl._base import (
    BLACK,
    BLUE,
    SOFT,
    VERMILION,
    canvas,
    column,
    italic_genes,
    one_of,
)
from precisionmed.pl._biomarkers_base import (
    is_survival,
    label_of,
    mark,
    part,
    signature_genes,
    stacked,
    task_of,
)
from precisionmed.pl._heat import DIVERGING, annotation_bars, matrix
from precisionmed.pl._words import heading

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

MOST_BY_HAND = 25
"""Genes that a nomogram may have: nobody reads more by hand."""
_NARROW = 2.5
"""Scales narrower than this many labels have none below."""
_PROBABILITIES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def heatmap(adata: AnnData, task: str | None = None, *, n: int = 30, ax: Axes | None = None) -> Axes:
    """Draw the signature's `n` strongest genes, samples ordered by their out-of-fold score.

    Above stands the outcome, below the score.
    """
    name = one_of(adata, "biomarkers", "tasks", task)
    found = task_of(adata, name)
    part(adata, name, "signature")
    strongest = [gene for gene in signature_genes(found) if gene in adata.var_names][:n]
    coefficient = found["signature"].set_index("gene")["coefficient"]
    genes = sorted(strongest, key=lambda gene: -float(coefficient[gene]))
    score = column(adata, f"score_{name}").dropna().sort_values(kind="stable")
    if score.empty or not genes:
        raise InputError(f"'{name}' has no out-of-fold score, or none of its genes is in the cohort.")
    values = np.asarray(adata[score.index, genes].X, dtype=float).T
    # Centred and scaled for the eye only: rows of one colour scale.
    values -= values.mean(axis=1, keepdims=True)
    values /= np.maximum(values.std(axis=1, keepdims=True), 1e-12)
    tall = max(0.14 * len(genes), 1.2)
    with canvas(ax, 6.3, tall + 1.75) as ax:
        heat, strip = stacked(ax, (tall, 0.52), 0.08)
        matrix(
            heat,
            values,
            cmap=DIVERGING,
            limits=(-2.5, 2.5),
            label="Expression\n(SD from gene mean)",
            where=(1.06, 0.36 / tall, 0.2, 0.09 / tall),
        )
        heat.set_yticks(range(len(genes)), genes, fontsize=7)
        italic_genes(heat.get_yticklabels())
        heat.tick_params(axis="y", length=0)
        heat.set_xticks([])
        annotation_bars(heat, _outcome(found, score.index), [label_of(found)], inch=tall)
        _score_strip(strip, score.to_numpy(dtype=float), centred=not is_survival(found))
        ax.set_title(f"Signature across the cohort: {label_of(found)}", pad=24)
        mark(ax, adata, task, lift=14)
    return ax


def nomogram(adata: AnnData, task: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw a nomogram: read off the points of each gene, add them, and read the probability below the sum.

    Raises
    ------
    InputError
        There is none, or it has more genes than can be read by hand.
    """
    table, total = part(adata, task, "nomogram"), part(adata, task, "nomogram_total").sort_values("points")
    found = task_of(adata, task)
    genes = list(dict.fromkeys(table["gene"].astype(str)))
    if len(genes) > MOST_BY_HAND:
        raise InputError(
            f"the signature has {len(genes)} genes; a nomogram of more than {MOST_BY_HAND} is not readable."
        )
    points = float(table["points"].max())
    span = (float(total["points"].iloc[0]), float(total["points"].iloc[-1]))
    with canvas(ax, 6.3, 0.75 + 0.28 * (len(genes) + 3)) as ax:
        rows = ["Points", *genes, "Total points", _outcome_words(found)]
        ax.set_xlim(0, points)
        ax.set_ylim(len(rows) - 0.3, -0.6)
        _scale(ax, 0, np.arange(0, points + 1e-9, 10), np.arange(0, points + 1e-9, 10))
        for row, gene in enumerate(genes, start=1):
            own = table[table["gene"].astype(str) == gene].sort_values("value")
            inside = _round_values(own["value"])
            _scale(ax, row, np.interp(inside, own["value"], own["points"]), inside, ends=own["points"])
        sums = _round_values(total["points"], 10)
        _scale(ax, len(rows) - 2, (sums - span[0]) / (span[1] - span[0]) * points, sums)
        rising = total.sort_values("probability")
        known = rising["probability"].to_numpy(dtype=float)
        marks = np.array([p for p in _PROBABILITIES if known[0] <= p <= known[-1]])
        where = np.interp(marks, known, rising["points"])
        _scale(ax, len(rows) - 1, (where - span[0]) / (span[1] - span[0]) * points, marks)
        ax.set_yticks(range(len(rows)), rows)
        italic_genes(ax.get_yticklabels()[1 : len(genes) + 1])
        ax.tick_params(length=0, pad=14)
        ax.set_xticks([])
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.axhline(0.62, color="#ECEEF1", linewidth=0.8)
        ax.axhline(len(genes) + 0.62, color="#ECEEF1", linewidth=0.8)
        ax.set_title(f"Nomogram: {label_of(found)}")
        mark(ax, adata, task)
    return ax


def _outcome(found: dict, samples: pd.Index) -> pd.DataFrame:
    """Return the outcome of samples in words, as one column named after the task."""
    truth = found["predictions"].drop_duplicates("sample").set_index("sample")
    column_of, said = ("event", ["censored", "event"]) if is_survival(found) else ("truth", ["no", "yes"])
    words_of = truth[column_of].astype(float).map(dict(enumerate(said))).reindex(samples)
    return pd.DataFrame({label_of(found): pd.Categorical(words_of, categories=said)}, index=samples)


def _score_strip(strip: Axes, score: np.ndarray, *, centred: bool) -> None:
    """Draw the ordered scores under a heat map; those of a label are log odds, with a line at even odds."""
    x, base = np.arange(len(score)), 0.0 if centred else float(score.min())
    for sign, colour in ((1, VERMILION), (-1, BLUE)) if centred else ((1, SOFT),):
        part_of = np.where(sign * (score - base) > 0, score, base)
        strip.fill_between(x, base, part_of, color=colour, step="mid", linewidth=0, alpha=0.75)
    strip.set_xlim(-0.5, len(score) - 0.5)
    strip.set_xticks([])
    strip.tick_params(axis="y", labelsize=7)
    strip.locator_params(axis="y", nbins=3)
    strip.set_ylabel("Score", fontsize=7.5)
    strip.set_xlabel(f"Samples by out-of-fold score (n = {len(score)})")


def _outcome_words(found: dict) -> str:
    """Return what a nomogram's last scale is the probability of."""
    if not is_survival(found):
        return f"Probability of\n{label_of(found)}"
    horizon = found.get("nomogram_horizon")
    when = (
        f" before\n{float(horizon):g} {found.get('nomogram_unit', '')}".rstrip()
        if horizon is not None
        else ""
    )
    return f"{heading(label_of(found))} event{when}"


def _round_values(values: pd.Series, most: int = 5) -> np.ndarray:
    """Return round numbers within the range of values."""
    from matplotlib.ticker import MaxNLocator

    low, high = float(values.min()), float(values.max())
    ticks = np.asarray(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    return ticks[(ticks >= low - 1e-9) & (ticks <= high + 1e-9)]


def _scale(ax: Axes, row: int, x: np.ndarray, values: np.ndarray, ends: pd.Series | None = None) -> None:
    """Draw one scale of a nomogram; numbers that would overlap are left out, their ticks are not."""
    reach = [*x] if ends is None else [*x, float(ends.min()), float(ends.max())]
    if not reach:
        return
    ax.plot(
        [min(reach), max(reach)], [row, row], color=SOFT, linewidth=0.9, solid_capstyle="butt", clip_on=False
    )
    ax.plot(x, [row] * len(x), "|", color=SOFT, markersize=6, markeredgewidth=0.8, clip_on=False)
    gap, last = 0.045 * ax.get_xlim()[1], -np.inf
    if len(x) and max(reach) - min(reach) < _NARROW * gap:  # no room below: the ends, from left to right
        first, final = (values[i] for i in (np.argmin(x), np.argmax(x)))
        text = _number(first) if first == final else f"{_number(first)} to {_number(final)}"
        ax.text(max(reach) + gap / 3, row, text, va="center", fontsize=7, color=BLACK)
        return
    for i in np.argsort(x, kind="stable"):
        if x[i] - last >= gap:
            last = float(x[i])
            ax.text(last, row + 0.18, _number(values[i]), ha="center", va="top", fontsize=7, color=BLACK)


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
