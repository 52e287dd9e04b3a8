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
from itertools import count
from typing import NamedTuple

import numpy as np

from precisionmed.estimators._lasso_problem import Array, Problem
from precisionmed.kernels.lasso import SINGLE, Course, State, solve
from precisionmed.kernels.lasso_losses import BINOMIAL, GAUSSIAN, MULTINOMIAL, saturated_loss
from precisionmed.kernels.lasso_screen import admit_missed, gradients, propose

__all__ = ["Problem", "Step", "Walk"]
_ROOM, _FREE_ROOM = 32, 2**28  # genes a fit can hold at first: at least; in bytes, for all fits
_LANES = 16
_NULL_TOLERANCE = 1e-9


class Step(NamedTuple):
    """The solutions of all fits at one penalty; arrays are views that the next step overwrites.

    With several outputs (multinomial) coefficients are (f, k, p), intercepts (f, k), predictors (f, k, n).

    Attributes
    ----------
    lambda_ : float
    beta : (f, p) array
        Coefficients of genes standardized by each fit.
    deviance_ratio : (f,) array
        Fraction of the null deviance explained.
    stopped : (f,) array
        Fits that stopped earlier and stay as they were then.
    walk : Walk
    """

    lambda_: float
    beta: Array
    deviance_ratio: Array
    stopped: Array
    walk: Walk

    @property
    def eta(self) -> Array:
        """Linear predictors, with offset, of all samples in the problem's order, (f, n)."""
        return self.walk.single(self.walk.linear_predictor())

    def original_scale(self, fit: int = 0) -> tuple[Array, Array]:
        """Return one fit's coefficients per unit of the input, (k, p), and its intercepts, (k,)."""
        problem = self.walk.problem
        beta = self.walk.beta[fit]
        coef = np.zeros(beta.shape)
        on = np.flatnonzero(beta.any(axis=0))
        coef[:, on] = beta[:, on] / (problem.unit[on] * problem.scale[fit, on])
        shift = coef[:, on] @ problem.shift[on] if problem.fit_intercept else 0.0
        return coef, self.walk.state.intercept[fit] - shift


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
        # Classes are solved in turn, which ends right at the tolerance; the others step far below it.
        self.inner = 0.2 if problem.family == MULTINOMIAL else 1.0
        self.may_stop = until is None and lambdas is None
        fits, p = problem.scale.shape
        self.stopped = np.zeros(fits, bool)
        self.beta = np.zeros((fits, problem.outputs, p))
        self.gradient, self.earlier = np.zeros((2, fits, problem.outputs, p))
        self.candidate = np.zeros((fits, p), bool)
        self.saturated = np.array(
            [saturated_loss(problem.family, problem.outcome, w) for w in problem.weight]
        )
        self.state = self._null_state()
        spread = problem.spread
        self._solve(0.0, _NULL_TOLERANCE * spread, ~self.stopped)
        self.null = self.state.loss.copy()
        self.candidate[:] = (problem.factor == 0) & (problem.scale > 0)
        self._solve(0.0, 0.1 * problem.tolerance * spread, ~self.stopped)
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
            self._advance(lambda_, before, self._ahead(k))
            before[:] = lambda_
            ratio = self._deviance_ratio()
            yield Step(lambda_, self.single(self.beta), ratio, self.stopped.copy(), self)
            reasons = [self._reason_to_stop(f, k, ratio[f], ratio_before[f]) for f in range(ratio.size)]
            self.stopped |= np.array([reason is not None for reason in reasons])
            ratio_before = ratio
            if reasons[0] is not None:
                self.why_stopped = reasons[0]
                return

    def single(self, values: Array) -> Array:
        """Return an array, (f, k, ...), without its outputs when there is only one."""
        return values[:, 0] if self.problem.outputs == 1 else values

    def linear_predictor(self) -> Array:
        """Return the linear predictors of all samples, (f, k, n)."""
        problem, state = self.problem, self.state
        n = problem.order.size
        if problem.rows.shape[1] == n:
            return state.eta
        eta = np.empty((*state.intercept.shape, n))
        for f in range(len(eta)):
            genes = state.active[f, : state.count[f]]
            values = problem.X[np.ix_(problem.order, genes)] - problem.shift[genes] * problem.fit_intercept
            values /= problem.unit[genes] * problem.scale[f, genes]
            eta[f] = problem.cohort_offset + state.intercept[f][:, None]
            for a in range(genes.size):
                eta[f] += state.coef[f, :, a, None] * values[:, a]
        return eta

    def _ahead(self, k: int) -> float:
        """Return the distance to a penalty relative to that between the two before it."""
        if k < 2 or self.lambdas[k - 2] <= self.lambdas[k - 1]:
            return 0.0
        ratio = (self.lambdas[k - 1] - self.lambdas[k]) / (self.lambdas[k - 2] - self.lambdas[k - 1])
        return float(np.clip(ratio, 0.0, 1.0))

    def _advance(self, lambda_: float, before: Array, ahead: float) -> None:
        """Solve the running fits at one penalty, coming from the solutions at the one before."""
        problem = self.problem
        wanted = ~self.stopped
        penalty = lambda_ * problem.alpha
        with problem.threads(self.gradient.size):
            propose(
                self.gradient,
                problem.factor,
                problem.scale,
                penalty * (2 - before / lambda_),
                self.candidate,
            )
        for attempt in count():
            self._solve(
                lambda_, self.inner * problem.tolerance * lambda_, wanted, ahead if attempt == 0 else 0.0
            )
            if attempt == 0:
                self.earlier[:] = self.gradient
            self._gradients(wanted)
            blur = SINGLE * np.sqrt(
                problem.order.size * np.max(np.sum(self.state.residual**2, axis=2), axis=1)
            )
            with problem.threads(self.gradient.size):
                admit_missed(
                    self.gradient,
                    problem.factor,
                    problem.scale,
                    penalty,
                    problem.tolerance * lambda_,
                    blur,
                    wanted,
                    self.candidate,
                )
            if not wanted.any():
                return

    def _solve(self, lambda_: float, tolerance: float, wanted: Array, ahead: float = 0.0) -> None:
        problem = self.problem
        course = Course(self.gradient, self.earlier, ahead)
        todo = wanted.copy()
        while todo.any():
            with problem.threads():
                solve(
                    problem.family,
                    problem.fit_intercept,
                    problem.outcome,
                    problem.cohort,
                    problem.fits,
                    self.state,
                    course,
                    self.candidate,
                    lambda_ * problem.alpha,
                    lambda_ * (1 - problem.alpha),
                    tolerance,
                    todo,
                )
            if todo.any():
                self.state = _grown(self.state)
        for f in np.flatnonzero(wanted):
            genes = self.state.active[f, : self.state.count[f]]
            self.beta[f][:, genes] = self.state.coef[f, :, : genes.size]

    def _gradients(self, wanted: Array) -> None:
        problem = self.problem
        fits = np.flatnonzero(wanted)
        rows = (fits[:, None] * problem.outputs + np.arange(problem.outputs)).ravel()
        # A product with a whole number of vectors is faster, even if some of them are zero.
        height = rows.size if rows.size < _LANES // 2 else -(-rows.size // _LANES) * _LANES
        residual = np.zeros((height, problem.order.size), np.float32)
        for at, row in enumerate(rows):
            f, output = divmod(row, problem.outputs)
            residual[at, problem.rows[f]] = self.state.residual[f, output]
        with problem.threads():
            gradients(
                problem.cohort.genes,
                residual,
                rows,
                problem.mean,
                problem.scale,
                self.gradient.reshape(-1, self.gradient.shape[2]),
            )

    def _largest_penalties(self) -> Array:
        """Return, for each fit, the smallest penalty that selects nothing."""
        problem = self.problem
        steepest = np.zeros(len(self.gradient))
        rounding = 1e-6 * problem.spread
        for f in range(steepest.size):
            factor = problem.factor[f % len(problem.factor)]
            penalized = (factor > 0) & np.isfinite(factor)
            slope = np.abs(self.gradient[f][:, penalized])
            if slope.max(initial=0.0) > rounding:
                steepest[f] = np.max(slope / factor[penalized])
        # Where nothing can be selected (constant genes, one class) any grid will do.
        return np.where(steepest > 0, steepest, problem.spread) / max(problem.alpha, 1e-3)

    def _null_state(self) -> State:
        """Return fits without genes."""
        problem = self.problem
        fits, m, k = len(problem.rows), problem.rows.shape[1], problem.outputs
        start = np.zeros((fits, k))
        if problem.fit_intercept and problem.family == BINOMIAL:
            share = problem.weight @ problem.target
            start[:, 0] = np.log(share / (1 - share))
        elif problem.fit_intercept and problem.family == GAUSSIAN:
            start[:, 0] = problem.weight @ problem.target
        elif problem.fit_intercept and problem.family == MULTINOMIAL:
            start = np.log(problem.weight @ (problem.target[:, None] == np.arange(k)))
        room = max(_ROOM, min(m, _FREE_ROOM // (12 * fits * m)))  # takes memory only when it is used
        eta = start[:, :, None] + problem.cohort_offset[:, problem.rows].swapaxes(0, 1)
        return State(
            active=np.zeros((fits, room), np.int64),
            count=np.zeros(fits, np.int64),
            columns=np.zeros((fits, room, m)),
            single=np.zeros((fits, room, m), np.float32),
            coef=np.zeros((fits, k, room)),
            intercept=start,
            eta=np.ascontiguousarray(eta),
            residual=np.zeros((fits, k, m)),
            loss=np.zeros(fits),
            gram=np.zeros((fits, k, room, room), np.float32),
            centre=np.zeros((fits, k, room)),
            built=np.zeros((fits, k), np.int64),
            curvature=np.zeros((fits, k, m)),
        )

    def _deviance_ratio(self) -> Array:
        room = self.null - self.saturated
        return np.where(room > 0, (self.null - self.state.loss) / np.where(room > 0, room, 1.0), 0.0)

    def _reason_to_stop(self, fit: int, k: int, ratio: float, before: float) -> str | None:
        if not self.may_stop:
            return None
        if ratio > 0.999:
            return "deviance explained"
        if k >= 4 and ratio - before < 1e-5 * ratio:
            return "no more gain"
        if np.count_nonzero(self.beta[fit].any(axis=0)) >= self.problem.informative(fit):
            return "saturated"
        return None


def _grown(state: State) -> State:
    """Return the state with room for twice as many genes."""

    def grow(values: Array, *axes: int) -> Array:
        shape = [size * (2 if axis in axes else 1) for axis, size in enumerate(values.shape)]
        grown = np.zeros(shape, values.dtype)  # takes memory only when it is used
        grown[tuple(slice(size) for size in values.shape)] = values
        return grown

    return state._replace(
        active=grow(state.active, 1),
        columns=grow(state.columns, 1),
        single=grow(state.single, 1),
        coef=grow(state.coef, 2),
        gram=grow(state.gram, 2, 3),
        centre=grow(state.centre, 2),
    )
