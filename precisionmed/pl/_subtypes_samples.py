"""Figures of which samples belong together, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, nearest
from precisionmed.pl._base import BLACK, SOFT, canvas, colours, column, key, levels, slot, tick_style
from precisionmed.pl._heat import annotation_bars, labelled, matrix, usual_annotations
from precisionmed.pl._words import heading
from precisionmed.pl.qc import scatter

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

_BASES = {
    "X_pca": ("PC", "Principal components of the most variable genes"),
    "X_umap": ("UMAP ", "UMAP of the most variable genes"),
}


def consensus(adata: AnnData, *, annotations: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the consensus matrix in dendrogram order, with clinical bars above it.

    Parameters
    ----------
    adata
        Cohort after `tl.subtypes`.
    annotations
        Categorical columns of `obs` to show; subtypes and receptor status when None.
    ax
        Axes to draw on.
    """
    if "consensus" not in adata.obsp:
        raise InputError("obsp has no 'consensus': run pm.tl.subtypes first.")
    at = order(adata)
    names = usual_annotations(adata) if annotations is None else list(annotations)
    values = np.asarray(adata.obsp["consensus"], dtype=float)[np.ix_(at, at)]
    with canvas(ax, 6.3, 4.5 + 0.18 * len(names)) as ax:
        matrix(ax, values, cmap="Blues", limits=(0, 1), label="Consensus", where=(1.04, 0.03, 0.2, 0.025))
        annotation_bars(ax, adata.obs.iloc[at], names, inch=3.9)
        ax.set(xticks=[], yticks=[], xlabel=f"Samples (n = {adata.n_obs})")
    return ax


def embedding(
    adata: AnnData, *, basis: str = "X_pca", color: str = "subtype", ax: Axes | None = None
) -> Axes:
    """Draw samples by subtype: larger is more confident, core samples are filled, the others open.

    Parameters
    ----------
    adata
        Cohort after `tl.subtypes`.
    basis
        Entry of `obsm` whose first two columns are drawn: `X_pca` or, when stored, `X_umap`.
    color
        Categorical column of `obs`.
    ax
        Axes to draw on.
    """
    if basis not in adata.obsm:
        raise InputError(f"obsm has no '{basis}': run pm.tl.subtypes first.{nearest(basis, adata.obsm)}")
    points = np.asarray(adata.obsm[basis])[:, :2]
    by = column(adata, color)
    with canvas(ax, 6.0, 3.9) as ax:
        if color == "subtype" and "subtype_core" in adata.obs:
            _by_confidence(ax, points, adata.obs)
        else:
            scatter(ax, points, by, title=color)
        name, title = _BASES.get(basis, (basis, basis))
        ax.set(xlabel=f"{name}1", ylabel=f"{name}2")
        ax.set_title(f"{title} (n = {adata.n_obs})")
    return ax


