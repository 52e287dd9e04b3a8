"""What LASSO fits that are walked in step have in common: genes, outcome, weights, penalties."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import cache

import numba
import numpy as np
import scipy.linalg  # noqa: F401  (loads the BLAS that numba calls, before it is looked for)
from threadpoolctl import ThreadpoolController

from precisionmed.errors import InputError
from precisionmed.kernels.lasso import Cohort, Fits
from precisionmed.kernels.lasso_losses import (
    BINOMIAL,
    COX_BRESLOW,
    COX_EFRON,
    GAUSSIAN,
    MULTINOMIAL,
    Outcome,
    loss_terms,
)
from precisionmed.kernels.lasso_screen import standardize

Array = np.ndarray
_WORTH_THREADS = 1e7  # values a kernel touches; below, starting threads costs more than it saves


@dataclass
class Problem:
    """Genes, outcome and penalties of fits that are walked in step.

    Parameters
    ----------
    X : (n, p) array
        Complete values, samples in rows.
    family : int
        Of `kernels.lasso_losses`.
    target : (n,) array
        0 or 1 (class, or event), class 0 to k - 1, or the measured value.
    time : (n,) or (n, 2) array or None
        Follow-up of a Cox model, ties exact; a second column has times of entry (left truncation).
    weight : (f, n) array
        Observation weights of each fit; 0 leaves a sample out.
    alpha : float
        Elastic-net mixing.
    penalty_factor : (p,) or (f, p) array, or None
        Relative penalties; 0 is never penalized, infinite never selected. One row for all fits is
        rescaled to a mean of 1, as in glmnet; a row for each fit is taken as it is.
    tolerance : float
        Largest violation of the stationarity conditions, relative to the penalty.
    offset : (n,) or (n, k) array, optional
        Added to the linear predictor(s).
    strata : (n,) array, optional
        Cox: samples of different strata have baseline hazards of their own.
    fit_intercept : bool
        Whether there is an intercept; without one, genes are scaled but not centred. Cox has none to fit.
    """

    X: Array
    family: int
    target: Array
    time: Array | None
    weight: Array
    alpha: float = 1.0
    penalty_factor: Array | None = None
    tolerance: float = 1e-3
    offset: Array | None = None
    strata: Array | None = None
    fit_intercept: bool = True
    order: Array = field(init=False)

    def __post_init__(self) -> None:
        n, p = self.X.shape
        self.X = np.ascontiguousarray(self.X, float)
        self.outcome = self._sorted_outcome(n)
        self.target = self.outcome.target
        self.outputs = int(self.target.max()) + 1 if self.family == MULTINOMIAL else 1
        self.weight = np.ascontiguousarray(self.weight[:, self.order], float)
        self.weight /= self.weight.sum(axis=1, keepdims=True)
        self.cohort_offset = self._offsets(n)
        self.factor = self._factors(p)
        self._check_classes()
        genes, moments = np.empty((p, n), np.float32), np.empty((2, p))
        self.mean, self.scale = np.empty((2, len(self.weight), p))
        self.shift, self.unit = moments
        with self.threads():
            standardize(self.X, self.order, self.weight, genes, self.shift, self.unit, self.mean, self.scale)
        if not self.fit_intercept:
            self.mean[:] = -np.divide(self.shift, self.unit, out=np.zeros(p), where=self.unit > 0)
        self.rows = _rows(self.weight)
        self.cohort = Cohort(self.X, self.order, genes, self.shift, self.unit)
        weight = np.take_along_axis(self.weight, self.rows, axis=1)
        self.fits = Fits(self.rows, weight, self.mean, self.scale, self.factor)

    def with_factors(self, factor: Array) -> Problem:
        """Return the same problem with other penalty factors, (f, p), taken as they are."""
        other = copy(self)
        other.penalty_factor = factor
        other.factor = other._factors(factor.shape[1])
        other.fits = self.fits._replace(factor=other.factor)
        return other

    @contextmanager
    def threads(self, work: int | None = None) -> Iterator[None]:
        """Use several threads if a kernel touches many values (by default all genes for every fit).

        Each thread has a BLAS of its own: the same bits for any number.
        """
        before = numba.get_num_threads()
        numba.set_num_threads(before if (work or self.X.size * len(self.weight)) > _WORTH_THREADS else 1)
        try:
            with _controller().limit(limits=1, user_api="blas"):
                yield
        finally:
            numba.set_num_threads(before)

    def loss(self, eta: Array, weight: Array) -> float:
        """Return the loss at a linear predictor, (k, n) or (n,), for weights (n,), all in `order`."""
        spare = np.empty((2, weight.size))
        return loss_terms(self.family, np.atleast_2d(eta), 0, self.outcome, weight, spare[0], spare[1])

    @property
    def spread(self) -> float:
        """Return the standard deviation of a measured outcome, which gradients are in units of; else 1."""
        if self.family != GAUSSIAN:
            return 1.0
        rest = self.target - self.cohort_offset[0]
        weight = self.weight[0]
        centre = weight @ rest if self.fit_intercept else 0.0
        return float(np.sqrt(weight @ (rest - centre) ** 2)) or 1.0

    def informative(self, fit: int) -> int:
        """Return how many samples (Cox: events) a fit has."""
        counted = self.target > 0 if self.family in (COX_BRESLOW, COX_EFRON) else True
        return int(np.sum((self.weight[fit] > 0) & counted))

    def _sorted_outcome(self, n: int) -> Outcome:
        zeros, nobody = np.zeros(n, np.int64), np.empty(0, np.int64)
        if self.time is None:
            self.order = np.arange(n)
            return Outcome(np.ascontiguousarray(self.target, float), zeros, zeros, nobody)
        stratum = zeros if self.strata is None else np.unique(self.strata, return_inverse=True)[1]
        span = self.time.reshape(n, -1)
        self.order = np.lexsort((span[:, 0], stratum))
        span, stratum = span[self.order], stratum[self.order]
        new = (np.diff(span[:, 0]) != 0) | (np.diff(stratum) != 0)
        group = np.append(0, np.cumsum(new))
        entry = nobody if span.shape[1] == 1 else _entry_groups(span, group, stratum)
        return Outcome(np.ascontiguousarray(self.target[self.order], float), group, stratum, entry)

    def _offsets(self, n: int) -> Array:
        if self.offset is None:
            return np.zeros((self.outputs, n))
        offset = np.asarray(self.offset, float)
        offset = offset[:, None] if offset.ndim == 1 else offset
        if offset.shape != (n, self.outputs) or not np.isfinite(offset).all():
            raise InputError(f"offset needs {n} x {self.outputs} numbers, one a sample and predictor.")
        return np.ascontiguousarray(offset[self.order].T)

    def _factors(self, p: int) -> Array:
        """Return penalty factors, (1, p) or (f, p)."""
        given = np.ones(p) if self.penalty_factor is None else np.array(self.penalty_factor, float)
        factor = np.atleast_2d(given)
        rows_fit = given.ndim == 1 or len(factor) == len(self.weight)
        if factor.shape[1:] != (p,) or not rows_fit or not (factor >= 0).all():
            raise InputError(f"penalty_factor needs {p} values from 0 up.")
        finite = np.isfinite(factor)
        if given.ndim == 1:
            if not factor[finite].any():
                raise InputError(f"penalty_factor needs {p} values from 0 up, not all of them 0.")
            factor[finite] *= finite.sum() / factor[finite].sum()
        return np.ascontiguousarray(factor)

    def _check_classes(self) -> None:
        if self.family in (COX_BRESLOW, COX_EFRON):
            if not (self.weight @ self.target > 0).all():
                raise InputError("a training set has no event; use fewer folds.")
        elif self.family in (BINOMIAL, MULTINOMIAL):
            classes = np.arange(2 if self.family == BINOMIAL else self.outputs)
            if not (self.weight @ (self.target[:, None] == classes) > 0).all():
                raise InputError("a training set has no sample of one of the classes; use fewer folds.")


def _entry_groups(span: Array, group: Array, stratum: Array) -> Array:
    """Return the last group, of the same stratum, at or before each time of entry, (n,); -1 without one."""
    entry = np.full(group.size, -1, np.int64)
    for s in np.unique(stratum):
        rows = np.flatnonzero(stratum == s)
        before = np.searchsorted(span[rows, 0], span[rows, 1], side="right")
        entry[rows] = np.where(before > 0, group[rows][np.maximum(before - 1, 0)], -1)
    return entry


def _rows(weight: Array) -> Array:
    """Return, for each fit, as many rows as the largest has samples: all its own, filled up with others."""
    size = int(np.count_nonzero(weight, axis=1).max())
    left_out = np.argsort(weight == 0, axis=1, kind="stable")[:, :size]
    return np.sort(left_out, axis=1)


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
