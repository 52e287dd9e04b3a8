"""Walk many LASSO fits down one grid of penalties in step.

The fits share the genes and differ in their observation weights: in a cross-validation one weight
vector for all samples and one for each training set. At each penalty the sequential strong rule
(Tibshirani et al. 2012, JRSS B 74:245) proposes candidate genes, the fits are solved on these, and one
product of all genes with all residuals finds those the rule missed, which are let in and solved again.
The same product is what the strong rule needs at the next penalty. The problem solved is that of glmnet
(Friedman et al. 2010, J Stat Softw 33:1; Simon et al. 2011, J Stat Softw 39:5).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numba
import numpy as np

from precisionmed.errors import InputError
from precisionmed.kernels.lasso import gradients, moments, solve
from precisionmed.kernels.lasso_losses import BINOMIAL, loss_terms, saturated_loss

Array = np.ndarray
_WORTH_THREADS = 2e7  # values a kernel touches; below, starting threads costs more than it saves


@dataclass
class Problem:
    """Genes, outcome and penalties of fits that are walked in step.

    Parameters
    ----------
    X : (n, p) array
        Complete values, samples in rows.
    family : int
        Of `kernels.lasso_losses`.
    target : (n,) array of 0 and 1
        Class, or event.
    time : (n,) array or None
        Follow-up of a Cox model.
    weight : (f, n) array
        Observation weights of each fit; 0 leaves a sample out.
    alpha : float
        Elastic-net mixing.
    penalty_factor : (p,) array or None
        Relative penalties, rescaled to a mean of 1; 0 is never penalized, infinite never selected.
    tolerance : float
        Largest violation of the stationarity conditions, relative to the penalty.
    """

    X: Array
    family: int
    target: Array
    time: Array | None
    weight: Array
    alpha: float = 1.0
    penalty_factor: Array | None = None
    tolerance: float = 1e-3
    order: Array = field(init=False)

    def __post_init__(self) -> None:
        n, p = self.X.shape
        self.order = np.arange(n) if self.time is None else np.argsort(self.time, kind="stable")
        sorted_time = np.zeros(n) if self.time is None else self.time[self.order]
        self.block = np.append(np.flatnonzero(np.append(True, np.diff(sorted_time) > 0)), n)
        self.target = np.ascontiguousarray(self.target[self.order], float)
        self.weight = np.ascontiguousarray(self.weight[:, self.order], float)
        self.weight /= self.weight.sum(axis=1, keepdims=True)
        # Shift and scale of the cohort keep sums over samples accurate; each fit adds its own.
        self.genes = np.ascontiguousarray(self.X.T[:, self.order], float)
        self.shift = self.genes.mean(axis=1)
        self.genes -= self.shift[:, None]
        self.unit = self.genes.std(axis=1)
        rounding = 1e-10 * (1.0 + np.abs(self.shift))
        self.unit[self.unit <= rounding] = 0.0
        self.genes /= np.where(self.unit > 0, self.unit, np.inf)[:, None]
        self.mean, self.scale = np.empty((2, self.weight.shape[0], p))
        with self.threads():
            moments(self.genes, self.weight, self.mean, self.scale)
        self.scale[self.scale < 1e-7] = 0.0
        self.factor = self._factors(p)

    @contextmanager
    def threads(self) -> Iterator[None]:
        """Use several threads where they pay."""
        before = numba.get_num_threads()
        numba.set_num_threads(before if self.genes.size * len(self.weight) > _WORTH_THREADS else 1)
        try:
            yield
        finally:
            numba.set_num_threads(before)

    def _factors(self, p: int) -> Array:
        factor = np.ones(p) if self.penalty_factor is None else np.array(self.penalty_factor, float)
        if factor.shape != (p,) or not (factor >= 0).all() or not factor[np.isfinite(factor)].any():
            raise InputError(f"penalty_factor needs {p} values from 0 up, not all of them 0.")
        finite = np.isfinite(factor)
        factor[finite] *= finite.sum() / factor[finite].sum()
        return factor


@dataclass
class Step:
    """The solutions of all fits at one penalty; arrays are views that the next step overwrites.

    Attributes
    ----------
    lambda_ : float
    beta : (f, p) array
        Coefficients of genes standardized by each fit.
    eta : (f, n) array
        Linear predictors of all samples, in the problem's order.
    deviance_ratio : (f,) array
        Fraction of the null deviance explained.
    stopped : (f,) array
        Fits that stopped earlier and stay as they were then.
    """

    lambda_: float
    beta: Array
    eta: Array
    deviance_ratio: Array
    stopped: Array


class Walk:
    """The state of all fits; iterating yields one `Step` a penalty until the first fit stops.

    Parameters
    ----------
    problem : Problem
    n_lambda : int
        Penalties in the grid, geometric from the smallest that selects nothing in the first fit.
    min_ratio : float or None
        Smallest over largest penalty; 0.01 when there are fewer samples than genes, else 0.0001.
    lambdas : array, optional
        The grid itself, decreasing; walked to its end, whatever happens on the way.
    until : float, optional
        Walk down to this penalty, likewise.

    Attributes
    ----------
    lambdas : array
        The grid.
    why_stopped : str
        Why the first fit's path ended.
    """

    def __init__(
        self,
        problem: Problem,
        n_lambda: int = 100,
        min_ratio: float | None = None,
        lambdas: Array | None = None,
        until: float | None = None,
    ) -> None:
        self.problem = problem
        self.may_stop = until is None and lambdas is None
        fits, n = problem.weight.shape
        p = problem.genes.shape[0]
        self.beta, self.gradient = np.zeros((2, fits, p))
        self.eta, self.residual = np.zeros((2, fits, n))
        self.loss = np.zeros(fits)
        self.stopped = np.zeros(fits, bool)
        self.saturated = np.array(
            [saturated_loss(problem.family, problem.target, w, problem.block) for w in problem.weight]
        )
        self.null = np.array([self._null_loss(f) for f in range(fits)])
        self._solve(0.0, (problem.factor == 0) & (problem.scale > 0), ~self.stopped)
        self._gradients(~self.stopped)
        self.largest = self._largest_penalties()
        ratio = min_ratio or (1e-2 if np.sum(problem.weight[0] > 0) < p else 1e-4)
        if until is not None:
            n_lambda = 1 + max(0, int(np.ceil(20 * np.log(self.largest[0] / until))))  # 5 % a step
            lambdas = np.geomspace(max(self.largest[0], until), until, n_lambda)
        elif lambdas is None:
            lambdas = self.largest[0] * np.geomspace(1.0, ratio, n_lambda)
        self.lambdas = np.asarray(lambdas, float)
        self.why_stopped = "end of the grid"

    def __iter__(self) -> Iterator[Step]:
        before = np.maximum(self.largest, self.lambdas[0])
        ratio_before = self._deviance_ratio()
        for k, lambda_ in enumerate(self.lambdas):
            self._advance(lambda_, before)
            before[:] = lambda_
            ratio = self._deviance_ratio()
            yield Step(lambda_, self.beta, self.eta, ratio, self.stopped.copy())
            reasons = [self._reason_to_stop(f, k, ratio[f], ratio_before[f]) for f in range(ratio.size)]
            self.stopped |= np.array([reason is not None for reason in reasons])
            ratio_before = ratio
            if reasons[0] is not None:
                self.why_stopped = reasons[0]
                return

    def _advance(self, lambda_: float, before: Array) -> None:
        """Solve the running fits at one penalty, coming from the solutions at the one before."""
        problem = self.problem
        wanted = ~self.stopped
        penalty = lambda_ * problem.alpha * problem.factor
        strong = np.abs(self.gradient) >= penalty * (2 - before / lambda_)[:, None]
        candidate = (strong | (self.beta != 0) | (problem.factor == 0)) & (problem.scale > 0)
        candidate &= np.isfinite(problem.factor)
        while wanted.any():
            self._solve(lambda_, candidate, wanted)
            self._gradients(wanted)
            missed = ~candidate & (np.abs(self.gradient) > penalty + problem.tolerance * lambda_)
            missed &= wanted[:, None]
            candidate |= missed
            wanted = missed.any(axis=1)

    def _solve(self, lambda_: float, candidate: Array, wanted: Array) -> None:
        problem = self.problem
        factor = np.where(np.isfinite(problem.factor), problem.factor, 0.0)
        with problem.threads():
            solve(
                problem.genes,
                problem.family,
                problem.target,
                problem.block,
                problem.weight,
                problem.scale,
                wanted,
                candidate,
                lambda_ * problem.alpha * factor,
                lambda_ * (1 - problem.alpha) * factor,
                problem.tolerance * (lambda_ or 0.1),
                self.beta,
                self.eta,
                self.residual,
                self.loss,
            )

    def _gradients(self, wanted: Array) -> None:
        problem = self.problem
        with problem.threads():
            gradients(problem.genes, self.residual, problem.mean, problem.scale, wanted, self.gradient)

    def _largest_penalties(self) -> Array:
        """Return, for each fit, the smallest penalty that selects nothing."""
        factor = self.problem.factor
        penalized = (factor > 0) & np.isfinite(factor)
        steepest = np.max(np.abs(self.gradient[:, penalized]) / factor[penalized], axis=1)
        # Where nothing can be selected (constant genes, one class) any grid will do.
        return np.where(steepest > 1e-12, steepest, 1.0) / max(self.problem.alpha, 1e-3)

    def _null_loss(self, fit: int) -> float:
        """Set a fit to its null model (the intercept, or no risk at all) and return its loss."""
        problem = self.problem
        if problem.family == BINOMIAL:
            share = float(problem.weight[fit] @ problem.target)
            if not 0 < share < 1:
                raise InputError("a training set has samples of one class only; use fewer folds.")
            self.eta[fit] = np.log(share / (1 - share))
        elif not (problem.weight[fit] @ problem.target) > 0:
            raise InputError("a training set has no event; use fewer folds.")
        curvature = np.empty_like(self.eta[fit])
        return loss_terms(
            problem.family,
            self.eta[fit],
            problem.target,
            problem.weight[fit],
            problem.block,
            self.residual[fit],
            curvature,
        )

    def _deviance_ratio(self) -> Array:
        room = self.null - self.saturated
        return np.where(room > 0, (self.null - self.loss) / np.where(room > 0, room, 1.0), 0.0)

    def _reason_to_stop(self, fit: int, k: int, ratio: float, before: float) -> str | None:
        problem = self.problem
        if not self.may_stop:
            return None
        informative = (problem.weight[fit] > 0) & ((problem.family == BINOMIAL) | (problem.target > 0))
        if ratio > 0.999:
            return "deviance explained"
        if k >= 4 and ratio - before < 1e-5 * ratio:
            return "no more gain"
        if np.count_nonzero(self.beta[fit]) >= informative.sum():
            return "saturated"
        return None
