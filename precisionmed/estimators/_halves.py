"""Complementary halves of a cohort, and the genes that enter the path of each half first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_regressor

from precisionmed.errors import InputError
from precisionmed.estimators._lasso_path import Problem, Walk
from precisionmed.estimators.crossval import make_folds

Progress = Callable[[int, int], None] | None
"""Called with (done, total)."""

_STEP = 0.95  # from one penalty to the next
_LOWEST = 1e-3  # of the largest penalty: who has not enough genes by then does not get them
_EXPLAINED = 0.999  # of the deviance: what enters later only follows rounding


def deal_halves(
    strata: ArrayLike, n_pairs: int, rng: np.random.Generator, groups: ArrayLike | None = None
) -> np.ndarray:
    """Split the samples `n_pairs` times into two halves, evenly within strata, groups as a whole.

    Returns
    -------
    (2 n_pairs, n) bool array
        Rows 2k and 2k + 1 complement each other.

    Raises
    ------
    InputError
        `n_pairs` is not a whole number from 1 up, or there is one sample (group) only.
    """
    if n_pairs < 1 or n_pairs != int(n_pairs):
        raise InputError(f"n_pairs must be a whole number from 1 up, found {n_pairs}.")
    first = np.array([make_folds(strata, 2, rng, groups=groups) == 0 for _ in range(n_pairs)])
    return np.stack([first, ~first], axis=1).reshape(2 * n_pairs, -1)


def first_genes(problem: Problem, q: int, progress: Progress = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the first `q` genes on the path of every fit, in order of entry, and the penalties walked.

    Genes that enter between the same two penalties are ordered by the size of their standardized
    coefficients: what entered earlier has grown further.

    Parameters
    ----------
    problem : Problem
        Genes without a penalty are on the path from the start and not counted.
    q : int
    progress : callable, optional
        Called after each penalty with (genes chosen in all fits, those wanted); in the end they are equal.

    Returns
    -------
    genes : (f, q) int array
        Columns; -1 where a path explains the outcome, or ends, with fewer genes.
    lambdas : (k,) array
        The common grid, from the largest penalty at which a gene enters anywhere.
    """
    fits, p = problem.scale.shape
    walk = Walk(problem, lambdas=np.ones(1))
    steps = int(np.ceil(np.log(_LOWEST) / np.log(_STEP)))
    walk.lambdas = float(walk.largest.max()) * _STEP ** np.arange(steps + 1)
    genes = np.full((fits, q), -1)
    filled = np.zeros(fits, int)
    waiting = np.broadcast_to(problem.factor > 0, (fits, p)).copy()
    walked = 0
    for step in walk:
        size = np.abs(step.beta).reshape(fits, -1, p).max(axis=1)
        for f in np.flatnonzero(~step.stopped):
            entered = np.flatnonzero((size[f] > 0) & waiting[f])
            entered = entered[np.argsort(-size[f, entered], kind="stable")][: q - filled[f]]
            genes[f, filled[f] : filled[f] + entered.size] = entered
            filled[f] += entered.size
            waiting[f, entered] = False
        walked += 1
        walk.stopped |= (filled == q) | (step.deviance_ratio > _EXPLAINED)
        done = bool(walk.stopped.all()) or walked == walk.lambdas.size
        if progress is not None:
            progress(fits * q if done else int(filled.sum()), fits * q)
        if done:
            break
    return genes, walk.lambdas[:walked]


def entry_frequency(genes: np.ndarray, p: int) -> np.ndarray:
    """Return the fraction of halves with a gene among the first 1, ..., q: (q, p)."""
    half, place = np.nonzero(genes >= 0)
    counts = np.zeros((genes.shape[1], p))
    np.add.at(counts, (place, genes[half, place]), 1.0)
    return np.cumsum(counts, axis=0) / genes.shape[0]


def strata_of(model: Any, outcome: tuple[np.ndarray, np.ndarray | None]) -> tuple[np.ndarray, int]:
    """Return what halves are balanced by (class, event, or nothing for a measured outcome), and its rarest.

    Returns
    -------
    strata : (n,) array
    rarest : int
        Events, samples of the rarest class, or all samples.

    Raises
    ------
    InputError
        A half would have fewer than 2 samples of a class, or 2 events.
    """
    label, time = outcome
    if is_regressor(model):
        return np.zeros(label.size, int), label.size
    counts = np.unique(label, return_counts=True)[1]
    rarest = int(counts.min() if time is None else label.sum())
    if rarest < 4:
        raise InputError(f"halves need 2 samples of each class (2 events) each; found {rarest} in all.")
    return label, rarest


def penalties(model: Any, p: int) -> np.ndarray:
    """Return the penalty factors of a model as they were given, (p,)."""
    return np.ones(p) if model.penalty_factor is None else np.asarray(model.penalty_factor, float)
