"""Variance stabilizing transformation of counts."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from precisionmed.errors import InputError, warn
from precisionmed.estimators._design import Covariates, covariate_columns, learn_covariates
from precisionmed.estimators._library import Vector
from precisionmed.estimators._local_trend import FEWEST_GENES, LocalTrend, stabilized, stabilizing_curve
from precisionmed.estimators._matrix import Matrix
from precisionmed.estimators._parameters import one_of, whole
from precisionmed.estimators._size_factors import counts_and_factors, learn_log_means, size_factors
from precisionmed.estimators._trend import mean_dispersion, parametric_trend
from precisionmed.kernels.dispersion import MIN_DISPERSION, gene_dispersions, normalized_means
from precisionmed.kernels.normalize import stabilize

_MIN_MEAN = 5.0
_FIT_TYPES = ("parametric", "local", "mean")

_INSTEAD = {"local": "a local regression is used", "mean": "one mean dispersion is used for all genes"}
"""What is done instead of a parametric trend."""


class VST(TransformerMixin, BaseEstimator):
    """Variance stabilizing transformation: log2-like for large counts, flat in variance for small ones.

    Equals `DESeq2::varianceStabilizingTransformation` (`n_genes=None`) and `DESeq2::vst`
    (`n_genes=1000`) on the training samples. Counts divided by size factors (median of ratios) have
    the variance `mean + (a0 + a1 / mean) mean^2`; a normalized count q becomes ::

        log2((1 + a1 + 2 a0 q + 2 sqrt(a0 q (1 + a1 + a0 q))) / (4 a0))

    Where the dispersions do not follow that trend, a local regression takes its place, and the
    transformation is the integral of the inverse standard deviation, computed numerically.
    What is learned, and stored for new samples: the geometric means behind the size factors, and a0 and a1 or
    the curve.

    Parameters
    ----------
    blind : bool, default=True
        Estimate dispersions about one mean a gene. Otherwise about the means of a model of the
        covariates given to `fit`, so that differences between groups do not count as dispersion.
    n_genes : int or None, default=None
        Learn the trend from this many genes only, evenly spaced by rank among those with a mean above
        5 (all genes when fewer have that); None learns from every gene.
    fit_type : {"parametric", "local", "mean"}, default="parametric"
        Trend of the dispersion: a0 + a1 / mean, a local regression of its logarithm on that of the mean, or
        one dispersion for all genes. When the parametric fit does not settle, the local one is used with a
        warning, as DESeq2 does; with fewer than 10 genes the mean.

    Attributes
    ----------
    log_means_ : ndarray of shape (n_genes,)
        Log geometric means, as in `MedianOfRatios`.
    fit_type_ : str
        The trend that was used.
    trend_ : ndarray of shape (2,)
        a0 and a1; a1 is 0 for the fit type `"mean"`, both are NaN for `"local"`.
    curve_ : dict of arrays or None
        The transformation of normalized counts for the fit type `"local"`, as cubics between knots.
    means_, dispersions_ : ndarray of shape (n_genes,)
        Mean normalized count and gene-wise dispersion; NaN for genes that the trend was not learned from.

    References
    ----------
    Love MI, Huber W, Anders S. Genome Biology 2014;15:550 (dispersions, trend). Anders S, Huber W. Genome
    Biology 2010;11:R106 (the transformation as the integral of the inverse standard deviation).
    """

    #: Preprocessing rounds estimated counts for it.
    models_counts = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "blind": ["boolean"],
        "n_genes": [whole(1), None],
        "fit_type": [one_of(*_FIT_TYPES)],
    }

    def __init__(self, blind: bool = True, n_genes: int | None = None, fit_type: str = "parametric") -> None:
        self.blind = blind
        self.n_genes = n_genes
        self.fit_type = fit_type

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None, *, covariates: Covariates = None) -> Self:
        """Learn size factor reference and dispersion trend from training counts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Counts; genes with a missing count (NaN) are not used to learn.
        y : ignored
        covariates : array-like or data frame of shape (n_samples, n_covariates), optional
            The design when not `blind`: numbers as they are, categories by indicators.

        Raises
        ------
        InputError
            The values are no counts, the samples leave no replicate, covariates determine each other, or
            the counts vary no more than by chance.
        """
        self._learn(X, covariates)
        return self

    def fit_transform(
        self, X: ArrayLike | pd.DataFrame, y: object = None, *, covariates: Covariates = None
    ) -> Matrix:
        """Return `fit(X, covariates=covariates).transform(X)` without computing size factors twice."""
        counts, sizes = self._learn(X, covariates)
        return self._stabilized(counts, sizes)

    def factors(self, X: ArrayLike | pd.DataFrame) -> Vector:
        """Return the size factor of each sample."""
        return counts_and_factors(self, X)[1]

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return transformed counts (log2 scale), shape (n_samples, n_genes); NaN stays NaN."""
        return self._stabilized(*counts_and_factors(self, X))

    def _stabilized(self, counts: Matrix, sizes: Vector) -> Matrix:
        if self.curve_ is not None:
            return stabilized(self.curve_, counts / sizes[:, None])
        # With one dispersion for all genes DESeq2 takes 2 asinh(sqrt(a0 q)) - log(4 a0), which is the same.
        return stabilize(counts, sizes, float(self.trend_[0]), float(self.trend_[1]))

    def _learn(self, X: ArrayLike | pd.DataFrame, covariates: Covariates) -> tuple[Matrix, Vector]:
        counts = learn_log_means(self, X)
        design = self._design(covariates, len(counts))
        sizes = size_factors(X, counts, self.log_means_)
        means = normalized_means(counts, sizes)
        genes = self._trend_genes(means)
        inverse = np.linalg.pinv(design)
        grouped = len(np.unique(design, axis=0)) == design.shape[1]
        self.means_, self.dispersions_ = np.full_like(means, np.nan), np.full_like(means, np.nan)
        self.means_[genes] = means[genes]
        self.dispersions_[genes] = gene_dispersions(counts, genes, sizes, design, inverse, grouped)
        self._learn_trend(means[genes], self.dispersions_[genes])
        self.curve_ = None
        if self.fit_type_ == "local":
            used = self.dispersions_ > 100 * MIN_DISPERSION
            trend = LocalTrend.fit(self.means_[used], self.dispersions_[used])
            largest = float(np.nanmax(counts / sizes[:, None]))
            known = means[np.isfinite(means)]
            self.curve_ = stabilizing_curve(trend, largest, float(np.mean(1 / sizes)), known)
        return counts, sizes

    def _design(self, covariates: Covariates, n_samples: int) -> Matrix:
        columns = np.ones((n_samples, 1))
        if not self.blind:
            described = learn_covariates(covariates, n_samples)
            if not described:
                raise InputError("a transformation that is not blind needs covariates that vary; give some.")
            columns = np.hstack([columns, covariate_columns(described, covariates, n_samples)])
        if np.linalg.matrix_rank(columns) < columns.shape[1]:
            raise InputError(
                "covariates determine each other, so their effects cannot be told apart; drop one."
            )
        if n_samples <= columns.shape[1]:
            raise InputError(
                f"{n_samples} sample(s) leave no replicate to estimate a dispersion from; give more samples."
            )
        return columns

    def _trend_genes(self, means: Vector) -> NDArray[np.intp]:
        expressed = np.flatnonzero(means > _MIN_MEAN)
        if self.n_genes is None or len(expressed) < self.n_genes:
            return np.flatnonzero(means > 0)  # leaves out what is missing somewhere
        ranked = expressed[np.argsort(means[expressed], kind="stable")]
        return ranked[np.rint(np.linspace(0, len(ranked) - 1, self.n_genes)).astype(np.intp)]

    def _learn_trend(self, means: Vector, dispersions: Vector) -> None:
        fitting = dispersions > 100 * MIN_DISPERSION
        if not fitting.any():
            raise InputError(
                "counts vary no more than by chance, so no dispersion can be learned; use log_cpm."
            )
        self.fit_type_ = self.fit_type
        if self.fit_type == "parametric":
            trend = parametric_trend(means, dispersions)
            if trend is not None:
                self.trend_ = trend
                return
            self.fit_type_ = "local"
        if self.fit_type_ == "local" and np.unique(means[fitting]).size < FEWEST_GENES:
            self.fit_type_ = "mean"
        if self.fit_type_ != self.fit_type:
            warn(f"VST: the dispersions do not follow a0 + a1 / mean; {_INSTEAD[self.fit_type_]} instead.")
        mean = mean_dispersion(dispersions) if self.fit_type_ == "mean" else np.nan
        self.trend_ = np.array([mean, 0.0 if self.fit_type_ == "mean" else np.nan])
