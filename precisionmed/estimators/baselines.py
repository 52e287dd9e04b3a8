"""What a signature has to beat: the best single gene, and as many genes drawn at random.

For a third rival, the clinical table, see `clinical.ClinicalOnly`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from threadpoolctl import ThreadpoolController

from precisionmed.estimators._order import column_order
from precisionmed.estimators._outcome import is_survival, survival_outcome
from precisionmed.estimators.crossval import score_of
from precisionmed.estimators.kaplan_meier import survival_curve
from precisionmed.estimators.out_of_fold import CrossValidation


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
        order = column_order(X)
        self.genes_ = np.sort(drawn if order is None else order[drawn])
        self.model_ = clone(self.model).fit(values[:, self.genes_], y)
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the score, (n,): the model's log odds or log hazard."""
        values = np.asarray(X, float)[:, self.genes_]
        return score_of(self.model_, values)


class ResidualRidge(BaseEstimator):
    """Ridge regression of the outcome minus its expectation without genes: a quick model of a few genes.

    The residual is that of the prevalence, or the martingale residual (Therneau, Grambsch and Fleming,
    Biometrika 77:147, 1990); genes are standardized, and the penalty is the one with the smallest
    leave-one-out error (Allen, Technometrics 16:125, 1974).

    Parameters
    ----------
    n_penalties : int
        Penalties tried, from a thousandth of the number of samples to a thousand times it.

    Attributes
    ----------
    coef_ : (p,) array
        Per unit of a gene.
    penalty_ : float
    """

    def __init__(self, n_penalties: int = 25) -> None:
        self.n_penalties = n_penalties

    def fit(self, X: ArrayLike, y: Any) -> Self:
        """Fit the model."""
        values, residual = np.asarray(X, float), _null_residual(y)
        n = len(values)
        scale = values.std(axis=0)
        scale[scale == 0] = np.inf
        genes = (values - values.mean(axis=0)) / scale
        with _blas().limit(limits=1):  # several threads for so small a matrix only wait for each other
            square, axes = np.linalg.eigh(genes.T @ genes)
            used = square > 1e-10 * square.max()
            square, axes = square[used, None], axes[:, used]
            left = genes @ (axes / np.sqrt(square[:, 0]))
            projected = (left.T @ residual)[:, None]
            penalties = n * np.logspace(-3, 3, self.n_penalties)
            shrink = square / (square + penalties)
            rest = residual[:, None] - left @ (shrink * projected)
            errors = (rest / (1 - 1 / n - left**2 @ shrink)) ** 2
        best = int(np.argmin(errors.sum(axis=0)))
        self.penalty_ = float(penalties[best])
        self.coef_ = axes @ (np.sqrt(square) / (square + self.penalty_) * projected)[:, 0] / scale
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the score, (n,)."""
        return np.asarray(X, float) @ self.coef_


@dataclass(frozen=True)
class AgainstRandom:
    """A signature among random ones of its size.

    Attributes
    ----------
    estimate : float
        Its AUC or C-index.
    random : (n_sets,) array
        Those of the random signatures.
    percentile : float
        Share of the random signatures that are worse, ties counted half, in percent.
    p : float
        (1 + random signatures at least as good) / (1 + all of them): one-sided, and never 0 (Phipson and
        Smyth, Stat Appl Genet Mol Biol 9:39, 2010).
    """

    estimate: float
    random: np.ndarray
    percentile: float
    p: float


def random_signatures(
    n_genes: int, n_sets: int = 100, random_state: int | np.random.Generator | None = None
) -> dict[str, RandomGenes]:
    """Return quick models of genes drawn at random, to be cross-validated beside a signature of `n_genes`."""
    seeds = np.random.default_rng(random_state).integers(2**31, size=n_sets)
    return {f"random {i + 1}": RandomGenes(ResidualRidge(), n_genes, int(s)) for i, s in enumerate(seeds)}


def against_random(signature: CrossValidation, random: Iterable[CrossValidation], y: Any) -> AgainstRandom:
    """Place a signature among random ones that were scored on the same folds."""
    estimate = signature.performance(y)
    rivals = np.array([rival.performance(y) for rival in random])
    percentile = 100 * float(np.mean((rivals < estimate) + 0.5 * (rivals == estimate)))
    return AgainstRandom(
        estimate, rivals, percentile, (1 + int((rivals >= estimate).sum())) / (1 + rivals.size)
    )


@cache
def _blas() -> ThreadpoolController:
    """Return the control of the BLAS threads; to look for the libraries takes longer than a fit."""
    return ThreadpoolController().select(user_api="blas")


def _null_residual(y: Any) -> np.ndarray:
    """Return outcome minus expectation of the model without genes, (n,); sums to 0."""
    if not is_survival(y):
        outcome = np.asarray(y, float)
        return outcome - outcome.mean()
    found = survival_outcome(y)
    curve = survival_curve(found)
    times = curve["time"].to_numpy()
    hazard = np.append(0.0, np.cumsum(curve["events"].to_numpy() / curve["at_risk"].to_numpy()))
    residual = found.event - hazard[np.searchsorted(times, found.time, side="right")]
    if found.entry is not None:
        residual += hazard[np.searchsorted(times, found.entry, side="right")]
    return residual
