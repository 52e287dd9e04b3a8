"""Intrinsic subtypes of breast cancer: with the published PAM50 centroids, or learned from labels."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._lasso_labels import LabelScore
from precisionmed.estimators._matrix import as_matrix, gene_names
from precisionmed.estimators._parameters import FRACTION, NOT_NEGATIVE, SEED, check_parameters, one_of
from precisionmed.estimators.centroids import NearestCentroid

MIN_GENES = 35
"""PAM50 genes that must be measured."""

_OLD_SYMBOLS = {"CDCA1": "NUF2", "KNTC2": "NDC80", "ORC6L": "ORC6"}
_GENES_PER_CLASS = 50


@cache
def published_centroids() -> pd.DataFrame:
    """Return the PAM50 centroids, 50 genes x Basal, Her2, LumA, LumB, Normal (Parker et al. 2009)."""
    path = files("precisionmed") / "resources" / "pam50_centroids.csv"
    with path.open() as stream:
        return pd.read_csv(stream, index_col="gene")


class IntrinsicSubtypeClassifier(LabelScore, ClassifierMixin, BaseEstimator):
    """Call LumA, LumB, Her2, Basal or Normal for single samples.

    Gene centres are learned from the training cohort and frozen: a sample is never centred at its
    neighbours. Medians follow the mix of tumours in the cohort, and with them the calls; balanced
    centres do not.

    Parameters
    ----------
    source : {"learned", "published"}
        Centroids learned from labelled samples, or those of Parker et al. (2009) with Spearman correlation.
    centering : {"balanced", "median"}
        Centre of each gene: its training median, either weighted or with equal weights. Weights give recorded
        subtypes equal shares (`learned`), or ER-positive and ER-negative tumours each half
        (`published`; all are equal when `fit` is not told the ER status).
    min_confidence, reject, random_state
        As in `NearestCentroid`.

    Attributes
    ----------
    model_ : NearestCentroid
        The classifier on the genes used.
    classes_ : ndarray of str
    genes_ : ndarray of str
        Genes used: the PAM50 genes measured when at least 35 are; learned centroids otherwise rest
        on the 50 genes of each class with the largest moderated t.

    References
    ----------
    Parker et al., J Clin Oncol 2009;27:1160-1167. On ER-balanced centring: Zhao et al., Breast Cancer Res
    2015;17:29.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "source": [one_of("learned", "published")],
        "centering": [one_of("balanced", "median")],
        "min_confidence": [NOT_NEGATIVE],
        "reject": [FRACTION],
        "random_state": SEED,
    }

    def __init__(
        self,
        source: str = "learned",
        centering: str = "balanced",
        min_confidence: float = 0.0,
        reject: float = 0.01,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.source = source
        self.centering = centering
        self.min_confidence = min_confidence
        self.reject = reject
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: ArrayLike | None = None,
        *,
        er: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        feature_names: ArrayLike | None = None,
    ) -> IntrinsicSubtypeClassifier:
        """Learn the gene centres, and with `source="learned"` the centroids.

        Parameters
        ----------
        X : DataFrame, or array-like with `feature_names`; shape (n_samples, n_genes)
            Complete log-scale values; gene symbols as columns.
        y : array-like of str, optional
            Recorded subtypes; needed to learn.
        er : array-like of str, optional
            `positive`, `negative`, anything else for unknown; balances the centres of published centroids.
        groups : array-like, optional
            Samples of one group (a patient) stay in one inner fold.
        feature_names : array-like of str, optional
            Gene symbols of an array.

        Raises
        ------
        InputError
            Fewer than 35 PAM50 genes with published centroids, or there are no labels to learn from.
        """
        check_parameters(self)
        X, y, er, groups = aligned(X=X, y=y, er=er, groups=groups)
        frame = self._frame(X, feature_names)
        self.n_features_in_ = frame.shape[1]
        self.feature_names_in_ = np.asarray(frame.columns, dtype=str)
        published = published_centroids()
        gene_names(frame)
        present = [gene for gene in published.index if gene in frame.columns]
        enough = len(present) >= MIN_GENES
        if self.source == "published" and not enough:
            raise InputError(
                f"{len(present)} of the 50 PAM50 genes are measured, at least {MIN_GENES} are needed for the "
                "published centroids; check that genes are symbols, or give recorded subtypes to learn from."
            )
        if self.source == "learned" and y is None:
            raise InputError("source 'learned' needs recorded subtypes; give y, or use source 'published'.")
        self.model_ = NearestCentroid(
            metric="spearman",
            centering=self.centering,
            n_genes_per_class=None if enough else _GENES_PER_CLASS,
            min_confidence=self.min_confidence,
            reject=self.reject,
            min_genes=MIN_GENES / len(present) if enough else 0.7,
            centroids=published.loc[present] if self.source == "published" else None,
            random_state=self.random_state,
        ).fit(frame[present] if enough else frame, y, groups=groups, centre_weight=self._centre_weight(er))
        self.classes_ = self.model_.classes_
        self.genes_ = np.asarray(self.model_.feature_names_in_, dtype=str)[self.model_.selected_]
        return self

    def correlations(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return Spearman's correlation of each sample with each centroid, (n_samples, n_classes)."""
        return self._fitted().correlations(self._known(X))

    def predict(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return the subtype of each sample, or "cannot call" (see `reasons`)."""
        return self._fitted().predict(self._known(X))

    def predict_proba(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities; needs labels at fit (see `NearestCentroid`)."""
        return self._fitted().predict_proba(self._known(X))

    def confidence(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return by how much correlation each sample's best class is ahead of the second."""
        return self._fitted().confidence(self._known(X))

    def reasons(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Say for each sample why no subtype is called; empty where one is."""
        return self._fitted().reasons(self._known(X))

    def _frame(self, X: ArrayLike | pd.DataFrame, feature_names: Any) -> pd.DataFrame:
        if isinstance(X, pd.DataFrame):
            return _current(X)
        if feature_names is None:
            raise InputError("genes must be named; give a DataFrame, or feature_names.")
        values, names = as_matrix(X), np.asarray(feature_names, dtype=str)
        if names.shape != (values.shape[1],):
            raise InputError(f"feature_names has shape {names.shape} for {values.shape[1]} genes.")
        return _current(pd.DataFrame(values, columns=names))

    def _fitted(self) -> NearestCentroid:
        check_is_fitted(self)
        return self.model_

    def _known(self, X: ArrayLike | pd.DataFrame) -> pd.DataFrame:
        if isinstance(X, pd.DataFrame):
            return _current(X)
        values = as_matrix(X)
        if values.shape[1] != self.n_features_in_:
            raise InputError(f"expected a matrix with the {self.n_features_in_} genes of the fit.")
        return pd.DataFrame(values, columns=self.feature_names_in_)

    def _centre_weight(self, er: ArrayLike | None) -> np.ndarray | None:
        if er is None or self.source == "learned" or self.centering == "median":
            return None
        status = np.asarray(er).astype(str)
        weight = np.zeros(len(status))
        for value in ("positive", "negative"):
            group = status == value
            if not group.any():
                raise InputError(f"no sample is ER-{value}, so centres cannot be balanced; leave out er.")
            weight[group] = 1 / group.sum()
        return weight


def _current(frame: pd.DataFrame) -> pd.DataFrame:
    """Rename the three PAM50 genes whose symbols have changed since 2009, unless both are there."""
    renamed = {old: new for old, new in _OLD_SYMBOLS.items() if new not in frame.columns}
    return frame.rename(columns=renamed)
