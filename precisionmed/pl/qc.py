"""Figures of quality control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.pl._base import BLACK, BLUE, VERMILION, canvas, colours, column, key, levels, slot
from precisionmed.pl._curves import density_lines, mean_variance_cloud, rle_band
from precisionmed.pl._words import words

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def library_size(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the total count of each sample, ascending; outliers are marked."""
    values = column(adata, "library_size").to_numpy(dtype=float)
    with canvas(ax, 6.4, 2.7) as ax:
        _ranked(ax, values / 1e6, _outliers(adata))
        ax.set_ylabel("Library size (million counts)")
        ax.set_title(f"Library size (n = {adata.n_obs})")
    return ax


def detected_genes(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the number of genes detected in each sample, ascending; outliers are marked."""
    with canvas(ax, 6.4, 2.7) as ax:
        _ranked(ax, column(adata, "detected_genes").to_numpy(dtype=float), _outliers(adata))
        ax.set_ylabel("Genes detected")
        ax.set_title(f"Detected genes (n = {adata.n_obs})")
    return ax


def correlation(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw each sample's median Spearman correlation with the others, ascending; outliers are marked."""
    with canvas(ax, 6.4, 2.7) as ax:
        _ranked(ax, column(adata, "median_correlation").to_numpy(dtype=float), _outliers(adata))
        ax.set_ylabel("Median Spearman ρ")
        ax.set_title(f"Correlation with the other samples (n = {adata.n_obs})")
    return ax


def pca(
    adata: AnnData, *, color: str | None = None, components: tuple[int, int] = (1, 2), ax: Axes | None = None
) -> Axes:
    """Draw two principal components of the values as read, coloured by a categorical column of `obs`."""
    if "X_qc_pca" not in adata.obsm:
        raise InputError("obsm has no 'X_qc_pca': run pm.pp.qc first.")
    variance = slot(adata, "qc", "pca_variance")["fraction"].to_numpy(dtype=float)
    scores = np.asarray(adata.obsm["X_qc_pca"])[:, [c - 1 for c in components]]
    with canvas(ax, 5.4, 3.9) as ax:
        scatter(ax, scores, None if color is None else column(adata, color), title=color)
        odd = _outliers(adata)
        if odd.any():
            _ring(ax, scores[odd])
            for (x, y), name in zip(scores[odd], adata.obs_names[odd], strict=True):
                ax.annotate(str(name), (x, y), (6, 4), textcoords="offset points", fontsize=7)
        ax.set_xlabel(f"PC{components[0]} ({variance[components[0] - 1]:.0%} of variance)")
        ax.set_ylabel(f"PC{components[1]} ({variance[components[1] - 1]:.0%} of variance)")
        ax.set_title(f"Principal components before normalization (n = {adata.n_obs})")
    return ax


def pca_association(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw how much of each principal component a clinical or technical variable explains (R²)."""
    table = slot(adata, "qc", "pca_association")
    wide = table.pivot_table(index="variable", columns="pc", values="r2", sort=False)
    wide = wide.loc[wide.max(axis=1).sort_values(ascending=False, kind="stable").index].iloc[:15]
    with canvas(ax, 6.0, 1.1 + 0.27 * len(wide)) as ax:
        values = wide.to_numpy(dtype=float)
        ax.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for (row, col), r2 in np.ndenumerate(values):
            if np.isfinite(r2):
                ink = "white" if r2 > 0.55 else "#222222"
                ax.text(col, row, f"{r2:.2f}", ha="center", va="center", fontsize=7.5, color=ink)
        ax.set_xticks(range(wide.shape[1]), [_pc(c) for c in wide.columns])
        ax.set_yticks(range(len(wide)), [words(v) for v in wide.index])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_title("Variance of each component explained (R²)")
    return ax


def rle(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw relative log expression of the values as read."""
    flagged = set(adata.obs_names[_outliers(adata)].astype(str))
    with canvas(ax, 6.4, 3.0) as ax:
        rle_band(ax, slot(adata, "qc", "rle"), flagged)
        ax.set_title(f"Relative log expression before normalization (n = {adata.n_obs})")
    return ax


def density(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the distribution of log expression of the values as read, one thin line a sample."""
    table = slot(adata, "qc", "density")
    with canvas(ax, 6.4, 2.9) as ax:
        density_lines(ax, table, set(adata.obs_names[_outliers(adata)].astype(str)))
        ax.set_title(f"Expression before normalization (n = {len(table)})")
    return ax


def mean_variance(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the genes' spread against their mean before normalization."""
    table = slot(adata, "qc", "mean_variance")
    with canvas(ax, 5.4, 3.3) as ax:
        mean_variance_cloud(ax, table)
        ax.set_title(f"Mean and variance before normalization ({len(table):,} genes)")
    return ax


def identity(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw how alike pairs of samples are in profile and germline genotype, by what the record says."""
    table = slot(adata, "qc", "identity")
    if not len(table):
        raise InputError("no patient has several samples, and no two patients' samples are alike.")
    odds = table["log_odds"].fillna(0.0).to_numpy(dtype=float)
    with canvas(ax, 5.4, 3.3) as ax:
        points = np.column_stack([table["profile"].to_numpy(dtype=float), odds])
        scatter(ax, points, table["verdict"].astype("string"), title="record")
        ax.axhline(0, color=BLACK, linewidth=0.6, zorder=0)
        ax.set_xlabel("Correlation over the most variable genes")
        ax.set_ylabel("log10 odds of one person")
        ax.set_title(f"Pairs of samples that are, or may be, one patient's (n = {len(table)})")
    return ax


def sex_check(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw XIST against Y-chromosome expression, coloured by recorded sex; disagreements are ringed."""
    table = slot(adata, "qc", "sex_check")
    recorded = table["recorded"].astype("string")
    with canvas(ax, 5.0, 3.6) as ax:
        points = table[["xist", "chr_y"]].to_numpy(dtype=float)
        scatter(ax, points, recorded, title="recorded sex")
        odd = (table["agrees"].astype("string").str.lower() == "false").to_numpy(dtype=bool)
        if odd.any():
            _ring(ax, points[odd])
        ax.set_xlabel("XIST expression (log2)")
        ax.set_ylabel("Y-chromosome genes, mean (log2)")
        ax.set_title(f"Recorded and expressed sex (n = {len(table)})")
    return ax


def scatter(ax: Axes, points: np.ndarray, by: pd.Series | None, *, title: str | None) -> None:
    """Draw points coloured by category, missing ones in grey beneath, with a key."""
    size = 22 if len(points) < 300 else 12
    style: dict[str, Any] = {"s": size, "linewidths": 0.4, "edgecolors": "white"}
    if by is None:
        ax.scatter(*points.T, color=BLUE, **style)
        return
    shade = colours(levels(by))
    missing = by.isna().to_numpy()
    if missing.any():
        ax.scatter(*points[missing].T, color="#C9CDD3", **style)
    for name, colour in shade.items():
        ax.scatter(
            *points[(by.astype("string") == name).fillna(False).to_numpy(dtype=bool)].T, color=colour, **style
        )
    counts = by.astype("string").value_counts()
    entries = {f"{words(name)} ({counts[name]})": colour for name, colour in shade.items()}
    if missing.any():
        entries[f"missing ({missing.sum()})"] = "#C9CDD3"
    key(ax, entries, title=words(title) if title else None)


def _ring(ax: Axes, points: np.ndarray) -> None:
    ax.scatter(points[:, 0], points[:, 1], s=60, facecolors="none", edgecolors=VERMILION, linewidths=1.0)


def _pc(name: object) -> str:
    text = str(name)
    return text if text.upper().startswith("PC") else f"PC{text}"


def _outliers(adata: AnnData) -> np.ndarray:
    if "qc_outlier" not in adata.obs:
        return np.zeros(adata.n_obs, dtype=bool)
    return adata.obs["qc_outlier"].to_numpy(dtype=bool)


def _ranked(ax: Axes, values: np.ndarray, odd: np.ndarray) -> None:
    order = np.argsort(values, kind="stable")
    x = np.arange(len(values))
    flagged = odd[order]
    ax.plot(x[~flagged], values[order][~flagged], "o", color=BLUE, markersize=2.6)
    if flagged.any():
        ax.plot(x[flagged], values[order][flagged], "o", color=VERMILION, markersize=4.5, label="outlier")
        ax.legend(loc="lower right")
    ax.set_xlim(-1, len(values))
    ax.set_xlabel("Samples, ascending")
