"""The one shape in which every univariate screen comes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError
from precisionmed.estimators._matrix import as_matrix, gene_names
from precisionmed.estimators._vectors import zero_one


class Screen(BaseEstimator):
    """What every screen has: its columns as one table."""

    feature_names_: list[str]
    coef_: np.ndarray
    se_: np.ndarray
    statistic_: np.ndarray
    p_: np.ndarray
    fdr_: np.ndarray

    @property
    def table_(self) -> pd.DataFrame:
        """One row a gene."""
        check_is_fitted(self)
        columns = {
            "gene": self.feature_names_,
            "coefficient": self.coef_,
            "se": self.se_,
            "statistic": self.statistic_,
            "p": self.p_,
            "fdr": self.fdr_,
        }
        return pd.DataFrame(columns | self._more_columns())

    def _more_columns(self) -> dict[str, np.ndarray]:
        return {}


def gene_columns(X: Any, n_outcomes: int) -> tuple[np.ndarray, list[str]]:
    """Return values (n_samples, n_genes), C order, and gene names; missing values are allowed."""
    values = as_matrix(X)
    if len(values) != n_outcomes:
        raise InputError(f"{len(values)} samples but {n_outcomes} outcomes; give one outcome a sample.")
    if isinstance(X, pd.DataFrame):
        return values, gene_names(X).tolist()
    return values, [f"x{j}" for j in range(values.shape[1])]


def two_classes(y: Any) -> np.ndarray:
    """Return labels as bool (n_samples,).

    Raises
    ------
    InputError
        They are not 0 and 1 (or bool), or one of them is absent.
    """
    labels = zero_one(y, "y")
    if labels.all() or not labels.any():
        raise InputError("y must be one column of 0 and 1, with both of them present.")
    return labels


def false_discovery_rate(p: np.ndarray) -> np.ndarray:
    """Return Benjamini-Hochberg FDR (J R Stat Soc B 57:289, 1995) among the tests that are not NaN."""
    fdr, tested = np.full(p.size, np.nan), np.isfinite(p)
    if tested.any():
        fdr[tested] = stats.false_discovery_control(p[tested])
    return fdr


def ratio_columns(
    coefficient: np.ndarray, se: np.ndarray, spread: np.ndarray, level: float
) -> dict[str, np.ndarray]:
    """Return `ratio` per standard deviation of the gene with its Wald interval, `lower` and `upper`."""
    width = stats.norm.ppf(0.5 + level / 2) * se
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            "ratio": np.exp(coefficient * spread),
            "lower": np.exp((coefficient - width) * spread),
            "upper": np.exp((coefficient + width) * spread),
        }