def confidence(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the silhouette of each sample within its subtype, descending; below, how robust its label is."""
    subtype = column(adata, "subtype").astype(str).to_numpy()
    values = column(adata, "subtype_silhouette").to_numpy(dtype=float)
    stays = adata.obs.get("subtype_robustness")
    shade = colours(levels(adata.obs["subtype"]))
    gap, start, counts = max(1, adata.n_obs // 100), 0, {}
    strip = []
    with canvas(ax, 6.4, 2.8 if stays is None else 3.0) as ax:
        for name, colour in shade.items():
            own = np.flatnonzero(subtype == name)
            own = own[np.argsort(-values[own], kind="stable")]
            ax.stairs(values[own], np.arange(start, start + len(own) + 1) - 0.5, fill=True, color=colour)
            if stays is not None:
                strip += [*stays.to_numpy(dtype=float)[own], *[np.nan] * gap]
            start += len(own) + gap
            counts[f"{name} ({len(own)})"] = colour
        ax.axhline(0, color=BLACK, linewidth=0.6)
        ax.set_xlim(-1, start)
        ax.set_xticks([])
        ax.set_ylabel("Silhouette")
        key(ax, counts, title="Subtype (n)")
        if strip:
            _robustness_strip(ax, np.array(strip))
        else:
            ax.set_xlabel("Samples, by subtype")
        ax.set_title("How well samples fit their subtype")
    return ax


def _robustness_strip(ax: Axes, stays: np.ndarray) -> None:
    """Draw, under each sample, the fraction of other partitions that keep it in its subtype."""
    below = ax.inset_axes((0, -0.13, 1, 0.08))
    tick_style(below)
    extent = (-0.5, len(stays) - 0.5, 0.0, 1.0)
    image = below.imshow(stays[None], cmap="Greys", vmin=0, vmax=1, aspect="auto", extent=extent)
    below.set(xlim=ax.get_xlim(), xticks=[], yticks=[], xlabel="Samples, by subtype")
    for spine in below.spines.values():
        spine.set_visible(False)
    bar_ax = ax.inset_axes((1.02, -0.13, 0.12, 0.05))
    tick_style(bar_ax)
    bar = ax.figure.colorbar(image, cax=bar_ax, orientation="horizontal", ticks=[0, 1])
    bar.outline.set_visible(False)
    bar_ax.set_title("Stays in subtype", fontsize=7.5, weight="normal", pad=3)
    bar_ax.tick_params(labelsize=7, length=2)


def robustness(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw how far partitions made in other ways agree: with one another, and (right) with the subtypes."""
    own = slot(adata, "subtypes", "robustness")["agreement"].to_numpy(dtype=float)
    table = labelled(slot(adata, "subtypes", "robustness_agreement"))
    values = table.to_numpy(dtype=float)
    names = [heading(name) for name in table.columns]
    side = 0.34 * len(names)
    with canvas(ax, side + 2.6, side + 1.5) as ax:
        ax.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for (row, col), value in np.ndenumerate(values):
            if row != col and np.isfinite(value):
                ink = "white" if value > 0.55 else BLACK
                text = f"{value:.2f}".removeprefix("0").replace("-0", "−").replace("-", "−")
                ax.text(col, row, text, ha="center", va="center", color=ink, fontsize=7)
        for row, value in enumerate(own):
            ax.text(
                len(names) - 0.2,
                row,
                f"{value:.2f}".replace("-", "−"),
                va="center",
                weight="bold",
                fontsize=8,
            )
        ax.text(len(names) - 0.2, -0.75, "with the\nsubtypes", va="bottom", fontsize=8)
        ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(names)), names)
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.set_title("Agreement between ways to cluster (ARI)", pad=14)
    return ax


def order(adata: AnnData) -> np.ndarray:
    """Return the positions of the samples in dendrogram order."""
    names = pd.Index(np.asarray(slot(adata, "subtypes", "order")).astype(str))
    return adata.obs_names.get_indexer(names)


def _by_confidence(ax: Axes, points: np.ndarray, obs: pd.DataFrame) -> None:
    from matplotlib.lines import Line2D

    by = obs["subtype"]
    core = obs["subtype_core"].to_numpy(dtype=bool)
    most = 34 if len(obs) < 300 else 20 if len(obs) < 3000 else 8
    size = most * (0.25 + 0.75 * obs["subtype_confidence"].to_numpy(dtype=float))
    shade = colours(levels(by))
    for name, colour in shade.items():
        own = (by == name).to_numpy(dtype=bool)
        open_ones, filled = own & ~core, own & core
        ax.scatter(
            points[open_ones, 0],
            points[open_ones, 1],
            s=size[open_ones],
            facecolors="none",
            edgecolors=colour,
            linewidths=0.8,
        )
        look: dict[str, Any] = {"color": colour, "linewidths": 0.3, "edgecolors": "white"}
        ax.scatter(points[filled, 0], points[filled, 1], s=size[filled], **look)
    counts = by.value_counts()
    marks = [
        Line2D([], [], marker="o", linestyle="", markersize=5.5, color=c, label=f"{n} ({counts[n]})")
        for n, c in shade.items()
    ]
    for label, face, n in (("core", SOFT, core.sum()), ("uncertain", "none", (~core).sum())):
        look = {"markerfacecolor": face, "markeredgecolor": SOFT, "markersize": 5, "linestyle": ""}
        marks.append(Line2D([], [], marker="o", label=f"{label} ({n})", **look))
    legend = ax.legend(
        handles=marks, title="Subtype (n)", loc="upper left", bbox_to_anchor=(1.01, 1), handletextpad=0.3
    )
    legend.set_alignment("left")
