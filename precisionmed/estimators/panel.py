"""The fewest genes that do as well as many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from precisionmed.errors import InputError
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._outcome import is_survival, take
from precisionmed.estimators.baselines import ResidualRidge
from precisionmed.estimators.crossval import TrainingSet, cross_validate, score_of
from precisionmed.estimators.out_of_fold import CrossValidation

SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50)
"""Numbers of genes that are tried."""
_ONE_ERROR = 0.6826894921370859
"""Level of an interval of one standard error to either side."""


@dataclass(frozen=True)
class Panel:
    """How many genes are enough.

    Attributes
    ----------
    n_genes : int
        The size chosen. The genes are the first of `entry_order` of the model fitted to all samples.
    curve : DataFrame
        One row a size: `n_genes`, `metric` (AUC or C-index out of fold), `se`, and `chosen`.
    """

    n_genes: int
    curve: pd.DataFrame


class PanelSearch:
    """Collects what the first genes of each training set's path can do.

    Its `add` is made to be the `each` of a cross-validation, so that no path is walked twice.

    Parameters
    ----------
    y : array, structured array or DataFrame
        Outcome of all samples.
    name : str
        The model whose path is used, among those of `cross_validate_models`.
    sizes : sequence of int
        Numbers of genes to try. Where a path has fewer genes, all of them are used.
    refit : estimator, optional
        Fitted to the first genes; `ResidualRidge` by default.

    Raises
    ------
    InputError
        No size, or one below 1.
    """

    def __init__(self, y: Any, name: str = "model", sizes: Sequence[int] = SIZES, refit: Any = None) -> None:
        self.sizes = sorted({int(size) for size in sizes})
        if not self.sizes or self.sizes[0] < 1:
            raise InputError(f"sizes must be numbers of genes from 1 up, found {list(sizes)}.")
        self.y = y
        self.name = name
        self.refit = ResidualRidge() if refit is None else refit
        self._parts: list[list[pd.DataFrame]] = [[] for _ in self.sizes]

    def add(self, part: TrainingSet, fitted: dict[str, Any]) -> None:
        """Fit the first genes anew, for each size, and score the test samples."""
        order = entry_order(fitted[self.name])
        y_train = take(self.y, part.train)
        for size, parts in zip(self.sizes, self._parts, strict=True):
            genes = order[:size]
            score = np.zeros(part.test.size)
            if genes.size:
                model = clone(self.refit).fit(part.X_train[:, genes], y_train)
                score = score_of(model, part.X_test[:, genes])
            columns = {"row": part.test, "repeat": part.repeat, "fold": part.fold, "score": score}
            parts.append(pd.DataFrame(columns))

    def result(self, random_state: int | np.random.Generator | None = None) -> Panel:
        """Return the curve and the fewest genes within one standard error of its best.

        Parameters
        ----------
        random_state : int, Generator or None
            Draws the bootstrap samples of the C-index, the same for all sizes.
        """
        seed = int(np.random.default_rng(random_state).integers(2**31))
        rows = []
        for size, parts in zip(self.sizes, self._parts, strict=True):
            table = pd.concat(parts).sort_values(["repeat", "row"], ignore_index=True)
            scored = CrossValidation(table, None)
            if is_survival(self.y):
                metric, lower, upper = scored.concordance(self.y, seed, level=_ONE_ERROR)
            else:
                metric, lower, upper = scored.auc(self.y, level=_ONE_ERROR)
            rows.append((size, metric, (upper - lower) / 2))
        curve = pd.DataFrame(rows, columns=["n_genes", "metric", "se"])
        metrics, errors = curve["metric"].to_numpy(), curve["se"].to_numpy()
        best = int(np.argmax(metrics))
        size = self.sizes[int(np.argmax(metrics >= metrics[best] - errors[best]))]
        return Panel(size, curve.assign(chosen=curve["n_genes"] == size))


def minimal_panel(
    model: Any,
    X: np.ndarray | pd.DataFrame,
    y: Any,
    *,
    sizes: Sequence[int] = SIZES,
    refit: Any = None,
    random_state: int | np.random.Generator | None = None,
    **settings: Any,
) -> Panel:
    """Find the fewest genes whose out-of-fold performance is within one standard error of the best.

    In every training set the genes are ranked by when they enter the model's path, and the first few, for
    each size, are fitted anew and scored on the test samples: the one-standard-error rule (Breiman et al.,
    Classification and Regression Trees, 1984), applied to the number of genes. The panel's own performance
    is a little too good, because its size was chosen by it.

    Parameters
    ----------
    model : LassoLogisticCV or LassoCoxCV
        Ranks the genes.
    X, y, random_state, settings
        As for `crossval.cross_validate`.
    sizes, refit
        As for `PanelSearch`.
    """
    X, y = aligned(X=X, y=y)
    rng = np.random.default_rng(random_state)
    search = PanelSearch(y, sizes=sizes, refit=refit)
    cross_validate(model, X, y, random_state=rng, each=search.add, **settings)
    return search.result(rng)


def entry_order(model: Any) -> np.ndarray:
    """Return the columns on the path of a LASSO in the order in which they entered it.

    Those that enter at the same penalty are ordered by the size of their coefficients there, per standard
    deviation.
    """
    active = model.path_coef_ != 0
    entered = np.argmax(active, axis=0)
    first = np.take_along_axis(model.path_coef_, entered[None], axis=0)[0]
    size = np.abs(first) * model.scale_[model.path_genes_]
    return model.path_genes_[np.lexsort((-size, entered))]
