"""A sparse classifier of a binary label that gives probabilities and may decline to call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin

from precisionmed.errors import InputError
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._lasso_labels import LabelScore, known_labels
from precisionmed.estimators._lasso_path import Problem, Walk
from precisionmed.estimators._matrix import (
    check_complete,
    fit_matrix,
    gene_name,
    sample_name,
    transform_matrix,
)
from precisionmed.estimators._operating_point import BALANCED, band, operating_point, parse_aim
from precisionmed.estimators._order import rows_by_name
from precisionmed.estimators._parameters import SEED, check_parameters, one_of, whole
from precisionmed.estimators._vectors import zero_one
from precisionmed.estimators.centroids import CANNOT_CALL
from precisionmed.estimators.crossval import make_folds
from precisionmed.estimators.lasso import LassoLogisticCV
from precisionmed.kernels.lasso_losses import BINOMIAL

Vector = NDArray[np.float64]


class ReceptorClassifier(LabelScore, ClassifierMixin, BaseEstimator):
    """Logistic LASSO with calibrated probabilities and three-way calls.

    The penalty is chosen by cross-validation; then out-of-fold scores at that penalty are calibrated by a
    logistic curve with smoothed targets (Platt, in: Advances in Large Margin Classifiers, 1999),
    and the LASSO is fitted again to all samples. Shrinkage makes raw LASSO
    probabilities too timid; calibration sets them right. The calibrated model is again linear in the genes.

    Parameters
    ----------
    n_folds : int, default=5
        Folds that choose the penalty and calibrate; at most as many as the rarer class has samples.
    rule : {"1se", "min"}, default="1se"
        Which penalty is used: the sparsest within one standard error of the best, or the best.
    uncertain : tuple of float, default=(0.35, 0.65)
        Probabilities strictly between these are not called where the threshold is one half; around another
        threshold the band is as wide in log odds.
    aim : str, default="balanced"
        What the threshold is for: `balanced` (sensitivity and specificity alike), `sensitivity:0.9` or
        `specificity:0.9`. It is learned from the scores that calibrate.
    exclude_genes : sequence of str or int, default=()
        Genes that must not be used, such as those that define the label: names of data-frame columns (others
        are ignored), or column numbers of an array.
    random_state : int, Generator or None
        Deals samples into folds.

    Attributes
    ----------
    coef_ : ndarray of shape (n_genes,)
        Calibrated log odds ratio for one unit of each gene; 0 for genes not selected.
    intercept_ : float
    slope_ : float
        Calibration: how much scores are stretched. 0 when the genes say nothing about the label.
    scale_ : ndarray of shape (n_genes,)
        Standard deviation of each gene in training.
    lambda_ : float
        Penalty.
    threshold_ : float
        Probability above which a sample is rather positive. One half in models of earlier versions, which
        do not have it.
    classes_ : ndarray
        0 and 1, of the type that the labels have.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 30)
    >>> X = rng.normal(size=(60, 20))
    >>> X[:, 3] += 3 * y
    >>> model = ReceptorClassifier(random_state=0).fit(X, y)
    >>> [int(gene) for gene in np.flatnonzero(model.coef_)]
    [3]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_folds": [whole(2)],
        "rule": [one_of("1se", "min")],
        "uncertain": [tuple, list],
        "exclude_genes": ["array-like"],
        "random_state": SEED,
        "aim": [str],
    }

    def __init__(
        self,
        n_folds: int = 5,
        rule: str = "1se",
        uncertain: tuple[float, float] = (0.35, 0.65),
        exclude_genes: Sequence[str] | Sequence[int] = (),
        random_state: int | np.random.Generator | None = None,
        aim: str = BALANCED,
    ) -> None:
        self.n_folds = n_folds
        self.rule = rule
        self.uncertain = uncertain
        self.exclude_genes = exclude_genes
        self.random_state = random_state
        self.aim = aim

    @rows_by_name(aligned=("groups",))
    def fit(self, X: ArrayLike | pd.DataFrame, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Choose the penalty, calibrate and fit.

        Parameters
        ----------
        X : (n_samples, n_genes) array or DataFrame
            Normalized log-scale expression, complete.
        y : (n_samples,) array of 0 and 1
        groups : (n_samples,) array, optional
            Samples of one group (a patient) stay in one fold.

        Raises
        ------
        InputError
            `y` is not 0/1 with at least two samples each, the limits of `uncertain` are no band, or `aim` is
            none.
        """
        check_parameters(self)
        low, high = self.uncertain
        if not 0 <= low <= high <= 1:
            raise InputError(f"uncertain must be two rising probabilities, found {tuple(self.uncertain)}.")
        parse_aim(self.aim)
        X, y, groups = aligned(X=X, y=y, groups=groups)
        self.classes_, y = _labels(y)
        values = fit_matrix(self, X)
        use = ~self._excluded(X)
        check_complete(self, np.where(use, values, 0.0))
        values = np.ascontiguousarray(values[:, use])
        rng = np.random.default_rng(self.random_state)
        folds = make_folds(y, min(self.n_folds, int(np.bincount(y).min())), rng, groups=groups)
        chosen = LassoLogisticCV(rule=self.rule).fit(values, y, folds=folds)
        score = _out_of_fold(values, y, folds, chosen)
        self.slope_, shift = platt(score, y)
        self.threshold_ = operating_point(self.slope_ * score + shift, y, self.aim)
        self.coef_, self.scale_ = np.zeros((2, use.size))
        self.coef_[use] = self.slope_ * chosen.coef_
        self.scale_[use] = chosen.scale_
        self.intercept_ = float(self.slope_ * chosen.intercept_ + shift)
        self.lambda_ = float(chosen.lambda_)
        return self

    def decision_function(self, X: ArrayLike | pd.DataFrame) -> Vector:
        """Return calibrated log odds of class 1, shape (n_samples,)."""
        values = transform_matrix(self, X)
        used = np.flatnonzero(self.coef_)
        # Summed gene by gene, so that a sample's score does not depend on its neighbours.
        score = np.full(len(values), self.intercept_)
        for gene in used:
            score += values[:, gene] * self.coef_[gene]
        return score

    def predict_proba(self, X: ArrayLike | pd.DataFrame) -> Vector:
        """Return calibrated probabilities of class 0 and 1, shape (n_samples, 2)."""
        high = expit(self.decision_function(X))
        return np.column_stack([1 - high, high])

    def predict(self, X: ArrayLike | pd.DataFrame) -> NDArray[Any]:
        """Return the class on whose side of the threshold a sample is, shape (n_samples,).

        Raises
        ------
        InputError
            A gene that the model uses is missing in a sample; `call` declines such a sample instead.
        """
        score = self.decision_function(X)
        if np.isnan(score).any():
            row = int(np.argmax(np.isnan(score)))
            values = transform_matrix(self, X)[row]
            gene = gene_name(self, int(np.argmax(np.isnan(values) & (self.coef_ != 0))))
            raise InputError(
                f"{sample_name(X, row)} has no value of {gene}, which the model needs; impute it, or use "
                "`call`, which declines such samples."
            )
        return self.classes_[(expit(score) > self.threshold).astype(int)]

    def call(self, X: ArrayLike | pd.DataFrame) -> NDArray[np.object_]:
        """Return `positive`, `negative` or, in the band around the threshold, `cannot call`."""
        return three_way(self.predict_proba(X)[:, 1], self.uncertain, self.threshold)

    @property
    def threshold(self) -> float:
        """Probability above which a sample is rather positive."""
        return float(getattr(self, "threshold_", 0.5))

    @property
    def limits(self) -> tuple[float, float]:
        """Probabilities strictly between which nothing is called."""
        low, high = band(self.threshold, self.uncertain)
        return float(low), float(high)

    def _excluded(self, X: ArrayLike | pd.DataFrame) -> NDArray[np.bool_]:
        if isinstance(X, pd.DataFrame):
            return np.asarray(X.columns.isin(list(self.exclude_genes)))
        excluded = np.zeros(np.shape(X)[1], dtype=bool)
        excluded[np.asarray(self.exclude_genes, dtype=int)] = True
        return excluded


def three_way(
    probability: ArrayLike, uncertain: tuple[float, float], threshold: ArrayLike = 0.5
) -> NDArray[np.object_]:
    """Return `positive`, `negative` or, strictly within the band around the threshold, `cannot call`."""
    probability, (low, high) = np.asarray(probability, dtype=float), band(threshold, uncertain)
    call = np.full(probability.shape, CANNOT_CALL, dtype=object)
    call[probability >= high] = "positive"
    call[probability <= low] = "negative"
    return call


def platt(score: Vector, y: ArrayLike, max_iter: int = 100) -> tuple[float, float]:
    """Return slope and intercept of the logistic curve from score to probability (Platt 1999).

    Targets are smoothed to (n1 + 1) / (n1 + 2) and 1 / (n0 + 2), which keeps the curve finite for scores
    that separate the classes. Newton's method with halved steps (Lin et al., Machine Learning 2007;68:267).
    Scores that do not rise with the label get a slope of 0: the answer is then the prevalence.
    """
    y = np.asarray(y)
    n1 = float(y.sum())
    target = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (len(y) - n1 + 2))
    prevalence = 0.0, float(logit(target.mean()))
    spread = score.std()
    if spread <= 1e-12 * (1 + np.abs(score).max()):
        return prevalence
    design = np.column_stack([(score - score.mean()) / spread, np.ones(len(y))])

    def loss(beta: Vector) -> float:
        eta = design @ beta
        return float((np.logaddexp(0, eta) - target * eta).sum())

    beta = np.array(prevalence)
    for _ in range(max_iter):
        p = expit(design @ beta)
        gradient = design.T @ (p - target)
        if np.abs(gradient).max() < 1e-10 * len(y):
            break
        step = np.linalg.solve((design.T * (p * (1 - p))) @ design, gradient)
        size = 1.0
        while loss(beta - size * step) > loss(beta) and size > 1e-10:
            size /= 2
        beta = beta - size * step
    if beta[0] <= 0:
        return prevalence
    slope = beta[0] / spread
    return float(slope), float(beta[1] - slope * score.mean())


def _out_of_fold(
    values: Vector, y: NDArray[np.int_], folds: NDArray[np.int_], chosen: LassoLogisticCV
) -> Vector:
    """Return the score of each sample by a fit at the chosen penalty that left out its fold."""
    weight = (folds != np.unique(folds)[:, None]).astype(float)
    problem = Problem(values, BINOMIAL, y.astype(float), None, weight, tolerance=chosen.tolerance)
    for step in Walk(problem, until=chosen.lambda_):
        eta = step.eta
    return eta[np.unique(folds, return_inverse=True)[1], np.arange(len(y))]


def _labels(y: ArrayLike) -> tuple[NDArray[Any], NDArray[np.int_]]:
    """Return the two classes as they were given, and the labels as 0 and 1."""
    labels = zero_one(y, "y").astype(int)
    if np.bincount(labels, minlength=2).min() < 2:
        raise InputError("the label must be 0 or 1 with at least two samples of each.")
    return known_labels(y)[0], labels
