"""Nearest-centroid classification by correlation, for one sample at a time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import softmax
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError, first_few
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._central import central_mean
from precisionmed.estimators._centroid_parts import (
    fit_softmax,
    refusal_limit,
    require_genes,
    two_each,
)
from precisionmed.estimators._lasso_labels import LabelScore, class_codes
from precisionmed.estimators._matrix import Matrix, check_complete, fit_matrix, gene_names, transform_matrix
from precisionmed.estimators._moderated import moderated_t
from precisionmed.estimators._order import rows_by_name
from precisionmed.estimators._parameters import FRACTION, NOT_NEGATIVE, SEED, check_parameters, one_of, whole
from precisionmed.estimators._vectors import group_codes, weights
from precisionmed.estimators.crossval import make_folds

CANNOT_CALL = "cannot call"
_STRANGERS = 1000


class NearestCentroid(LabelScore, ClassifierMixin, BaseEstimator):
    """Call the class whose centroid a sample correlates with best, or no class at all.

    Genes are centred at values learned from the training samples and never at those of the samples to
    classify, so that one sample is classified as it would be among many. With labels, correlations are
    weighed as calibrated probabilities are, since a high correlation is common for some classes and
    rare for others; without labels the largest correlation decides.

    Parameters
    ----------
    metric : {"pearson", "spearman"}
        Correlation of a sample with a centroid.
    centering : {"balanced", "median"}
        Centre of each gene: the mean of the middle fifth of its training values (a median would be one
        sample's), either with equal weight for every class (so that the centroid of a common class does not
        vanish) or for every sample.
    n_genes_per_class : int, optional
        Keep this many genes for each class: those with the largest absolute moderated t against the rest.
        All genes when left out.
    min_confidence : float
        Smallest `confidence` at which a class is called.
    reject : float
        Fraction of samples like those of the training set that are refused because they resemble no
        class; up to five times as many where it takes that to refuse 95% of strangers. Fixes
        `min_correlation_`.
    min_genes : float
        Fraction of the genes that must be measured in a sample.
    n_folds : int
        Folds of the cross-validation inside `fit` that learns the last three attributes.
    centroids : DataFrame (genes x classes), optional
        Centroids to use instead of learning them.
    random_state : int, numpy.random.Generator or None
        Deals the folds.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Sorted, of the type that the labels have.
    selected_ : ndarray of int, shape (n_selected,)
        Columns of the training matrix that are used.
    centre_ : ndarray, shape (n_selected,)
        Training centre of these genes.
    centroids_ : ndarray, shape (n_classes, n_selected)
        Class means of the centred genes.
    min_correlation_ : float
        Below this best correlation no class is called: the `reject` quantile of the best correlation
        of training samples that were left out when the centroids were learned, or more (see `reject`); two
        decimals.
    strangers_refused_ : float
        Fraction of strangers, samples whose genes deviate from their centres at random, with a best
        correlation below that.
    sharpness_ : float or None
    offsets_ : ndarray, shape (n_classes,)
        Probabilities are the softmax of `sharpness_` x correlation + `offsets_`, fitted to the left-out
        correlations by maximum likelihood; None and 0 when there were no labels.

    References
    ----------
    Parker et al., J Clin Oncol 2009;27:1160-1167 (centroids by correlation). Smyth, Stat Appl Genet Mol
    Biol 2004;3:3 (moderated t). Guo et al., ICML 2017, section 4.2 (calibration by a factor and offsets).
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "metric": [one_of("pearson", "spearman")],
        "centering": [one_of("balanced", "median")],
        "n_genes_per_class": [whole(1), None],
        "min_confidence": [NOT_NEGATIVE],
        "reject": [FRACTION],
        "min_genes": [FRACTION],
        "n_folds": [whole(2)],
        "centroids": [pd.DataFrame, None],
        "random_state": SEED,
    }

    def __init__(
        self,
        metric: str = "pearson",
        centering: str = "balanced",
        n_genes_per_class: int | None = None,
        min_confidence: float = 0.0,
        reject: float = 0.01,
        min_genes: float = 0.7,
        n_folds: int = 5,
        centroids: pd.DataFrame | None = None,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.metric = metric
        self.centering = centering
        self.n_genes_per_class = n_genes_per_class
        self.min_confidence = min_confidence
        self.reject = reject
        self.min_genes = min_genes
        self.n_folds = n_folds
        self.centroids = centroids
        self.random_state = random_state

    @rows_by_name(aligned=("groups", "centre_weight"))
    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        centre_weight: ArrayLike | None = None,
    ) -> NearestCentroid:
        """Learn centre, centroids and limits.

        Parameters
        ----------
        X : array-like or DataFrame, shape (n_samples, n_genes)
            Complete log-scale values. With given centroids a DataFrame that has their genes.
        y : array-like, shape (n_samples,)
            Classes; optional with given centroids.
        groups : array-like, shape (n_samples,), optional
            Samples of one group (a patient) stay in one inner fold.
        centre_weight : array-like, shape (n_samples,), optional
            Weights of the samples in the centre of the genes, instead of `centering`.

        Raises
        ------
        InputError
            A class has one sample only, genes of the centroids are missing, or a parameter is unknown.
        """
        X, y, groups, centre_weight = aligned(X=X, y=y, groups=groups, centre_weight=centre_weight)
        matrix = fit_matrix(self, X)
        self._check(matrix, y)
        labels = None
        if y is not None:
            classes, codes = class_codes(y)
            labels = classes[codes]
        weight = (
            self._centre_weight(labels, len(matrix))
            if centre_weight is None
            else weights(centre_weight, "centre_weight", len(matrix))
        )
        if self.centroids is None:
            if labels is None:
                raise InputError("NearestCentroid learns from labels; give y, or centroids.")
            self.classes_ = two_each(labels)
            self.selected_, self.centre_, self.centroids_ = self._learn(matrix, labels, weight)
            left_out = self._left_out(matrix, labels, weight, groups)
        else:
            self._take(self.centroids, matrix, weight)
            left_out = self._correlations(matrix[:, self.selected_] - self.centre_, self.centroids_)
        self._calibrate(left_out, labels)
        return self

    def correlations(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return the correlation of each sample with each centroid, (n_samples, n_classes).

        A data frame is matched by gene name; missing genes and values are left out of the sample's
        correlations, which are NaN when too few remain.

        Raises
        ------
        InputError
            The data frame has too few of the genes, or an array has another number of columns.
        """
        return self._correlations(self._aligned(X)[:, self.selected_] - self.centre_, self.centroids_)

    def predict(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return the class of each sample, or "cannot call" (see `reasons`)."""
        correlations = self.correlations(X)
        scores = self._scores(correlations)
        best = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1)
        called = self._reasons(correlations) == ""
        predicted = np.full(len(best), CANNOT_CALL, dtype=object)
        predicted[called] = self.classes_[best[called]]
        return predicted

    def predict_proba(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return calibrated class probabilities, (n_samples, n_classes), given that it is one of them.

        They are NaN where too few genes are measured.

        Raises
        ------
        InputError
            There were no labels to calibrate with.
        """
        check_is_fitted(self)
        if self.sharpness_ is None:
            raise InputError("probabilities need labelled training samples; use correlations or confidence.")
        return np.array([softmax(row) for row in self._scores(self.correlations(X))])

    def confidence(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return by how much correlation each sample's best class is ahead of the second.

        In units of correlation; offsets of the classes are taken into account.
        """
        return self._lead(self.correlations(X))

    def reasons(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Say for each sample why no class is called; empty where one is."""
        return self._reasons(self.correlations(X))

    def _check(self, matrix: Matrix, y: ArrayLike | None) -> None:
        check_parameters(self)
        check_complete(self, matrix)

    def _learn(
        self, matrix: Matrix, labels: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the selected columns, their centre and the centroids."""
        selected = np.arange(matrix.shape[1])
        if self.n_genes_per_class is not None and self.n_genes_per_class < matrix.shape[1]:
            t = np.abs(moderated_t(matrix, labels, self.classes_).t)
            top = np.argsort(-t, axis=1, kind="stable")[:, : self.n_genes_per_class]
            selected = np.unique(top)
        values = matrix[:, selected]
        centre = central_mean(values, weight)
        centroids = np.array([values[labels == name].mean(axis=0) - centre for name in self.classes_])
        return selected, centre, centroids

    def _centre_weight(self, labels: np.ndarray | None, n: int) -> np.ndarray:
        if labels is None or self.centering == "median":
            return np.ones(n)
        _, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
        return 1 / counts[index]

    def _left_out(
        self, matrix: Matrix, labels: np.ndarray, weight: np.ndarray, groups: ArrayLike | None
    ) -> np.ndarray:
        """Return each training sample's correlations with centroids learned without its fold."""
        rng = np.random.default_rng(self.random_state)
        n_units = len(matrix) if groups is None else len(group_codes(groups, "groups", len(matrix))[0])
        folds = make_folds(labels, min(self.n_folds, n_units), rng, groups=groups)
        correlations = np.full((len(matrix), len(self.classes_)), np.nan)
        for fold in range(folds.max() + 1):
            train, test = folds != fold, folds == fold
            if not np.isin(self.classes_, labels[train]).all():
                continue  # all samples of a class are one patient's: nothing to learn it from
            selected, centre, centroids = self._learn(matrix[train], labels[train], weight[train])
            correlations[test] = self._correlations(matrix[test][:, selected] - centre, centroids)
        return correlations

    def _take(self, centroids: pd.DataFrame, matrix: Matrix, weight: np.ndarray) -> None:
        """Use given centroids for the genes that both sides have."""
        if self.feature_names_in_ is None:
            raise InputError("given centroids are matched by gene name; X must be a DataFrame.")
        column = {gene: i for i, gene in enumerate(self.feature_names_in_)}
        shared = [gene for gene in centroids.index if gene in column]
        require_genes(
            len(shared), len(centroids), self.min_genes, [g for g in centroids.index if g not in column]
        )
        self.classes_ = np.array(centroids.columns.tolist())
        self.selected_ = np.array([column[gene] for gene in shared])
        self.centroids_ = centroids.loc[shared].to_numpy(dtype=float).T
        self.centre_ = central_mean(matrix[:, self.selected_], weight)

    def _aligned(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        check_is_fitted(self)
        known = self.feature_names_in_
        if known is None or not isinstance(X, pd.DataFrame):
            return transform_matrix(self, X)
        used = np.asarray(known)[self.selected_]
        names = gene_names(X)
        missing = [gene for gene in used if gene not in set(names)]
        require_genes(len(used) - len(missing), len(used), self.min_genes, missing)
        return transform_matrix(self, X.set_axis(names, axis=1).reindex(columns=known))

    def _correlations(self, centred: Matrix, centroids: np.ndarray) -> np.ndarray:
        """Correlate row by row, so that a sample alone gives the same bits as among others."""
        out = np.full((len(centred), len(centroids)), np.nan)
        complete = self._unit(centroids)
        for i, row in enumerate(centred):
            measured = np.isfinite(row)
            if measured.mean() < self.min_genes or measured.sum() < 3:
                continue
            whole = measured.all()
            unit = self._unit((row if whole else row[measured])[None])
            out[i] = ((complete if whole else self._unit(centroids[:, measured])) * unit).sum(axis=1)
        return out

    def _unit(self, rows: np.ndarray) -> np.ndarray:
        values = rankdata(rows, axis=1) if self.metric == "spearman" else rows
        centred = values - values.mean(axis=1, keepdims=True)
        length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
        return np.divide(centred, length, out=np.full_like(centred, np.nan), where=length > 0)

    def _reasons(self, correlations: np.ndarray) -> np.ndarray:
        unmeasured = np.isnan(correlations).any(axis=1)
        unlike = np.where(unmeasured, np.inf, correlations.max(axis=1)) < self.min_correlation_
        close = self._lead(correlations) < self.min_confidence
        reasons = ["too few genes are measured", "resembles none of the classes", "between two classes"]
        return np.select([unmeasured, unlike, close], reasons, default="").astype(object)

    def _scores(self, correlations: np.ndarray) -> np.ndarray:
        return (self.sharpness_ or 1.0) * correlations + self.offsets_

    def _lead(self, correlations: np.ndarray) -> np.ndarray:
        ordered = np.sort(self._scores(correlations), axis=1)
        return (ordered[:, -1] - ordered[:, -2]) / (self.sharpness_ or 1.0)

    def _calibrate(self, left_out: np.ndarray, labels: np.ndarray | None) -> None:
        known = np.isfinite(left_out).all(axis=1)
        if not known.any():
            raise InputError(
                "no training sample could be compared with the centroids; are all genes constant?"
            )
        # Always the same strangers: given centroids are to give the same limit without a random state.
        strange = np.random.default_rng(0).standard_normal((_STRANGERS, self.centroids_.shape[1]))
        by_chance = self._correlations(strange, self.centroids_).max(axis=1)
        limit = refusal_limit(left_out[known].max(axis=1), by_chance, self.reject)
        self.min_correlation_, self.strangers_refused_ = limit
        self.sharpness_, self.offsets_ = None, np.zeros(len(self.classes_))
        if labels is not None:
            named = np.isin(labels, self.classes_) if labels.dtype.kind == self.classes_.dtype.kind else False
            if not np.any(named):
                raise InputError(
                    f"none of the labels ({first_few(np.unique(labels))}) is the name of a centroid "
                    f"({first_few(self.classes_)}); give y with these names, or no y."
                )
            known &= named
            self.sharpness_, self.offsets_ = fit_softmax(left_out[known], labels[known], self.classes_)
