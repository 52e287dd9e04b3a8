"""How far batches and biology are apart: before and after a batch correction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.pp._factors import clinical_factors, explained_fraction, gram, principal_components
from precisionmed.pp._inputs import dense, roles_of, table

if TYPE_CHECKING:
    from anndata import AnnData

_COMPONENTS = 10
_MOST_LEVELS = 30


@dataclass(frozen=True)
class Layout:
    """Principal components of the samples, and what each clinical factor has to do with them."""

    scores: NDArray[np.float64]
    fractions: NDArray[np.float64]
    variance: dict[str, float]
    silhouette: dict[str, float]


def describe(adata: AnnData) -> Layout:
    """Return the components of `X`, the variance that factors explain and the silhouettes of their levels."""
    products = gram(dense(adata.X))
    scores, fractions = principal_components(products, _COMPONENTS)
    factors = clinical_factors(adata.obs, roles_of(adata))
    variance = {name: explained_fraction(products, factor) for name, factor in factors.items()}
    widths = {name: silhouette(scores, factor) for name, factor in factors.items()}
    return Layout(
        scores, fractions, variance, {name: width for name, width in widths.items() if np.isfinite(width)}
    )


def silhouette(scores: NDArray[np.float64], factor: pd.Series) -> float:
    """Return the mean silhouette width of a factor's levels in principal component space.

    1: each level is a cluster of its own; 0: levels lie within one another; below 0: samples are closer
    to another level. NaN for numbers, and where fewer than two levels have two samples.

    References
    ----------
    Rousseeuw PJ. Journal of Computational and Applied Mathematics 1987;20:53-65.
    """
    from sklearn.metrics import silhouette_score

    if pd.api.types.is_numeric_dtype(factor):
        return float("nan")
    labels = factor.astype("string")
    sizes = labels.value_counts()
    used = labels.isin(sizes.index[sizes > 1]).to_numpy(dtype=bool)
    levels = int((sizes > 1).sum())
    if not 2 <= levels <= _MOST_LEVELS or levels >= used.sum():
        return float("nan")
    return float(silhouette_score(scores[used], labels[used].to_numpy(dtype=str)))


def before_and_after(before: dict[str, float], after: dict[str, float]) -> pd.DataFrame:
    """Return the table `factor`, `before`, `after`."""
    numbers = {
        "before": np.array([before[name] for name in before], dtype=float),
        "after": np.array([after.get(name, np.nan) for name in before], dtype=float),
    }
    return table(pd.DataFrame({"factor": np.array(list(before), dtype=object), **numbers}))


def component_table(before: NDArray[np.float64], after: NDArray[np.float64]) -> pd.DataFrame:
    """Return the fraction of variance of each principal component, before and after."""
    names = [f"PC{i + 1}" for i in range(len(before))]
    return table(pd.DataFrame({"pc": names, "before": before, "after": after}))
