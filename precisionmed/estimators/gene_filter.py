"""Drop genes that cannot tell anything. No label is looked at."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from precisionmed.errors import InputError
from precisionmed.estimators._library import check_counts, usual_share
from precisionmed.estimators._matrix import Matrix, columns_of, fit_matrix, transform_matrix
from precisionmed.estimators._parameters import FRACTION, NOT_NEGATIVE
from precisionmed.kernels.normalize import library_sizes

_LARGE, _PART_OF_LARGE = 10, 0.7
_TOLERANCE, _ROUNDING = 1e-14, 1e-9


class GeneFilter(TransformerMixin, BaseEstimator):
    """Keep genes that are expressed in enough samples and vary.

    Counts: the rule of edgeR's `filterByExpr`. A gene is kept when its counts per million reach those of
    `min_count` reads in a library of median size, in as many samples as the smallest group worth seeing
    has (of those beyond ten, 70% are enough), and when all samples together have `min_total_count`
    reads. Nothing is known of groups here, so the smallest is a fraction of the samples: subtypes of
    tumours need not be told beforehand. `min_fraction=1` is edgeR's default, a single group. On every
    scale genes that are constant or measured in no sample are dropped.

    Parameters
    ----------
    min_count : float, default=10
        Smallest count, at the median library size (counts only).
    min_fraction : float, default=0.1
        Smallest group of samples worth seeing, as a fraction of all (counts only).
    scale : str, default="counts"
        What the numbers are, as in the config; only `"counts"` has the rule on counts.
    min_total_count : float, default=15
        Smallest sum of a gene's counts (counts only).

    Attributes
    ----------
    kept_ : ndarray of bool, shape (n_genes,)
        The genes that stay.

    References
    ----------
    Chen Y, Lun ATL, Smyth GK. F1000Research 2016;5:1438.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "min_count": [NOT_NEGATIVE],
        "min_fraction": [FRACTION],
        "scale": [str],
        "min_total_count": [NOT_NEGATIVE],
    }

    def __init__(
        self,
        min_count: float = 10,
        min_fraction: float = 0.1,
        scale: str = "counts",
        min_total_count: float = 15,
    ) -> None:
        self.min_count = min_count
        self.min_fraction = min_fraction
        self.scale = scale
        self.min_total_count = min_total_count

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> Self:
        """Decide from training samples (samples x genes) which genes stay; `y` is ignored."""
        values = fit_matrix(self, X)
        lowest, highest = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
        # One sample alone does not show which genes vary.
        self.kept_ = (highest > lowest) if len(values) > 1 else ~np.isnan(highest)
        if self.scale == "counts":
            check_counts(X, values)
            self.kept_ &= self._expressed(values)
        if not self.kept_.any():
            raise InputError(
                f"no gene of {values.shape[1]} passes the filter (min_count={self.min_count}, "
                f"min_fraction={self.min_fraction}); lower them."
            )
        return self

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return the kept genes, shape (n_samples, n_kept)."""
        return columns_of(transform_matrix(self, X), self.kept_)

    def get_support(self) -> NDArray[np.bool_]:
        """Return `kept_`, as scikit-learn's selectors do."""
        return self.kept_

    def _expressed(self, counts: Matrix) -> NDArray[np.bool_]:
        sizes = library_sizes(counts, usual_share(counts))
        # x / size >= min_count / median size, written so that whole numbers stay exact.
        cutoffs = self.min_count * sizes / np.median(sizes)
        reached = np.sum(counts >= cutoffs[:, None] * (1 - _TOLERANCE), axis=0)
        enough = smallest_group(len(counts), self.min_fraction)
        return (reached >= enough - _ROUNDING) & (np.nansum(counts, axis=0) >= self.min_total_count)


def smallest_group(n_samples: int, min_fraction: float) -> float:
    """Return in how many samples a gene must be expressed: all of a small group, 70% of those beyond ten."""
    group = min_fraction * n_samples
    return min(group, _LARGE) + max(0.0, group - _LARGE) * _PART_OF_LARGE
