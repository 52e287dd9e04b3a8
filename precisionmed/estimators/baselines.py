"""What a signature has to beat: the best single gene, and as many genes drawn at random."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone

from precisionmed.estimators._outcome import is_survival, survival_arrays
from precisionmed.kernels.lasso_losses import COX_BRESLOW, loss_terms


class BestGene(BaseEstimator):
    """The one gene with the steepest likelihood, which is the first on a LASSO path.

    For a 0/1 outcome the gene that correlates most with it, for a survival outcome the one that correlates
    most with the martingale residuals of the model without genes.

    Attributes
    ----------
    coef_ : (p,) array
        The correlation at the chosen gene, per its standard deviation; 0 elsewhere.
    """

    def fit(self, X: ArrayLike, y: Any) -> Self:
        """Choose the gene."""
        values = np.asarray(X, float)
        residual = _null_residual(y)
        spread = values.std(axis=0)
        slope = (residual @ values) / np.where(spread > 0, spread, np.inf)
        best = int(np.argmax(np.abs(slope)))
        self.coef_ = np.zeros(values.shape[1])
        self.coef_[best] = slope[best] / spread[best] if spread[best] > 0 else 0.0
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the score, (n,)."""
        return np.asarray(X, float) @ self.coef_


class RandomGenes(BaseEstimator):
    """A model fitted to genes drawn at random.

    Most random gene sets say something about breast cancer (Venet et al., PLoS Comput Biol 7:e1002240, 2011).

    Parameters
    ----------
    model : estimator
        Cloned and fitted to the genes drawn.
    n_genes : int
        How many are drawn.
    random_state : int, Generator or None
        Draws them.
    """

    def __init__(
        self, model: Any, n_genes: int = 10, random_state: int | np.random.Generator | None = None
    ) -> None:
        self.model = model
        self.n_genes = n_genes
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any) -> Self:
        """Draw the genes and fit the model."""
        values = np.asarray(X, float)
        rng = np.random.default_rng(self.random_state)
        drawn = rng.choice(values.shape[1], min(self.n_genes, values.shape[1]), replace=False)
        self.genes_ = np.sort(drawn)
        self.model_ = clone(self.model).fit(values[:, self.genes_], y)
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the score, (n,): the model's log odds or log hazard."""
        values = np.asarray(X, float)[:, self.genes_]
        score = getattr(self.model_, "decision_function", self.model_.predict)
        return np.asarray(score(values))


def _null_residual(y: Any) -> np.ndarray:
    """Return outcome minus expectation of the model without genes, (n,); sums to 0."""
    if not is_survival(y):
        outcome = np.asarray(y, float)
        return outcome - outcome.mean()
    event, time = survival_arrays(y)
    order = np.argsort(time, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(time[order]) > 0))
    sorted_residual, curvature = np.empty((2, time.size))
    loss_terms(
        COX_BRESLOW,
        np.zeros(time.size),
        event[order].astype(float),
        np.ones(time.size),
        np.append(starts, time.size),
        sorted_residual,
        curvature,
    )
    residual = np.empty(time.size)
    residual[order] = sorted_residual
    return residual
