"""How much of the variance clinical variables explain."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.special import fdtrc

from precisionmed.config import RolesConfig

_CANONICAL = ("batch", "er", "pr", "her2", "intrinsic", "treatment", "response", "sex")
_Array = NDArray[np.float64]


def clinical_factors(obs: pd.DataFrame, roles: RolesConfig) -> dict[str, pd.Series]:
    """Return the clinical variables that have a role and vary, by name.

    A category of nearly as many values as samples (names, dates) is left out, as is a constant.
    """
    names = [
        *_CANONICAL,
        *(f"{endpoint}_event" for endpoint in roles.endpoints),
        *roles.covariates,
        *roles.groups,
    ]
    factors = {}
    for name in dict.fromkeys(names):
        if name not in obs:
            continue
        known = obs[name].dropna()
        levels = len(known.unique())
        if levels > 1 and (pd.api.types.is_numeric_dtype(known) or levels <= len(known) / 2):
            factors[name] = obs[name]
    return factors


def gram(values: _Array) -> _Array:
    """Return inner products of samples over gene-centred values, shape (n_samples, n_samples)."""
    centered = values - values.mean(axis=0)
    return centered @ centered.T


def principal_components(products: _Array, n_components: int) -> tuple[_Array, _Array]:
    """Return sample scores and fractions of variance of the first components.

    Parameters
    ----------
    products : ndarray of shape (n_samples, n_samples)
        From `gram`.
    n_components : int
        At most; there are never more than samples less one.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_components)
        The sample with the largest absolute score has a positive one.
    fractions : ndarray of shape (n_components,)
    """
    n = max(1, min(n_components, len(products) - 1))
    values, vectors = eigh(products, subset_by_index=(len(products) - n, len(products) - 1))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    signs = np.sign(vectors[np.argmax(np.abs(vectors), axis=0), np.arange(n)])
    total = np.trace(products)
    return vectors * signs * np.sqrt(values), values / total if total > 0 else np.zeros(n)


def explained_fraction(products: _Array, factor: pd.Series) -> float:
    """Return the fraction of the variance of all genes that a factor explains.

    The share of the total sum of squares over samples with a known value, adjusted for the number of
    levels as the adjusted R2 is, so that a factor of many levels gains nothing by chance; not below 0.

    Parameters
    ----------
    products : ndarray of shape (n_samples, n_samples)
        From `gram`: sums of squares need no genes.
    factor : Series of length n_samples
        A number or a category; NaN is missing.
    """
    known = factor.notna().to_numpy()
    basis = _basis(factor[known])
    part = products[np.ix_(known, known)]
    part = part - part.mean(axis=0) - part.mean(axis=1)[:, None] + part.mean()
    total, between = np.trace(part), np.sum(basis * (part @ basis))
    n, df = len(part), basis.shape[1]
    if total <= 0 or n - df - 1 <= 0:
        return float("nan")
    return max(0.0, 1.0 - (1.0 - between / total) * (n - 1) / (n - df - 1))


def association(scores: _Array, factor: pd.Series) -> tuple[_Array, _Array]:
    """Return R2 and F-test p-value of each column of scores regressed on a factor."""
    known = factor.notna().to_numpy()
    basis = _basis(factor[known])
    part = scores[known] - scores[known].mean(axis=0)
    total = np.sum(part**2, axis=0)
    n, df = len(part), basis.shape[1]
    r2 = np.clip(np.sum((basis.T @ part) ** 2, axis=0) / np.where(total > 0, total, np.nan), 0, 1)
    rest = n - df - 1
    if rest <= 0:
        return r2, np.full(len(r2), np.nan)
    with np.errstate(divide="ignore"):
        statistic = (r2 / df) / ((1 - r2) / rest)
    return r2, fdtrc(df, rest, statistic)


def _basis(factor: pd.Series) -> _Array:
    """Return an orthonormal basis of a factor's centred design, shape (n_samples, degrees of freedom)."""
    if pd.api.types.is_numeric_dtype(factor):
        design = factor.to_numpy(dtype=np.float64)[:, None]
    else:
        design = pd.get_dummies(factor.astype(str), drop_first=True).to_numpy(dtype=np.float64)
    return np.linalg.qr(design - design.mean(axis=0))[0]
